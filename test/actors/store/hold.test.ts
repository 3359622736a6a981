import { spawnSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { type Hold, takeHold } from "../../../actors/store/hold.ts";
import type { Holder } from "../../../src/contracts/holder.ts";
import { readHolder, writeHolder } from "../../../src/kernel/holder-note.ts";
import { identifyProcess } from "../../../src/kernel/process-identity.ts";
import { createBench, createPorts, openTestStore, outcomeOf, scopeName, tempFolder } from "../../support/store.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

function setup() {
  const folder = tempFolder();
  const file = join(folder, "aionis.db");
  const note = (holder: Partial<Holder>) =>
    writeHolder(file, { ...identifyProcess(), token: "of a test", socket: null, ...holder });
  return { folder, file, note };
}

/** What a program around us does that copies or searches the folder: POSIX locks of this process go. */
function readAndClose(folder: string): void {
  for (const name of readdirSync(folder)) closeSync(openSync(join(folder, name), "r"));
}

/** What another process gets that takes the hold. */
function takeElsewhere(file: string): unknown {
  const script = `
    import { takeHold } from "./actors/store/hold.ts";
    try { const hold = takeHold(process.argv[1]); hold.confirm(); console.log('"held"'); hold.release(); }
    catch (error) { console.log(JSON.stringify({ code: error.code, facts: error.facts })); }`;
  const args = ["--input-type=module", "--eval", script, file];
  const child = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
  if (child.status !== 0) throw new Error(child.stderr);
  return JSON.parse(child.stdout);
}

const pause = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);

function hold(file: string): Hold {
  const taken = takeHold(file);
  taken.confirm();
  taken.check(true);
  return taken;
}

describe("a second opener (H1, H2)", () => {
  it("is refused by another process even after every file of the folder was opened and closed in the holder's", () => {
    const { folder, file } = setup();
    const held = hold(file);
    readAndClose(folder);

    const outcome = takeElsewhere(file);

    expect(outcome).toMatchObject({ code: "STORE_IN_USE", facts: { pid: process.pid } });
    held.check(true); // and was not disturbed by it
    held.release();
    expect(takeElsewhere(file)).toBe("held");
  });

  it("is refused in this process before it opens anything, by whatever way it comes", () => {
    const { folder, file } = setup();
    const held = hold(file);
    const link = join(tempFolder(), "link");
    symlinkSync(folder, link);
    const before = readdirSync(folder);

    expect(() => takeHold(join(link, "aionis.db"))).toThrow(expect.objectContaining({ code: "STORE_IN_USE" }));

    expect(readdirSync(folder)).toEqual(before);
    held.release();
  });

  it("is served when the holder has given the store back, and nothing of the hold but an empty lock is left", () => {
    const { folder, file } = setup();
    hold(file).release();

    hold(file).release();

    expect(readdirSync(folder)).toEqual(["aionis.db.lock"]);
    expect(readFileSync(`${file}.lock`).length).toBe(0);
  });

  it("is told why it cannot connect when the holder listens on no socket", () => {
    const { file } = setup();
    const held = hold(file);
    held.noteSocket({ socket: null, withoutSocket: "the file system has none" });

    expect(takeElsewhere(file)).toMatchObject({
      code: "STORE_IN_USE",
      facts: { withoutSocket: "the file system has none" },
    });
    held.release();
  });
});

describe("a holder without room for its note", () => {
  it("has lost the store when another's note is there before its own, and leaves the file to it (H3)", () => {
    const { file, note } = setup();
    note({ pid: 4_190_001, token: "dead" });
    const waiting = takeHold(file);
    waiting.check(true);
    expect(waiting.isTaken()).toBe(false); // the note is that of the dead one

    note({ token: "of another that found room first" });

    expect(() => waiting.confirm()).toThrow(expect.objectContaining({ code: "STORE_FAILED" }));
    expect(waiting.isTaken()).toBe(true);
    expect(readHolder(file)?.token).toBe("of another that found room first");
    waiting.release();
  });
});

describe("a note that was left behind (H4)", () => {
  it.each<[string, Partial<Holder>]>([
    ["of a process that is gone", { pid: 4_190_001 }],
    ["whose process id was given to another process", { pid: process.ppid, startedAt: "1" }],
    ["of this process id, before the last one ended", { startedAt: "1" }],
    ["of the machine before it started anew", { boot: "another" }],
  ])("%s refuses nobody", (_name, left) => {
    const { file, note } = setup();
    note(left);

    hold(file).release();
  });

  it("of a place that cannot be seen refuses while it is renewed, and no longer", () => {
    const { file, note } = setup();
    note({ boot: "another", host: "another" });

    expect(() => takeHold(file)).toThrow(expect.objectContaining({ code: "STORE_IN_USE" }));

    const longAgo = Date.now() / 1_000 - 60;
    utimesSync(`${file}.holder`, longAgo, longAgo);
    hold(file).release();
  });

  it("of a place that cannot be seen refuses nobody when its holder is known to be dead", () => {
    const { file, note } = setup();
    note({ boot: "another", host: "another", token: "dead" });

    takeHold(file, "dead").release();
  });

  it("that is half a note refuses nobody", () => {
    const { file } = setup();
    writeFileSync(`${file}.holder`, '{"token":"a');

    hold(file).release();
  });
});

describe("a store that is not its holder's any more (H3)", () => {
  const losses: [string, (folder: string, file: string) => void, RegExp][] = [
    ["the folder was removed", (folder) => rmSync(folder, { recursive: true }), /was removed or moved/],
    ["the folder was moved", (folder) => renameSync(folder, `${folder}-moved`), /was removed or moved/],
    [
      "the folder was replaced",
      (folder) => {
        renameSync(folder, `${folder}-moved`);
        mkdirSync(folder);
      },
      /was replaced by another folder/,
    ],
    ["the store's file was removed", (_folder, file) => rmSync(file), /aionis\.db was removed/],
    ["the log was removed", (_folder, file) => rmSync(`${file}-wal`), /aionis\.db-wal was removed/],
    [
      "the log was replaced",
      (_folder, file) => {
        rmSync(`${file}-wal`);
        writeFileSync(`${file}-wal`, "");
      },
      /aionis\.db-wal was replaced/,
    ],
    ["the note was removed", (_folder, file) => rmSync(`${file}.holder`), /aionis\.db\.holder was removed/],
    [
      "another process took it",
      (_folder, file) => void writeHolder(file, { ...identifyProcess(), token: "another", socket: null }),
      /Another process took the store/,
    ],
  ];

  it.each(losses)("when %s answers no command, says so, and fails for good", async (_name, lose, what) => {
    const home = join(tempFolder(), "home");
    mkdirSync(home);
    const file = join(home, "aionis.db");
    const ports = createPorts();
    const store = openTestStore(file, ports);
    const bench = createBench({ store, ports });
    await bench.start();
    pause(60); // the folder's time of change is settled, so that the quick look is the one that is tried
    await bench.start();
    pause(10); // the lengths are looked at, too
    lose(home, file);

    const outcome = await outcomeOf(bench.start());

    expect(outcome).toBe("STORE_FAILED");
    expect(bench.failures).toMatchObject([{ code: "STORE_FAILED", detail: expect.stringMatching(what) }]);
    expect(await outcomeOf(bench.start())).toBe("STORE_FAILED");
  });

  it.each<[string, (file: string) => void]>([
    ["the log was emptied", (file) => truncateSync(`${file}-wal`)],
    ["the log lost its end", (file) => truncateSync(`${file}-wal`, 8_192)],
    ["the store's file was emptied", (file) => truncateSync(file)],
    ["a shorter file was copied over it", (file) => writeFileSync(file, "hello")],
  ])("when %s answers no command, and writes nothing over what is left (H5)", async (_name, cut) => {
    const { file } = setup();
    const ports = createPorts();
    const bench = createBench({ store: openTestStore(file, ports), ports });
    await bench.start();
    await bench.start();
    pause(10); // the lengths are looked at again
    cut(file);
    const left = readFileSync(file);

    const outcome = await outcomeOf(bench.start());

    expect(outcome).toBe("STORE_FAILED");
    expect(bench.failures).toMatchObject([{ detail: expect.stringMatching(/was cut from \d+ to \d+ bytes/) }]);
    bench.store.close();
    expect(readFileSync(file).equals(left)).toBe(true);
  });

  it("when another program of SQLite opened the file answers no command", async () => {
    const { folder, file } = setup();
    const ports = createPorts();
    const bench = createBench({ store: openTestStore(file, ports), ports });
    await bench.start();
    readAndClose(folder);
    const script = `
      import Database from "better-sqlite3";
      const database = new Database(process.argv[1]);
      console.log(database.prepare("SELECT count(*) AS count FROM events").get().count);
      database.close();`;
    const args = ["--input-type=module", "--eval", script, file];
    const child = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });

    const outcome = await outcomeOf(bench.start());

    expect(child.stdout.trim()).toBe("1"); // it got in: the lock of SQLite was lost
    expect(outcome).toBe("STORE_FAILED");
    bench.store.close();
    const reopened = openTestStore(file, ports);
    expect(reopened.scope(scopeName).event(1)).toMatchObject({ type: "task.created" }); // what was acknowledged is there
  });

  it("does not close over the files of the one that took it", async () => {
    const { file } = setup();
    const ports = createPorts();
    const bench = createBench({ store: openTestStore(file, ports), ports });
    await bench.start();
    const log = readFileSync(`${file}-wal`);
    writeHolder(file, { ...identifyProcess(), token: "another", socket: null });
    await outcomeOf(bench.start());

    bench.store.close();

    expect(readHolder(file)?.token).toBe("another");
    expect(readFileSync(`${file}-wal`).subarray(0, log.length).equals(log)).toBe(true);
    expect(bench.store.scopeNames()).toEqual([scopeName]);
  });

  it("is noticed while nothing is recorded", async () => {
    const { file } = setup();
    const ports = createPorts();
    const store = openTestStore(file, ports);
    const told: unknown[] = [];
    store.watch(ports.clock, (failure) => told.push(failure.code));
    rmSync(`${file}-wal`);

    await ports.clock.advance(1_000);

    expect(told).toEqual(["STORE_FAILED"]);
  });
});
