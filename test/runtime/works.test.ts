// What takes long is shown while it is under way, and given up with its caller, over every transport.

import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openStore } from "../../actors/index.ts";
import { type Connection, connect, createConnection } from "../../sdk/index.ts";
import { main } from "../../src/cli/main.ts";
import { AionisError } from "../../src/contracts/failures.ts";
import type { WorkProgress } from "../../src/contracts/progress.ts";
import { createIds, createSystemRandom, noFaults, silentLogger, systemClock } from "../../src/kernel/index.ts";
import { startRuntime } from "../../src/runtime/start.ts";
import { createMemoryBus } from "../../transport/index.ts";
import { openLocalServer } from "../../transport/local/index.ts";
import { connectNats } from "../../transport/nats/index.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { patienceMs } from "../support/patience.ts";
import { tempFolder } from "../support/store.ts";

const scope = "acme/billing";
const progress: WorkProgress = { phase: "copying", done: 1, total: 4 };
const [clock, random, logger] = [systemClock, createSystemRandom(), silentLogger];

/** A runtime whose backup stands at a quarter until it is released or given up. */
async function setup() {
  const bus = createMemoryBus({ clock, logger });
  const ids = createIds(clock, random);
  let release = (): void => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  let isGivenUp = false;
  const runtime = await startRuntime({
    ...{ scope, clock, ids, random, logger, faults: noFaults, transport: bus.connect() },
    store: openStore(":memory:", { durability: "process", ids, random }),
    async backUp(_path, { note, isWanted }) {
      note(progress);
      const givenUp = vi.waitUntil(() => !isWanted(), { timeout: patienceMs, interval: 5 });
      await Promise.race([released, givenUp]);
      isGivenUp = !isWanted();
      if (isGivenUp) throw new AionisError("RUNTIME_CLOSED", "It was given up.");
      release();
      return { bytes: 4, events: 0 };
    },
  });
  onTestFinished(() => runtime.close());
  const wasGivenUp = () => vi.waitFor(() => expect(isGivenUp).toBe(true), { timeout: patienceMs, interval: 5 });
  return { bus, runtime, release: () => release(), wasGivenUp };
}

type World = Awaited<ReturnType<typeof setup>>;

async function serveSocket({ bus }: World): Promise<string> {
  const folder = tempFolder();
  const path = join(folder, "runtime.sock");
  const server = await openLocalServer({
    path,
    connect: () => bus.connect(),
    explainUnrouted: () => undefined,
    clock,
    logger,
  });
  onTestFinished(() => server.close());
  return folder;
}

function describeWorks(name: string, open: (world: World) => Promise<Connection>): void {
  describe(`a work on the whole store, over ${name}`, () => {
    const setupConnected = async () => {
      const world = await setup();
      const client = await open(world);
      onTestFinished(() => client.close());
      return { ...world, client };
    };

    it("tells its caller how far it is, and is listed for everybody, until it is done", async () => {
      const { client, release } = await setupConnected();
      let tell = (_progress: WorkProgress): void => {};
      const told = new Promise<WorkProgress>((resolve) => {
        tell = resolve;
      });

      const backup = client.store.backup({ path: "/copy.db" }, { onProgress: tell });

      expect(await told).toEqual(progress);
      const { works } = await client.runtime.status({}, { agent: "ben" });
      expect(works).toMatchObject([{ operation: "store.backup", by: "ann", progress }]);
      release();
      expect(await backup).toEqual({ path: "/copy.db", bytes: 4, events: 0 });
      expect((await client.runtime.status()).works).toEqual([]);
    });

    it("ends with its caller's signal", async () => {
      const { client, wasGivenUp } = await setupConnected();
      const giveUp = new AbortController();
      const onProgress = (): void => giveUp.abort(new Error("enough"));

      const backup = client.store.backup({ path: "/copy.db" }, { signal: giveUp.signal, onProgress });

      await expect(backup).rejects.toThrow("enough");
      await wasGivenUp();
    });

    it("ends with what the caller's function throws", async () => {
      const { client, wasGivenUp } = await setupConnected();
      const onProgress = (): void => {
        throw new Error("my own bug");
      };

      const backup = client.store.backup({ path: "/copy.db" }, { onProgress });

      await expect(backup).rejects.toThrow("my own bug");
      await wasGivenUp();
    });
  });
}

describeWorks("memory", async ({ bus }) =>
  createConnection({ transport: bus.connect(), scope, agent: "ann", clock, random, logger }),
);

describeWorks("a socket", async (world) => connect({ path: await serveSocket(world), scope, agent: "ann" }));

describeNats("works", (binary) => {
  describeWorks("NATS", async ({ runtime }) => {
    const { url } = await startNatsServer({ binary, atEnd: onTestFinished });
    runtime.serve(
      await connectNats({ servers: url, owner: `${scope}/runtime`, timeoutMs: 5_000, clock, random, logger }),
    );
    return await connect({ servers: url, scope, agent: "ann" });
  });
});

/** The command line, with a terminal behind its stderr. */
function startOnTerminal(args: readonly string[]) {
  let text = "";
  let interrupt = (): void => {};
  const stderr = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString("utf8");
      done();
    },
  });
  const code = main(args, {
    ...{ stdin: Readable.from([]), stdout: new Writable({ write: (_chunk, _encoding, done) => done() }), stderr },
    ...{ env: {}, cwd: tempFolder(), columns: undefined, errorColumns: 60 },
    onInterrupt(listener) {
      interrupt = listener;
      return () => {};
    },
    exit() {},
  });
  return { code, stderr: () => text, interrupt: () => interrupt() };
}

describe("the command line", () => {
  it("shows on a terminal how far a backup is, and takes the line away", async () => {
    const world = await setup();
    const folder = await serveSocket(world);
    const args = ["--path", folder, "--scope", scope, "backup", "copy.db"];

    const cli = startOnTerminal(args);
    await vi.waitFor(() => expect(cli.stderr()).toContain("copying 25 %"), { timeout: patienceMs, interval: 5 });
    world.release();

    expect(await cli.code).toBe(0);
    expect(cli.stderr()).toMatch(/^\r[█░]{24} copying 25 %/u);
    expect(cli.stderr().endsWith("\r\u001b[K")).toBe(true);
  });

  it("gives a backup up at Ctrl-C", async () => {
    const world = await setup();
    const folder = await serveSocket(world);
    const args = ["--path", folder, "--scope", scope, "backup", "copy.db"];
    const cli = startOnTerminal(args);
    await vi.waitFor(() => expect(cli.stderr()).toContain("copying 25 %"), { timeout: patienceMs, interval: 5 });

    cli.interrupt();

    expect(await cli.code).toBe(130);
    await world.wasGivenUp();
  });
});
