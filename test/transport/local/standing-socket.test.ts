import { spawnSync } from "node:child_process";
import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { silentLogger } from "../../../src/kernel/logger.ts";
import { openLocalServer } from "../../../transport/local/index.ts";
import { createMemoryBus } from "../../../transport/memory/bus.ts";
import { connect, makeFolder, setup, soon, text, toText } from "./support.ts";

/** Puts the socket of a dead process at `path`. */
function replaceByDeadSocket(path: string): void {
  const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script, `${path}.dead`]);
  renameSync(`${path}.dead`, path);
}

/** The path of a server whose timers never come, so that it looks after nothing. */
async function openElsewhere(): Promise<string> {
  const path = join(makeFolder(), "other.sock");
  const bus = createMemoryBus({ clock: systemClock });
  bus.connect().serve("who", "runtime", () => ({ payload: text("the other") }));
  const clock = { ...systemClock, setTimer: () => () => {} };
  const server = await openLocalServer({ path, connect: () => bus.connect(), clock, logger: silentLogger });
  onTestFinished(() => server.close());
  return path;
}

describe("the local socket's file, while its process lives", () => {
  it.each([
    ["removed", (path: string) => rmSync(path)],
    ["replaced by a dead one", replaceByDeadSocket],
  ])("is made again when it was %s, and those that are connected notice nothing (S1)", async (_, harm) => {
    const { path, logged } = await setup();
    const before = await connect(path);

    harm(path);
    await expect.poll(() => logged).toEqual([{ level: "warn", message: expect.stringContaining("made again") }]);

    const after = await connect(path);
    for (const client of [before, after]) expect(toText(await client.request("echo", text("hi"), soon))).toBe("hi");
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("is made again as often as it is removed, and is gone after the close", async () => {
    const { path, server, logged } = await setup();

    for (const times of [1, 2]) {
      rmSync(path);
      await expect.poll(() => logged.length).toBe(times);
    }
    const there = statSync(path, { throwIfNoEntry: false })?.isSocket();
    await server.close();

    expect([there, statSync(path, { throwIfNoEntry: false })]).toEqual([true, undefined]);
  });

  it("leaves its place to another's live socket, says so once, and removes nothing of the other's (S2)", async () => {
    const one = await setup();
    const other = await openElsewhere();

    renameSync(other, one.path);
    await expect
      .poll(() => one.logged)
      .toEqual([{ level: "error", message: expect.stringContaining("cannot be made again") }]);
    await one.server.close();

    const client = await connect(one.path);
    expect(toText(await client.request("who", text(""), soon))).toBe("the other");
  });

  it("does not stay when its owner cannot take note of it", async () => {
    const path = join(makeFolder(), "runtime.sock");
    const bus = createMemoryBus({ clock: systemClock });
    const onListening = (): never => {
      throw new Error("no room for a note");
    };
    const options = { path, connect: () => bus.connect(), clock: systemClock, logger: silentLogger };

    await expect(openLocalServer({ ...options, onListening })).rejects.toThrow("no room for a note");

    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
    await setup(path);
  });

  it("comes back as soon as a file of another kind has left its place (S2)", async () => {
    const { path, logged } = await setup();

    rmSync(path);
    writeFileSync(path, "in the way");
    await expect.poll(() => logged.length).toBe(1);
    rmSync(path);
    await expect.poll(() => logged.map(({ level }) => level)).toEqual(["error", "warn"]);

    const client = await connect(path);
    expect(toText(await client.request("echo", text("hi"), soon))).toBe("hi");
  });
});
