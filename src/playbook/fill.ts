// Filling
//
// Finds the values of a playbook's parameters for new work: in its data by the way that the runs had them, and in the words of its brief. All
// parameters of the brief are looked for at once, so that one value does not serve for two.
//
// Invariants:
//   L1. A value that two readings of the brief would give otherwise is not given: what is missing is asked for, a wrong one is run.

import type { Parameter, ParameterValues, PlaybookContent } from "../contracts/playbook.ts";
import { isOfType, listOptional } from "./bind.ts";
import { type Candidate, rankCandidates, toProfile } from "./candidates.ts";
import { findPlaces, toBrief } from "./mentions.ts";
import { isPlainNumber } from "./parameter-drafts.ts";
import { compareSizes, listSizes } from "./sizes.ts";
import { SlotError } from "./slot-error.ts";
import { parsePath } from "./template.ts";

const perParameter = 8;
const beamWidth = 200;
const scoreMin = 1.1;
const optionalMin = 2.2; // most work does without it
const marginMin = 0.25;
const orderBonus = 0.3;

/** Which parameters the words and the data of new work say. Those that they do not say for sure are left out. */
export function fillFrom(content: PlaybookContent, work: { text: string; data?: unknown }): ParameterValues {
  const filled: ParameterValues = {};
  const said: Parameter[] = [];
  for (const parameter of content.parameters) {
    if (parameter.source.from === "brief") said.push(parameter);
    if (parameter.source.from !== "data") continue;
    const value = findData(work.data, parameter.source.path);
    if (value !== undefined) filled[parameter.name] = value;
  }
  for (const [name, text] of fillFromBrief(
    said,
    { goals: content.goals, optional: listOptional(content) },
    toBrief(work.text),
  )) {
    const type = said.find((each) => each.name === name)?.type;
    filled[name] = type === "number" && isPlainNumber(text) ? Number(text) : text;
  }
  return filled;
}

function findData(data: unknown, path: string): string | number | boolean | undefined {
  try {
    let value = data;
    for (const key of parsePath(path)) {
      if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
      value = Reflect.get(value, key);
    }
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : undefined;
  } catch (error) {
    if (error instanceof SlotError) return undefined; // a path of somebody's repair that is none
    throw error;
  }
}

/** A choice for the parameters so far. */
interface Reading {
  readonly chosen: readonly (Candidate | undefined)[];
  readonly score: number;
}

function fillFromBrief(
  parameters: readonly Parameter[],
  { goals, optional }: { goals: readonly string[]; optional: ReadonlySet<string> },
  brief: string,
): [string, string][] {
  const ranked = parameters.map(({ name, type, examples }) => {
    const least = optional.has(name) ? optionalMin : scoreMin;
    const candidates = rankCandidates(brief, toProfile(examples, goals));
    return candidates.filter(({ text, score }) => score >= least && isOfType(type, text)).slice(0, perParameter);
  });
  const relations = { orders: listOrders(parameters, goals), sizes: listSizes(parameters) };
  let readings: Reading[] = [{ chosen: [], score: 0 }];
  for (const candidates of ranked) {
    readings = readings.flatMap((reading) =>
      [undefined, ...candidates].flatMap((each) => extend(reading, each, relations)),
    );
    readings = readings.sort((left, right) => right.score - left.score).slice(0, beamWidth);
  }
  const [best] = readings;
  return parameters.flatMap(({ name }, index): [string, string][] => {
    const text = best?.chosen[index]?.text;
    if (best === undefined || text === undefined) return [];
    const other = readings.find(({ chosen }) => chosen[index]?.text !== text);
    return other !== undefined && best.score - other.score < marginMin ? [] : [[name, text]]; // L1
  });
}

/** What the runs say of each two parameters. */
interface Relations {
  /** Which came later in their briefs. */
  readonly orders: readonly (readonly number[])[];
  /** Which was the larger one. */
  readonly sizes: readonly (readonly number[])[];
}

function extend({ chosen, score }: Reading, candidate: Candidate | undefined, { orders, sizes }: Relations): Reading[] {
  if (candidate === undefined) return [{ chosen: [...chosen, undefined], score }];
  let added = candidate.score - scoreMin / 2;
  for (const [index, other] of chosen.entries()) {
    if (other === undefined) continue;
    const overlaps = candidate.from < other.to && other.from < candidate.to;
    if (overlaps || candidate.text === other.text) return [];
    const size = sizes[chosen.length]?.[index] ?? 0;
    if (size !== 0 && compareSizes(candidate.text, other.text) === -size) return [];
    const order = orders[chosen.length]?.[index] ?? 0;
    if (order !== 0) added += (candidate.from > other.from ? orderBonus : -orderBonus) * order;
  }
  return [{ chosen: [...chosen, candidate], score: score + added }];
}

/** For each two parameters, how much more often the one came after the other in the recorded briefs, -1 to 1. */
function listOrders(parameters: readonly Parameter[], goals: readonly string[]): number[][] {
  const places = parameters.map(({ examples }) =>
    goals.map((goal, index) => {
      const own = examples.length === goals.length ? examples.slice(index, index + 1) : examples;
      return Math.min(...own.flatMap((each) => findPlaces(goal, each).map(({ from }) => from)));
    }),
  );
  return places.map((own) =>
    places.map((others) => {
      const both = own.flatMap((place, goal) => {
        const other = others[goal] ?? Infinity;
        return place < Infinity && other < Infinity && place !== other ? [place > other ? 1 : -1] : [];
      });
      return both.length === 0 ? 0 : both.reduce((sum, each) => sum + each, 0) / both.length;
    }),
  );
}
