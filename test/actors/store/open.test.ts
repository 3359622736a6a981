import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { openStore } from "../../../actors/index.ts";
import { openDatabase } from "../../../actors/store/database.ts";
import { applicationId, schemaVersion } from "../../../actors/store/schema.ts";
import { createBench, createPorts, openTestStore, scopeName, tempFolder } from "../../support/store.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** Opens a store in a process of its own and prints what came of it. */
const opener = `
  import { openStore } from "./actors/index.ts";
  import { createIds, createSystemRandom, systemClock } from "./src/kernel/index.ts";
  const random = createSystemRandom();
  try {
    const store = openStore(process.argv[1], { durability: "process", ids: createIds(systemClock, random), random });
    console.log(JSON.stringify({ id: store.id }));
    store.close();
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, facts: error.facts }));
  }
`;

function setup(file = join(tempFolder(), "aionis.db")) {
  const ports = createPorts();
  const open = (path = file) => openStore(path, { ...ports, durability: "process" });
  /** What another process gets that opens the same file. */
  const openElsewhere = (): unknown => {
    const args = ["--input-type=module", "--eval", opener, file];
    const child = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" });
    if (child.status !== 0) throw new Error(child.stderr);
    return JSON.parse(child.stdout);
  };
  return { file, ports, open, openElsewhere };
}

/** Whether opening is refused with `code` and leaves the file as it was. */
function expectRefused(file: string, open: () => unknown, code: string): void {
  const before = readFileSync(file);
  const modified = statSync(file).mtimeMs;

  expect(open).toThrow(expect.objectContaining({ code }));

  expect(readFileSync(file).equals(before)).toBe(true);
  expect(statSync(file).mtimeMs).toBe(modified);
  expect(existsSync(`${file}.holder`)).toBe(false);
  expect(existsSync(`${file}-wal`)).toBe(false);
}

describe("opening a store", () => {
  it("makes a file with an id of its own, and finds it again with everything in it", async () => {
    const { file, ports, open } = setup();
    const first = openTestStore(file, ports);
    const bench = createBench({ store: first, ports });
    const taskId = await bench.start();
    first.close();

    const second = open();

    expect(second.id).toBe(first.id);
    expect(second.scopeNames()).toEqual([scopeName]);
    expect(second.scope(scopeName).task(taskId)?.state).toBe("start");
    expect(second.heads()).toEqual(first.heads());
    second.close();
  });

  it("refuses a text file of any length as STORE_FOREIGN and leaves it alone", () => {
    const { file, open } = setup();

    for (const length of [1, 10, 100, 511, 512, 1_024, 5_000]) {
      writeFileSync(file, "x".repeat(length));
      expectRefused(file, open, "STORE_FOREIGN");
    }
  });

  it("takes an empty file, as one that was made to be a store", () => {
    const { file, open } = setup();
    writeFileSync(file, "");

    expect(open().scopeNames()).toEqual([]);
  });

  it("refuses another program's database as STORE_FOREIGN and leaves it alone", () => {
    const { file, open } = setup();
    for (const application of [0, 12_345]) {
      const other = new Database(join(tempFolder(), "other.db"));
      other.pragma(`application_id = ${application}`);
      other.exec("CREATE TABLE contacts (name TEXT)");
      other.close();
      copyFileSync(other.name, file);

      expectRefused(file, open, "STORE_FOREIGN");
    }
  });

  it("refuses a newer schema as STORE_NEWER and leaves it alone", () => {
    const { file, open } = setup();
    open().close();
    const database = new Database(file);
    database.pragma(`user_version = ${schemaVersion + 1}`);
    database.pragma("journal_mode = DELETE");
    database.close();
    const copy = join(tempFolder(), "newer.db");
    copyFileSync(file, copy);

    expectRefused(copy, () => open(copy), "STORE_NEWER");
  });

  it("refuses a file whose pages are damaged, and one that lost its tables, and holds neither", () => {
    const { file, open } = setup();
    open().close();
    const lost = new Database(file);
    lost.exec("DROP TABLE events");
    lost.close();

    const damaged = expect.objectContaining({ code: "JOURNAL_DAMAGED", detail: expect.stringContaining("(events)") });
    expect(open).toThrow(damaged);
    expect(open).toThrow(damaged); // and not STORE_IN_USE
  });

  it("says that a folder is missing, or is given in place of a file", () => {
    const { open } = setup();

    expect(() => open(join(tempFolder(), "no", "such.db"))).toThrow();
    expect(() => open(tempFolder())).toThrow(expect.objectContaining({ code: "STORE_FAILED" }));
  });
});

describe("a second opener (D1)", () => {
  it("is STORE_IN_USE with the holder's pid, in the same process and in another", () => {
    const { file, ports, open, openElsewhere } = setup();
    openTestStore(file, ports);

    expect(open).toThrow(
      expect.objectContaining({ code: "STORE_IN_USE", facts: expect.objectContaining({ pid: process.pid }) }),
    );
    expect(openElsewhere()).toMatchObject({ code: "STORE_IN_USE", facts: { pid: process.pid } });
  });

  it("does not take the store from its holder by trying: another process is refused still (D3)", () => {
    const { file, ports, open, openElsewhere } = setup();
    openTestStore(file, ports);

    expect(open).toThrow();
    expect(open).toThrow();

    expect(openElsewhere()).toMatchObject({ code: "STORE_IN_USE" });
  });

  it("is served once the holder has closed, here and elsewhere", () => {
    const { open, openElsewhere } = setup();
    const first = open();
    first.close();
    first.close(); // safe twice

    expect(openElsewhere()).toMatchObject({ id: first.id });
    expect(open().id).toBe(first.id);
  });

  it("leaves no shared-memory file beside the store", () => {
    const { file, ports } = setup();
    openTestStore(file, ports).scope(scopeName);

    expect(existsSync(`${file}-wal`)).toBe(true);
    expect(existsSync(`${file}-shm`)).toBe(false);
  });
});

describe("a log", () => {
  it.each<[string, (copy: string) => void]>([
    ["is missing", () => {}],
    ["is empty", (copy) => writeFileSync(copy, "")],
  ])("whose file %s is left as it is: it holds commits that were acknowledged", async (what, make) => {
    const { file, ports, open } = setup();
    await createBench({ store: openTestStore(file, ports), ports }).start();
    const copy = join(tempFolder(), "aionis.db");
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    make(copy);

    const reopen = (): unknown => open(copy);

    const detail: unknown = expect.stringMatching(new RegExp(`aionis\\.db ${what}, and its log .* holds commits`));
    expect(reopen).toThrow(expect.objectContaining({ code: "JOURNAL_DAMAGED", detail }));
    expect(readFileSync(`${copy}-wal`).equals(readFileSync(`${file}-wal`))).toBe(true);
  });
});

describe("durability (D4)", () => {
  it("is FULL for a power failure and NORMAL for a process, on a file with WAL", () => {
    for (const [durability, synchronous] of [
      ["power", 2],
      ["process", 1],
    ] as const) {
      const { file, ports } = setup();
      const database = openDatabase(file, { ...ports, durability });

      expect(database.pragma("synchronous", { simple: true })).toBe(synchronous);
      expect(database.pragma("journal_mode", { simple: true })).toBe("wal");
      expect(database.pragma("application_id", { simple: true })).toBe(applicationId);
      database.exec("BEGIN IMMEDIATE; UPDATE meta SET value = value; COMMIT");
      expect(database.pragma("synchronous", { simple: true })).toBe(synchronous);
      database.close();
    }
  });

  it("can change from one opening to the next", () => {
    const { file, ports } = setup();
    openDatabase(file, { ...ports, durability: "process" }).close();

    const database = openDatabase(file, { ...ports, durability: "power" });

    expect(database.pragma("synchronous", { simple: true })).toBe(2);
    database.close();
  });
});
