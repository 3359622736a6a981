import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createRuntime } from "../../src/index.ts";
import { makeFolder, runBinary, setupCli, setupServed, startBinary, startBinaryAfter, startCli } from "./support.ts";

/** A folder with a file `worker.ts` that exports `source`. */
function folderWith(source: string, folder = makeFolder()): string {
  writeFileSync(join(folder, "worker.ts"), `export default ${source};\n`);
  return folder;
}

describe("serve and worker", () => {
  it("do a task's work, the worker having waited for the runtime", async () => {
    const folder = folderWith("(task: { brief: string }): string => 'did: ' + task.brief");
    const worker = startBinary(folder, ["worker", "worker.ts"]);
    await worker.sawError("Waiting for the runtime of ");
    const serve = startBinary(folder, ["serve"]);
    await worker.saw("worker works on ");

    const started = await runBinary(folder, ["task", "start", "count", "--json"]);
    const { taskId } = JSON.parse(started.stdout) as { taskId: string };
    const watched = await runBinary(folder, ["task", "watch", taskId, "--until-ended", "--json"]);
    worker.kill("SIGTERM");
    const worked = await worker.ended;
    serve.interrupt();
    const served = await serve.ended;

    expect(JSON.parse(watched.stdout)).toMatchObject({ content: { outcome: { data: "did: count" } } });
    expect(worked).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/ \(store_\w+\) at .*runtime.sock, 1 at a time\n$/),
    });
    expect(worked.stderr).toMatch(
      new RegExp(
        `^Waiting .*\n${taskId} claimed at epoch 1: count\n${taskId} ended after \\d+ ms: the task is complete\n$`,
      ),
    );
    expect(served).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^Serving local\/.* on .*runtime.sock\n$/),
      stderr: "",
    });
    expect(existsSync(join(folder, ".aionis", "runtime.sock"))).toBe(false);
  });

  it("say what they are in JSON", async () => {
    const folder = folderWith("{ agent: 'ada', roles: ['fix'], handler() {} }");
    const serve = startBinary(folder, ["serve", "--json", "--scope", "acme/shop", "--durability", "process"]);
    const served = JSON.parse(await serve.saw("\n")) as { storeId: string };
    const worker = startBinary(folder, ["worker", "worker.ts", "--json", "--scope", "acme/shop", "--concurrency", "3"]);
    const known = JSON.parse(await worker.saw("\n")) as unknown;

    const path = join(folder, ".aionis");
    const { storeId } = served;
    expect(served).toEqual({ scope: "acme/shop", path, storeId, socket: join(path, "runtime.sock"), nats: [] });
    expect(known).toMatchObject({ agent: "ada", scope: "acme/shop", storeId, concurrency: 3, roles: ["fix"] });
  });

  it("let a task end at the first Ctrl-C", async () => {
    const folder = folderWith("{ handler: () => new Promise((resolve) => setTimeout(resolve, 500)) }");
    startBinary(folder, ["serve"]);
    const worker = startBinary(folder, ["worker", "worker.ts"]);
    await worker.saw("works on");
    await runBinary(folder, ["task", "start", "half a second"]);
    await worker.sawError("claimed");

    worker.interrupt();

    const { code, stderr } = await worker.ended;
    expect(code).toBe(0);
    expect(stderr).toContain("the task is complete");
  });

  it("end with 130 at the second Ctrl-C, and the lease runs out", async () => {
    const folder = folderWith("{ handler: () => new Promise(() => setInterval(() => {}, 1000)) }");
    startBinary(folder, ["serve"]);
    const worker = startBinary(folder, ["worker", "worker.ts"]);
    await worker.saw("works on");
    await runBinary(folder, ["task", "start", "for ever"]);
    await worker.sawError("claimed");

    worker.interrupt();
    await worker.sawError("Ctrl-C again ends at once");
    worker.interrupt();

    expect((await worker.ended).code).toBe(130);
    expect((await runBinary(folder, ["task", "ls"])).stdout).toMatch(/ running /);
  });

  it("end with 1 when the store fails for good", async () => {
    const folder = makeFolder();
    const limit = "ulimit -f 512"; // a write past 512 KiB is an I/O error
    const serve = startBinaryAfter(limit, folder, ["serve"]);
    await serve.saw("Serving");

    // It has the limit, too: when it hears of the end before the answer, it opens the store itself.
    const { code } = await startBinaryAfter(limit, folder, ["task", "start", "-"], { stdin: "x".repeat(1_000_000) })
      .ended;

    expect(code).toBe(1);
    const { code: ended, stderr } = await serve.ended;
    expect(ended).toBe(1);
    expect(stderr).toMatch(/\nSTORE_FAILED: /);
  });
});

describe("serve", () => {
  it("is refused with 5 where somebody holds the store", async () => {
    const { run } = await setupServed();

    const { code, stderr } = await run(["serve"]);

    expect(code).toBe(5);
    expect(stderr).toMatch(/^STORE_IN_USE: /);
  });

  it("waits for a command that holds the store for a moment", async () => {
    const folder = makeFolder();
    const holder = await createRuntime({ path: join(folder, ".aionis") });
    const serve = startCli(folder, ["serve"]);
    await serve.listening;

    await holder.close();

    expect((await serve.lines.next()).value).toMatch(/^Serving /);
    serve.interrupt();
    await expect(serve.code).resolves.toBe(0);
  });

  it.each([
    { args: ["--lease", "soon"], says: '--lease is "soon"' },
    { args: ["--lease", "0"], says: "--lease is 0" },
    { args: ["--durability", "none"], says: "Allowed choices are power, process.\n" },
    { args: ["--nats", "nats://ann:secret@127.0.0.1"], says: "Give the credentials for 127.0.0.1 apart" },
  ])("refuses $args", async ({ args, says }) => {
    const { run } = setupCli();

    const { code, stdout, stderr } = await run(["serve", ...args]);

    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(says);
    expect(stderr).not.toContain("secret");
  });
});

describe("worker", () => {
  it.each([
    { file: "nowhere.ts", says: "There is no module" },
    { file: ".", says: "is a folder. Name the file of the worker in it." },
    { source: "undefined", says: "exports no handler" },
    { source: "{ roles: [] }", says: "exports no handler" },
    { source: "{ handler: 3 }", says: "cannot be started: handler: expected a function" },
    { source: "{ handler() {}, roles: 'fix', bogus: 1 }", says: "roles: Invalid input" },
    { source: "{ handler() {}, checks: { tests: 'npm test' } }", says: "checks: tests: expected a function" },
    { source: "(() => { throw new Error('not today') })()", says: "cannot be loaded. Error: not today" },
    { source: "() => {}", args: ["--concurrency", "0"], says: "concurrency: " },
    { source: "() => {}", args: ["--concurrency", "many"], says: '--concurrency is "many"' },
    { source: "() => {}", args: ["--path", "x", "--nats", "nats://127.0.0.1"], says: "give one of them" },
  ])("refuses $file$source $args", async ({ file = "worker.ts", source = "", args = [], says }) => {
    const { run, folder } = setupCli(folderWith(source));

    const { code, stdout, stderr } = await run(["worker", file, ...args]);

    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/^INPUT_INVALID: /);
    expect(stderr).toContain(says);
    expect(existsSync(join(folder, ".aionis"))).toBe(false);
  });

  it("shows of an error in the module where it is in the module, and not how it was loaded", async () => {
    const folder = folderWith("(() => { throw new Error('not today') })()");

    const { stderr } = await runBinary(folder, ["worker", "worker.ts"]);

    expect(stderr).toMatch(/^ +at .*worker\.ts:/m);
    expect(stderr).not.toMatch(/node:internal|worker-module/);
  });

  it("ends with 3 for a scope that the runtime's store does not have: waiting makes none", async () => {
    const { run, folder } = await setupServed();
    folderWith("() => {}", folder);

    const { code, stderr } = await run(["worker", "worker.ts", "--scope", "acme/shpo"]);

    expect(code).toBe(3);
    expect(stderr).toMatch(/^SCOPE_NOT_FOUND: /);
  });
});
