import type { AgentId } from "../contracts/ids.ts";

/** Who asks a query. */
export interface Caller {
  readonly by: AgentId;
  /** The id of its message. */
  readonly callId: string;
  /** Whether the answer is still waited for, as far as this side knows. */
  isWanted(): boolean;
}
