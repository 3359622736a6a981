import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openStore } from "../../actors/index.ts";
import type { WorkProgress } from "../../src/contracts/progress.ts";
import { createRuntime } from "../../src/index.ts";
import type { Store } from "../../src/kernel/store.ts";
import { backUp } from "../../src/runtime/backup.ts";
import type { BackupParts } from "../../src/runtime/store-works.ts";
import { startBinary } from "../cli/support.ts";
import { patienceMs } from "../support/patience.ts";
import { createBench, createPorts, openTestStore, tempFolder } from "../support/store.ts";

/** A store of 4 MB, and a backup of it whose every step a test hears of. */
async function setup() {
  const folder = tempFolder();
  const ports = createPorts();
  const store = openTestStore(join(tempFolder(), "aionis.db"), ports);
  const bench = createBench({ store, ports });
  for (let count = 0; count < 40; count += 1) await bench.start({ brief: `${count}${"x".repeat(100_000)}` });
  const path = join(folder, "copy.db");
  const noted: WorkProgress[] = [];
  const open = (file: string): Store => openStore(file, { ...ports, durability: "process" });
  let wanted = (): boolean => true;
  const parts: BackupParts = {
    isWanted: () => wanted(),
    note: (progress) => void noted.push(progress),
    async inSlices(steps) {
      for (;;) {
        if (!wanted()) throw new Error("given up");
        const next = steps.next();
        if (next.done === true) return next.value;
        noted.push({ phase: "checking", ...next.value });
      }
    },
  };
  const make = () => backUp({ ...parts, store, path, open, random: ports.random });
  const giveUpWhen = (when: (progress: WorkProgress) => boolean): void => {
    wanted = () => !noted.some(when);
  };
  return { folder, path, noted, make, giveUpWhen };
}

describe("a backup", () => {
  it("says how far it is, first copied and then checked, and leaves nothing but itself", async () => {
    const { folder, path, noted, make } = await setup();

    const { bytes, events } = await make();

    expect([bytes, events, readdirSync(folder)]).toEqual([statSync(path).size, 40, ["copy.db"]]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const copied = noted.filter(({ phase }) => phase === "copying");
    expect(copied.length).toBeGreaterThan(5);
    for (const phases of [copied, noted.filter(({ phase }) => phase === "checking")]) {
      const shares = phases.map(({ done, total }) => done / total);
      expect(shares).toEqual([...shares].sort((left, right) => left - right));
      expect(Math.max(...shares)).toBeLessThanOrEqual(1);
    }
  });

  it.each([
    ["copied", ({ phase, done }: WorkProgress) => phase === "copying" && done > 1_000_000],
    ["checked", ({ phase }: WorkProgress) => phase === "checking"],
  ])("that is given up while it is %s leaves no file", async (_name, when) => {
    const { folder, make, giveUpWhen } = await setup();
    giveUpWhen(when);

    await expect(make()).rejects.toThrow(/given up/);

    expect(readdirSync(folder)).toEqual([]);
  });

  it("never replaces a file that came there meanwhile", async () => {
    const { folder, path, make, giveUpWhen } = await setup();
    giveUpWhen(({ phase }) => {
      if (phase === "checking" && !existsSync(path)) writeFileSync(path, "mine");
      return false;
    });

    await expect(make()).rejects.toMatchObject({ code: "INPUT_INVALID" });

    expect([readdirSync(folder), readFileSync(path, "utf8")]).toEqual([["copy.db"], "mine"]);
  });

  it("of the command line leaves no file at Ctrl-C, with a store of its own and at a runtime", async () => {
    const folder = tempFolder();
    const runtime = await createRuntime({ path: join(folder, ".aionis"), scope: "local/kept", durability: "process" });
    onTestFinished(() => runtime.close());
    for (let count = 0; count < 100; count += 1)
      await runtime.tasks.start({ brief: "large", data: `${count}${"y".repeat(500_000)}` });
    const interrupt = async (): Promise<void> => {
      const target = tempFolder();
      const child = startBinary(folder, ["--scope", "local/kept", "backup", join(target, "copy.db")]);
      const begun = (): void => expect(readdirSync(target).some((name) => name.includes(".part-"))).toBe(true);
      await vi.waitFor(begun, { timeout: patienceMs, interval: 1 });

      child.interrupt();

      expect((await child.ended).code).toBe(130);
      await vi.waitFor(() => expect(readdirSync(target)).toEqual([]), { timeout: patienceMs, interval: 5 });
    };

    await interrupt();
    await runtime.close();
    await interrupt();
  });
});
