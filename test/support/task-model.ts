// A model of tasks
//
// Says what a command to a task must come to, from nothing but who owns it, under which epoch, and in which state it is. Written from
// the design, without a look at the machine, so that the two check each other.

export interface ModelTask {
  id: string;
  state: "start" | "running" | "paused" | "handoff" | "verifying" | "succeeded" | "failed" | "cancelled";
  epoch: number;
  owner: string | undefined;
  lastOwner: string | undefined;
  preferred: { agent: string; until: number } | undefined;
  attempt: number;
  hasFruit: boolean;
  losses: number;
  /** Claims given back in a row without fruit; until when it is not offered again. */
  releases: number;
  claimableAfter: number | undefined;
  checks: string[];
  verifying: string[];
  asks: boolean;
  /** Who may claim it from start. */
  to: "any" | "review";
  offeredTo: "any" | "review";
  delegations: number;
  parent: ModelTask | undefined;
  children: Set<ModelTask>;
}

export const attemptsMax = 3;
export const lossesMax = 4;
const releasesFree = 3;
export const delegationsMax = 3;
const preferenceMs = 5_000;

export type Act =
  | { kind: "claim" | "decline" | "withdraw" | "resume" | "answer" | "cancel" | "expire" }
  | { kind: "release" | "step" | "stepThatFails" | "complete" | "delegate" }
  | { kind: "pause"; asks: boolean }
  | { kind: "offer"; to: "any" | "review" }
  | { kind: "verify"; passes: boolean }
  | { kind: "fail"; retryable: boolean };

export type Asked = Act & { by: string; epoch: number; at: number; isReviewer: boolean };

export function createModelTask(id: string, checks: string[], parent?: ModelTask): ModelTask {
  return {
    id,
    state: "start",
    epoch: 0,
    owner: undefined,
    lastOwner: undefined,
    preferred: undefined,
    attempt: 1,
    hasFruit: false,
    losses: 0,
    releases: 0,
    claimableAfter: undefined,
    checks,
    verifying: [],
    asks: false,
    to: "any",
    offeredTo: "any",
    delegations: 0,
    parent,
    children: new Set(),
  };
}

/** Applies a command: `taken` when it makes an event, `refused` when it makes none, `either` when it may be a repeat. */
export function apply(task: ModelTask, asked: Asked): "taken" | "refused" | "either" {
  const isOwner = task.owner === asked.by && task.epoch === asked.epoch;
  const runs = isOwner && task.state === "running";
  switch (asked.kind) {
    case "claim":
      return claim(task, asked);
    case "resume":
      return only(task.state === "paused", () => toStart(task, asked.at, task.lastOwner));
    case "answer":
      return only(task.state === "paused" && task.asks, () => toStart(task, asked.at, task.lastOwner));
    case "decline":
      return only(task.state === "handoff" && mayTake(task, asked), () => toStart(task, asked.at, task.lastOwner));
    case "withdraw":
      return only(task.state === "handoff" && task.lastOwner === asked.by, () =>
        toStart(task, asked.at, task.lastOwner),
      );
    case "cancel":
      if (task.state === "cancelled") return "either";
      return only(!hasEnded(task), () => end(task, "cancelled"));
    case "expire":
      return only(task.owner !== undefined && task.epoch === asked.epoch, () => expire(task, asked.at));
    case "release":
      return only(isOwner, () => release(task, asked.at));
    case "step":
      return only(runs, () => {
        task.hasFruit = true;
      });
    case "stepThatFails":
      return only(runs, () => {});
    case "pause":
      return only(runs, () => {
        leave(task, "paused");
        task.asks = asked.asks;
      });
    case "offer":
      return only(runs, () => {
        leave(task, "handoff");
        task.offeredTo = asked.to;
      });
    case "delegate":
      return only(runs && task.parent === undefined && task.delegations < delegationsMax, () => {
        task.hasFruit = true;
        task.delegations += 1;
      });
    case "complete":
      return only(runs && task.children.size === 0, () => {
        task.verifying = task.checks;
        if (task.checks.length === 0) end(task, "succeeded");
        else task.state = "verifying";
      });
    case "verify":
      return only(isOwner && task.state === "verifying", () => {
        if (asked.passes) end(task, "succeeded");
        else task.state = "running";
      });
    case "fail":
      return only(isOwner, () => tryAgain(task, asked.at, asked.retryable));
  }
}

export function hasEnded({ state }: ModelTask): boolean {
  return state === "succeeded" || state === "failed" || state === "cancelled";
}

function only(isTaken: boolean, act: () => void): "taken" | "refused" {
  if (!isTaken) return "refused";
  act();
  return "taken";
}

function claim(task: ModelTask, asked: Asked): "taken" | "refused" {
  const { preferred } = task;
  const isKept = preferred !== undefined && preferred.agent !== asked.by && preferred.until > asked.at;
  const isFor = task.to === "any" || asked.isReviewer || preferred?.agent === asked.by;
  const isDue = task.claimableAfter === undefined || asked.at > task.claimableAfter;
  const isFree =
    (task.state === "start" && isFor && !isKept && isDue) || (task.state === "handoff" && mayTake(task, asked));
  return only(isFree, () => {
    if (task.state === "handoff") {
      task.to = task.offeredTo; // it stays with those it was handed to
      task.losses = 0; // a stage begins
      task.releases = 0;
    }
    task.state = "running";
    task.epoch += 1;
    task.owner = asked.by;
    task.preferred = undefined;
    task.hasFruit = false;
  });
}

function mayTake(task: ModelTask, asked: Asked): boolean {
  return task.offeredTo === "any" || asked.isReviewer;
}

function leave(task: ModelTask, state: ModelTask["state"]): void {
  task.state = state;
  task.lastOwner = task.owner ?? task.lastOwner;
  task.owner = undefined;
}

function toStart(task: ModelTask, at: number, preferred: string | undefined): void {
  leave(task, "start");
  task.claimableAfter = undefined;
  task.preferred = preferred === undefined ? undefined : { agent: preferred, until: at + preferenceMs };
}

/** Clocks of the tests go on by more than the longest such wait. */
function release(task: ModelTask, at: number): void {
  task.releases = task.hasFruit ? 0 : task.releases + 1;
  toStart(task, at, undefined);
  if (task.releases > releasesFree) task.claimableAfter = at;
}

function expire(task: ModelTask, at: number): void {
  task.losses += 1;
  task.releases = 0;
  if (task.losses >= lossesMax) end(task, "failed");
  else if (task.hasFruit) toStart(task, at, undefined);
  else tryAgain(task, at, true);
}

function tryAgain(task: ModelTask, at: number, isRetryable: boolean): void {
  if (!isRetryable || task.attempt >= attemptsMax) return end(task, "failed");
  task.attempt += 1;
  toStart(task, at, undefined);
}

function end(task: ModelTask, state: ModelTask["state"]): void {
  leave(task, state);
  if (task.parent !== undefined && !hasEnded(task.parent)) task.parent.children.delete(task);
}
