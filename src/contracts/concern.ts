// Concerns
//
// What a question of a worker is about that no handler asked: recorded work that does not fit the code that runs now, or work whose outcome is
// not known. Owns: how it is named, and how two values are shown beside each other. Does not own: when such a question is asked (`sdk/`).

import { z } from "zod";
import { canonicalJson } from "./json.ts";
import { limits } from "./limits.ts";
import { sensitive } from "./sensitive.ts";
import { StepKey, StepOrdinal } from "./step.ts";
import { InputHash, Name, Sequence } from "./values.ts";

/** What recorded work a question is about, and with what the code came that asks it. An answer is for that code and that record alone. */
export const Concern = z.strictObject({
  /** `code` is a mistake in the code itself, such as two steps that cannot be told apart. */
  of: z.enum(["step", "part", "code"]),
  /** The step's name, or the part's key or the first line of its brief. */
  name: Name.optional(),
  key: StepKey.optional(),
  ordinal: StepOrdinal.optional(),
  /** The event that recorded it. */
  seq: Sequence.optional(),
  /** What differs between the record and the code that asks; `kind` is the kind or family of a part. */
  differs: z.array(z.enum(["tool", "input", "to", "packet", "kind"])).max(limits.listItems),
  /** What the code that asks came with; of a part a hash of what it is. */
  tool: Name.optional(),
  inputHash: InputHash.optional(),
  /** Whether the task is tried again by itself: other code may fit. */
  waitsForCode: z.boolean(),
});
export type Concern = z.infer<typeof Concern>;

/** What a question about recorded work leaves to choose from. */
export const Choice = z.enum(["keep", "rerun", "add", "done", "again"]);
export type Choice = z.infer<typeof Choice>;

/** A value as JSON. Of a long one the part around the first difference from the other. */
const Excerpt = z.strictObject({
  json: sensitive(z.string().max(limits.excerptChars)),
  /** How long the whole is, and where the part begins, in characters. */
  chars: z.int().nonnegative(),
  from: z.int().nonnegative(),
});
export type Excerpt = z.infer<typeof Excerpt>;

/** One of two sides that differ. */
const Side = z.strictObject({ tool: Name.optional(), input: Excerpt.optional() });
export type Side = z.infer<typeof Side>;

/** What is recorded, and what the code came with that asks. Absent where nothing differs, or the record was erased. */
export const Sides = z.strictObject({ recorded: Side.optional(), present: Side.optional() });
export type Sides = z.infer<typeof Sides>;

/** A value of either side before it is cut. */
interface Whole {
  tool?: string | undefined;
  input?: unknown;
}

/** Both sides, each cut to `limits.excerptChars`, so that where they first differ can be seen in both. */
export function toSides(recorded: Whole, present: Whole): Required<Sides> {
  const texts = [recorded, present].map(({ input }) => (input === undefined ? undefined : canonicalJson(input)));
  const [first = "", second = ""] = texts;
  const from = Math.max(firstDifference(first, second) - leadChars, 0);
  const toSide = ({ tool }: Whole, text: string | undefined): Side => ({
    ...(tool === undefined ? {} : { tool }),
    ...(text === undefined ? {} : { input: toExcerpt(text, from) }),
  });
  return { recorded: toSide(recorded, texts[0]), present: toSide(present, texts[1]) };
}

const leadChars = 200;

function toExcerpt(text: string, from: number): Excerpt {
  const start = text.length <= limits.excerptChars ? 0 : from;
  const json = text.slice(start, start + limits.excerptChars).toWellFormed(); // a cut may go through a pair
  return { json, chars: text.length, from: start };
}

function firstDifference(left: string, right: string): number {
  let index = 0;
  while (index < left.length && left[index] === right[index]) index += 1;
  return index;
}
