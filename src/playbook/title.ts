import { limits } from "../contracts/limits.ts";
import { findPlaces } from "./mentions.ts";
import type { ParameterDraft } from "./parameter-drafts.ts";
import type { RecordedRun } from "./run.ts";

/** The first line of the newest brief, without the values that are given anew each time. */
export function toTitle(runs: readonly RecordedRun[], parameters: readonly ParameterDraft[]): string {
  const seqs = runs.map(({ steps }) => steps.at(-1)?.seq ?? 0);
  const newest = seqs.indexOf(Math.max(...seqs));
  const line = /\S[^\n]*/.exec(runs[newest]?.goal ?? "")?.[0].trimEnd() ?? "";
  const values = parameters.map((each) => each.values[newest] ?? "");
  const places = values.flatMap((value) =>
    findPlaces(line, value).map(({ from }) => ({ from, to: from + value.length })),
  );
  places.sort((left, right) => left.from - right.from);
  let title = "";
  let at = 0;
  for (const { from, to } of places) {
    if (from < at) continue;
    title += `${line.slice(at, from)}…`;
    at = to;
  }
  title += line.slice(at);
  return title.slice(0, limits.nameChars).toWellFormed() || "Playbook"; // the cut may go through a pair
}
