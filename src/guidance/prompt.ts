import type { Guidance } from "../contracts/guidance.ts";
import { limits } from "../contracts/limits.ts";
import { toLine } from "./question.ts";

const pathChars = 120;
const missingNamed = 4;

/** The answer as a short text for a model. What a tool printed is quoted as such. */
export function toPrompt(answer: Omit<Guidance, "prompt" | "receipt">): string {
  const { firstAction, gate, uncertainty, files, lessons, tools, buckets, playbook, missing = [] } = answer;
  const unusable = new Set(buckets.doNotUse.map(({ id }) => id));
  const lines = [
    `First: ${toLine(firstAction.text, 300)}`,
    gate.action === "proceed" ? "" : `Before that: ${gate.action.replaceAll("_", " ")} (${toLine(gate.reason, 160)})`,
    `Uncertainty: ${uncertainty.level} (${uncertainty.confidence}).`,
    playbook === undefined ? "" : toPlaybookLine(playbook),
    ...missing.slice(0, missingNamed).map(({ reason }) => `Not there any more: ${toLine(reason, 300)}`),
    files.length === 0 ? "" : `Likely files: ${files.map(({ path }) => toLine(path, pathChars)).join(", ")}`,
    tools.some(({ share }) => share > 0) ? `Tools: ${tools.map(({ tool }) => toLine(tool, pathChars)).join(", ")}` : "",
    ...lessons
      .filter(({ id }) => !unusable.has(id))
      .map(({ title, state, source, text }) => {
        const said = text === undefined || text === title ? "" : `: ${text}`;
        return `- ${source === "tool" ? "A tool printed" : `Lesson (${state})`} "${title}"${said}`;
      }),
    ...lessons.filter(({ id }) => unusable.has(id)).map(({ title, state }) => `- Do not rely on "${title}" (${state})`),
  ];
  return joinFitting(lines.filter((line) => line !== ""));
}

function toPlaybookLine({ id, title, state, confidence, missing }: NonNullable<Guidance["playbook"]>): string {
  const asks = missing.length === 0 ? "" : `; give ${missing.join(", ")}`;
  return `Playbook (${state}, ${confidence}): "${toLine(title, pathChars)}" does this without a model: run ${id}${asks}.`;
}

/** Whole lines as far as they fit. */
function joinFitting(lines: readonly string[]): string {
  let text = "";
  for (const line of lines) {
    if (text.length + line.length + 1 > limits.promptChars) break;
    text += text === "" ? line : `\n${line}`;
  }
  return text;
}
