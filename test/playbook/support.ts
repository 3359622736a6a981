import type { Parameter, PlaybookContent, PlaybookStep } from "../../src/contracts/playbook.ts";
import { compile, type RecordedRun, type RecordedStep } from "../../src/playbook/index.ts";

type Done = Pick<RecordedStep, "name"> & Partial<RecordedStep>;

/** A run of these steps that went well. */
export function toRun(
  number: number,
  goal: string,
  steps: readonly Done[],
  rest: Partial<RecordedRun> = {},
): RecordedRun {
  const recorded = steps.map((step, index): RecordedStep => ({ seq: index + 2, succeeded: true, files: [], ...step }));
  const taskId = `task_${String(number).padStart(20, "0")}`;
  return { taskId, goal, outcome: "succeeded", verified: true, steps: recorded, checks: [], ...rest };
}

export function read(path: string, text: string): Done {
  return { name: `read ${path}`, tool: "file.read", input: { path }, output: { text, bytes: text.length } };
}

export function write(path: string, text: string, created = true): Done {
  return { name: "write it", tool: "file.write", input: { path, text }, output: { created, bytes: text.length } };
}

export function patch(path: string, find: string, replace: string): Done {
  return { name: "patch it", tool: "file.patch", input: { path, edits: [{ find, replace }] }, output: { edits: 1 } };
}

export function command(argv: readonly string[], stdout = "", exitCode = 0): Done {
  return {
    name: argv.join(" ").slice(0, 100),
    tool: "command",
    input: { argv: [...argv] },
    output: { exitCode, stdout, stderr: "" },
  };
}

export function failed(step: Done): Done {
  return { ...step, succeeded: false, error: "refused", output: undefined };
}

/** What the runs compile to. @throws Error when they are refused */
export function mustCompile(...runs: readonly RecordedRun[]): PlaybookContent {
  const compiled = compile(runs);
  if (compiled.kind === "refused") throw new Error(compiled.why);
  return compiled.content;
}

export function toStep(key: string, step: Partial<PlaybookStep> = {}): PlaybookStep {
  return {
    key,
    title: key,
    tool: "file.read",
    input: { path: "a" },
    before: [],
    after: [],
    safety: "auto_ok",
    from: [],
    ...step,
  };
}

export function toParameter(name: string, parameter: Partial<Parameter> = {}): Parameter {
  return { name, type: "text", source: { from: "asked" }, examples: [], ...parameter };
}

export function toContent(content: Partial<PlaybookContent> = {}): PlaybookContent {
  return {
    title: "It",
    goals: [],
    parameters: [],
    steps: [toStep("one")],
    checks: [],
    leftOut: [],
    sources: [],
    ...content,
  };
}
