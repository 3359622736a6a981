import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { createRuntime } from "../../src/index.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { makeFolder, runBinary, setupCli, startBinary } from "./support.ts";

describeNats("the command line over NATS", (binary) => {
  const setup = async (config?: string) => {
    const server = await startNatsServer({
      jetstream: true,
      binary,
      atEnd: onTestFinished,
      ...(config === undefined ? {} : { config }),
    });
    return { server, over: ["--nats", server.url, "--scope", "acme/billing"] };
  };

  it("serves, works, starts and watches from folders that have nothing in common", async () => {
    const { server, over } = await setup();
    const folder = folderWith("(task) => 'did: ' + task.brief");
    await server.kill();
    const worker = startBinary(folder, ["worker", "worker.js", ...over]);
    await worker.sawError("Waiting for the runtime of acme/billing. No NATS server answers");
    await server.restart();
    const serve = startBinary(makeFolder(), ["serve", ...over]);
    const elsewhere = makeFolder();
    await worker.saw("works on acme/billing");

    const started = await runBinary(elsewhere, ["task", "start", "far away", "--json", ...over]);
    const { taskId } = JSON.parse(started.stdout) as { taskId: string };
    const watched = await runBinary(elsewhere, ["task", "watch", taskId, "--until-ended", "--json", ...over]);
    worker.interrupt();
    serve.kill("SIGTERM");

    expect(JSON.parse(watched.stdout)).toMatchObject({ content: { outcome: { data: "did: far away" } } });
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect(await serve.ended).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(` and ${server.url}\n`),
      stderr: "",
    });
    expect([elsewhere, folder].map((path) => existsSync(join(path, ".aionis")))).toEqual([false, false]);
  });

  it("goes on with the work of a worker that was killed in a step", async () => {
    const { over } = await setup();
    const hang = `async (task, ctx) => {
      await ctx.step("first", () => "by the first");
      await ctx.step("second", () => console.log("hanging") ?? new Promise(() => setInterval(() => {}, 1000)));
    }`;
    const work = `async (task, ctx) => [
      await ctx.step("first", () => "by another"),
      await ctx.step("second", () => "by another"),
    ]`;
    startBinary(makeFolder(), ["serve", "--lease", "1s", ...over]);
    const killed = startBinary(folderWith(hang), ["worker", "worker.js", "--agent", "one", ...over]);
    await killed.saw("one works on");
    const started = await runBinary(makeFolder(), ["task", "start", "x", "--json", ...over]);
    const { taskId } = JSON.parse(started.stdout) as { taskId: string };
    await killed.saw("hanging");

    killed.kill("SIGKILL");
    startBinary(folderWith(work), ["worker", "worker.js", "--agent", "two", ...over]);
    const watched = await runBinary(makeFolder(), ["task", "watch", taskId, "--until-ended", "--json", ...over]);

    expect(JSON.parse(watched.stdout)).toMatchObject({
      content: { outcome: { data: ["by the first", "by another"] } },
    });
  });

  it("refuses to serve a scope that is served, with 4", async () => {
    const { server, over } = await setup();
    const runtime = await createRuntime({ path: makeFolder(), scope: "acme/billing", nats: { servers: server.url } });
    onTestFinished(() => runtime.close());

    const { code, stdout, stderr } = await runBinary(makeFolder(), ["serve", ...over]);

    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(stderr).toMatch(/^SCOPE_ALREADY_SERVED: acme\/billing is served by another runtime \(store store_/);
  });

  it("ends a worker with 1 when another store serves the scope: what it holds is not known there", async () => {
    const { server, over } = await setup();
    const open = () =>
      createRuntime({
        path: makeFolder(),
        scope: "acme/billing",
        nats: { servers: server.url },
        durability: "process",
      });
    const first = await open();
    const worker = startBinary(folderWith("() => {}"), ["worker", "worker.js", ...over]);
    await worker.saw("works on");

    await first.close();
    const second = await open();
    onTestFinished(() => second.close());

    const { code, stderr } = await worker.ended;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^error: a worker ended: it cannot claim .*RUNTIME_CHANGED/m);
  });

  it("ends with 5 where no server is, and where nobody serves the scope", async () => {
    const { server, over } = await setup();
    const { run, folder } = setupCli();

    const unserved = await run(["task", "start", "x", ...over, "--timeout", "1s"]);
    await server.kill();
    const unreachable = await run(["task", "start", "x", ...over]);

    expect(unserved).toMatchObject({ code: 5, stdout: "" });
    expect(unserved.stderr).toMatch(
      /^TRANSPORT_UNROUTED: Nobody serves the scope acme\/billing at nats:.*\nhint: .*serve/,
    );
    expect(unreachable).toMatchObject({ code: 5, stdout: "" });
    expect(unreachable.stderr).toMatch(/^TRANSPORT_UNREACHABLE: No NATS server answers at /);
    expect(existsSync(join(folder, ".aionis"))).toBe(false);
  });

  it("ends with 1 where the server refuses the credentials, and says how to give them; a worker does not wait", async () => {
    const { over } = await setup('authorization { user: "ann", password: "secret" }');
    const { run } = setupCli(folderWith("() => {}"));
    const env = { AIONIS_NATS_USER: "ann", AIONIS_NATS_PASSWORD: "wrong" };

    const verb = await run(["task", "ls", ...over], { env });
    const serve = await run(["serve", ...over]);
    const worker = await run(["worker", "worker.js", ...over], { env });
    const right = await run(["task", "ls", ...over, "--timeout", "1s"], {
      env: { ...env, AIONIS_NATS_PASSWORD: "secret" },
    });

    expect([verb, serve, worker].map(({ code }) => code)).toEqual([1, 1, 1]);
    expect(verb.stderr).toMatch(/^TRANSPORT_DENIED: .*\nhint: .*AIONIS_NATS_USER/);
    expect(right.stderr).toMatch(/^TRANSPORT_UNROUTED: /);
  });
});

/** A folder with a file `worker.js` that exports `source`. */
function folderWith(source: string): string {
  const folder = makeFolder();
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(join(folder, "worker.js"), `export default ${source};\n`);
  return folder;
}
