import type { FirstAction } from "../contracts/guidance.ts";
import type { LessonId } from "../contracts/ids.ts";
import type { RunStep } from "../learning/index.ts";
import { type Known, type Question, toLine } from "./question.ts";
import type { Verdict } from "./verdict.ts";

const lineChars = 160;
const filesNamed = 3;

/** What to do first: there is always something, and without a clear gate it only looks. */
export function chooseAction(known: Known, { gate, ground }: Verdict): FirstAction {
  const cautious = gate.action !== "proceed";
  switch (ground.kind) {
    case "lesson": {
      const { lesson } = ground.lesson;
      const step = chooseStep(lesson.steps, known.question);
      const file = step?.file ?? lesson.files[0];
      const tool = step?.tool;
      const from = [lesson.id as LessonId]; // ids of lessons are made by the runtime
      const of = `as in "${toLine(lesson.title, lineChars)}"`;
      if (cautious)
        return {
          kind: "inspect",
          text: `Look at ${file ?? lesson.id} first, ${of}.`,
          cautious,
          from,
          ...given({ file }),
        };
      if (tool === undefined)
        return { kind: "open", text: `Open ${file ?? lesson.id}, ${of}.`, cautious, from, ...given({ file }) };
      const what = file === undefined ? `Use ${tool}` : `Use ${tool} on ${file}`;
      return { kind: "use", text: `${what}, ${of}.`, cautious, from, ...given({ tool, file }) };
    }
    case "file": {
      const { path: file } = ground;
      if (!cautious) return { kind: "open", text: `Open ${toLine(file, lineChars)}.`, file, cautious, from: [] };
      const paths = known.files.files.slice(0, filesNamed).map(({ path }) => toLine(path, lineChars));
      return {
        kind: "inspect",
        text: `Look at ${paths.join(", ")} before changing anything.`,
        file,
        cautious,
        from: [],
      };
    }
    default: {
      const about = toLine(known.question.query, lineChars);
      const text =
        about === ""
          ? "Look around before changing anything."
          : `Find where this is dealt with before changing anything: ${about}`;
      return { kind: "inspect", text, cautious: true, from: [] };
    }
  }
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

/** The fields that have a value. */
function given<Fields extends Record<string, string | undefined>>(fields: Fields): { [Name in keyof Fields]?: string } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never; // only undefined left out
}
