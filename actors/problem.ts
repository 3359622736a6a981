import type { TaskId } from "../src/contracts/ids.ts";

/** What is wrong, in which table and under which key, and what puts it right. */
export interface Problem {
  what: string;
  mend: "rebuild" | "backup" | "restart";
  table?: string | undefined;
  key?: string | undefined;
  seq?: number | undefined;
  taskId?: TaskId | undefined;
}
