// Process
//
// What commands that are no verbs have in common, above all those that stay: how they are added, how they stop, where they log.

import type { Command } from "commander";
import { type Logger, systemClock } from "../kernel/index.ts";
import type { Host } from "./host.ts";
import type { Output } from "./output.ts";
import type { Settings } from "./settings.ts";
import { escapeLine, toJsonLine } from "./text.ts";

/** What a command that is no verb has to do with. */
export interface Surroundings {
  host: Host;
  output: Output;
  settings: Settings;
}

/** Adds a command that is no verb. `start` is called with what it does, which resolves with the exit code. */
export type AddCommand = (
  program: Command,
  start: (run: (surroundings: Surroundings) => Promise<number>) => Promise<void>,
) => void;

/** How long what is under way may take after the first Ctrl-C. */
export const drainMs = 10_000;

/** The first Ctrl-C or SIGTERM; the second ends the process. */
export interface Stop {
  stopped: Promise<void>;
  isStopped(): boolean;
}

/** Listens until the process ends. */
export function createStop({ onInterrupt }: Pick<Host, "onInterrupt">): Stop {
  let isInterrupted = false;
  const stopped = new Promise<void>((resolve) => {
    onInterrupt(() => {
      isInterrupted = true;
      resolve();
    });
  });
  return { stopped, isStopped: () => isInterrupted };
}

/** Waits for `work`, but not longer than `timeoutMs`. */
export async function atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  let cancel = (): void => {};
  const late = new Promise<void>((resolve) => {
    cancel = systemClock.setTimer(timeoutMs, resolve);
  });
  await Promise.race([work, late]).finally(() => cancel());
}

/** Resolves after `ms` milliseconds. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(ms, resolve));
}

/** Says on stderr what happens: a line for people, or a JSON document in a line. */
export type Say = (text: string, facts: Readonly<Record<string, unknown>>) => void;

/** A `Say` for `output`. */
export function createSay(output: Output, isJson: boolean): Say {
  return (text, facts) => output.fail(isJson ? toJsonLine(facts) : escapeLine(text));
}

/** Warnings and errors on stderr, a line each. */
export function createLineLogger(say: Say): Logger {
  return {
    log(level, message, fields = {}) {
      if (level !== "warn" && level !== "error") return;
      const facts = Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, toFact(value)]));
      const details = Object.entries(facts).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
      say([`${level}:`, message, ...details].join(" "), { level, message, ...facts });
    },
  };
}

/** Errors would be `{}` in JSON. */
function toFact(value: unknown): unknown {
  return typeof value === "object" && value !== null ? String(value) : value;
}
