import type { Clock } from "../../src/kernel/clock.ts";
import type { Logger } from "../../src/kernel/logger.ts";

const linesPerPeriod = 20;
const periodMs = 10_000;

/** A logger for what others cause, who may cause it a million times: of a period's lines the first are kept and the rest counted. */
export function boundLogger(logger: Logger, clock: Pick<Clock, "mono">): Logger {
  let lines = 0;
  let startedAt = clock.mono();
  return {
    log(level, message, fields) {
      if (clock.mono() - startedAt > periodMs) {
        if (lines > linesPerPeriod)
          logger.log("warn", "More was wrong than was logged.", { lines: lines - linesPerPeriod });
        lines = 0;
        startedAt = clock.mono();
      }
      lines += 1;
      if (lines <= linesPerPeriod) logger.log(level, message, fields);
    },
  };
}
