import { describe, expect, it, onTestFinished } from "vitest";
import { createActor, createMachine } from "xstate";
import { createConnection } from "../../sdk/connection.ts";
import { connectToNats } from "../../sdk/index.ts";
import { connect, createRuntime } from "../../src/index.ts";
import { createLiveInspection } from "../../src/inspect/live.ts";
import { createNode } from "../../src/inspect/node.ts";
import { createSystemRandom, noFaults, silentLogger, systemClock } from "../../src/kernel/index.ts";
import { startRuntime } from "../../src/runtime/start.ts";
import { createMemoryBus, type Transport } from "../../transport/index.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { createPorts, openTestStore, tempFolder } from "../support/store.ts";
import { createViewer, type Viewer } from "./support.ts";

const scope = "acme/billing";
const own = createMachine({
  id: "light",
  initial: "red",
  states: { red: { on: { NEXT: "green" } }, green: {} },
});

describe("the actors of a runtime and its programs", () => {
  async function setup() {
    const ports = { ...createPorts(), scope, logger: silentLogger };
    const bus = createMemoryBus(ports);
    const node = createNode({ ...ports, agent: "runtime" });
    const store = openTestStore(":memory:", ports);
    const runtime = await startRuntime({ ...ports, store, faults: noFaults, transport: bus.connect(), node });
    const connection = createConnection({
      ...ports,
      transport: bus.connect(),
      agent: "fixer-1",
      beforeDrain: runtime.endWaits,
    });
    const watch = async (): Promise<Viewer> => {
      const parts = { ...ports, transports: [bus.connect()] };
      const viewer = createViewer((onMessage) => createLiveInspection({ ...parts, onMessage }).close);
      await ports.clock.settle();
      return viewer;
    };
    return { ...ports, bus, runtime, connection, node, watch };
  }

  it("are shown from their start to their end", async () => {
    const { clock, runtime, connection, watch } = await setup();
    const worker = connection.worker({ agent: "fixer-1" }, () => "done");
    const viewer = await watch();
    expect(viewer.lines.toSorted()).toEqual([
      "actor persistence ready",
      "actor runtime serving",
      "actor worker fixer-1 connecting",
    ]);
    expect(
      viewer.heard.find(({ type, ...rest }) => type === "@xstate.actor" && "name" in rest && rest.name === "runtime"),
    ).toMatchObject({
      snapshot: { context: { scope, serves: ["memory"] } },
    });
    viewer.clear();

    const light = createActor(own, { inspect: connection.inspect }).start();
    light.send({ type: "NEXT" });
    const started = connection.tasks.start({ brief: "Fix it" });
    await clock.advance(20);
    await started;
    const drained = worker.drain();
    await clock.advance(100);
    await drained;
    const closed = runtime.close();
    await clock.advance(10_000);
    await closed;
    const left = connection.close();
    await clock.advance(10_000);
    await left;

    expect(viewer.lines).toEqual(
      expect.arrayContaining(["snapshot light NEXT green", "snapshot worker fixer-1 worker.drained stopped"]),
    );
    expect(viewer.lines.at(-1)).toBe("snapshot runtime runtime.closing closing");
  });

  it("cost a runtime nothing while nobody watches (N2)", async () => {
    const { connection, clock, node } = await setup();

    for (let index = 0; index < 10; index += 1) {
      const started = connection.tasks.start({ brief: "Fix it" });
      await clock.settle();
      await started;
    }

    expect(node.stats()).toEqual({ actors: 2, made: 0, sent: 0, dropped: 0, failed: 0 });
  });

  it("end with the runtime, which then takes no other transport", async () => {
    const { bus, clock, runtime } = await setup();
    const closed = runtime.close();
    await clock.advance(10_000);
    await closed;

    expect(() => runtime.serve(bus.connect())).toThrow(expect.objectContaining({ code: "RUNTIME_CLOSED" }));
  });
});

describeNats("live inspection over NATS", (binary) => {
  it("shows a viewer the actors of every process, and nothing twice", async () => {
    const { url: servers } = await startNatsServer({ binary, atEnd: onTestFinished });
    const runtime = await createRuntime({ scope, path: tempFolder(), durability: "process", nats: { servers } });
    onTestFinished(() => runtime.close());
    const client = await connect({ servers, scope, agent: "fixer-1" });
    onTestFinished(() => client.close());
    client.worker({ agent: "fixer-1" }, () => "done");
    runtime.worker({ agent: "helper-1", roles: ["help"] }, () => "done");
    const light = createActor(own, { inspect: client.inspect }).start();
    const parts = { scope, clock: systemClock, random: createSystemRandom(), logger: silentLogger };
    const transport: Transport = await connectToNats({ ...parts, servers, agent: "viewer" });
    onTestFinished(() => transport.drain());

    const viewer = createViewer(
      (onMessage) => createLiveInspection({ ...parts, transports: [transport], onMessage }).close,
    );
    await expect
      .poll(() =>
        viewer.lines
          .filter((line) => line.startsWith("actor"))
          .map((line) => line.replace(/ \w+$/, ""))
          .toSorted(),
      )
      .toEqual(["actor light", "actor persistence", "actor runtime", "actor worker fixer-1", "actor worker helper-1"]);
    light.send({ type: "NEXT" });
    const { taskId } = await runtime.tasks.start({ brief: "Fix it" });
    await runtime.tasks.result(taskId);

    await expect.poll(() => viewer.lines).toContain("snapshot light NEXT green");
    await expect.poll(() => viewer.lines.filter((line) => line.includes("run.ended idle"))).toHaveLength(1);
    const nodes = new Set(viewer.heard.map(({ sessionId }) => sessionId.replace(/-\w{6}(\/.*)?$/, "")));
    expect([...nodes].toSorted()).toEqual(["fixer-1", "runtime"]);
  });
});
