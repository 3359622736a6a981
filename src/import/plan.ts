// Plan
//
// Which parts of a history are still to be taken over, given how far it was before. Owns: what happens after an import that was broken off,
// and after a history that was rewritten.
//
// Invariants:
//   P1. An import that was broken off is brought to its end first, in its own order, and goes on from there: no commit is taken over twice.
//   P2. A rewritten history goes on where both meet. What was taken over of the part that is gone stays: the work was done.

import { AionisError } from "../contracts/failures.ts";
import { fromCursorText, type GitCursor } from "./cursor.ts";
import { type GitPorts, systemGit } from "./git-process.ts";
import { type GitRange, orderArgs, surveyGitHistory } from "./history.ts";
import { openRepository } from "./repository.ts";

/** A range with a fixed end, as one run of `readGitHistory` reads it. */
export type GitPart = GitRange & { head: string };

/** What is to be read, in this order. */
export interface GitPlan {
  /** Empty when everything up to `head` was taken over before. */
  parts: GitPart[];
  /** How many commits they hold. */
  commits: number;
}

/** A history, and how much of it is asked for. `since` and `max` are as in `GitRange`. */
export type GitWish = Omit<GitPart, "after">;

/**
 * Plans what is left of the history up to `wish.head`.
 * @param cursor how far it was taken over, as `toCursorText` wrote it.
 * @throws AionisError as `surveyGitHistory`, and `INPUT_INVALID` with the reason `rewritten` when nothing is left of what was taken over, unless `since` says where to begin.
 */
export async function planGitImport(
  wish: GitWish,
  cursor: string | undefined,
  ports: GitPorts = systemGit,
): Promise<GitPlan> {
  if (cursor === undefined) return await toPlan(wish, [wish], ports);
  const { head, underWay } = fromCursorText(cursor);
  const survey = await surveyGitHistory({ ...wish, after: head }, ports);
  if (survey.state === "rewritten") return await planRewritten(wish, { head, underWay }, ports);
  const rest = head === wish.head ? [] : [{ ...wish, after: head }];
  if (underWay === undefined) return await toPlan(wish, rest, ports);
  const { after, last } = underWay;
  const left = await countAfter(wish, { after, head, last }, ports);
  const begun: GitPart = { ...wish, after, head, max: left };
  return await toPlan(wish, left === 0 && rest.length > 0 ? rest : [begun, ...rest], ports);
}

/** P2. Of an import that was broken off, only what it had come to was taken over. */
async function planRewritten(wish: GitWish, { head, underWay }: GitCursor, ports: GitPorts): Promise<GitPlan> {
  const known = underWay?.last ?? head;
  const survey = await surveyGitHistory({ ...wish, after: known }, ports);
  const after = survey.state === "ready" ? known : survey.mergeBase;
  if (after !== undefined) return await toPlan(wish, [{ ...wish, after }], ports);
  if (wish.since !== undefined) return await toPlan(wish, [wish], ports);
  const detail = `This clone does not have the commit ${known}, up to which its history was taken over. Fetch it, or say with \`since\` from which date on to read.`;
  throw new AionisError("INPUT_INVALID", detail, { facts: { reason: "rewritten", head: wish.head, known } });
}

/** How many commits come after `last` on the way to `head`, in the order of reading. */
async function countAfter(
  wish: GitWish,
  { after, head, last }: { after: string | undefined; head: string; last: string },
  ports: GitPorts,
): Promise<number> {
  const repository = await openRepository(wish, ports);
  let newer = 0;
  let rest = "";
  for await (const chunk of repository.stream(["rev-list", ...orderArgs({ head, after })])) {
    const lines = (rest + chunk.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    const found = lines.indexOf(last);
    if (found !== -1) return newer + found; // leaving the loop ends git
    newer += lines.length;
  }
  return newer; // it is in none of them, so that nothing of this way was taken over
}

/** Of several parts, the newest commits count first for `max`. */
async function toPlan(wish: GitWish, parts: readonly GitPart[], ports: GitPorts): Promise<GitPlan> {
  const plan: GitPlan = { parts: [], commits: 0 };
  for (const part of parts.toReversed()) {
    const left = wish.max === undefined ? undefined : Math.max(wish.max - plan.commits, 0);
    const max = left === undefined || part.max === undefined ? (left ?? part.max) : Math.min(left, part.max);
    const survey = await surveyGitHistory({ ...part, max }, ports);
    plan.commits += survey.state === "ready" ? survey.commits : 0;
    plan.parts.unshift({ ...part, max });
  }
  return plan;
}
