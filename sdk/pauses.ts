// Pauses of a run
//
// What a handler asks, and how the answers come to it. Owns: which pauses the run waits for, asking them one after the other, hearing of
// their ends, and ending a run that only waits. Does not own: which question an answer is for; that is decided in the journal by the pause's
// id.
//
// Invariants:
//   Q1. A pause is known by its key: one that has ended gives its end, one that is open is not asked again, unless new code asks something
//       else under that name: then the old one is over, and its answers reach nothing.
//   Q2. The run ends when every call in flight waits for a pause, still so a turn later; while another goes on, the run keeps its claim. A
//       step's function goes on until it has settled, also when it asks: what it has done would be done again.
//   Q3. An end that comes while the run is on goes to the call that waits for it. One that is missed is not lost: the end of the run then
//       makes the task claimable.
//   Q4. A handler that was given something since a pause began to wait may have left that pause alone, as `Promise.race` does, and may work
//       outside of the context, which nothing here can see. Its run ends only when it has not made another call for as long as the grace.

import type { Concern } from "../src/contracts/concern.ts";
import type { EventType, JournalEvent } from "../src/contracts/events.ts";
import { AionisError, isFailure } from "../src/contracts/failures.ts";
import type { PauseId } from "../src/contracts/ids.ts";
import { canonicalJson, isSameJson } from "../src/contracts/json.ts";
import type { OperationInput } from "../src/contracts/operations/index.ts";
import type { OpenPause, PauseEnd } from "../src/contracts/task.ts";
import { readEvent } from "./changes.ts";
import { type RunEnd, type RunLife, recordTimeoutMs } from "./life.ts";
import type { RunParts } from "./parts.ts";

export type PauseInput = Omit<
  OperationInput<"tasks.pause">,
  "commandId" | "taskId" | "epoch" | "key" | "ends" | "waitsFor" | "replaces"
>;

export interface Pauses {
  /** How the pause of `key` ended, if it has. */
  ended(key: string): PauseEnd | undefined;
  /**
   * Waits for the end of the pause of `key`, and asks it unless it is open.
   * @throws AionisError `PAUSE_AMBIGUOUS` when the run waits for one of that key already; what asking fails with.
   */
  wait(key: string, input: PauseInput): Promise<PauseEnd>;
  /**
   * Ends the claim with a question about recorded work, or without one when it is open already; the other pauses stay open. One of the same
   * key that is about another record, or was asked by other code, is over with it.
   */
  endWith(key: string, input: PauseInput): Promise<void>;
  /** Whether a question is open that other code could settle. */
  isWaitingForCode(): boolean;
  /** Ends the open questions about recorded work that the code fits after all. */
  settle(isAbout: (concern: Concern) => boolean): Promise<void>;
  /** A pause may have ended. */
  look(): void;
  /** A call of the run has settled. */
  changed(): void;
}

/** A pause as the journal has it. */
type Asked = Pick<OpenPause, "pauseId" | "seq" | "concerns">;

interface Wait {
  readonly key: string;
  readonly input: PauseInput;
  /** Absent until it was asked. */
  asked: Asked | undefined;
  /** What an earlier run asked under this name, until it is known to be the same question. */
  old: Asked | undefined;
  resolve(end: PauseEnd): void;
  reject(error: unknown): void;
}

const endOf: Partial<Record<EventType, PauseEnd["end"]>> = {
  "task.answered": "answered",
  "task.resumed": "resumed",
  "pause.expired": "expired",
};
const endTypes = Object.keys(endOf) as EventType[]; // Object.keys loses the key type

const paused: RunEnd = { reason: "paused", why: "the task is paused" };

/** The pauses of one run. `graceMs` is how long a handler that was given something is taken for one that works (Q4). */
export function createPauses(parts: RunParts, life: RunLife, graceMs: number): Pauses {
  const { client, clock, logger, options, task } = parts;
  const { taskId, epoch } = task;
  const owned = { agent: options.agent, timeoutMs: recordTimeoutMs };
  const open = new Map<string, Asked>(task.openPauses.map((pause) => [pause.key, pause]));
  const known = new Map(task.pauses.filter(({ end }) => end !== "withdrawn").map((end) => [end.key, end])); // the latest of a key
  const isOfBefore = new Set(task.openPauses.map(({ pauseId }) => pauseId));
  const waits = new Map<string, Wait>();
  let hasNews = false;
  let isDue = false;
  let cancelQuiet: (() => void) | undefined; // set while the handler may work on what it was given

  function wait(key: string, input: PauseInput): Promise<PauseEnd> {
    if (waits.has(key)) return Promise.reject(refuseTwice(input));
    const { promise, resolve, reject } = Promise.withResolvers<PauseEnd>();
    const known = open.get(key);
    const isOld = known !== undefined && isNamed(key) && isOfBefore.has(known.pauseId);
    waits.set(key, { key, input, asked: isOld ? undefined : known, old: isOld ? known : undefined, resolve, reject });
    look();
    return promise;
  }

  /** Q4 */
  function changed(): void {
    if (waits.size > 0 && graceMs > 0 && !life.isOver()) {
      if (cancelQuiet === undefined) void life.ended.then(() => cancelQuiet?.());
      else cancelQuiet();
      cancelQuiet = clock.setTimer(graceMs, () => {
        cancelQuiet = undefined;
        look();
      });
    }
    look();
  }

  /** Q2: what has settled just now may lead to the next call within this turn. */
  function look(): void {
    if (isDue || waits.size === 0 || life.isOver()) return;
    isDue = true;
    clock.defer(() => {
      goOn()
        .catch(rejectAll)
        .finally(() => {
          isDue = false;
          if (hasMore()) look();
        });
    });
  }

  /** One thing at a time: hear, ask, or end the run. */
  async function goOn(): Promise<void> {
    if (life.isOver()) return;
    const unasked = listUnasked();
    const [next] = unasked;
    if (hasNews && unasked.length < waits.size) return await hear();
    if (next !== undefined) return await ask(next, unasked.length === 1 && isResting());
    if (waits.size === 0 || !isResting()) return;
    await rest(listAsked());
    life.end(paused);
  }

  function hasMore(): boolean {
    return hasNews || listUnasked().length > 0 || isResting();
  }

  /** Q2, Q4 */
  function isResting(): boolean {
    return cancelQuiet === undefined && life.calls.isResting();
  }

  async function ask(wait: Wait, isLast: boolean): Promise<void> {
    const { old } = wait;
    if (old !== undefined && (await isStillAsked(old, wait))) return takeOld(wait);
    const replaces = old === undefined ? {} : { replaces: old.pauseId };
    const last = isLast ? { waitsFor: listAsked() } : {};
    const input = { ...wait.input, key: wait.key, ends: isLast, ...last, ...replaces };
    try {
      const send = () => client.tasks.pause({ taskId, epoch, ...input }, owned);
      const asked = await (isLast ? life.holdLast(send) : life.hold(send));
      wait.asked = asked;
      open.set(wait.key, asked);
    } catch (error) {
      if (old !== undefined && isFailure(error, "PAUSE_NOT_FOUND")) return takeOld(wait); // it has just ended, by an answer perhaps
      waits.delete(wait.key);
      return wait.reject(error);
    }
    if (isLast) life.end(paused);
  }

  /** Whether new code asks the same under this name as the code that asked before. */
  async function isStillAsked({ seq }: Asked, { input }: Wait): Promise<boolean> {
    const event = await life.hold(() => readEvent({ client, taskId, agent: options.agent }, seq));
    const { question, answerSchema } = event?.body ?? {};
    return (
      question === input.question &&
      isSameJson(answerSchema, input.answerSchema) &&
      event?.facts.approver === input.approver
    );
  }

  function takeOld(wait: Wait): void {
    wait.asked = wait.old;
    wait.old = undefined;
    hasNews = true;
  }

  async function rest(waitsFor: PauseId[]): Promise<void> {
    await life.holdLast(() => client.tasks.rest({ taskId, epoch, waitsFor }, owned));
  }

  async function endWith(key: string, input: PauseInput): Promise<void> {
    const known = open.get(key);
    if (known !== undefined && isSameConcern(known, input))
      return await rest([...open.values()].map(({ pauseId }) => pauseId)); // of others it is not known whether they are still asked
    const replaces = known === undefined ? {} : { replaces: known.pauseId };
    await life.holdLast(() => client.tasks.pause({ taskId, epoch, key, ...input, ...replaces }, owned));
  }

  async function settle(isAbout: (concern: Concern) => boolean): Promise<void> {
    for (const [key, { pauseId, concerns }] of open) {
      if (concerns?.waitsForCode !== true || !isAbout(concerns)) continue;
      open.delete(key);
      const reason = "The code that runs now fits what is recorded.";
      await client.tasks.resume({ taskId, pauseId, reason }, owned).catch((error: unknown) => {
        if (!isFailure(error)) throw error; // else it was answered just now, or the claim is lost, which the next call finds out
      });
    }
  }

  /** Q3 */
  async function hear(): Promise<void> {
    hasNews = false;
    try {
      for (const event of await readEnds()) deliver(event);
    } catch (error) {
      if (life.isOver()) return;
      logger.log("warn", "an answer was not read; it is taken at the end of the run", { taskId, error: String(error) });
    }
  }

  async function readEnds(): Promise<JournalEvent[]> {
    const first = Math.min(...[...waits.values()].map(({ asked }) => asked?.seq ?? Number.POSITIVE_INFINITY));
    const events: JournalEvent[] = [];
    for (let from = first + 1; ; ) {
      const page = await life.hold(() => client.events.read({ taskId, types: endTypes, from }, owned));
      events.push(...page.events);
      if (page.next > page.head) return events;
      from = page.next;
    }
  }

  function deliver({ seq, type, facts, body }: JournalEvent): void {
    const wait = [...waits.values()].find(({ asked }) => asked?.pauseId === facts.pauseId);
    const end = endOf[type];
    if (wait?.asked === undefined || end === undefined) return;
    const { key, asked } = wait;
    const answer = body?.answer === undefined ? {} : { answer: body.answer };
    const ended = { pauseId: asked.pauseId, key, seq, end, ...answer };
    waits.delete(key);
    open.delete(key);
    known.set(key, ended);
    wait.resolve(ended);
  }

  function listUnasked(): Wait[] {
    return [...waits.values()].filter(({ asked }) => asked === undefined);
  }

  function listAsked(): PauseId[] {
    return [...waits.values()].flatMap(({ asked }) => asked?.pauseId ?? []);
  }

  function rejectAll(error: unknown): void {
    for (const { reject } of waits.values()) reject(error);
    waits.clear();
  }

  return {
    ended: (key) => known.get(key),
    wait,
    endWith,
    isWaitingForCode: () => [...open.values()].some(({ concerns }) => concerns?.waitsForCode),
    settle,
    look() {
      hasNews = true;
      look();
    },
    changed,
  };
}

/** Whether a handler chose the key; the others are made from what is asked. */
function isNamed(key: string): boolean {
  return !key.startsWith("?");
}

/** Whether an open question is about the same record, and was asked by the same code. */
function isSameConcern({ concerns }: Asked, { concerns: asked }: PauseInput): boolean {
  if (concerns === undefined || asked === undefined) return concerns === asked;
  const { recorded: _, present: __, ...concern } = asked;
  return canonicalJson(concerns) === canonicalJson(concern);
}

function refuseTwice({ question }: PauseInput): AionisError {
  const what = question === undefined ? "pauses" : `questions "${question.slice(0, 100)}"`;
  const detail = `Two ${what} are asked at once and cannot be told apart; give each an \`about\` of its own.`;
  return new AionisError("PAUSE_AMBIGUOUS", detail);
}
