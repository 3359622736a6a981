// Verbs
//
// How the operations' table reads as a command line. A verb's name, arguments and options follow from its operation; what is written
// here is only where people expect another word or order. An operation that is not named here is a verb all the same.

import type { Operation, OperationOutput } from "../contracts/operations/index.ts";
import { operations } from "../contracts/operations/index.ts";

/** What the table of operations cannot know. */
interface Traits {
  /** The words after `aionis`; by default the operation's group and verb. */
  words?: string;
  /** Inputs that are given by position; by default the required ids. */
  positional?: readonly string[];
  /** Inputs that are paths of this machine, resolved against the current folder. */
  paths?: readonly string[];
  /** Whether it may take long for a reason, so that it is not asked again while it runs. */
  isSlow?: boolean;
  /** Of an answer that may be waited for: whether nothing has come yet. */
  isEmpty?: (output: unknown) => boolean;
  examples?: readonly string[];
}

const traits: Readonly<Record<string, Traits>> = {
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
    examples: ["aionis task answer ID true", 'aionis task answer ID "use the old interface"'],
  },
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
  "store.backup": {
    words: "backup",
    positional: ["path"],
    paths: ["path"],
    isSlow: true,
    examples: ["aionis backup /backups/aionis.db"],
  },
  "runtime.status": { words: "status", examples: ["aionis status"] },
};

const groupWords: Readonly<Record<string, string>> = { tasks: "task", sessions: "session" };
const verbWords: Readonly<Record<string, string>> = { list: "ls" };

/** What an option or argument is, where its name leaves it open. A description in the schema goes first. */
const meanings: Readonly<Record<string, string>> = {
  brief: "what is to be done; - reads it from stdin",
  taskId: "the task's id",
  packetId: "the packet's id, from the offer",
  sessionId: "the session's id",
  epoch: "the epoch of your claim",
  commandId: "idempotency key: the same id takes effect once",
  to: "whom it is for",
  packet: "what the next worker must know; it says what to do first (nextAction or files)",
  step: "the step and how it ended, or with begin",
  return: "what came of it: summary, files, artifacts",
  checks: "conditions that the finished task must meet",
  answer: "the answer; what is no JSON is taken as text",
  answerSchema: "JSON Schema of the answer",
  states: "only tasks in this state",
  types: "only events of this type",
  roles: "a role of the claiming agent",
  cursor: "where the next page begins, from the page before",
  path: "the file to write",
  retry: "attempts and backoff",
  budget: "what it may delegate: count and depth",
  kind: "of what kind it is",
  family: "tasks of one family are the same kind of work",
  data: "anything else, for programs",
  files: "a path in the workspace that it is about",
  claimableAt: "not before this moment",
  deadlineAt: "it is given up after this moment",
  timeoutMs: "its deadline, counted from now",
  expiresAt: "until when it stands",
  expiresInMs: "until when it stands, counted from now",
  waitMs: "how long to wait when there is nothing yet",
  afterRevision: "only changes after this revision",
  untilEnded: "only its end counts as a change",
  pageSize: "how many at most",
  after: "only what was recorded after this sequence",
  parentId: "only what this task delegated",
  stage: "only of this stage",
  reason: "why, for people",
  question: "what is to be answered before the work goes on",
  approver: "the only agent who may answer",
  note: "where the work stands",
  title: "what to call it, in a line",
  text: "what to note; - reads it from stdin",
  summary: "what came of it, in a line",
  tail: "only the last so many",
  error: "what went wrong",
  retryable: "do not try it again",
  results: "what came of each check",
  priority: "0 is claimed last, 4 first",
};

export interface Verb {
  operation: Operation;
  /** `["task", "start"]`; a single word has no group. */
  words: readonly string[];
  positional: readonly string[] | undefined;
  paths: readonly string[];
  isSlow: boolean;
  isEmpty: ((output: unknown) => boolean) | undefined;
  examples: readonly string[];
}

/** Every operation as a verb, in the order of the table. */
export function listVerbs(): Verb[] {
  return Object.values(operations).map(toVerb);
}

/** How an operation is called here: `tasks.claim` is `task claim`. A name of none stays as it is. */
export function toWords(name: string): string {
  const named = traits[name]?.words;
  if (named !== undefined) return named;
  if (!Object.hasOwn(operations, name)) return name;
  const [group = "", ...rest] = name.split(".");
  return [groupWords[group] ?? group, ...rest.map((word) => verbWords[word] ?? toKebab(word))].join(" ");
}

export function meaningOf(field: string): string | undefined {
  return meanings[field];
}

/** `expiresAt` as `expires-at`. */
export function toKebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function toVerb(operation: Operation): Verb {
  const { positional, paths = [], isSlow = false, isEmpty, examples = [] } = traits[operation.name] ?? {};
  const words = toWords(operation.name).split(" ");
  return { operation, words, positional, paths, isSlow, isEmpty, examples };
}
