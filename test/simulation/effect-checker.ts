// Checker of effects
//
// Compares what tools did outside with what the journal says of the steps that used them.
//
// What holds of each use of a tool in a replay:
//   E1. What is not idempotent takes effect once, and once more each time that somebody says "again". Outside of replays it does so
//       again also when its failure was recorded.
//   E2. When a step takes effect, every step before it is recorded as done, or somebody said to leave it out or did it by hand.
//   E3. A dry run does nothing. A strict replay does nothing after the step that is recorded as broken, and nothing at all when that was
//       found out before it began.
//   E4. Nobody who claimed a task after a step of it was recorded as done does that step.
//   E5. What a step is handed from an earlier one is what is recorded of that.

import type { EventHeader } from "../../src/contracts/events.ts";
import { type Replay, read } from "./history.ts";
import { onceTool } from "./tools.ts";
import type { Effect } from "./world.ts";

interface Parts {
  events: readonly EventHeader[];
  bodies: readonly Record<string, unknown>[];
  lost: readonly EventHeader[];
  effects: readonly Effect[];
  replays: ReadonlyMap<string, Replay>;
}

/** What the journal says of one task's steps. */
interface Trail {
  stage: number;
  /** Stages in which a worker followed a playbook. */
  followed: Set<number>;
  /** The next owner goes on with the replay. */
  goesOn: boolean;
  /** What the present pause is about. */
  about: string;
  /** Sequences of each agent's claims. */
  claims: Map<string, number[]>;
  /** By key with stage, how often it may take effect again. */
  agains: Map<string, number>;
  failures: Map<string, number>;
  /** By key with stage, the sequence of its success. */
  succeeded: Map<string, number>;
  /** By key of the playbook, when it was done, left out, or done by hand. */
  settledAt: Map<string, number>;
  outputs: Map<string, unknown>;
  /** What a strict replay is not to go beyond: a step, its checks, or the empty text before anything was done. */
  brokenAt: string | undefined;
}

export function checkEffects({ events, bodies, lost, effects, replays }: Parts): string[] {
  const trails = new Map<string, Trail>();
  const found = events.flatMap((event, index) => {
    if (event.type === "task.created") trails.set(event.taskId, createTrail());
    const trail = trails.get(event.taskId);
    if (trail === undefined) return [];
    const replay = replays.get(event.taskId);
    const wasBroken = trail.brokenAt;
    follow(trail, event, bodies[index] ?? {});
    if (replay === undefined || !trail.followed.has(trail.stage)) return [];
    const isAnew = replay.order.mode === "strict" && event.type === "task.completed" && wasBroken !== undefined;
    const anew = isAnew
      ? [`E3: ${event.taskId} is complete after it was broken at ${wasBroken} (event ${event.seq})`]
      : [];
    return [...anew, ...checkInput(trail, replay, event, bodies[index] ?? {})]; // E5
  });
  const torn = new Set<string>(lost.map(({ taskId }) => taskId)); // what they did is no longer in the journal
  const counts = new Map<string, number>();
  for (const effect of effects) {
    const [taskId = ""] = effect.key.split("/");
    const trail = trails.get(taskId);
    if (trail === undefined || torn.has(taskId)) continue;
    const count = (counts.get(effect.key) ?? 0) + 1;
    counts.set(effect.key, count);
    found.push(...checkEffect(effect, count, trail, replays.get(taskId)));
  }
  return found;
}

function createTrail(): Trail {
  const maps = { claims: new Map(), agains: new Map(), failures: new Map(), succeeded: new Map(), outputs: new Map() };
  const nothing = { stage: 1, followed: new Set([1]), goesOn: false, about: "", brokenAt: undefined };
  return { ...maps, ...nothing, settledAt: new Map() };
}

function follow(trail: Trail, event: EventHeader, body: Record<string, unknown>): void {
  switch (event.type) {
    case "task.claimed":
    case "handoff.claimed":
      return followClaim(trail, event);
    case "handoff.offered":
      trail.goesOn = read(read(read(body, "packet"), "data"), "replay") === "goes on";
      return;
    case "task.paused":
      trail.about = event.facts.key;
      return;
    case "task.answered":
      return followAnswer(trail, event, body.answer);
    case "step.succeeded":
      return followSuccess(trail, event, body.output);
    case "step.failed":
      return followFailure(trail, event);
    case "checks.failed":
      if (trail.followed.has(trail.stage)) trail.brokenAt ??= "checks";
      return;
    default:
  }
}

function followClaim(trail: Trail, { type, seq, facts }: EventHeader<"task.claimed" | "handoff.claimed">): void {
  trail.claims.set(facts.agent, [...(trail.claims.get(facts.agent) ?? []), seq]);
  trail.stage = facts.stage;
  if (type === "handoff.claimed" && trail.goesOn) trail.followed.add(facts.stage);
}

function followAnswer(trail: Trail, { at }: EventHeader<"task.answered">, answer: unknown): void {
  const [, step, ordinal] = /^!step (.+)#(\d+)$/.exec(trail.about) ?? [];
  if (step !== undefined && answer === "again") add(trail.agains, `${trail.stage}/${step}/${ordinal}`);
  const [, left] = /^broken (\S+) \d+$/.exec(trail.about) ?? [];
  if (left !== undefined && answer === "skip") trail.settledAt.set(left, at);
  const [, byHand] = /^by hand (\S+)$/.exec(trail.about) ?? [];
  if (byHand !== undefined && answer === "done") trail.settledAt.set(byHand, at);
}

/** Who finishes a replay that broke has steps of their own. */
function followSuccess(trail: Trail, { seq, at, facts }: EventHeader<"step.succeeded">, output: unknown): void {
  trail.succeeded.set(toKey(trail, facts), seq);
  if (!trail.followed.has(trail.stage)) return;
  trail.outputs.set(toStep(facts.name), output);
  trail.settledAt.set(toStep(facts.name), at);
}

function followFailure(trail: Trail, { facts }: EventHeader<"step.failed">): void {
  if (facts.retryable) add(trail.failures, toKey(trail, facts));
  else if (trail.followed.has(trail.stage))
    trail.brokenAt ??= facts.name === "look ahead" ? "" : toStep(facts.name.replace(/^before /, ""));
}

function checkEffect(
  { key, tool, agent, at }: Effect,
  count: number,
  trail: Trail,
  replay: Replay | undefined,
): string[] {
  const [, stage = "", name = ""] = key.split("/");
  const claims = trail.claims.get(agent) ?? [];
  const inTask = key.slice(key.indexOf("/") + 1);
  const recorded = trail.succeeded.get(inTask) ?? Infinity;
  const found: string[] = [];
  if (claims.every((seq) => seq > recorded)) found.push(`E4: ${agent} does ${key}, which was done before its claim`);
  const isFollowing = replay !== undefined && trail.followed.has(Number(stage));
  const allowed = 1 + ((isFollowing ? trail.agains : trail.failures).get(inTask) ?? 0);
  if (tool === onceTool && count > allowed) found.push(`E1: ${key} took effect ${count} times; ${allowed} are allowed`);
  if (!isFollowing) return found;
  return [...found, ...checkPlace({ key, step: toStep(name), at }, trail, replay)];
}

/** E2, E3 */
function checkPlace(
  { key, step, at }: { key: string; step: string; at: number },
  trail: Trail,
  replay: Replay,
): string[] {
  const { order, steps } = replay;
  const place = steps.findIndex((each) => each.key === step);
  if (place < 0) return []; // of whoever else had the task in that stage
  if (order.mode === "simulate") return [`E3: ${key} took effect in a dry run`];
  const open = steps.slice(0, place).filter(({ key: earlier, when }) => {
    return when === undefined && (trail.settledAt.get(earlier) ?? Infinity) > at;
  });
  const found = open.map((earlier) => `E2: ${key} took effect before ${earlier.key} was done`);
  const broken =
    trail.brokenAt === "checks" ? steps.length : steps.findIndex(({ key: each }) => each === trail.brokenAt);
  if (order.mode === "strict" && trail.brokenAt !== undefined && place > broken)
    found.push(`E3: ${key} took effect, and the strict replay is broken at ${trail.brokenAt || "its beginning"}`);
  return found;
}

/** E5 */
function checkInput(
  trail: Trail,
  { steps, order }: Replay,
  event: EventHeader,
  body: Record<string, unknown>,
): string[] {
  const isFollowing = order.mode !== "simulate" && trail.followed.has(trail.stage);
  if (!isFollowing || event.type !== "step.succeeded" || event.facts.tool === undefined) return [];
  const step = steps.find(({ key }) => key === toStep(event.facts.name));
  return Object.entries((step?.input ?? {}) as object).flatMap(([field, template]) => {
    const [, key, path] = /^\{\{steps\.([a-z0-9_-]+)\.(\w+)\}\}$/.exec(String(template)) ?? [];
    if (key === undefined || path === undefined) return [];
    const [given, wanted] = [read(body.input, field), read(trail.outputs.get(key), path)];
    return given === wanted
      ? []
      : [`E5: ${event.taskId} hands ${step?.key} ${given}, not ${wanted} (event ${event.seq})`];
  });
}

/** Where it stands in the task: stage, name, how many-eth of that name. */
function toKey({ stage }: Trail, { name, ordinal }: { name: string; ordinal: number }): string {
  return `${stage}/${name}/${ordinal}`;
}

/** The step of the playbook of which a try was recorded under `name`. */
function toStep(name: string): string {
  return name.replace(/ again \d+$/, "");
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
