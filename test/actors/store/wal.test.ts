import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { verifyScope } from "../../../actors/refold.ts";
import { openStore } from "../../../actors/store/open.ts";
import { createRuntime } from "../../../src/index.ts";
import { systemClock } from "../../../src/kernel/clock.ts";
import { createIds } from "../../../src/kernel/ids.ts";
import { createSystemRandom } from "../../../src/kernel/random.ts";

const frameBytes = 24 + 4096;
const headerBytes = 32;
const scopeName = "test/wal";

/** A folder whose write-ahead log holds every commit, with how long the log was when each was acknowledged. */
async function setup() {
  const folder = mkdtempSync(join(tmpdir(), "aionis-wal-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const live = join(folder, "live");
  const runtime = await createRuntime({ scope: scopeName, path: live });
  const acknowledged: { seq: number; walBytes: number }[] = [];
  const note = ({ seq }: { seq: number }): void => {
    acknowledged.push({ seq, walBytes: statSync(join(live, "aionis.db-wal")).size });
  };
  const { taskId, ...started } = await runtime.tasks.start({ brief: "x".repeat(3_000) });
  note(started);
  await runtime.tasks.claim({ taskId });
  for (let ordinal = 0; ordinal < 30; ordinal += 1) {
    const output = "y".repeat(ordinal * 200);
    const step = { name: "step", ordinal, outcome: { kind: "succeeded", output } } as const;
    note((await runtime.tasks.step({ taskId, epoch: 1, step })).receipt);
  }
  note(await runtime.tasks.complete({ taskId, epoch: 1 }));
  await runtime.tasks.settled({ taskId }); // what it taught is in the log, too
  const { head } = await runtime.runtime.status();
  for (const end of ["", "-wal"]) copyFileSync(join(live, `aionis.db${end}`), join(folder, `kept.db${end}`));
  await runtime.close();
  return { folder, acknowledged, head };
}

describe("a write-ahead log that is cut off", () => {
  it("leaves a clean prefix that holds all that was acknowledged before the cut (I2, I6, I7)", async () => {
    const { folder, acknowledged, head } = await setup();
    const wal = readFileSync(join(folder, "kept.db-wal"));
    const file = join(folder, "cut.db");
    const cuts: number[] = [];
    for (let border = headerBytes; border <= wal.length; border += frameBytes)
      cuts.push(border, border + frameBytes / 2);
    let longest = 0;

    for (const cut of cuts) {
      rmSync(`${file}-wal`, { force: true });
      copyFileSync(join(folder, "kept.db"), file);
      writeFileSync(`${file}-wal`, wal.subarray(0, cut));
      const random = createSystemRandom();
      const store = openStore(file, { durability: "process", ids: createIds(systemClock, random), random });
      const scope = store.scope(scopeName);
      const { seq } = scope.head();
      const due = acknowledged.findLast(({ walBytes }) => walBytes <= cut)?.seq ?? 0;
      const { problems } = verifyScope(scope);
      store.close();

      expect({ cut, problems }).toEqual({ cut, problems: [] });
      expect(seq, `cut at ${cut}`).toBeGreaterThanOrEqual(due);
      longest = Math.max(longest, seq);
    }

    expect(longest).toBe(head);
    expect(cuts.length).toBeGreaterThan(100);
  });
});
