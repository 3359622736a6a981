import type { Clock } from "../kernel/clock.ts";
import type { Host } from "./host.ts";

/** A line on a terminal that says how far something has come. */
export interface ProgressBar {
  /** Whether there is a terminal to show it on. */
  isShown: boolean;
  /** `text` stands beside the bar, and must be of our own words. */
  show(done: number, of: number, text: string): void;
  /** Takes the line away. Safe to call twice. */
  end(): void;
}

const barWidth = 24;
const everyMs = 100;

/** A bar on stderr; where that is no terminal nothing is written. */
export function createProgressBar(
  { stderr, errorColumns }: Pick<Host, "stderr" | "errorColumns">,
  clock: Pick<Clock, "mono">,
): ProgressBar {
  let shownAt = Number.NEGATIVE_INFINITY;
  if (errorColumns === undefined) return { isShown: false, show() {}, end() {} };
  return {
    isShown: true,
    show(done, of, text) {
      const now = clock.mono();
      if (done < of && now - shownAt < everyMs) return;
      shownAt = now;
      const filled = of === 0 ? barWidth : Math.round((barWidth * Math.min(done, of)) / of);
      const bar = "█".repeat(filled) + "░".repeat(barWidth - filled);
      stderr.write(`\r${`${bar} ${text}`.slice(0, errorColumns - 1)}${clearRest}`);
    },
    end() {
      if (shownAt > Number.NEGATIVE_INFINITY) stderr.write(`\r${clearRest}`);
      shownAt = Number.NEGATIVE_INFINITY;
    },
  };
}

const clearRest = "\u001b[K"; // to the end of the line
