import { expect, it } from "vitest";
import { boundLogger } from "../../../transport/nats/bounded-logger.ts";
import { FakeClock } from "../../support/fake-clock.ts";

it("A bounded logger keeps the first 20 lines of ten seconds, and says how many more there were.", async () => {
  const clock = new FakeClock();
  const logged: [string, unknown][] = [];
  const logger = boundLogger({ log: (_, message, fields) => void logged.push([message, fields]) }, clock);

  for (let count = 0; count < 50; count += 1) logger.log("warn", "bad", { count });
  await clock.advance(10_001);
  logger.log("warn", "worse");

  expect(logged.slice(0, 20).every(([message]) => message === "bad")).toBe(true);
  expect(logged.slice(20)).toEqual([
    ["More was wrong than was logged.", { lines: 30 }],
    ["worse", undefined],
  ]);
});
