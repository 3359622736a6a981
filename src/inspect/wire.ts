// What viewers and nodes send each other over a transport. A node is one process' connection, and shows the live actors of its process.

import { z } from "zod";
import { limits } from "../contracts/limits.ts";

/** How often a viewer says that it is there. */
export const helloEveryMs = 5_000;
/** How long a node believes it: two of three may be lost. */
export const helloLastsMs = 12_000;
/** Messages that one batch holds. */
export const batchMessages = 50;
/** Characters of them, past which a batch takes no further one. */
export const batchChars = 128 * 1024;
/** Characters of one message: its definition is the largest part. */
const messageChars = 1024 * 1024;

/** What a viewer says again and again. Under a new name it is told everything from the start. */
export const Hello = z.strictObject({ viewer: z.string().min(1).max(limits.idChars) });

/** What a node tells its viewers, in order. */
export const Batch = z.strictObject({
  /** Who the node's process is; the subject says the same, and permissions bind that. */
  agent: z.string().min(1).max(limits.idChars),
  /** Which of its processes. */
  instance: z.string().regex(/^[0-9a-z]{6}$/),
  /** Each an `InspectionMessage` as JSON. */
  messages: z.array(z.string().max(messageChars)).max(batchMessages),
});
export type Batch = z.infer<typeof Batch>;

/** The node of a process, which no other has: an agent's part ends at the last dash. */
export function toNode({ agent, instance }: Pick<Batch, "agent" | "instance">): string {
  return `${agent}-${instance}`;
}
