import { afterAll } from "vitest";

/**
 * For what a suite starts once: call it where the suite is described, and hand the result to whatever is started in its hooks. It ends them
 * when the suite has run, the last first. (`afterAll` itself is not heard within a hook.)
 */
export function atEndOfSuite(): (stop: () => Promise<void>) => void {
  const stops: (() => Promise<void>)[] = [];
  afterAll(async () => {
    for (const stop of stops.reverse()) await stop();
  });
  return (stop) => void stops.push(stop);
}
