import type { EndCode, EndReason } from "../../../src/contracts/ending.ts";
import { toReasonLine } from "../../../src/contracts/ending.ts";
import type { Return } from "../../../src/contracts/packet.ts";
import type { Command, Decision, Facts } from "../commands.ts";
import type { TaskSnapshot } from "../state.ts";
import { toReplayEnd } from "./replay.ts";

/** What a delegating task, or the playbook that was run, must learn of this end, in the same commit. */
export function withReturn(
  snapshot: TaskSnapshot,
  decision: Decision,
  result: Return,
  proof: "verified" | "said" = "said",
): Decision {
  if (decision.kind !== "accepted") return decision;
  const end = { isDone: result.outcome === "completed", isVerified: proof === "verified", data: result.data };
  const also = [toParentReturn(snapshot, result), toReplayEnd(snapshot, end)].filter(
    (command) => command !== undefined,
  );
  return also.length === 0 ? decision : { ...decision, also };
}

function toParentReturn({ context }: TaskSnapshot, result: Return): Command | undefined {
  const { id, parentId, delegationId } = context;
  if (parentId === null || delegationId === null) return undefined;
  return { name: "delegation.return", taskId: parentId, childId: id, delegationId, return: result };
}

export function toReturn(outcome: Return["outcome"], summary: string): Return {
  return { outcome, summary, checks: [], files: [], artifacts: [], evidence: [] };
}

/** Why a task ends without success: as its event says it, and as a reason for the task that delegated it. */
export function toEnding(code: EndCode, text: string, { by, at, lastError }: Facts) {
  const message = toReasonLine(text);
  const texts = { message, lastError: lastError === undefined ? undefined : toReasonLine(lastError) };
  return { code, texts, reason: { code, by, at, ...texts } satisfies EndReason };
}
