import { type ChildProcess, fork } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { patienceMs } from "../support/patience.ts";

/** A process that runs `script`, which writes the ids of what it started to `$PIDS`, and those ids once there are `count`. */
async function setup(script: string, count: number): Promise<{ worker: ChildProcess; pids: number[] }> {
  const folder = mkdtempSync(join(tmpdir(), "aionis-reaper-"));
  const file = join(folder, "pids");
  const env = { ...process.env, PIDS: file };
  const worker = fork(join(import.meta.dirname, "reaper-program.ts"), [script], { env, stdio: "ignore" });
  const pids: number[] = [];
  onTestFinished(() => {
    worker.kill("SIGKILL");
    for (const pid of pids.filter(isAlive)) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true });
  });
  await vi.waitFor(
    () => {
      const lines = existsSync(file) ? readFileSync(file, "utf8").trim().split("\n") : [];
      expect(lines).toHaveLength(count);
      pids.push(...lines.map(Number));
    },
    { timeout: patienceMs },
  );
  return { worker, pids };
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

async function gone(pids: readonly number[]): Promise<void> {
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: patienceMs });
}

describe.runIf(process.platform === "linux")("a command whose worker is killed", () => {
  it("ends with all that it started (X1)", async () => {
    const { worker, pids } = await setup("sleep 600 & echo $! >> $PIDS; echo $$ >> $PIDS; wait", 2);
    expect(pids.filter(isAlive)).toEqual(pids);

    worker.kill("SIGKILL");

    await gone(pids);
  });

  it("ends with what has left its group", async () => {
    const { worker, pids } = await setup("setsid sh -c 'echo $$ >> $PIDS; exec sleep 600' & echo $$ >> $PIDS; wait", 2);

    worker.kill("SIGKILL");

    await gone(pids);
  });

  it("ends when its worker leaves by itself", async () => {
    const { worker, pids } = await setup("echo $$ >> $PIDS; exec sleep 600", 1);

    worker.kill("SIGTERM");

    await gone(pids);
  });
});
