// Playbooks: runs compiled into typed sequences, their parameters bound and filled in, their texts rendered. Pure.

export { type Bound, bindParameters } from "./bind.ts";
export { type Compiled, compile } from "./compile.ts";
export { diffContents } from "./diff.ts";
export { fillFrom } from "./fill.ts";
export { hasMatch } from "./match.ts";
export { type Patched, patchContent } from "./patch.ts";
export { findProblems } from "./problems.ts";
export { renderCondition, renderInput, type SlotScope } from "./render.ts";
export type { RecordedRun, RecordedStep } from "./run.ts";
export { SlotError } from "./slot-error.ts";
export { effectOf } from "./tools.ts";
