// Playbooks: runs compiled into typed sequences, their parameters bound and filled in, their texts rendered. Pure.

export { bindParameters } from "./bind.ts";
export { compile } from "./compile.ts";
export { diffContents } from "./diff.ts";
export { fillFrom } from "./fill.ts";
export { patchContent } from "./patch.ts";
export { findProblems } from "./problems.ts";
export { renderCondition, renderInput, type SlotScope } from "./render.ts";
export type { RecordedRun, RecordedStep } from "./run.ts";
export { SlotError } from "./slot-error.ts";
export { effectOf } from "./tools.ts";
