import { execFile } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { describeNats, readServerInfo, startNatsServer } from "./nats.ts";
import { startNatsCluster } from "./nats-cluster.ts";
import { tempFolder } from "./store.ts";

const atEnd = onTestFinished;

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describeNats("a nats-server of the tests", (binary) => {
  it("serves on loopback under its own name once it is started (N1)", async () => {
    const server = await startNatsServer({ atEnd, binary, jetstream: true, name: "the-one" });

    const info = await readServerInfo(server.port);

    expect(info).toMatchObject({ server_name: "the-one", version: binary.version, jetstream: true, host: "127.0.0.1" });
    expect(server.url).toBe(`nats://127.0.0.1:${server.port}`);
  });

  it("has neither JetStream nor a store unless it is asked for", async () => {
    const server = await startNatsServer({ atEnd, binary });

    const info = await readServerInfo(server.port);

    expect(info.jetstream).toBeUndefined();
    expect(readdirSync(server.folder)).toEqual(["nats.conf"]);
  });

  it("takes further configuration, and is ready also where clients must say who they are", async () => {
    const config = 'authorization { user: "a", password: "b" }\nmax_payload: 4096';
    const server = await startNatsServer({ atEnd, binary, jetstream: true, config });

    expect(await readServerInfo(server.port)).toMatchObject({ auth_required: true, max_payload: 4096 });
  });

  it("comes back on its port after a kill, as another process (N2)", async () => {
    const server = await startNatsServer({ atEnd, binary, jetstream: true });
    const { pid } = server;

    await server.kill();
    const refused = readServerInfo(server.port);
    await expect(refused).rejects.toMatchObject({ code: "ECONNREFUSED" });
    await server.restart();

    expect(server.pid).not.toBe(pid);
    expect(await readServerInfo(server.port)).toMatchObject({ version: binary.version, port: server.port });
  });

  it("waits for its port when somebody else has it (N2)", async () => {
    const server = await startNatsServer({ atEnd, binary });
    const pids = new Set([server.pid]);
    await server.kill();
    const squatter = createServer().listen(server.port, "127.0.0.1");
    onTestFinished(() => void squatter.close());
    await once(squatter, "listening");

    const restarted = server.restart();
    await vi.waitFor(() => expect(pids.add(server.pid).size, "a second try").toBe(3));
    squatter.close();
    await restarted;

    expect(await readServerInfo(server.port)).toMatchObject({ version: binary.version });
  });

  it("restarts in an orderly way even while it is paused", async () => {
    const server = await startNatsServer({ atEnd, binary, jetstream: true });
    await server.pause();

    await server.restart();

    expect(await readServerInfo(server.port)).toMatchObject({ version: binary.version });
  });

  it("says nothing while it is paused, and goes on when it is resumed", async () => {
    const server = await startNatsServer({ atEnd, binary });
    const { pid } = server;
    let hasAnswered = false;

    await server.pause();
    const info = readServerInfo(server.port).finally(() => {
      hasAnswered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 100)); // nothing announces that nothing is said
    expect(hasAnswered).toBe(false);
    server.resume();

    expect(await info).toMatchObject({ version: binary.version });
    expect(server.pid).toBe(pid);
  });

  it("leaves no process and no folder, stopped twice or paused (N3)", async () => {
    const server = await startNatsServer({ atEnd, binary, jetstream: true });
    await server.pause();

    await server.stop();
    await server.stop();

    expect(() => process.kill(server.pid, 0)).toThrow("ESRCH");
    expect(existsSync(server.folder)).toBe(false);
    await expect(server.restart()).rejects.toThrow("was stopped");
  });

  it("ends with the process that started it, also when that is killed and the server is paused (N3)", async () => {
    const program = `
      const { startNatsServer } = await import(${JSON.stringify(new URL("nats.ts", import.meta.url).href)});
      const server = await startNatsServer({ atEnd: () => {}, binary: ${JSON.stringify(binary)} });
      await server.pause();
      console.log(server.pid);
      setInterval(() => {}, 1_000);`;
    const starter = execFile(process.execPath, ["--input-type=module", "--eval", program]);
    onTestFinished(() => void starter.kill("SIGKILL"));
    const [said] = (await once(starter.stdout as Readable, "data")) as [string];

    starter.kill("SIGKILL");

    await expect.poll(() => isAlive(Number(said))).toBe(false);
  });

  it("fails with the server's log when the configuration is refused, leaving nothing (N3)", async () => {
    const stops: Array<() => Promise<void>> = [];
    const start = startNatsServer({ atEnd: (stop) => stops.push(stop), binary, config: "nonsense: 1" });

    await expect(start).rejects.toThrow(/ended before it listened:[\s\S]*unknown field "nonsense"/);

    for (const stop of stops) await stop();
    expect(stops).toHaveLength(1);
  });
});

describeNats("a cluster of the tests", (binary) => {
  it("has one JetStream, and tells clients of no server that they were not given (N1)", async () => {
    const servers = await startNatsCluster({ atEnd, binary });
    const client = await connect({ servers: servers[0]?.url ?? "" });
    onTestFinished(() => client.close());

    const manager = await jetstreamManager(client, { timeout: 20_000 }); // three servers choose who keeps it, on a machine that may be busy
    const stream = await manager.streams.add({ name: "KEPT", subjects: ["kept"], num_replicas: servers.length });
    const infos = await Promise.all(servers.map(({ port }) => readServerInfo(port)));

    const keepers = [stream.cluster?.leader, ...(stream.cluster?.replicas ?? []).map(({ name }) => name)];
    expect(keepers.toSorted()).toEqual(servers.map(({ name }) => name).toSorted());
    expect(infos.flatMap((info) => info.connect_urls ?? [])).toEqual([]);
  });
});

const suite = 'describeNats("the suite", () => {})';
const suiteOnEach = 'describeNatsOnEach("the suite", () => it("runs", () => {}))';

describe("a suite that needs a nats-server where none can be had", () => {
  it("is skipped, and says why", async () => {
    const { code, output } = await runSuite(suite, { ci: false });

    expect(code).toBe(0);
    expect(output).toContain("skipped: the suite. No nats-server could be had.");
    expect(output).toMatch(/Tests\s+1 skipped/);
  });

  it("fails in CI, and says why", async () => {
    const { code, output } = await runSuite(suite, { ci: true });

    expect(code).toBe(1);
    expect(output).toContain("Error: No nats-server could be had.");
    expect(output).toMatch(/Tests\s+1 failed/);
  });
});

describe("a suite that needs the newest nats-server and the oldest", () => {
  it("runs on each, and names it", async () => {
    const { output } = await runSuite(suiteOnEach, { ci: true, newest: "2.15.1", oldest: "2.9.10" });

    expect(output).toContain("the suite > on nats-server 2.15.1 > runs");
    expect(output).toContain("the suite > on nats-server 2.9.10 > runs");
    expect(output).toMatch(/Tests\s+2 passed/);
  });

  it("runs once where they are the same", async () => {
    const { output } = await runSuite(suiteOnEach, { ci: true, newest: "2.9.10", oldest: "2.9.10" });

    expect(output).toMatch(/Tests\s+1 passed/);
  });

  it("runs on what there is, and fails in CI for what there is not", async () => {
    const { code, output } = await runSuite(suiteOnEach, { ci: true, newest: "2.15.1" });

    expect(code).toBe(1);
    expect(output).toMatch(/Tests\s+1 failed \| 1 passed/);
  });
});

interface Surroundings {
  ci: boolean;
  /** The version of the server that is found first; none runs if absent. */
  newest?: string;
  /** The version of the one in the cache that is kept for the oldest; it cannot be had if absent. */
  oldest?: string;
}

/** Runs a file with such a suite in a vitest of its own, where no server but these can be had. */
async function runSuite(text: string, { ci, newest, oldest }: Surroundings): Promise<{ code: number; output: string }> {
  const folder = tempFolder();
  const support = JSON.stringify(join(import.meta.dirname, "nats.ts"));
  const imports = `import { it } from "vitest";\nimport { describeNats, describeNatsOnEach } from ${support};\n`;
  writeFileSync(join(folder, "suite.test.ts"), `${imports}${text};\n`);
  writeServer(join(folder, "newest"), newest);
  writeServer(join(folder, "aionis/nats-server-bookworm/usr/sbin/nats-server"), oldest);
  const env = {
    ...process.env,
    CI: String(ci),
    NATS_SERVER_BIN: join(folder, "newest"),
    XDG_CACHE_HOME: folder,
    PATH: "/bin-without-apt",
  };
  const vitest = join(createRequire(import.meta.url).resolve("vitest/package.json"), "../vitest.mjs");
  const args = [vitest, "run", "--root", folder, "--reporter=verbose", "--no-color"];
  return await new Promise((resolve) => {
    execFile(process.execPath, args, { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    );
  });
}

/** A program that tells this version, as a server does. */
function writeServer(path: string, version: string | undefined): void {
  if (version === undefined) return;
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho "nats-server: v${version}"\n`, { mode: 0o755 });
}
