// Finding the playbook for new work
//
// A playbook belongs to the lesson that its runs taught, so that it is found by what is known of that: the same ranking, and the same
// calibrated confidence.

import type { Learner } from "../../actors/index.ts";
import { AionisError } from "../contracts/failures.ts";
import type { OfferedPlaybook } from "../contracts/guidance.ts";
import type { TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import type { ParameterValues, PlaybookState } from "../contracts/playbook.ts";
import { round } from "../guidance/index.ts";
import type { RankedLessons } from "../learning/index.ts";
import { bindParameters, fillFrom } from "../playbook/index.ts";
import { findPlaybook, type PlaybookParts, readContent, toSummary } from "./playbooks.ts";
import { given } from "./views.ts";

type Work = Pick<OperationParsed<"playbooks.match">, "query" | "context" | "data">;
export type PlaybookMatch = OperationOutput<"playbooks.match">["matches"][number];

const rankedMax = 20;

/** The playbooks that fit, best first. Those that are disabled are left out. */
export function matchPlaybooks(parts: PlaybookParts, learner: Learner, work: Work, max: number): PlaybookMatch[] {
  const { query, context } = work;
  const asked = { text: query, ...given({ family: context.family, error: context.error }), files: context.files };
  const ranked = learner.knowledge().lessons.rank(asked, { max: rankedMax });
  return listMatches(parts, learner, work, ranked).slice(0, Math.min(max, limits.lessonsNamed));
}

interface Looked extends PlaybookMatch {
  score: number;
}

/**
 * Each once. How well one fits is said by all lessons of its runs together, and by how much of its parameters the work says: words that are
 * alike stand in briefs of other work too, but seldom with the values that it needs. How likely it is stays what is known of its best lesson.
 */
function listMatches(parts: PlaybookParts, learner: Learner, work: Work, ranked: RankedLessons): PlaybookMatch[] {
  const { playbooks } = learner.knowledge();
  const rest = ranked.lessons.slice(1).reduce((sum, { score }) => sum + Math.max(0, score), 0);
  const scores = new Map<string, number>();
  const looked: Looked[] = [];
  for (const [index, { lesson, score }] of ranked.lessons.entries()) {
    for (const id of playbooks(lesson.id)) {
      const before = scores.get(id);
      scores.set(id, (before ?? 0) + (before === undefined ? 1 : furtherWeight) * score);
      if (before !== undefined || scores.size > lookedMax) continue;
      const match = toMatch(parts, id as TaskId, work); // an id that the journal holds
      const share = rest === 0 ? 0 : (1 - ranked.confidence) * (Math.max(0, score) / rest);
      const confidence = round(index === 0 ? ranked.confidence : share);
      if (match !== undefined) looked.push({ ...match, confidence, sure: index === 0 && ranked.sure, score: 0 });
    }
  }
  for (const match of looked) match.score = (scores.get(match.playbook.id) ?? 0) + filledWeight * toFilled(match);
  looked.sort((one, other) => other.score - one.score || toPlace(one) - toPlace(other));
  return looked.map(({ score: _, sure, ...match }, index) => ({ ...match, sure: sure && index === 0 }));
}

const lookedMax = 24;
const furtherWeight = 0.6; // of a playbook's other lessons
const filledWeight = 0.4;

/** Which part of its parameters is given; a half where there are none, which says nothing. */
function toFilled({ params, missing }: PlaybookMatch): number {
  const given = Object.keys(params).length;
  return given + missing.length === 0 ? 0.5 : given / (given + missing.length);
}

function toPlace({ playbook }: PlaybookMatch): number {
  return places.indexOf(playbook.state);
}

const places: readonly PlaybookState[] = ["active", "shadow", "contested", "draft", "disabled"];

const offeredFrom = 0.5; // more likely than not
const offeredStates: readonly PlaybookState[] = ["active", "shadow"];
const offeredBytes = 600;
const missingMax = 8;
const titleChars = 120;

/** What task start offers of the playbooks that belong to the lesson that fits best. */
export function offerPlaybook(
  parts: PlaybookParts,
  learner: Learner,
  { query, context }: Omit<Work, "data">,
  ranked: RankedLessons,
): OfferedPlaybook | undefined {
  if (ranked.confidence < offeredFrom) return undefined;
  const first = { ...ranked, lessons: ranked.lessons.slice(0, 1) };
  const matches = listMatches(parts, learner, { query, context }, first);
  const match = matches.find(({ playbook }) => offeredStates.includes(playbook.state));
  if (match === undefined) return undefined;
  const { playbook, confidence, sure, params, missing } = match;
  const { id, title, state } = playbook;
  const shown = { id, title: title.slice(0, titleChars).toWellFormed(), state, confidence, sure };
  return { ...shown, params: cutParams(params), missing: missing.slice(0, missingMax) };
}

/** The shortest values, as far as they fit into an answer. */
function cutParams(params: ParameterValues): ParameterValues {
  const entries = Object.entries(params).sort(([, one], [, other]) => String(one).length - String(other).length);
  let bytes = 0;
  const fitting = entries.filter(([name, value]) => {
    bytes += Buffer.byteLength(JSON.stringify([name, value]));
    return bytes <= offeredBytes;
  });
  return Object.fromEntries(fitting);
}

function toMatch(
  parts: PlaybookParts,
  id: TaskId,
  { query, data }: Work,
): Pick<PlaybookMatch, "playbook" | "params" | "missing"> | undefined {
  const found = findPlaybook(parts, id);
  if (found.snapshot.value === "disabled") return undefined;
  const content = readContent(parts.store, found.snapshot.context.content.seq);
  const params = fillFrom(content, { text: query, data });
  const { missing } = bindParameters(content, params);
  return { playbook: toSummary(found, content), params, missing: [...missing] };
}

/** What was given, over what the words and the data say. @throws AionisError `PARAMETERS_INVALID`, `PARAMETERS_MISSING` */
export function mustBind(
  content: Parameters<typeof bindParameters>[0],
  input: { params: ParameterValues; text?: string | undefined; data?: unknown },
): ParameterValues {
  const { values, missing, invalid } = bindParameters(content, toGiven(content, input));
  if (invalid.length > 0) {
    const why = invalid.map(({ name, why: reason }) => `${name} ${reason}`).join("; ");
    throw new AionisError("PARAMETERS_INVALID", `The parameters do not fit: ${why}.`.slice(0, limits.lineChars), {
      facts: { invalid },
    });
  }
  if (missing.length > 0) {
    throw new AionisError("PARAMETERS_MISSING", `Nobody gave ${missing.join(", ")}; give them as params.`, {
      facts: { missing },
    });
  }
  return values;
}

/** What was given, and of what was not, what words and data say. */
export function toGiven(
  content: Parameters<typeof bindParameters>[0],
  { params, text, data }: { params: ParameterValues; text?: string | undefined; data?: unknown },
): ParameterValues {
  return {
    ...(text === undefined && data === undefined ? {} : fillFrom(content, { text: text ?? "", data })),
    ...params,
  };
}
