// What an answer shows of lessons, files and tools, and in which bucket.

import type { Buckets, LikelyFile, LikelyTool, ShownLesson } from "../contracts/guidance.ts";
import type { LessonId } from "../contracts/ids.ts";
import type { Source } from "../contracts/lesson.ts";
import type { RankedLesson } from "../learning/index.ts";
import type { RecalledFile } from "../recall/index.ts";
import { type Extent, type Known, toLine } from "./question.ts";
import { canCarry, isCut, type Verdict } from "./verdict.ts";

const titleChars = 120;
const listed = 4;
const signalsNamed = 3;
const nearFirst = 0.6; // a lesson that fits nearly as well as the first one is used with it

export function showFile({ path, probability, shares }: RecalledFile): LikelyFile {
  const because = Object.entries(shares)
    .filter(([, share]) => share > 0)
    .sort(([, left], [, right]) => right - left)
    .slice(0, signalsNamed)
    .map(([name]) => name);
  return { path, probability: round(probability), because };
}

export function showLesson({ lesson, score }: RankedLesson, textChars: number): ShownLesson {
  const text = toLine(lesson.text ?? "", textChars);
  return {
    id: lesson.id as LessonId, // ids of lessons are made by the runtime
    kind: lesson.kind,
    state: lesson.state,
    title: toLine(lesson.title, titleChars),
    ...(text === "" ? {} : { text }),
    source: sourceOf({ lesson }),
    score: round(score),
    ...countEvidence(lesson),
    files: lesson.files.slice(0, listed),
    tools: lesson.tools.slice(0, listed),
  };
}

export function sourceOf({ lesson }: Pick<RankedLesson, "lesson">): Source {
  return lesson.source ?? "run";
}

/** Runs, and how many of the newest observations were verified and failed. */
export function countEvidence({
  runs,
  evidence,
}: RankedLesson["lesson"]): Pick<ShownLesson, "runs" | "verified" | "failures"> {
  const verified = evidence.filter(
    ({ strength, outcome }) => strength === "verified" && outcome === "succeeded",
  ).length;
  return { runs, verified, failures: evidence.filter(({ outcome }) => outcome === "failed").length };
}

/** The tools that lessons of such work used, by how well these fit. Of `candidates`, if there are any. */
export function showTools({ question, lessons }: Known, max: number): LikelyTool[] {
  const worth = new Map<string, number>();
  const from = new Map<string, string>();
  for (const ranked of lessons.lessons.filter(canCarry)) {
    for (const tool of ranked.lesson.tools) {
      worth.set(tool, (worth.get(tool) ?? 0) + Math.max(0, ranked.score));
      if (!from.has(tool)) from.set(tool, ranked.lesson.title);
    }
  }
  const all = question.candidates ?? [...worth.keys()];
  const sum = all.reduce((total, tool) => total + (worth.get(tool) ?? 0), 0);
  return [...new Set(all)]
    .map((tool) => {
      const title = from.get(tool);
      const because =
        title === undefined ? "No earlier work like this used it." : `Used in "${toLine(title, titleChars)}".`;
      return { tool, share: sum === 0 ? 0 : round((worth.get(tool) ?? 0) / sum), because };
    })
    .sort((left, right) => right.share - left.share)
    .slice(0, max);
}

/** Sorts what is known by what to do with it. */
export function toBuckets(known: Known, { gate, ground }: Verdict, extent: Extent): Buckets {
  const { doubts } = known;
  const buckets: Buckets = { useNow: [], inspectFirst: [], doNotUse: [], rehydrate: [] };
  const first = known.lessons.lessons[0]?.score ?? 0;
  for (const ranked of known.lessons.lessons.slice(0, extent.lessons)) {
    const { lesson, score } = ranked;
    const id = lesson.id as LessonId; // as above
    if (lesson.state === "contested" || lesson.state === "retired") {
      buckets.doNotUse.push({ id, why: `It is ${lesson.state}.` });
    } else if (
      gate.action === "proceed" &&
      ground.kind === "lesson" &&
      lesson.state === "trusted" &&
      canCarry(ranked) &&
      !doubts.lessons.has(id) &&
      score >= nearFirst * first
    ) {
      buckets.useNow.push({ id, why: "It is trusted and fits." });
    } else {
      buckets.inspectFirst.push({ id, why: doubts.lessons.get(id)?.reason ?? toCaution(ranked) });
    }
    if (isCut(ranked))
      buckets.rehydrate.push({ id, why: `${lesson.text?.length ?? 0} characters; memory.get reads them.` });
  }
  for (const { path } of known.files.files.slice(0, extent.files)) {
    const isGround = gate.action === "proceed" && ground.kind === "file" && ground.path === path;
    if (isGround) buckets.useNow.push({ id: path, why: "Earlier work points to it." });
    else buckets.inspectFirst.push({ id: path, why: "Likely, not sure." });
  }
  return buckets;
}

function toCaution({ lesson }: RankedLesson): string {
  if (lesson.source === "tool") return "A tool printed it: not to be acted upon by itself.";
  if (lesson.kind !== "workflow")
    return `A ${lesson.kind} that ${lesson.source === "operator" ? "an operator" : "an agent"} wrote down.`;
  return lesson.state === "trusted" ? "Trusted, but it may not be this work." : "Not trusted yet.";
}

/** Three digits: more would be noise, and would change with it. */
export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
