// The jobs
//
// What replay is measured on: chores with real files, three recorded runs and five fresh ones each, all names invented.
// Tune on the half `tune` alone; `report` is what is published. They were halved by turns, in the order of their names, after all of them had
// been written. Whoever wrote them had not seen the compiler.

import { addRoute } from "./add-route.ts";
import { changelogEntry } from "./changelog-entry.ts";
import { ciJob } from "./ci-job.ts";
import { codeOwner } from "./code-owner.ts";
import { copyrightYear } from "./copyright-year.ts";
import { decisionRecord } from "./decision-record.ts";
import { dockerfileArg } from "./dockerfile-arg.ts";
import { docsHost } from "./docs-host.ts";
import { envVariable } from "./env-variable.ts";
import { extractConstant } from "./extract-constant.ts";
import { iniToJson } from "./ini-to-json.ts";
import type { Job, LookAlike, UnassignedJob } from "./job.ts";
import { licenseHeader } from "./license-header.ts";
import { lintFix } from "./lint-fix.ts";
import { migration } from "./migration.ts";
import { moveFile } from "./move-file.ts";
import { nodeVersion } from "./node-version.ts";
import { pinDependency } from "./pin-dependency.ts";
import { releaseNotes } from "./release-notes.ts";
import { renameSymbol } from "./rename-symbol.ts";
import { retireFlag } from "./retire-flag.ts";
import { snapshot } from "./snapshot.ts";
import { translationKey } from "./translation-key.ts";
import { versionBump } from "./version-bump.ts";
import { yamlTimeout } from "./yaml-timeout.ts";

const unassigned: readonly UnassignedJob[] = [
  ...[addRoute, changelogEntry, ciJob, codeOwner, copyrightYear, decisionRecord, dockerfileArg, docsHost],
  ...[envVariable, extractConstant, iniToJson, licenseHeader, lintFix, migration, moveFile, nodeVersion],
  ...[pinDependency, releaseNotes, renameSymbol, retireFlag, snapshot, translationKey, versionBump, yamlTimeout],
];

/** All of them, in the order of their names. */
export const jobs: readonly Job[] = unassigned.map((job, index) => ({
  ...job,
  half: index % 2 === 0 ? "tune" : "report",
}));

/** The same words in a workspace where the job cannot be done as it was learned; undefined for a job without one. */
export function lookAlikes(job: Job, seed: number): LookAlike | undefined {
  return job.lookAlike?.(seed);
}

export { type Job, type LookAlike, seeds, type Use, type Variant, type Workspace } from "./job.ts";
