// Verbs
//
// How the operations' table reads as a command line. A verb's name, arguments and options follow from its operation; what is written
// here is only where people expect another word or order. An operation that is not named here is a verb all the same.

import { z } from "zod";
import { StartContext } from "../contracts/guidance.ts";
import { type Operation, type OperationName, type OperationOutput, operations } from "../contracts/operations/index.ts";
import type { FieldTraits } from "./fields.ts";
import { toKebab } from "./words.ts";

/** What the table of operations cannot know. */
export interface Traits extends FieldTraits {
  /** The words after `aionis`; by default the operation's group and verb. */
  words?: string;
  /** What the client's method takes, where that is more than the operation's input. */
  input?: z.ZodType;
  /** Whether it makes the store and the scope that it lacks; by default a command does that names nothing that is there. */
  mayCreate?: boolean;
  /** Whether it may take long for a reason, so that it is not asked again while it runs. */
  isSlow?: boolean;
  /** Of an answer that may be waited for: whether nothing has come yet. */
  isEmpty?: (output: unknown) => boolean;
  examples?: readonly string[];
}

/** On the command line a checkout is named by its folder, and nobody writes down the paths of a tree. */
const LocalContext = StartContext.omit({ tree: true }).extend({ repo: z.string().min(1).optional() });

/** What a question to task start has in common with its views. Without a store there is an answer too: a cautious one. */
const question: Traits = {
  positional: ["query"],
  input: operations.taskStart.input.extend({ context: LocalContext.prefault({}) }),
  spread: ["context"],
  paths: ["repo"],
  flags: { candidates: "tool" },
  meanings: { stage: "where the work stands, such as plan or fix", error: "what went wrong, if something did" },
  mayCreate: true,
};

const pauseFlag = { pauseId: "pause" };
const playbookId = { id: "the playbook's id" };

/** How a playbook's parameters are given. */
const params = {
  meanings: {
    params: "a parameter's value",
    text: "what the work is about: parameters that are not given are read from it",
    data: "the same as JSON",
    inCopy: "work on a copy of the folder, which is gone afterwards",
    confirm: "confirm the steps that need it",
    workspace: "a folder inside the worker's own",
  },
};

/** New work for which a playbook is looked for. */
const work: Traits & { meanings: object } = {
  positional: ["query"],
  spread: ["context"],
  meanings: { data: "what is known of it, as JSON" },
};

const traits: Readonly<Record<string, Traits>> = {
  taskStart: {
    ...question,
    words: "start",
    examples: [
      'aionis start "Make the retry test pass"',
      'aionis start "Make the retry test pass" --file src/retry.ts --tool npm --repo .',
      "aionis start - --family code.fix < brief.md",
    ],
  },
  planningContext: {
    ...question,
    input: operations.planningContext.input.extend({ context: LocalContext.prefault({}) }),
    examples: ['aionis planning-context "Move the parser to its own package" --repo .'],
  },
  actionRetrieval: { ...question, examples: ['aionis action-retrieval "Make the retry test pass"'] },
  feedback: {
    positional: ["receipt", "outcome"],
    meanings: { used: "a lesson that was used, of those that were shown; those to use now if absent" },
    examples: ["aionis feedback RECEIPT succeeded", "aionis feedback RECEIPT failed --used LESSON"],
  },
  explain: {
    meanings: { id: "the receipt of an answer, or a lesson" },
    examples: ["aionis explain RECEIPT", "aionis explain LESSON"],
  },
  "memory.write": {
    positional: ["text"],
    meanings: { text: "what to write down; - reads it from stdin", tools: "a tool that it is about" },
    examples: [
      'aionis memory write "The retry tests need a free port" --kind fact --file test/retry.test.ts',
      "aionis memory write - --kind procedure --title Release < release.md",
    ],
  },
  "memory.recall": {
    words: "recall",
    positional: ["query"],
    meanings: { query: "what to look for; - reads it from stdin" },
    examples: ['aionis recall "flaky retry test"', 'aionis recall "release" --kind procedure --max 3'],
  },
  "memory.find": { examples: ["aionis memory find --kind workflow --state trusted"] },
  "memory.get": { meanings: { id: "the lesson's id" }, examples: ["aionis memory get LESSON"] },
  "memory.review": {
    positional: ["id", "act"],
    meanings: { id: "the lesson's id", act: "what is decided" },
    examples: ['aionis memory review LESSON retire --reason "The client was replaced"'],
  },
  "memory.import": {
    positional: ["source"],
    meanings: {
      source: "where they come from, such as the name of a tracker",
      cursor: "up to where that history is taken over with these",
      episodes: "finished work: at, goal, files",
    },
    examples: ["aionis memory import tracker --episodes @episodes.json --cursor 2026-01-31"],
  },
  "memory.imports": {
    positional: ["source"],
    isSlow: true, // it waits for learning
    meanings: { source: "the name that it was taken over under" },
    examples: ["aionis memory imports tracker"],
  },
  "nodes.activate": { examples: ["aionis node activate LESSON", "aionis node activate LESSON --outcome failed"] },
  "recall.weights": { words: "ranking weights", examples: ["aionis ranking weights"] },
  "recall.reset": {
    words: "ranking reset",
    mayCreate: false,
    examples: ['aionis ranking reset --reason "the repository was split"'],
  },
  "tasks.settled": {
    isEmpty: (output) => !(output as OperationOutput<"tasks.settled">).settled,
    examples: ["aionis task settled ID"],
  },
  "tasks.start": {
    positional: ["brief"],
    examples: [
      'aionis task start "Make the retry test pass" --to role:code.fix',
      "aionis task start - --deadline-at +2h < brief.md",
    ],
  },
  "tasks.get": { examples: ["aionis task get ID", "aionis task get ID --json"] },
  "tasks.list": { examples: ["aionis task ls --state running --state paused"] },
  "tasks.watch": { examples: ["aionis task watch ID --until-ended"] },
  "tasks.explain": { examples: ["aionis task explain ID"] },
  "tasks.claim": {
    positional: ["taskId"],
    isEmpty: (output) => (output as OperationOutput<"tasks.claim">).assignment === null,
    examples: ["aionis task claim --role code.fix --agent fixer-1 --wait-ms 30s"],
  },
  "tasks.step": {
    positional: ["taskId", "step"],
    examples: [
      `aionis task step ID '{"name":"tests","ordinal":0,"outcome":{"kind":"succeeded"}}' --epoch 1 --agent fixer-1`,
      "aionis task step ID @step.json --epoch 1 --agent fixer-1",
    ],
  },
  "tasks.pause": { examples: ['aionis task pause ID --epoch 1 --question "Deploy now?" --agent fixer-1'] },
  "tasks.answer": {
    positional: ["taskId", "answer"],
    flags: pauseFlag,
    examples: [
      "aionis task answer ID true --pause PAUSE",
      'aionis task answer ID "use the old interface"   # when it asks one question',
    ],
  },
  "tasks.resume": { flags: pauseFlag, examples: ["aionis task resume ID --pause PAUSE"] },
  "tasks.rest": { examples: ["aionis task rest ID --epoch 1 --waits-for PAUSE --agent fixer-1"] },
  "tasks.complete": {
    examples: [`aionis task complete ID --epoch 1 --return '{"summary":"done"}' --agent fixer-1`],
  },
  "tasks.fail": { positional: ["taskId", "error"], examples: ['aionis task fail ID "no such branch" --epoch 1'] },
  "tasks.cancel": { examples: ['aionis task cancel ID --reason "not needed"'] },
  "tasks.delegate": { examples: ["aionis task delegate ID --epoch 1 --to role:docs --packet @packet.json"] },
  "handoff.offer": {
    examples: ["aionis handoff offer ID --epoch 1 --to role:code.review --packet @packet.json --agent fixer-1"],
  },
  "handoff.claim": { examples: ["aionis handoff claim ID PACKET --role code.review --agent reviewer-1"] },
  "playbooks.compile": {
    positional: ["runs"],
    meanings: { runs: "a task that has ended; several are of the same kind of work" },
    examples: ["aionis playbook compile TASK", 'aionis playbook compile TASK TASK TASK --title "Bump the version"'],
  },
  "playbooks.get": { examples: ["aionis playbook get ID", "aionis playbook get ID --version 2 --json"] },
  "playbooks.list": { examples: ["aionis playbook ls --state active"] },
  "playbooks.versions": { examples: ["aionis playbook versions ID"] },
  "playbooks.diff": { examples: ["aionis playbook diff ID --from 1 --to 3"] },
  "playbooks.promote": {
    positional: ["id", "to"],
    meanings: {
      ...playbookId,
      to: "where it is to stand",
      approver: "who stands for it where no verified strict replay does",
    },
    examples: ['aionis playbook promote ID active --reason "Replayed on two repositories"'],
  },
  "playbooks.approve": {
    meanings: playbookId,
    examples: ['aionis playbook approve ID --approver ada --reason "Read it"'],
  },
  "playbooks.reject": { meanings: playbookId, examples: ['aionis playbook reject ID --reason "Too broad"'] },
  "playbooks.disable": { meanings: playbookId, examples: ['aionis playbook disable ID --reason "The API is gone"'] },
  "playbooks.match": {
    ...work,
    examples: ['aionis playbook match "Bump the version to 2.1.0"'],
  },
  "playbooks.candidate": {
    ...params,
    meanings: { ...playbookId, ...params.meanings },
    examples: ["aionis playbook candidate ID --param version=2.1.0"],
  },
  "playbooks.run": {
    ...params,
    meanings: { ...playbookId, ...params.meanings },
    examples: [
      "aionis playbook run ID --mode simulate --param version=2.1.0",
      'aionis playbook run ID --mode strict --text "Bump the version to 2.1.0" --in-copy',
    ],
  },
  "playbooks.dispatch": {
    ...work,
    meanings: { ...work.meanings, ...params.meanings },
    examples: ['aionis playbook dispatch "Bump the version to 2.1.0"'],
  },
  "playbooks.repair": {
    positional: ["id", "patch"],
    meanings: { ...playbookId, patch: "steps by their keys, with what is different" },
    examples: [
      `aionis playbook repair ID '{"steps":{"bump":{"input":{"path":"pkg/version.ts"}}}}' --reason "It moved"`,
    ],
  },
  "playbooks.repairReview": {
    positional: ["id", "act"],
    meanings: { ...playbookId, act: "what is decided" },
    examples: ['aionis playbook repair-review ID approve --reason "Replayed in a copy" --require-replay'],
  },
  "replay.run.start": {
    words: "replay start",
    positional: ["runId", "brief"],
    meanings: {
      runId: "what you call the run",
      steps: "steps that are done: id, tool, input, output",
      end: "how it ended",
    },
    examples: [
      'aionis replay start nightly-7 "Rotate the logs"',
      'aionis replay start nightly-7 "Rotate the logs" --steps @steps.json --end \'{"outcome":"succeeded"}\'',
    ],
  },
  "replay.run.end": {
    words: "replay end",
    positional: ["runId", "outcome"],
    examples: ["aionis replay end nightly-7 succeeded"],
  },
  "replay.run.get": {
    words: "replay get",
    examples: ["aionis replay get --run-id nightly-7", "aionis replay get --task-id TASK"],
  },
  "replay.step": {
    positional: ["runId", "step"],
    examples: [`aionis replay step nightly-7 '{"id":"rotate","tool":"command","input":{"argv":["logrotate"]}}'`],
  },
  "replay.step.before": { words: "replay before", positional: ["runId", "step"] },
  "replay.step.after": { words: "replay after", positional: ["runId", "step"] },
  "sessions.create": { positional: ["title"], examples: ['aionis session create "Night shift" --agent ada'] },
  "sessions.event": {
    positional: ["sessionId", "text"],
    examples: [
      'aionis session event ID "The retry waits too long" --kind observation --agent ada',
      "aionis session event ID - --kind message < message.md",
    ],
  },
  "sessions.events": { examples: ["aionis session events ID --tail 20", "aionis session events ID --after 100"] },
  "sessions.list": { examples: ["aionis session ls --status open"] },
  "sessions.close": { examples: ['aionis session close ID --summary "The retry is repaired"'] },
  "events.read": {
    isEmpty: (output) => (output as OperationOutput<"events.read">).events.length === 0,
    examples: ["aionis events read --task-id ID", "aionis events read --from 100 --json"],
  },
  "store.verify": { words: "verify", isSlow: true, examples: ["aionis verify"] },
  "store.rebuild": { words: "rebuild", isSlow: true, examples: ["aionis rebuild"] },
  "store.backup": {
    words: "backup",
    positional: ["path"],
    paths: ["path"],
    isSlow: true,
    examples: ["aionis backup /backups/aionis.db"],
  },
  "runtime.status": { words: "status", examples: ["aionis status"] },
};

const groupWords: Readonly<Record<string, string>> = {
  tasks: "task",
  sessions: "session",
  nodes: "node",
  playbooks: "playbook",
};
const verbWords: Readonly<Record<string, string>> = { list: "ls" };

export interface Verb {
  operation: Operation;
  /** `["task", "start"]`; a single word has no group. */
  words: readonly string[];
  /** What the client's method takes. */
  input: z.ZodType;
  traits: Traits;
}

/** Every operation as a verb, in the order of the table. */
export function listVerbs(): Verb[] {
  return Object.values(operations).map(toVerb);
}

/** The verb of one operation; nothing for a name of none. */
export function findVerb(name: string): Verb | undefined {
  return Object.hasOwn(operations, name) ? toVerb(operations[name as OperationName]) : undefined; // it has that key
}

/** How an operation is called here: `tasks.claim` is `task claim`. A name of none stays as it is. */
export function toWords(name: string): string {
  const named = traits[name]?.words;
  if (named !== undefined) return named;
  if (!Object.hasOwn(operations, name)) return name;
  const [group = "", ...rest] = name.split(".");
  return [groupWords[group] ?? toKebab(group), ...rest.map((word) => verbWords[word] ?? toKebab(word))].join(" ");
}

function toVerb(operation: Operation): Verb {
  const known = traits[operation.name] ?? {};
  return { operation, words: toWords(operation.name).split(" "), input: known.input ?? operation.input, traits: known };
}
