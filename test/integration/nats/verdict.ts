// Verdict
//
// What is right and wrong when everything has ended: the journal against itself, against what was acknowledged, and against what the
// workers did outside. Outside, a step may take place several times; this is what must hold all the same:
//
//   V1. What was acknowledged is in the journal (I2).
//   V2. A step is recorded once, and was carried out in the very claim that recorded it.
//   V3. No claim after that carries it out again. An earlier owner that was cut off may, late; it is not recorded.
//   V4. Within one claim a step is carried out once, and a claim is worked on by one run.

import { readFileSync } from "node:fs";
import type { EventHeader } from "../../../src/contracts/events.ts";
import type { Connection, JournalEvent } from "../../../src/index.ts";
import { checkHistory } from "../../simulation/checker.ts";
import { checkMirror } from "./mirror.ts";
import type { System } from "./system.ts";
import type { Traffic } from "./traffic.ts";
import { facts, toKey } from "./work.ts";

export interface Counts {
  /** Tasks that ended, delegated ones included. */
  tasks: number;
  /** What somebody was told is recorded: starts, claims, steps, offers, completions. */
  acknowledged: number;
  /** Calls of the client that ended without an answer. Each was made again under its id. */
  unknown: number;
  /** Effects outside. */
  effects: number;
  /** Effects of a step that had taken place before. */
  repeated: number;
  /** What was acknowledged and is not in the journal. */
  lost: number;
}

export interface Verdict {
  problems: string[];
  counts: Counts;
}

/** An effect outside: a step was carried out under a claim. */
interface Effect {
  key: string;
  epoch: number;
}

/** Judges a system in which everything has ended. */
export async function judge(system: System, traffic: Traffic): Promise<Verdict> {
  const { client, log } = system;
  await client.memory.imports({ source: "none" }); // answers when learning has come to the end, so that the journal grows no more
  const events = await readJournal(client);
  const { acknowledged, effects } = readLog(log);
  acknowledged.push(...traffic.acknowledged);
  const recorded = new Set(events.flatMap(toFacts));
  const lost = acknowledged.filter((fact) => !recorded.has(fact));
  const problems = [
    ...checkHistory({ journal: events.map(toStored), events: events as EventHeader[], acknowledged: [], lost: [] }),
    ...lost.map((fact) => `I2: "${fact}" was acknowledged and is not in the journal`),
    ...checkClaims(acknowledged),
    ...checkEffects(effects, events),
    ...(await checkStates(client, traffic)),
    ...(await checkMirror(system, events)),
    ...(await client.store.verify({})).problems.map(({ what }) => `verify: ${what}`),
  ];
  const counts: Counts = {
    tasks: events.filter(({ type }) => type === "task.created").length,
    acknowledged: acknowledged.length,
    unknown: traffic.unknown,
    effects: effects.length,
    repeated: effects.length - new Set(effects.map(({ key }) => key)).size,
    lost: lost.length,
  };
  return { problems, counts };
}

export function addCounts(left: Counts, right: Counts): Counts {
  const names = Object.keys(left) as (keyof Counts)[]; // Object.keys loses the key type
  return Object.fromEntries(names.map((name) => [name, left[name] + right[name]])) as unknown as Counts; // the same keys
}

export function describeCounts(counts: Counts): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(", ");
}

async function readJournal(client: Connection): Promise<JournalEvent[]> {
  const events: JournalEvent[] = [];
  for (let from = 1; ; ) {
    const page = await client.events.read({ from, pageSize: 500 });
    events.push(...page.events);
    if (page.next > page.head) return events;
    from = page.next;
  }
}

function readLog(file: string): { acknowledged: string[]; effects: Effect[] } {
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const effects = lines.filter((line) => line.startsWith("effect ")).map((line) => line.split(" "));
  return {
    acknowledged: lines.filter((line) => line.startsWith("ack ")).map((line) => line.slice("ack ".length)),
    effects: effects.map(([, key = "", epoch]) => ({ key, epoch: Number(epoch) })),
  };
}

/** What an event says that somebody may have been told. */
function toFacts(event: JournalEvent): string[] {
  const { type, taskId, epoch, commandId } = event;
  if (type === "task.created") return commandId === undefined ? [] : [facts.started(taskId, commandId)];
  if (type === "task.claimed" || type === "handoff.claimed")
    return [facts.claimed(taskId, epoch, String(event.facts.agent))];
  if (type === "step.succeeded") return [facts.stepped(keyOf(event))];
  if (type === "handoff.offered") return [facts.offered(taskId, epoch)];
  return type === "task.completed" ? [facts.completed(taskId, epoch)] : [];
}

/** The key of a step's event. */
function keyOf({ taskId, facts: step }: JournalEvent): string {
  return toKey(taskId, Number(step.stage), String(step.name), Number(step.ordinal));
}

/** V4. Each run says once which claim it works on. */
function checkClaims(acknowledged: readonly string[]): string[] {
  const claims = acknowledged.filter((fact) => fact.startsWith("claim "));
  const twice = claims.filter((claim, index) => claims.indexOf(claim) !== index);
  return twice.map((claim) => `I3: two runs worked on "${claim}"`);
}

function checkEffects(effects: readonly Effect[], events: readonly JournalEvent[]): string[] {
  const steps = events.filter(({ type }) => type === "step.succeeded");
  const recordedIn = new Map(steps.map((step) => [keyOf(step), step.epoch]));
  const claims = new Set<string>();
  const problems: string[] = [];
  for (const { key, epoch } of effects) {
    const claim = `${key} in claim ${epoch}`;
    if (claims.has(claim)) problems.push(`step ${claim} was carried out twice (V4)`);
    claims.add(claim);
    const recorded = recordedIn.get(key);
    if (recorded !== undefined && epoch > recorded) {
      problems.push(`step ${claim} was carried out after it was recorded in claim ${recorded} (V3)`);
    }
  }
  for (const [key, epoch] of recordedIn) {
    if (!claims.has(`${key} in claim ${epoch}`)) problems.push(`step ${key} is recorded and did not take place (V2)`);
  }
  return problems;
}

/** Every task that was started has succeeded: nothing in it can fail. */
async function checkStates(client: Connection, { taskIds }: Traffic): Promise<string[]> {
  const tasks = await Promise.all(taskIds.map(async (taskId) => (await client.tasks.get({ taskId })).task));
  return tasks.filter(({ state }) => state !== "succeeded").map(({ id, state }) => `${id} is ${state}`);
}

function toStored({ body }: JournalEvent): { body: string } {
  return { body: JSON.stringify(body ?? {}) };
}
