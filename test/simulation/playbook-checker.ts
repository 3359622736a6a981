// Checker of playbooks
//
// Reads from a journal what must hold of playbooks, their replays and the runs that they were compiled from. Written without the machines:
// what a replay was for stands in the event that made it, and what came of it in the event that ended it; what the playbook says of
// either is compared with that. What replays did outside is looked at in `effect-checker.ts`.

import type { EventHeader } from "../../src/contracts/events.ts";
import type { PlaybookStep } from "../../src/contracts/playbook.ts";
import { checkEffects } from "./effect-checker.ts";
import { type History, isEnding, type Replay, read } from "./history.ts";
import type { Effect } from "./world.ts";

/** Steps of a playbook, and the events that speak for them. */
interface Content {
  version: number;
  dryRun?: number | undefined;
  strict?: number | undefined;
}

interface PlaybookLife {
  state: string;
  content: Content;
  proposal: Content | undefined;
  isPartial: boolean;
  sources: readonly string[];
}

interface Lives {
  events: Map<string, EventHeader>;
  succeeded: Set<string>;
  playbooks: Map<string, PlaybookLife>;
  replays: Map<string, Replay>;
  /** Sources of playbooks that were replayed. */
  replayed: Set<string>;
}

type Body = Record<string, unknown>;
type Fact<Type extends EventHeader["type"]> = EventHeader<Type>;

/** What is wrong with a scope's playbooks and replays, and with what its workers' tools did. */
export function checkPlaybooks({
  journal,
  events,
  lost,
  effects,
}: Omit<History, "acknowledged"> & { effects: readonly Effect[] }): string[] {
  const lives: Lives = {
    events: new Map(events.map((event) => [event.id, event])),
    succeeded: new Set(),
    playbooks: new Map(),
    replays: new Map(),
    replayed: new Set(),
  };
  const bodies = journal.map(({ body }) => JSON.parse(body ?? "{}") as Body);
  const found = events.flatMap((event, index) => {
    followEnd(lives, event, bodies[index] ?? {});
    return checkEvent(lives, event, bodies[index] ?? {}).map((what) => `${what} (event ${event.seq}, ${event.type})`);
  });
  for (const { id, end, told } of lives.replays.values()) {
    if (told !== (end === undefined ? 0 : 1)) found.push(`I8: the playbook of ${id} was told ${told} times of its end`);
  }
  found.push(...checkEffects({ events, bodies, lost, effects, replays: lives.replays }));
  return found.slice(0, 20);
}

/** How tasks end, in words of the one who worked on them: a replay has passed when its worker says so and is done. */
function followEnd({ succeeded, replays }: Lives, event: EventHeader, body: Body): void {
  const replay = replays.get(event.taskId);
  if (event.type === "task.completed" && replay !== undefined) replay.said = readSaid(read(body, "return"));
  if (!isEnding(event)) return;
  const isDone = event.type === "checks.passed" || event.type === "task.completed";
  if (isDone) succeeded.add(event.taskId);
  if (replay === undefined) return;
  const said = event.type === "task.failed" ? readSaid(body) : replay.said;
  const unfinished = event.type === "task.failed" && said === "failed" ? "failed" : "aborted";
  const outcome = isDone ? (said === "passed" ? "passed" : "failed") : unfinished;
  replay.end = { event, outcome, isVerified: event.type === "checks.passed" };
}

function checkEvent(lives: Lives, event: EventHeader, body: Body): string[] {
  switch (event.type) {
    case "task.created":
      return event.facts.replay === undefined ? [] : checkBegun(lives, event as Fact<"task.created">, body);
    case "playbook.compiled":
      return checkCompiled(lives, event);
    case "playbook.started":
      return checkStarted(lives, event);
    case "playbook.replayed":
    case "playbook.turned":
      return checkTold(lives, event);
    case "playbook.moved":
      return checkMoved(lives, event);
    case "playbook.repaired":
      playbookOf(lives, event).proposal = { version: event.facts.version };
      return [];
    case "playbook.reviewed":
      return checkReviewed(lives, event);
    case "replay.started":
    case "replay.failed":
    case "task.replayed":
      return checkSource(lives, event);
    case "task.promoted":
      return checkPromoted(lives, event);
    default:
      return [];
  }
}

/** A replay's task comes with the event by which its playbook ordered it. */
function checkBegun({ events, replays }: Lives, event: Fact<"task.created">, body: Body): string[] {
  const { replay: order } = event.facts;
  if (order === undefined) return [];
  const steps = read(read(read(body, "data"), "playbook"), "steps") as PlaybookStep[]; // the runtime made it
  replays.set(event.taskId, { id: event.taskId, order, steps, said: undefined, end: undefined, told: 0 });
  const cause = events.get(event.causedBy ?? "");
  if (cause?.type !== "playbook.started") return [`I8: nobody ordered the replay ${event.taskId}`];
  const { replayId, mode, content } = cause.facts;
  const isSame = cause.taskId === order.playbookId && replayId === event.taskId;
  return isSame && mode === order.mode && content === order.version ? [] : [`I8: ${event.taskId} is another replay`];
}

function checkCompiled({ playbooks, succeeded }: Lives, { taskId, facts }: Fact<"playbook.compiled">): string[] {
  const { isPartial, sources, version, to } = facts;
  playbooks.set(taskId, { state: to, content: { version }, proposal: undefined, isPartial, sources });
  const failed = isPartial ? [] : sources.filter((source) => !succeeded.has(source));
  return failed.map((source) => `I12: ${taskId} counts on ${source}, which did not succeed`);
}

function checkStarted(lives: Lives, event: Fact<"playbook.started">): string[] {
  const { mode, content: version } = event.facts;
  const { state, content, proposal } = playbookOf(lives, event);
  const shown = [content, proposal].find((each) => each?.version === version);
  if (shown === undefined) return [`I12: ${event.taskId} runs version ${version}, which it does not have`];
  if (state === "disabled") return [`I12: ${event.taskId} runs, and is disabled`];
  const isRash = mode !== "simulate" && shown.dryRun === undefined;
  return isRash ? [`I12: ${event.taskId} runs ${mode} without a dry run`] : [];
}

/** What a playbook says of a replay is what that replay was, in the commit of its end, once. */
function checkTold(lives: Lives, event: Fact<"playbook.replayed" | "playbook.turned">): string[] {
  const { replayId, mode, outcome, isVerified, content: version, to } = event.facts;
  const replay = lives.replays.get(replayId);
  if (replay?.end === undefined) return [`I8: ${event.taskId} tells of ${replayId}, which has not ended`];
  const { order, end } = replay;
  replay.told += 1;
  const found: string[] = [];
  if (!isWithEnd(event, replay)) found.push(`I8: ${event.taskId} tells of ${replayId} in another commit`);
  if (order.playbookId !== event.taskId) found.push(`I8: ${replayId} is no replay of ${event.taskId}`);
  if (order.mode !== mode || order.version !== version) found.push(`I12: ${replayId} was ${order.mode}, not ${mode}`);
  if (end.outcome !== outcome) found.push(`I12: ${replayId} has ${end.outcome}, not ${outcome}`);
  if (end.isVerified !== isVerified) found.push(`I12: ${replayId} was not verified as its playbook says`);
  const life = playbookOf(lives, event);
  const shown = [life.content, life.proposal].find((each) => each?.version === order.version);
  if (shown !== undefined) show(shown, event.seq, replay);
  const expected = stateAfter(life, replay);
  if (to !== expected) found.push(`I12: ${event.taskId} is ${to} after ${replayId}; it should be ${expected}`);
  life.state = to;
  return found;
}

function show(content: Content, seq: number, { order: { mode }, end }: Replay): void {
  if (mode === "simulate") content.dryRun = end?.outcome === "passed" ? seq : content.dryRun;
  else if (end?.outcome === "failed") content.strict = undefined;
  else if (mode === "strict" && end?.outcome === "passed" && end.isVerified) content.strict = seq;
}

function stateAfter({ state, content }: PlaybookLife, { order, end }: Replay): string {
  if (order.version !== content.version || state === "disabled") return state;
  if (order.mode === "simulate") return end?.outcome === "passed" && state === "draft" ? "shadow" : state;
  return end?.outcome === "failed" ? "contested" : state;
}

function checkMoved(lives: Lives, event: Fact<"playbook.moved">): string[] {
  const { to, approver, evidence } = event.facts;
  const life = playbookOf(lives, event);
  const { dryRun, strict } = life.content;
  const found: string[] = [];
  if (to !== "disabled" && dryRun === undefined) found.push(`I12: ${event.taskId} becomes ${to} without a dry run`);
  if (to === "active" && life.isPartial) found.push(`I12: ${event.taskId} becomes active of a run that failed`);
  if (to === "active" && strict === undefined && approver === undefined)
    found.push(`I12: ${event.taskId} becomes active, and nothing stands for it`);
  const known = to === "active" ? [dryRun, strict] : to === "shadow" ? [dryRun] : [];
  if (evidence.join() !== known.filter((seq) => seq !== undefined).join())
    found.push(`I12: ${event.taskId} becomes ${to} on ${evidence.join()}`);
  life.state = to;
  return found;
}

/** Who approves a repair stands for it. */
function checkReviewed(lives: Lives, event: Fact<"playbook.reviewed">): string[] {
  const life = playbookOf(lives, event);
  const { act, to } = event.facts;
  const { proposal, isPartial, state } = life;
  life.proposal = undefined;
  life.state = to;
  if (proposal === undefined) return [`I12: ${event.taskId} had no repair to review`];
  if (act === "reject") return to === state ? [] : [`I12: ${event.taskId} is ${to} for a repair that was rejected`];
  life.content = proposal;
  return isPartial ? [`I12: ${event.taskId} becomes active of a run that failed`] : [];
}

/** What a source learns of a replay is what came of it, in the commit in which its playbook learns it. */
function checkSource(lives: Lives, event: Fact<"replay.started" | "replay.failed" | "task.replayed">): string[] {
  const { taskId, type, causedBy = "" } = event;
  const replay = lives.replays.get(event.facts.replayId);
  if (replay === undefined) return [`I12: ${taskId} learns of a replay that is not there`];
  const found: string[] = [];
  const { order, end } = replay;
  if (!lives.playbooks.get(order.playbookId)?.sources.includes(taskId))
    found.push(`I12: ${taskId} learns of ${replay.id}, whose playbook was made without it`);
  if (order.mode === "simulate") found.push(`I12: ${taskId} learns of ${replay.id}, which was a dry run`);
  const isShown = end?.outcome === "passed" && end.isVerified;
  if (type === "task.replayed" && !isShown)
    found.push(`I12: ${taskId} was replayed by ${replay.id}, which shows nothing`);
  if (type === "replay.failed" && isShown) found.push(`I12: ${taskId} was not replayed by ${replay.id}, which passed`);
  const isWithCause =
    type === "replay.started" ? isOrdered(lives, event as Fact<"replay.started">, causedBy) : isWithEnd(event, replay);
  if (!isWithCause) found.push(`I8: ${taskId} learns of ${replay.id} in another commit`);
  if (type === "task.replayed") lives.replayed.add(taskId);
  return found;
}

/** The commit that ended the replay began with its end, or with what brought that about. */
function isWithEnd({ causedBy }: EventHeader, { end }: Replay): boolean {
  return causedBy !== undefined && (causedBy === end?.event.id || causedBy === end?.event.causedBy);
}

function isOrdered({ events }: Lives, { facts }: Fact<"replay.started">, causedBy: string): boolean {
  const order = events.get(causedBy);
  return order?.type === "playbook.started" && order.facts.replayId === facts.replayId;
}

function checkPromoted({ events, playbooks, replayed }: Lives, event: Fact<"task.promoted">): string[] {
  const cause = events.get(event.causedBy ?? "");
  const isActivation = cause?.type === "playbook.moved" && cause.facts.to === "active";
  if (!isActivation) return [`I12: ${event.taskId} is promoted, and no playbook became active`];
  const found: string[] = [];
  if (!playbooks.get(cause.taskId)?.sources.includes(event.taskId))
    found.push(`I12: ${event.taskId} is promoted with ${cause.taskId}, which was made without it`);
  if (!replayed.has(event.taskId)) found.push(`I12: ${event.taskId} is promoted and was never replayed`);
  return found;
}

function playbookOf({ playbooks }: Lives, { taskId }: EventHeader): PlaybookLife {
  const nothing = { state: "", content: { version: 0 }, proposal: undefined, isPartial: true, sources: [] };
  return playbooks.get(taskId) ?? nothing; // of which every change is a violation
}

function readSaid(value: unknown): string | undefined {
  const said = read(read(value, "data"), "replay");
  return typeof said === "string" ? said : undefined;
}
