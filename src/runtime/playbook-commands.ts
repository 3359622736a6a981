// Playbook commands
//
// What the commands to playbooks rest on beside their input: what runs compile to, what a replay is to do, what a repair makes. Owns: finding
// that out before the command is queued. Does not own: whether it may; that is decided at its turn, and what changed meanwhile refuses it.

import type { Learner } from "../../actors/index.ts";
import { blockersOf, contentOf, joinChecks, type PlaybookOperation, type ReplayStart } from "../../machines/index.ts";
import { AionisError } from "../contracts/failures.ts";
import type { FamilyRule } from "../contracts/family.ts";
import type { TaskId } from "../contracts/ids.ts";
import { limits } from "../contracts/limits.ts";
import type { OperationName, OperationOutput, OperationParsed } from "../contracts/operations/index.ts";
import type { ParameterValues, PlaybookContent, ReplayMode } from "../contracts/playbook.ts";
import { type Check, toolRole } from "../contracts/values.ts";
import type { Ids } from "../kernel/ids.ts";
import { bindParameters, compile, findProblems, patchContent, renderInput, SlotError } from "../playbook/index.ts";
import type { FindRule } from "./families.ts";
import { matchPlaybooks, mustBind, type PlaybookMatch, toGiven } from "./playbook-match.ts";
import { type FoundPlaybook, findPlaybook, type PlaybookParts, readContent } from "./playbooks.ts";
import { readRecordedRun } from "./recorded-run.ts";
import type { ToolsSeen } from "./tools-seen.ts";

export interface PlaybookCommandParts extends PlaybookParts {
  learner: Learner;
  tools: ToolsSeen;
  ids: Ids;
  families: FindRule;
}

/** What is added to a command to a playbook before it is queued. */
export async function preparePlaybook(
  parts: PlaybookCommandParts,
  name: PlaybookOperation,
  input: OperationParsed<PlaybookOperation>,
): Promise<object> {
  switch (name) {
    case "playbooks.compile":
      return { compiled: compileRuns(parts, input as OperationParsed<typeof name>) }; // name and input are of one entry, here and below
    case "playbooks.run":
      return { replay: await prepareReplay(parts, input as OperationParsed<typeof name>) };
    case "playbooks.repair":
      return { content: repair(parts, input as OperationParsed<typeof name>) };
    default:
      return {};
  }
}

function compileRuns(parts: PlaybookParts, { run: only, title, ...given }: OperationParsed<"playbooks.compile">) {
  const runs = only === undefined ? (given.runs ?? []) : [only]; // the schema asks for one of the two
  const recorded = [...new Set(runs)].map((taskId) => {
    const snapshot = parts.persistence.snapshot(parts.scope, taskId);
    if (snapshot === undefined)
      throw new AionisError(
        "TASK_NOT_FOUND",
        `There is no task ${taskId} in this scope; list tasks to see those there are.`,
      );
    const run = readRecordedRun(parts.store, snapshot);
    if (run !== undefined) return run;
    throw new AionisError(
      "RUN_UNUSABLE",
      `${taskId} is no run: nobody works on tasks of its kind, or its text was erased.`,
    );
  });
  const compiled = compile(recorded, title === undefined ? {} : { title });
  if (compiled.kind === "refused")
    throw new AionisError("RUN_UNUSABLE", `No playbook can be made of these runs: ${compiled.why}`);
  return { content: compiled.content, isPartial: recorded.some(({ outcome }) => outcome !== "succeeded") };
}

async function prepareReplay(
  parts: PlaybookCommandParts,
  input: OperationParsed<"playbooks.run">,
): Promise<ReplayStart> {
  const { mode, workspace, inCopy, confirm, handTo } = input;
  const found = findPlaybook(parts, input.id);
  const { version, content } = findShown(parts, found, input.version);
  const blockers = listBlockers(found, content, version, mode);
  if (blockers.length > 0) {
    throw new AionisError("PLAYBOOK_BLOCKED", `${input.id} cannot be run ${mode}: ${blockers.join("; ")}.`, {
      facts: { state: found.snapshot.value, blockers },
    });
  }
  const values = mustBind(content, input);
  await parts.tools.await(content.steps.map(({ tool }) => tool));
  const [first] = content.steps;
  const rule = parts.families(content.family);
  return {
    replayId: parts.ids.next("task"),
    order: { playbookId: input.id, version, mode },
    data: { playbook: content, mode, values, workspace, inCopy, handTo, confirmed: confirm },
    brief: `${content.title}: ${describe(values)}`.slice(0, limits.lineChars),
    family: content.family,
    checks: mode === "simulate" ? [] : toChecks(content, input.checks, rule, values),
    ...(mode === "simulate" || rule.isolation === undefined ? {} : { isolation: rule.isolation }),
    to: input.to ?? { role: `${toolRole}${first?.tool}` },
  };
}

/** The steps that a run of that version takes: what the playbook is, or the repair that waits. */
function findShown(
  { store }: PlaybookParts,
  { id, snapshot }: FoundPlaybook,
  asked: number | undefined,
): { version: number; content: PlaybookContent } {
  const version = asked ?? snapshot.context.content.version;
  const shown = contentOf(snapshot.context, version);
  if (shown !== undefined) return { version, content: readContent(store, shown.seq) };
  throw new AionisError(
    "PLAYBOOK_BLOCKED",
    `Version ${version} of ${id} is neither what it does nor a repair that waits for its review.`,
  );
}

function listBlockers(
  { snapshot }: FoundPlaybook,
  { steps }: PlaybookContent,
  version: number,
  mode: ReplayMode,
): string[] {
  const shown = contentOf(snapshot.context, version);
  const byHand = steps.filter(({ safety }) => safety === "manual_only").map(({ title }) => title);
  return [
    ...(shown === undefined ? [] : blockersOf(snapshot.value, shown, mode)),
    ...(mode === "strict" && byHand.length > 0 ? [`only a person may do ${byHand.join(", ")}`] : []),
  ];
}

type FindingQuery = Extract<OperationName, "playbooks.match" | "playbooks.candidate">;

/** The operations that look for what can be run. */
export type PlaybookFinding = {
  [Name in FindingQuery]: (input: OperationParsed<Name>) => OperationOutput<Name> | Promise<OperationOutput<Name>>;
};

/** `awaitLearning` is given the position that a question must be answered from. */
export function createPlaybookFinding(
  parts: PlaybookCommandParts,
  awaitLearning: (position: number) => Promise<void>,
): PlaybookFinding {
  return {
    async "playbooks.match"(input) {
      await awaitLearning(input.minPosition);
      return { matches: matchPlaybooks(parts, parts.learner, input, input.max), learnedTo: parts.learner.learnedTo() };
    },
    "playbooks.candidate": (input) => answerCandidate(parts, input),
  };
}

/** @throws AionisError `PLAYBOOK_NOT_FOUND` */
function answerCandidate(
  parts: PlaybookCommandParts,
  input: OperationParsed<"playbooks.candidate">,
): OperationOutput<"playbooks.candidate"> {
  const found = findPlaybook(parts, input.id);
  const { version, content } = findShown(parts, found, undefined);
  const { missing, invalid } = bindParameters(content, toGiven(content, input));
  const tools = parts.tools.missing(content.steps.map(({ tool }) => tool));
  const blockers = [
    ...listBlockers(found, content, version, input.mode),
    ...missing.map((name) => `nobody gave ${name}`),
    ...invalid.map(({ name, why }) => `${name} ${why}`),
    ...tools.map((tool) => `no worker has ${tool}`),
  ];
  return { may: blockers.length === 0, blockers, params: toGiven(content, input), missing: [...missing], tools };
}

function repair(parts: PlaybookParts, { id, patch }: OperationParsed<"playbooks.repair">): PlaybookContent {
  const { snapshot } = findPlaybook(parts, id);
  const before = readContent(parts.store, (snapshot.context.proposal ?? snapshot.context.content).seq);
  const patched = patchContent(before, patch);
  const problems = patched.kind === "refused" ? patched.problems : findProblems(patched.content);
  if (patched.kind === "refused" || problems.length > 0)
    throw new AionisError(
      "INPUT_INVALID",
      `The repair does not fit: ${problems.join("; ")}.`.slice(0, limits.lineChars),
      {
        facts: { problems },
      },
    );
  return patched.content;
}

/** What `dispatch` comes to: the playbook to run, or why each that was looked at is not run. */
type Choice =
  | { kind: "run"; id: TaskId; confidence: number; params: ParameterValues }
  | { kind: "agent"; output: OperationOutput<"playbooks.dispatch"> };

/** The playbook that surely fits. One that was `chosen` for the same command before is it again, whatever has changed since. */
export function chooseForWork(
  parts: PlaybookCommandParts,
  input: OperationParsed<"playbooks.dispatch">,
  chosen: TaskId | undefined,
): Choice {
  const looked = matchPlaybooks(parts, parts.learner, input, lookedMax).map((match) => {
    return { match, why: whyNot(parts, input, match) };
  });
  const found = looked.find(({ match, why }) =>
    chosen === undefined ? why.length === 0 : match.playbook.id === chosen,
  );
  if (found !== undefined || chosen !== undefined) {
    const { playbook, confidence = 0, params } = found?.match ?? {};
    const id = playbook?.id ?? (chosen as TaskId); // one of the two is there
    return { kind: "run", id, confidence, params: { ...params, ...input.params } };
  }
  const reason = looked.length === 0 ? "No playbook is known for this." : "No playbook that fits may run by itself.";
  const skipped = looked.map(
    ({
      match: {
        playbook: { id, title },
        confidence,
      },
      why,
    }) => ({ id, title, confidence, why }),
  );
  return { kind: "agent", output: { decision: "agent", reason, skipped } };
}

const lookedMax = 5;

function whyNot(
  parts: PlaybookCommandParts,
  { query, data, params, mode }: OperationParsed<"playbooks.dispatch">,
  { playbook, sure }: PlaybookMatch,
): string[] {
  const candidate = answerCandidate(parts, { id: playbook.id, mode, params, text: query, data });
  return [
    ...(sure ? [] : ["it is not sure that it fits"]),
    ...(playbook.state === "active" ? [] : [`it is ${playbook.state}, not active`]),
    ...candidate.blockers,
  ];
}

/** @throws AionisError `INPUT_INVALID` when they are more than a task may have. */
function toChecks(
  content: PlaybookContent,
  asked: readonly Check[],
  rule: FamilyRule,
  values: ParameterValues,
): Check[] {
  const own = content.checks.filter(({ name }) => !asked.some((check) => check.name === name));
  const all = joinChecks([...own.map((check) => renderCheck(check, values)), ...asked], rule);
  if (all.length <= limits.checks) return all;
  throw new AionisError("INPUT_INVALID", `The replay would have ${all.length} checks; ${limits.checks} are allowed.`);
}

/** The commands of checks hold templates as inputs of steps do. */
function renderCheck(check: Check, values: ParameterValues): Check {
  if (check.command === undefined) return check;
  try {
    return { ...check, command: renderInput(check.command, { values, outputs: {} }) as string[] }; // a list of texts stays one
  } catch (error) {
    if (!(error instanceof SlotError)) throw error;
    throw new AionisError("PARAMETERS_MISSING", `The check ${check.name} cannot be filled in: ${error.message}`);
  }
}

const shownMax = 6;

function describe(values: ParameterValues): string {
  const shown = Object.entries(values).slice(0, shownMax);
  return shown.map(([name, value]) => `${name} ${String(value).slice(0, 80).toWellFormed()}`).join(", ");
}
