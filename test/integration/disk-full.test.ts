import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { toStoreFailure } from "../../actors/store/failure.ts";
import { type Connection, connect, createRuntime, isFailure } from "../../src/index.ts";
import { patienceMs } from "../support/patience.ts";

interface SmallDisk {
  readonly folder: string;
  makeRoom(): void;
}

const megabyte = 1024 * 1024;
const diskMegabytes = 16;
const ballastMegabytes = 11;
const diskFiles = 32;

const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: "pipe" });

/**
 * Ways to mount `folder`; `beside` is a path for what that needs. They fail differently: ext4 allocates late and can be full when it
 * syncs, and a mapped file on it that finds no room is a signal, not an error.
 */
const mounts: Record<string, (folder: string, beside: string) => void> = {
  "in memory": (folder) => run("mount", "-t", "tmpfs", "-o", `size=${diskMegabytes}m`, "tmpfs", folder),
  "that takes few files": (folder) =>
    run("mount", "-t", "tmpfs", "-o", `size=${diskMegabytes}m,nr_inodes=${diskFiles}`, "tmpfs", folder),
  "with ext4": (folder, beside) => {
    writeFileSync(beside, Buffer.alloc(diskMegabytes * megabyte));
    run("mkfs.ext4", "-q", "-m", "0", beside); // no blocks kept for root, who would fill them when others already fail
    run("mount", "-o", "loop", beside, folder); // the loop device goes with the mount
  },
};

/** A disk with room for some megabytes, or the reason why there is none. */
function mountSmallDisk(kind: string): SmallDisk | { why: string } {
  if (process.platform !== "linux" || process.getuid?.() !== 0)
    return { why: "mounting a small disk needs root on Linux" };
  const home = mkdtempSync(join(tmpdir(), "aionis-disk-"));
  const folder = join(home, "mounted");
  mkdirSync(folder);
  onTestFinished(() => rmSync(home, { recursive: true, force: true }));
  try {
    mounts[kind]?.(folder, join(home, "image"));
  } catch (error) {
    return { why: `a small disk ${kind} cannot be mounted here: ${String(error).slice(0, 200)}` };
  }
  onTestFinished(() => run("umount", "--lazy", folder)); // before the folder goes: what was registered last runs first
  const ballast = join(folder, "ballast");
  writeFileSync(ballast, Buffer.alloc(ballastMegabytes * megabyte));
  return { folder, makeRoom: () => rmSync(ballast) };
}

/** Records steps until one fails; says how many were acknowledged, and what ended it. */
async function fill(
  record: (ordinal: number) => Promise<unknown>,
): Promise<{ acknowledged: number; failure: unknown }> {
  for (let acknowledged = 0; acknowledged < 1_000; acknowledged += 1) {
    const failure = await record(acknowledged).then(
      () => undefined,
      (error: unknown) => error,
    );
    if (failure !== undefined) return { acknowledged, failure };
  }
  throw new Error("the disk did not fill");
}

const pageBytes = 4_096;

/** Fills a disk in memory until `pages` are free. */
function leave(folder: string, pages: number): void {
  const { bavail, bsize } = statfsSync(folder);
  const bytes = bavail * bsize - pages * pageBytes;
  if (bytes > 0) writeFileSync(join(folder, "rest"), Buffer.alloc(bytes), { flag: "a" });
}

/** Makes files until the disk takes only `count` more. */
function leaveFiles(folder: string, count: number): void {
  for (let made = 0; statfsSync(folder).ffree > count; made += 1) writeFileSync(join(folder, `file-${made}`), "");
}

/** Removes what `leave` and `leaveFiles` have made. */
function clear(folder: string): void {
  for (const name of readdirSync(folder)) if (/^(rest|file-)/.test(name)) rmSync(join(folder, name));
}

describe.each(["in memory", "with ext4"])("a full disk %s", (kind) => {
  it("refuses commands with STORE_FULL, loses nothing acknowledged, and goes on when there is room (I2)", async (test) => {
    const disk = mountSmallDisk(kind);
    if ("why" in disk) return test.skip(disk.why);
    const open = async (): Promise<Connection> => {
      const opened = await createRuntime({ scope: "test/disk", path: join(disk.folder, "store"), leaseMs: 600_000 });
      onTestFinished(() => opened.close());
      return opened;
    };
    const runtime = await open();
    const { taskId } = await runtime.tasks.start({ brief: "fill the disk" });
    await runtime.tasks.claim({ taskId });
    const record = (ordinal: number, timeoutMs: number): Promise<unknown> => {
      const step = { name: "write", ordinal, outcome: { kind: "succeeded", output: "x".repeat(20_000) } } as const;
      return runtime.tasks.step({ taskId, epoch: 1, step }, { timeoutMs });
    };
    const countRecorded = async (connection: Connection): Promise<number> =>
      (await connection.tasks.get({ taskId })).task.stepsRecorded;

    const { acknowledged, failure } = await fill((ordinal) => record(ordinal, 1_000));
    const full = await runtime.runtime.status();

    expect(isFailure(failure, "STORE_FULL"), String(failure)).toBe(true);
    expect(acknowledged).toBeGreaterThan(10);
    expect(await countRecorded(runtime)).toBe(acknowledged);
    expect(full).toMatchObject({ state: "readOnly", reason: expect.stringContaining("room") });

    disk.makeRoom();
    await record(acknowledged, 20_000); // asked again until there is room

    expect((await runtime.runtime.status()).state).toBe("ready");
    expect(await countRecorded(runtime)).toBe(acknowledged + 1);
    expect((await runtime.store.verify()).problems).toEqual([]);

    await runtime.close();
    const reopened = await open();

    expect(await countRecorded(reopened)).toBe(acknowledged + 1);
    expect((await reopened.store.verify()).problems).toEqual([]);
  });
});

// ext4 keeps some blocks back, so that what is full for one write is not for the next.
describe("a disk that is full at the start", () => {
  it("is no reason not to start: the store is read, refuses commands with STORE_FULL, and goes on when there is room", async (test) => {
    const disk = mountSmallDisk("in memory");
    if ("why" in disk) return test.skip(disk.why);
    const path = join(disk.folder, "store");
    const first = await createRuntime({ scope: "test/disk", path });
    await fill(async () => first.tasks.start({ brief: "x".repeat(50_000) }, { timeoutMs: 1_000 }));
    const { tasks } = await first.tasks.list({ pageSize: 500 });
    await first.close();
    leave(disk.folder, 0); // what closing has made room for is taken

    const again = await createRuntime({ scope: "test/disk", path });
    onTestFinished(() => again.close());

    expect((await again.tasks.list({ pageSize: 500 })).tasks.length).toBe(tasks.length);
    expect(await again.runtime.status()).toMatchObject({ state: "readOnly", reason: expect.stringContaining("room") });
    const refused = again.tasks.start({ brief: "no" }, { timeoutMs: 1_000 });
    await expect(refused).rejects.toMatchObject({ code: "STORE_FULL" });

    disk.makeRoom();
    await again.tasks.start({ brief: "yes" }, { timeoutMs: 20_000 }); // asked again until there is room
    expect((await again.runtime.status()).state).toBe("ready");
  });
});

describe("a disk with little room when a store is made", () => {
  it.for([0, 5, 20, 40, 45, 48, 50, 60])(
    "with %i pages of it: commands and opening are STORE_FULL or done, and a whole store is there when there is room (I2)",
    async (pages, test) => {
      const disk = mountSmallDisk("in memory");
      if ("why" in disk) return test.skip(disk.why);
      const path = join(disk.folder, "store");
      const acknowledged: string[] = [];
      const record = async (runtime: Connection, timeoutMs: number): Promise<void> =>
        void acknowledged.push((await runtime.tasks.start({ brief: "x".repeat(3_000) }, { timeoutMs })).taskId);
      const open = (): Promise<Connection> => createRuntime({ scope: "test/disk", path, socket: false });

      leave(disk.folder, pages);
      const opened = await open().catch((error: unknown) => error);
      if (isFailure(opened)) expect(opened.code).toBe("STORE_FULL");
      else {
        const { failure } = await fill(() => record(opened as Connection, 300));
        expect(failure).toMatchObject({ code: "STORE_FULL" });
        clear(disk.folder);
        await record(opened as Connection, patienceMs); // asked again until there is room
        await (opened as Connection).close();
      }
      clear(disk.folder);
      await using later = await open();

      const { tasks } = await later.tasks.list({ pageSize: 500 });
      expect(tasks.map(({ id }) => id).sort()).toEqual(acknowledged.sort());
      expect((await later.store.verify()).problems).toEqual([]);
    },
  );

  it("refuses to make a folder or a file with STORE_FULL when the disk takes no further file", async (test) => {
    const disk = mountSmallDisk("that takes few files");
    if ("why" in disk) return test.skip(disk.why);
    const open = (path: string): Promise<Connection> => createRuntime({ scope: "test/disk", path, socket: false });
    const [made, missing] = [join(disk.folder, "made"), join(disk.folder, "missing")];
    mkdirSync(made);
    leaveFiles(disk.folder, 0);

    await expect(open(missing)).rejects.toMatchObject({ code: "STORE_FULL" });
    await expect(open(made)).rejects.toMatchObject({ code: "STORE_FULL" });

    clear(disk.folder);
    await using runtime = await open(made);
    expect((await runtime.runtime.status()).state).toBe("ready");
  });

  it("listens for other processes when there is room for the socket, which there was not at the start", async (test) => {
    const disk = mountSmallDisk("that takes few files");
    if ("why" in disk) return test.skip(disk.why);
    const path = join(disk.folder, "store");
    await (await createRuntime({ scope: "test/disk", path })).close();
    leaveFiles(disk.folder, 2); // for the note and the log
    const logged: string[] = [];
    const logger = { log: (_level: string, message: string) => void logged.push(message) };

    await using runtime = await createRuntime({ scope: "test/disk", path, logger });
    expect(logged).toContainEqual(expect.stringContaining("no room for the socket"));
    expect(readdirSync(path)).not.toContain("runtime.sock");
    clear(disk.folder);

    await expect.poll(() => readdirSync(path), { timeout: patienceMs }).toContain("runtime.sock");
    await using other = await connect({ scope: "test/disk", path });
    await runtime.tasks.start({ brief: "seen by both" });
    expect((await other.tasks.list()).tasks).toHaveLength(1);
  });
});

describe("a write that the system refuses without saying that the disk is full, as for a quota", () => {
  const refused = (code: string): unknown => new Database.SqliteError("disk I/O error", code);

  it.for(["SQLITE_IOERR_WRITE", "SQLITE_CANTOPEN"])(
    "is STORE_FULL where nothing can be written, and STORE_FAILED where something can (%s)",
    (code, test) => {
      const disk = mountSmallDisk("in memory");
      if ("why" in disk) return test.skip(disk.why);
      const file = join(disk.folder, "aionis.db");

      expect(toStoreFailure(refused(code), file).code).toBe("STORE_FAILED");
      leave(disk.folder, 0);
      expect(toStoreFailure(refused(code), file).code).toBe("STORE_FULL");

      expect(readdirSync(disk.folder).sort()).toEqual(["ballast", "rest"]);
    },
  );
});
