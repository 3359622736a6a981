// What a run says, cut to what a lesson keeps.

import { lessonBounds as bounds } from "./bounds.ts";
import type { LessonContent } from "./changes.ts";
import type { FinishedRun, RunStep } from "./run.ts";

/** What a lesson learns from `run`. */
export function contentOfRun(run: FinishedRun): LessonContent {
  const steps = run.steps.slice(0, bounds.steps).map(cutStep);
  return {
    goal: run.goal.slice(0, bounds.goalChars).toWellFormed(),
    ...(run.family === undefined ? {} : { family: cut(run.family) }),
    files: cutPaths(run.files),
    steps,
    tools: unique(steps.flatMap(({ tool }) => tool ?? [])).slice(0, bounds.tools),
    checks: unique(run.checks.map(cut)).slice(0, bounds.checks),
    errors: unique(run.errors.map(cut)).slice(0, bounds.errors),
  };
}

/** `list` without repeats, each where it came first. */
export function unique<Value>(list: readonly Value[]): Value[] {
  return [...new Set(list)];
}

function cutStep({ name, tool, file }: RunStep): RunStep {
  return {
    name: cut(name),
    ...(tool === undefined ? {} : { tool: cut(tool) }),
    ...(file === undefined ? {} : { file: file.slice(-bounds.pathChars).toWellFormed() }),
  };
}

function cut(text: string): string {
  return text.slice(0, bounds.lineChars).toWellFormed();
}

function cutPaths(paths: readonly string[]): string[] {
  return unique(paths.map((path) => path.slice(-bounds.pathChars).toWellFormed())).slice(0, bounds.files);
}
