import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { makeFolder, startBinary } from "./support.ts";

const module = new URL("../../src/cli/small-heap.ts", import.meta.url).href;

/** Megabytes that V8 has committed in a process that let much survive for a while and then go. */
function measureCommitted(before: string): number {
  const program = `
    const { keepHeapSmall } = await import(${JSON.stringify(module)});
    ${before}
    const kept = [];
    for (let round = 0; round < 3e6; round += 1) kept[round % 1e5] = new Array(16).fill(round);
    process.stdout.write(String(process.memoryUsage().heapTotal / 1e6));`;
  const args = ["--input-type=module"];
  return Number(execFileSync(process.execPath, [...args, "-e", program], { encoding: "utf8" }));
}

describe("aionis serve --small-heap", () => {
  it("makes V8 commit less for the same work", () => {
    expect(measureCommitted("keepHeapSmall();")).toBeLessThan(0.7 * measureCommitted(""));
  });

  it("serves", async () => {
    const child = startBinary(makeFolder(), ["serve", "--small-heap"]);

    await child.saw("Serving");
    child.interrupt();
    expect((await child.ended).code).toBe(0);
  });
});
