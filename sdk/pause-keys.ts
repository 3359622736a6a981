import { AionisError } from "../src/contracts/failures.ts";
import { sha256, toHex } from "../src/kernel/digest.ts";
import type { Calls } from "./calls.ts";
import type { PauseInput } from "./pauses.ts";

/** The keys of a run's pauses. */
export interface PauseKeys {
  /**
   * The name that a handler gave.
   * @throws AionisError `PAUSE_AMBIGUOUS` when the run asked something else under that name before: its answer would count for both.
   */
  named(about: string, input: PauseInput): string;
  /**
   * Of a pause without a name. Made from what is asked, and of equal questions from their order: other words or another schema are another question.
   * @throws AionisError `PAUSE_AMBIGUOUS` when one of several equal questions is asked beside other calls: their order may differ at the next
   * start.
   */
  next(input: PauseInput): string;
}

const hashChars = 20;
/** How the keys begin that no handler chose: `?` those of questions without a name, `!` those of questions that the run asks by itself. */
const reserved = /^[?!=]/;

/** The keys of one run, counted from its start. */
export function createPauseKeys(calls: Pick<Calls, "hasOthers">): PauseKeys {
  const counts = new Map<string, { asked: number; isBesideOthers: boolean }>();
  const named = new Map<string, { content: string; question: string | undefined }>();

  return {
    named(about, input) {
      const content = toContent(input);
      const first = named.get(about);
      if (first !== undefined && first.content !== content) throw refuseOther(about, first.question, input);
      named.set(about, { content, question: input.question });
      return reserved.test(about) ? `=${about}` : about;
    },

    next(input) {
      const content = toContent(input);
      const { asked, isBesideOthers } = counts.get(content) ?? { asked: 0, isBesideOthers: false };
      const isUncertain = isBesideOthers || calls.hasOthers();
      if (asked > 0 && isUncertain) throw refuseEqual(input);
      counts.set(content, { asked: asked + 1, isBesideOthers: isUncertain });
      return `${content}#${asked}`;
    },
  };
}

/** Two keys of one run are equal only for one question: no name of a handler's begins as this does. */
function toContent({ question, answerSchema }: PauseInput): string {
  if (question === undefined) return "?resume";
  return `?${toHex(sha256(toText([question, answerSchema]))).slice(0, hashChars)}`;
}

/** JSON whose keys are in one order. */
function toText(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) =>
    typeof item === "object" && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([left], [right]) => (left < right ? -1 : 1)))
      : item,
  );
}

function refuseOther(about: string, first = "", { question = "" }: PauseInput): AionisError {
  const [name, one, other] = [about, first, question].map((text) => text.slice(0, 100).toWellFormed());
  return new AionisError(
    "PAUSE_AMBIGUOUS",
    `"${one}" and "${other}" are asked about "${name}", and one answer would count for both; give each an \`about\` of its own.`,
  );
}

function refuseEqual({ question = "a pause without a question" }: PauseInput): AionisError {
  const what = `"${question.slice(0, 100)}" is asked more than once beside other calls`;
  return new AionisError(
    "PAUSE_AMBIGUOUS",
    `${what}; give each an \`about\` of its own, so that its answer can be told apart.`,
  );
}
