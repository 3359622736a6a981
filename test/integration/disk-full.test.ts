import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createRuntime, isFailure } from "../../src/index.ts";

/** A disk of `megabytes` in memory, or the reason why there is none. */
function mountSmallDisk(megabytes: number): { folder: string; grow(to: number): void } | { why: string } {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return { why: "mounting a small disk needs root on Linux" };
  const folder = mkdtempSync(join(tmpdir(), "aionis-disk-"));
  const mount = (options: string): void =>
    void execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", folder], { stdio: "pipe" });
  try {
    mount(`size=${megabytes}m`);
  } catch (error) {
    rmSync(folder, { recursive: true });
    return { why: `a small disk cannot be mounted here: ${String(error).slice(0, 200)}` };
  }
  onTestFinished(() => {
    execFileSync("umount", ["--lazy", folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  return { folder, grow: (to) => mount(`remount,size=${to}m`) };
}

describe("a full disk", () => {
  it("refuses commands with STORE_FULL, loses nothing acknowledged, and goes on when there is room", {
    timeout: 60_000,
  }, async (test) => {
    const disk = mountSmallDisk(2);
    if ("why" in disk) return test.skip(disk.why);
    const runtime = await createRuntime({ scope: "test/disk", path: join(disk.folder, "store"), leaseMs: 600_000 });
    onTestFinished(() => runtime.close());
    const { taskId } = await runtime.tasks.start({ brief: "fill the disk" });
    await runtime.tasks.claim({ taskId });
    const record = (ordinal: number, timeoutMs: number): Promise<unknown> => {
      const step = { name: "write", ordinal, outcome: { kind: "succeeded", output: "x".repeat(20_000) } } as const;
      return runtime.tasks.step({ taskId, epoch: 1, step }, { timeoutMs });
    };

    let acknowledged = 0;
    let failure: unknown;
    while (failure === undefined && acknowledged < 1_000) {
      await record(acknowledged, 200).then(
        () => {
          acknowledged += 1;
        },
        (error: unknown) => {
          failure = error;
        },
      );
    }
    const full = await runtime.runtime.status();
    const recorded = (await runtime.tasks.get({ taskId })).task.stepsRecorded;

    expect(isFailure(failure, "STORE_FULL")).toBe(true);
    expect(acknowledged).toBeGreaterThan(10);
    expect(recorded).toBe(acknowledged);
    expect(full).toMatchObject({ state: "readOnly", reason: expect.stringContaining("room") });

    disk.grow(64);
    await record(acknowledged, 20_000); // asked again until there is room

    expect((await runtime.runtime.status()).state).toBe("ready");
    expect((await runtime.tasks.get({ taskId })).task.stepsRecorded).toBe(acknowledged + 1);
    expect((await runtime.store.verify()).problems).toEqual([]);
  });
});
