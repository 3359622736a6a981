import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { builtInTools, type CreateRuntimeOptions, connect, createRuntime, fileTools } from "../../src/index.ts";
import { tempFolder } from "../support/store.ts";

const scope = "test/files";
const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: "pipe" });
const isRoot = process.platform === "linux" && process.getuid?.() === 0;

async function open(path: string, options: CreateRuntimeOptions = {}) {
  const runtime = await createRuntime({ scope, path, durability: "process", ...options });
  onTestFinished(() => runtime.close());
  return runtime;
}

/** The modes of a folder and of its files. */
function modesIn(folder: string): Record<string, string> {
  const toMode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  return Object.fromEntries([".", ...readdirSync(folder)].map((name) => [name, toMode(join(folder, name))]));
}

describe("the files of a store", () => {
  it.each(["made by the runtime", "made before, and open to all"])(
    "are the owner's alone in a folder %s",
    async (by) => {
      const path = join(tempFolder(), "store");
      if (by !== "made by the runtime") {
        mkdirSync(path);
        writeFileSync(join(path, "aionis.db"), "", { mode: 0o644 });
        chmodSync(path, 0o755);
      }
      const runtime = await open(path);
      await runtime.tasks.start({ brief: "A secret" });

      const modes = modesIn(path);

      expect(modes).toMatchObject({
        ".": "700",
        "aionis.db": "600",
        "aionis.db-wal": "600",
        "aionis.db.holder": "600",
      });
      expect(Object.values(modes).filter((mode) => mode !== "600")).toEqual(["700"]);
    },
  );

  it.each(["aionis.db", "aionis.db.holder", "aionis.mark"])(
    "are files: a pipe in place of %s is refused, which would be waited for without end",
    async (name) => {
      const path = tempFolder();
      await (await open(path)).close();
      rmSync(join(path, name), { force: true });
      run("mkfifo", join(path, name));

      const opening = createRuntime({ scope, path });

      await expect(opening).rejects.toMatchObject({ code: "STORE_FAILED", detail: expect.stringContaining(name) });
    },
  );

  it.runIf(isRoot)("are the folder's owner's when root opens the store, as in a container", async () => {
    const nobody = 65_534;
    const path = tempFolder();
    chownSync(path, nobody, nobody);
    const runtime = await open(path);
    await runtime.tasks.start({ brief: "A secret" });
    const ownersOf = () => readdirSync(path).map((name) => [name, lstatSync(join(path, name)).uid]);

    expect(ownersOf()).toContainEqual(["aionis.db.holder", nobody]);
    expect(ownersOf()).toContainEqual(["runtime.sock", nobody]);
    expect(ownersOf().filter(([, owner]) => owner !== nobody)).toEqual([]);

    await runtime.close();
    expect(ownersOf()).toContainEqual(["aionis.mark", nobody]);
    expect(ownersOf().filter(([, owner]) => owner !== nobody)).toEqual([]);
  });

  it("leave a folder with other things in it as it is, and are closed in it", async () => {
    const path = tempFolder();
    writeFileSync(join(path, "index.html"), "hello", { mode: 0o644 });
    chmodSync(path, 0o755);
    const runtime = await open(path);
    await runtime.tasks.start({ brief: "A secret" });

    expect(modesIn(path)).toMatchObject({
      ".": "755",
      "index.html": "644",
      "aionis.db": "600",
      "aionis.db-wal": "600",
    });
    expect(existsSync(join(path, ".gitignore"))).toBe(false);
  });

  it("are not seen by git, and a backup is the owner's alone", async () => {
    const work = tempFolder();
    execFileSync("git", ["init", "-q", work]);
    const runtime = await open(join(work, ".aionis"));
    const backup = join(work, "kept.db");
    await runtime.store.backup({ path: backup });
    const inFolder = runtime.store.backup({ path: join(work, ".aionis", "aionis.db-journal") });

    await expect(inFolder).rejects.toMatchObject({ code: "INPUT_INVALID" });
    const status = execFileSync("git", ["-C", work, "status", "--porcelain", "-uall"], { encoding: "utf8" });

    expect(status).toBe("?? kept.db\n");
    expect(statSync(backup).mode & 0o777).toBe(0o600);
  });
});

describe("a workspace that holds the store", () => {
  it("has it for no tool, by no name", async () => {
    const work = tempFolder();
    const runtime = await open(join(work, ".aionis"));
    symlinkSync(".aionis", join(work, "link"));
    linkSync(join(work, ".aionis", "aionis.db"), join(work, "other-name"));
    const paths = [".aionis/aionis.db", ".aionis/new.txt", "link/aionis.mark", "other-name", ".aionis"];
    const codes: unknown[] = [];
    runtime.worker({ agent: "ada", tools: builtInTools, workspace: work }, async (_task, ctx) => {
      for (const path of paths) {
        codes.push(await codeOf(ctx.tool(`read ${path}`, fileTools.read, { path })));
        codes.push(await codeOf(ctx.tool(`delete ${path}`, fileTools.delete, { path })));
      }
      codes.push(await codeOf(ctx.tool("write", fileTools.write, { path: ".aionis/new.txt", text: "x" })));
      await ctx.tool("write beside", fileTools.write, { path: "kept.txt", text: "x" });
    });

    const { taskId } = await runtime.tasks.start({ brief: "Look around" });
    const { task } = await runtime.tasks.result(taskId);

    expect(codes).toEqual(Array.from({ length: 11 }, () => "PATH_OUTSIDE"));
    expect(task.state).toBe("succeeded");
    expect(readFileSync(join(work, "kept.txt"), "utf8")).toBe("x");
  });

  it("is copied without it for a replay, with no socket, and the private copy is taken away", async () => {
    const work = tempFolder();
    const runtime = await open(join(work, ".aionis"));
    const seen: Record<string, unknown>[] = [];
    const look = {
      ...fileTools.write,
      execute: async (input: never, at: never) => {
        const { workspace } = at as { workspace: string };
        if (workspace !== work)
          seen.push({ names: readdirSync(workspace).sort(), mode: statSync(workspace).mode & 0o777, workspace });
        return await fileTools.write.execute(input, at);
      },
    } as typeof fileTools.write;
    runtime.worker({ agent: "ada", tools: [look], workspace: work }, async (_task, ctx) => {
      await ctx.tool("bump", look, { path: "v.txt", text: "2" });
    });
    const { taskId } = await runtime.tasks.start({ brief: "Set v to 2" });
    await runtime.tasks.result(taskId);
    const { id } = await runtime.playbooks.compile({ run: taskId });
    writeFileSync(join(work, "notes.txt"), "n");
    rmSync(join(work, "v.txt"));
    await runtime.tasks.result((await runtime.playbooks.run({ id, mode: "simulate" })).taskId);

    const replay = await runtime.playbooks.run({ id, mode: "strict", inCopy: true });
    const { task } = await runtime.tasks.result(replay.taskId);

    expect(task.state).toBe("succeeded");
    expect(seen).toEqual([{ names: ["notes.txt"], mode: 0o700, workspace: expect.stringContaining("aionis-replay-") }]);
    await expect.poll(() => existsSync(String(seen[0]?.workspace))).toBe(false);
  });
});

describe("a runtime without a socket", () => {
  it("serves its program, and tells others why they cannot reach it", async () => {
    const path = join(tempFolder(), "store");
    const runtime = await open(path, { socket: false });

    const reached = await connect({ scope, path }).catch((error: unknown) => error);
    const opened = await createRuntime({ scope, path }).catch((error: unknown) => error);

    expect((await runtime.tasks.start({ brief: "Alone" })).taskId).toMatch(/^task_/);
    expect(existsSync(join(path, "runtime.sock"))).toBe(false);
    expect(reached).toMatchObject({
      code: "TRANSPORT_UNREACHABLE",
      detail: expect.stringContaining("socket: false"),
    });
    expect(opened).toMatchObject({
      code: "STORE_IN_USE",
      detail: expect.stringContaining("this process"),
    });
  });

  it("runs with a warning where none can be made", async () => {
    vi.stubEnv("TMPDIR", join(tempFolder(), "not-there"));
    onTestFinished(() => void vi.unstubAllEnvs());
    const path = join(tempFolderIn("/tmp"), "d".repeat(110), "store");
    const said: string[] = [];

    const runtime = await open(path, { logger: { log: (level, message) => void said.push(`${level}: ${message}`) } });

    expect((await runtime.tasks.start({ brief: "Alone" })).taskId).toMatch(/^task_/);
    expect(said).toEqual([expect.stringMatching(/^warn: No socket can be made at .* this program goes on without\.$/)]);
  });
});

describe("a store that this process may not write", () => {
  it("is read from a read-only mount, also what was in the log of a runtime that was killed", async (test) => {
    if (!isRoot) return test.skip("mounting needs root on Linux");
    const home = tempFolder();
    const path = join(home, "store");
    const writer = await open(path);
    await writer.tasks.start({ brief: "Seen" });
    const kept = join(home, "kept");
    mkdirSync(kept);
    for (const end of ["", "-wal"]) execFileSync("cp", [join(path, `aionis.db${end}`), kept]);
    const mounted = join(home, "mounted");
    mkdirSync(mounted);
    run("mount", "--bind", kept, mounted);
    onTestFinished(() => run("umount", "--lazy", mounted));
    run("mount", "-o", "remount,ro,bind", mounted);

    const reader = await open(mounted);

    expect((await reader.tasks.list({})).tasks.map(({ title }) => title)).toEqual(["Seen"]);
    expect(await reader.runtime.status()).toMatchObject({
      state: "readOnly",
      reason: expect.stringContaining("read-only"),
    });
    expect(await codeOf(reader.tasks.start({ brief: "No" }, { timeoutMs: 1_000 }))).toBe("STORE_READ_ONLY");
  });

  it("is refused in one sentence to a user who may not read it", async (test) => {
    if (!isRoot) return test.skip("to be another user needs root");
    const home = tempFolder();
    chmodSync(home, 0o755);
    const path = join(home, "store");
    await (await createRuntime({ scope, path })).close();
    const bin = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
    const script = `import { main } from ${JSON.stringify(bin)}; process.exitCode = await main(${JSON.stringify(["task", "ls", "--path", path])});`;

    const { stderr, status } = spawnSync(process.execPath, ["--input-type=module", "--eval", script], {
      uid: 65_534,
      gid: 65_534,
      encoding: "utf8",
    });

    expect(stderr).toBe(
      `STORE_DENIED: User 65534 may not read ${path}, which belongs to user 0. Run it as a user who may, or reach a runtime over NATS.\n`,
    );
    expect(status).toBe(1);
  });
});

describe("a store whose folder is removed under its runtime", () => {
  it("tells the program while nothing is asked, refuses what comes, and saves what was acknowledged", async () => {
    const work = tempFolder();
    const path = join(work, ".aionis");
    const failed = Promise.withResolvers<{ code: string; detail: string }>();
    const saved = Promise.withResolvers<string>();
    const logger = {
      log(_level: string, message: string, facts?: object) {
        if (message === "what the store held was saved") saved.resolve(String(Reflect.get(facts ?? {}, "path")));
      },
    };
    const runtime = await open(path, { onFailed: failed.resolve, logger });
    const { taskId } = await runtime.tasks.start({ brief: "Acknowledged" });

    rmSync(path, { recursive: true });
    const failure = await failed.promise;
    const outcome = await codeOf(runtime.tasks.start({ brief: "Too late" }));
    const copy = await saved.promise;
    await runtime.close();

    expect(failure).toMatchObject({ code: "STORE_FAILED", detail: expect.stringContaining("was removed or moved") });
    expect(outcome).toBe("STORE_FAILED"); // at once, and not after the time of the call
    expect(modesIn(join(copy, ".."))).toEqual({ ".": "700", ".gitignore": "600", "aionis.db": "600" });
    const again = await open(join(copy, ".."));
    expect((await again.tasks.list({})).tasks.map(({ id }) => id)).toEqual([taskId]);
  });
});

/** A folder whose path holds whatever TMPDIR says. */
function tempFolderIn(folder: string): string {
  const made = mkdtempSync(join(folder, "aionis-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "ok",
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
}
