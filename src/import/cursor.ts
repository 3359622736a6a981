// Cursor
//
// How far a history has been taken over, as a text that is kept beside what was taken over. A commit alone would not say it: in a history
// with branches, a commit's place in the order of reading (H2) is not told by its ancestors.

import { AionisError } from "../contracts/failures.ts";

/** Everything up to `head`, or on the way there. */
export interface GitCursor {
  head: string;
  /** On the way from `after` (the first commit, if absent) to `head`, everything up to `last` in the order of reading. */
  underWay?: { after?: string | undefined; last: string } | undefined;
}

/** `<head>`, or under way `<after>..<head>@<last>`. */
export function toCursorText({ head, underWay }: GitCursor): string {
  return underWay === undefined ? head : `${underWay.after ?? ""}..${head}@${underWay.last}`;
}

/** @throws AionisError `INPUT_INVALID` with the reason `cursor` for a text that is none. */
export function fromCursorText(text: string): GitCursor {
  const parts = pattern.exec(text)?.groups;
  if (parts === undefined) {
    const detail = `The history was taken over up to ${JSON.stringify(text.slice(0, 80))}, which is no place in a git history: another program wrote it under the same source.`;
    throw new AionisError("INPUT_INVALID", detail, { facts: { reason: "cursor" } });
  }
  const { done, after = "", head = "", last = "" } = parts;
  if (done !== undefined) return { head: done };
  return { head, underWay: after === "" ? { last } : { after, last } };
}

const hash = "[0-9a-f]{40}|[0-9a-f]{64}";
const pattern = new RegExp(`^(?:(?<done>${hash})|(?<after>${hash}|)\\.\\.(?<head>${hash})@(?<last>${hash}))$`);
