import type { FirstAction } from "../contracts/guidance.ts";
import type { LessonId } from "../contracts/ids.ts";
import type { Lesson, RunStep } from "../learning/index.ts";
import { type Known, type Question, toLine } from "./question.ts";
import type { Verdict } from "./verdict.ts";

const nameChars = 160;
const filesNamed = 3;

/** What to do first: there is always something, and without a clear gate it only looks. */
export function chooseAction(known: Known, { gate, ground }: Verdict): FirstAction {
  const cautious = gate.action !== "proceed";
  switch (ground.kind) {
    case "lesson":
      return followLesson(ground.lesson.lesson, known.question, cautious);
    case "file":
      return cautious
        ? lookAt(known)
        : { kind: "open", text: `Open ${name(ground.path)}.`, file: ground.path, cautious, from: [] };
    default:
      return lookAround(known.question.query);
  }
}

function followLesson(lesson: Lesson, question: Question, cautious: boolean): FirstAction {
  const step = chooseStep(lesson.steps, question);
  const file = toActionFile(lesson, question);
  const tool = step?.tool;
  const where = name(file ?? lesson.id);
  const of = `as in "${name(lesson.title)}"`;
  const common = { cautious, from: [lesson.id as LessonId], ...(file === undefined ? {} : { file }) }; // ids of lessons are made by the runtime
  if (cautious) return { kind: "inspect", text: `Look at ${where} first, ${of}.`, ...common };
  if (tool === undefined) return { kind: "open", text: `Open ${where}, ${of}.`, ...common };
  const what = file === undefined ? `Use ${name(tool)}` : `Use ${name(tool)} on ${where}`;
  return { kind: "use", text: `${what}, ${of}.`, tool, ...common };
}

/** The file that a lesson begins with. */
export function toActionFile({ steps, files }: Lesson, question: Question): string | undefined {
  return chooseStep(steps, question)?.file ?? files[0];
}

function lookAt({ files: { files } }: Known): FirstAction {
  const names = files.slice(0, filesNamed).map(({ path }) => name(path));
  const text = `Look at ${names.join(", ")} before changing anything.`;
  return { kind: "inspect", text, file: files[0]?.path, cautious: true, from: [] };
}

function lookAround(query: string): FirstAction {
  const about = name(query);
  const text =
    about === ""
      ? "Look around before changing anything."
      : `Find where this is dealt with before changing anything: ${about}`;
  return { kind: "inspect", text, cautious: true, from: [] };
}

/** The first step whose tool there is; of these the one that the question's stage names most of, if any. */
function chooseStep(steps: readonly RunStep[], { candidates, context: { stage } }: Question): RunStep | undefined {
  const possible = steps.filter(
    ({ tool }) => tool === undefined || candidates === undefined || candidates.includes(tool),
  );
  const named = toWords(stage ?? "");
  const met = (step: RunStep): number => toWords(step.name).filter((word) => named.includes(word)).length;
  return possible.reduce<RunStep | undefined>(
    (best, step) => (best === undefined || met(step) > met(best) ? step : best),
    undefined,
  );
}

function toWords(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]{2,}/gu) ?? [];
}

/** A name or title as it stands in a sentence. */
function name(text: string): string {
  return toLine(text, nameChars);
}
