import { describe, expect, it } from "vitest";
import { type AnyActorLogic, assign, createActor, type InspectionEvent, sendTo, setup as setupMachine } from "xstate";
import { workerMachine } from "../../machines/worker.ts";
import type { ActorMessage } from "../../src/contracts/inspection.ts";
import { limits } from "../../src/contracts/limits.ts";
import { createMemoryBus, createSubjects, encode } from "../../transport/index.ts";
import { setup, toFlaky } from "./support.ts";

const lightMachine = setupMachine({
  actions: { count: assign({ passed: ({ context }) => context.passed + 1 }) },
}).createMachine({
  id: "light",
  context: { passed: 0 },
  initial: "red",
  states: {
    red: { on: { NEXT: { target: "green", actions: "count" } } },
    green: { on: { NEXT: "red", BREAK: "broken" } },
    broken: { type: "final" },
  },
});

const subjects = createSubjects({ tenant: "acme", project: "billing" });

function startLight(inspect: (event: InspectionEvent) => void) {
  return createActor(lightMachine, { inspect }).start();
}

describe("a node", () => {
  it("makes and sends nothing while nobody watches (N2)", async () => {
    const { clock, bus, startNode } = setup();
    const node = startNode("painter");
    const heard: string[] = [];
    bus.connect().subscribe(">", ({ subject }) => void heard.push(subject));

    const light = startLight(node.inspect);
    for (let index = 0; index < 100; index += 1) light.send({ type: "NEXT" });
    await clock.advance(60_000);

    expect(node.stats()).toEqual({ actors: 1, made: 0, sent: 0, dropped: 0, failed: 0 });
    expect(heard).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it("listens for viewers from its first actor on: a plain client needs no permission for it", () => {
    const { bus, startNode } = setup();
    const transport = bus.connect();
    const subscribed: string[] = [];
    const node = startNode("client", {
      publish: (...message) => transport.publish(...message),
      onState: (listener) => transport.onState(listener),
      subscribe(pattern, handler) {
        subscribed.push(pattern);
        return transport.subscribe(pattern, handler);
      },
    });
    expect(subscribed).toEqual([]);

    startLight(node.inspect);
    startLight(node.inspect);

    expect(subscribed).toEqual([subjects.inspectViewer]);
  });

  it("tells who comes late each actor as it stands then, and after that what happens, in order (N3)", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    const light = startLight(node.inspect);
    light.send({ type: "NEXT" });

    const viewer = await watch();
    light.send({ type: "NEXT" });
    light.send({ type: "NEXT" });
    await clock.settle();

    expect(viewer.lines).toEqual([
      "actor light green",
      "event light NEXT",
      "snapshot light NEXT red",
      "event light NEXT",
      "snapshot light NEXT green",
    ]);
    expect(viewer.heard[1]).toMatchObject({
      type: "@xstate.actor",
      createdAt: String(clock.now()),
      id: null,
      _version: "0.7.2",
      snapshot: { status: "active", value: "green", context: { passed: 1 }, children: {}, historyValue: {}, tags: [] },
    });
    expect(JSON.parse((viewer.heard[1] as ActorMessage).definition)).toMatchObject({
      id: "light",
      initial: "red",
      states: { red: {}, green: {}, broken: { type: "final" } },
    });
  });

  it("tells an actor that is made later when it starts, as it stood then and not as it stands when it is sent", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    startLight(node.inspect);
    const viewer = await watch();
    viewer.clear();

    const light = startLight(node.inspect);
    light.send({ type: "NEXT" });
    await clock.settle();

    expect(viewer.lines).toEqual([
      "actor light red",
      "event light xstate.init",
      "snapshot light xstate.init red",
      "event light NEXT",
      "snapshot light NEXT green",
    ]);
  });

  it("tells actors of two processes apart that have the same id in each", async () => {
    const { clock, startNode, watch } = setup();
    const nodes = [startNode("fixer-1"), startNode("fixer-1")];
    const viewer = await watch();

    // XState counts its ids in each process: seen by both nodes, one actor stands for two with one id.
    const worker = createActor(workerMachine, {
      id: "worker fixer-1",
      inspect: (event) => nodes.forEach((node) => void node.inspect(event)),
    }).start();
    await clock.advance(5_000); // a node listens from its first actor on, and hears the next hello
    worker.send({ type: "runtime.reached" });
    await clock.settle();

    const ids = new Set(viewer.heard.map(({ sessionId }) => sessionId).filter((id) => id.includes("/")));
    expect(ids.size).toBe(2);
    for (const id of ids) {
      expect(id).toMatch(new RegExp(`^fixer-1-[0-9a-z]{6}/${worker.sessionId}$`));
      const told = viewer.heard.filter(({ sessionId }) => sessionId === id);
      expect(told.map(({ type }) => type)).toEqual(["@xstate.actor", "@xstate.event", "@xstate.snapshot"]);
      expect(told.map(({ rootId }) => rootId)).toEqual([id, id, id]);
    }
  });

  it("says whose child an actor is, and who sent an event, by ids of its own process", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    startLight(node.inspect);
    const viewer = await watch();
    const parent = setupMachine({ actors: { light: lightMachine } }).createMachine({
      id: "crossing",
      invoke: { id: "first", src: "light" },
      on: { GO: { actions: sendTo("first", { type: "NEXT" }) } },
    });

    const crossing = createActor(parent, { inspect: node.inspect }).start();
    crossing.send({ type: "GO" });
    await clock.settle();

    const child = viewer.heard.find((message) => message.type === "@xstate.actor" && message.name === "first");
    const own = viewer.heard[0]?.sessionId;
    expect(child).toMatchObject({ parentId: `${own}/${crossing.sessionId}`, rootId: `${own}/${crossing.sessionId}` });
    expect(viewer.heard).toContainEqual(
      expect.objectContaining({
        sessionId: child?.sessionId,
        sourceId: `${own}/${crossing.sessionId}`,
        event: { type: "NEXT" },
      }),
    );
  });

  it("falls silent 12 s after a viewer was heard last, and tells everything when it is back", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    const light = startLight(node.inspect);
    const viewer = await watch();
    await clock.advance(60_000); // it says hello again and again
    light.send({ type: "NEXT" });
    await clock.settle();
    expect(viewer.lines).toContain("snapshot light NEXT green");

    viewer.close();
    await clock.advance(12_000);
    const { made } = node.stats();
    light.send({ type: "NEXT" });
    await clock.settle();

    expect(node.stats().made).toBe(made);
    expect(clock.pendingTimers).toBe(0);
    expect((await watch()).lines).toEqual(["actor light red"]);
  });

  it("drops the oldest of what waits, says how many, and tells the actor again (N4)", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    const light = startLight(node.inspect);
    const viewer = await watch();
    viewer.clear();

    const events = limits.inspectionMessages; // two messages each
    for (let index = 0; index < events; index += 1) light.send({ type: "NEXT" });
    await clock.settle();

    expect(node.stats().dropped).toBe(events);
    expect(viewer.heard[0]).toMatchObject({ event: { type: "inspection.dropped", count: events } });
    expect(viewer.heard[0]?.sessionId).not.toContain("/");
    const { lines } = viewer;
    expect(lines.slice(0, 2)).toEqual(["event light NEXT", "snapshot light NEXT green"]);
    expect(lines.filter((line) => line.startsWith("actor"))).toEqual(["actor light red"]);
    expect(lines).toHaveLength(events + 1);
  });

  it("sends what waits in slices, between which other work goes on", async () => {
    const { clock, bus, startNode, watch } = setup();
    const node = startNode("painter");
    const light = startLight(node.inspect);
    await watch();
    let batches = 0;
    bus.connect().subscribe(subjects.inspectNodePattern, () => (batches += 1));

    for (let index = 0; index < 500; index += 1) light.send({ type: "NEXT" });
    await clock.settle();

    expect(batches).toBe(20);
  });

  it("lets actors that have ended go, and of too many the first ones, which it tells anew when they go on (N5)", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    const first = startLight(node.inspect);
    const second = startLight(node.inspect);
    for (let index = 0; index < 2 * limits.inspectedActors; index += 1) startLight(node.inspect).stop();
    expect(node.stats().actors).toBeLessThanOrEqual(limits.inspectedActors);

    const viewer = await watch();
    expect(viewer.lines).toEqual(["actor light red", "actor light red"]);
    for (let index = 0; index < limits.inspectedActors; index += 1) startLight(node.inspect);
    await clock.settle();
    viewer.clear();
    expect(node.stats().actors).toBe(limits.inspectedActors);
    first.send({ type: "NEXT" });
    second.stop();
    await clock.settle();

    expect(viewer.lines).toEqual(["actor light red", "event light NEXT", "snapshot light NEXT green"]);
  });

  it("shows the end of an actor, and not the events that are sent to it after that", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    const light = startLight(node.inspect);
    light.send({ type: "NEXT" });
    const viewer = await watch();

    light.send({ type: "BREAK" });
    const late = {
      type: "@xstate.event",
      actorRef: light,
      rootId: light.sessionId,
      sourceRef: undefined,
      event: { type: "NEXT" },
    };
    node.inspect(late as InspectionEvent);
    await clock.settle();

    expect(viewer.lines).toEqual(["actor light green", "event light BREAK", "snapshot light BREAK broken"]);
    expect(viewer.heard.at(-1)).toMatchObject({ snapshot: { status: "done" } });
    expect(node.stats().actors).toBe(0);
  });

  it("says that it ends when it is closed, after what was waiting", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    const light = startLight(node.inspect);
    const viewer = await watch();
    viewer.clear();

    light.send({ type: "NEXT" });
    node.close();
    light.send({ type: "NEXT" });
    node.close();
    await clock.settle();

    expect(viewer.lines).toEqual(["event light NEXT", "snapshot light NEXT green"]);
    expect(viewer.heard.at(-1)).toMatchObject({ type: "@xstate.actor", snapshot: { status: "stopped" } });
  });

  it("tells a viewer that it hears on two transports everything once (W2)", async () => {
    const { clock, bus, startNode, watch } = setup();
    const other = createMemoryBus({ clock });
    const node = startNode("runtime");
    node.join(other.connect());
    const light = startLight(node.inspect);

    const viewer = await watch([bus.connect(), other.connect()]);
    light.send({ type: "NEXT" });
    await clock.settle();

    expect(viewer.lines).toEqual(["actor light red", "event light NEXT", "snapshot light NEXT green"]);
  });

  it("remembers a bounded number of viewers, those heard last", async () => {
    const { clock, bus, startNode } = setup();
    const node = startNode("painter");
    startLight(node.inspect);
    const transport = bus.connect();

    for (let index = 0; index <= limits.inspectionViewers; index += 1)
      transport.publish(subjects.inspectViewer, encode({ viewer: `viewer-${index}` }));
    transport.publish(subjects.inspectViewer, encode({ viewer: 7 })); // no hello
    await clock.settle();

    expect(clock.pendingTimers).toBe(limits.inspectionViewers);
  });
});

describe("an actor of a user", () => {
  it("is shown without its context and what its events hold when its machine says so (A2)", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    const machine = setupMachine({ actors: { light: lightMachine } }).createMachine({
      id: "safe",
      meta: { inspection: "states" },
      context: { key: "hunter2" },
      initial: "closed",
      invoke: { id: "lamp", src: "light" },
      states: { closed: { on: { OPEN: "open" } }, open: {} },
    });

    const safe = createActor(machine, { inspect: node.inspect }).start();
    const viewer = await watch();
    safe.send({ type: "OPEN", code: "hunter2" });
    await clock.settle();

    expect(viewer.lines).toEqual(["actor safe closed", "actor lamp red", "event safe OPEN", "snapshot safe OPEN open"]);
    expect(JSON.stringify(viewer.heard)).not.toMatch(/hunter2|passed/);
  });

  it("never meets an error of its observer, whatever it holds or is sent (N1)", async () => {
    const { clock, startNode, watch } = setup();
    const node = startNode("painter");
    startLight(node.inspect);
    const viewer = await watch();
    const hostile: Record<string, unknown> = {
      big: 2n ** 70n,
      symbol: Symbol("s"),
      call: () => "no",
      deep: nest(5_000),
      wide: Array.from({ length: 100_000 }, (_, index) => index),
      text: "x".repeat(1_000_000),
      map: new Map([[{}, 1]]),
      constructor: 1,
      proxy: new Proxy({}, { ownKeys: fail, getOwnPropertyDescriptor: fail, get: fail, getPrototypeOf: fail }),
      revoked: revoked(),
      toJSON: fail,
      get broken() {
        return fail();
      },
    };
    hostile.self = hostile;
    const machine = setupMachine({}).createMachine({ id: "hostile", context: hostile, on: { GO: {} } });

    const actor = createActor(machine, { inspect: node.inspect }).start();
    actor.send({ type: "GO", hostile });
    const logic = { transition: fail, getInitialSnapshot: () => hostileSnapshot(), getPersistedSnapshot: fail };
    const other = createActor(logic as AnyActorLogic, { input: undefined, inspect: node.inspect });
    other.subscribe({ error() {} });
    other.start();
    await clock.settle();

    expect(viewer.lines).toContain("event hostile GO");
    expect(node.stats().failed).toBeGreaterThan(0);
    const shown = viewer.heard.find((message) => message.type === "@xstate.actor" && message.name === "hostile");
    expect(shown).toMatchObject({
      snapshot: { context: { call: "[function]", self: "[circular]", broken: "[getter]", "[constructor]": 1 } },
    });
    expect(JSON.stringify(shown).length).toBeLessThan(64 * 1024);
  });
});

describe("a live inspection", () => {
  it("drops what no node says, and goes on (V1, V2, V3)", async () => {
    const { clock, bus, startNode, watch } = setup();
    const node = startNode("painter");
    const light = startLight(node.inspect);
    const viewer = await watch();
    viewer.clear();
    const transport = bus.connect();
    const own = node.stats().made;
    const instance = "aaaaaa";
    const told = (sessionId: string, fields: object = {}) =>
      JSON.stringify({
        ...{ type: "@xstate.actor", sessionId, rootId: sessionId, createdAt: "1", id: null, _version: "0.7.2" },
        ...{ name: "n", definition: "{}", snapshot: { status: "active" }, ...fields },
      });
    const say = (agent: string, subjectAgent: string, ...messages: string[]): void =>
      transport.publish(subjects.inspectNode(subjectAgent), encode({ agent, instance, messages }));

    transport.publish(subjects.inspectNode("painter"), Uint8Array.of(0xc1));
    say("painter", "intruder", told("painter-aaaaaa/x:0"));
    say("intruder", "intruder", told("painter-aaaaaa/x:0"));
    say("intruder", "intruder", told("intruder-aaaaaa/x:0", { parentId: "painter-aaaaaa/x:0" }));
    say("intruder", "intruder", told("intruder-aaaaaa/x:0", { snapshot: { status: "fine" } }));
    say("intruder", "intruder", "{", told("intruder-aaaaaa"));
    say("intruder", "intruder", told("intruder-aaaaaa/x:1", { type: "@xstate.event", event: { type: "early" } }));
    await clock.settle();
    expect(viewer.heard).toEqual([]);
    light.send({ type: "NEXT" });
    await clock.settle();

    expect(viewer.lines).toHaveLength(2);
    expect(node.stats().made).toBe(own + 2);
  });

  it("hears everything anew when its connection is back", async () => {
    const { bus, clock, startNode, watch } = setup();
    startLight(startNode("painter").inspect);
    const { transport, become } = toFlaky(bus.connect());
    const viewer = await watch([transport]);
    viewer.clear();

    become("reconnecting");
    become("connected");
    await clock.settle();

    expect(viewer.lines).toEqual(["actor light red"]);
  });

  it("hears nothing of a node that has lost its connection, and everything anew after the next hello (W1)", async () => {
    const { bus, clock, startNode, watch } = setup();
    const { transport, become } = toFlaky(bus.connect());
    const node = startNode("painter", transport);
    const light = startLight(node.inspect);
    const viewer = await watch();
    viewer.clear();

    become("reconnecting");
    const { made } = node.stats();
    light.send({ type: "NEXT" });
    expect(node.stats().made).toBe(made);
    become("connected");
    await clock.advance(5_000);

    expect(viewer.lines).toEqual(["actor light green"]);
  });
});

function nest(levels: number): unknown {
  return levels === 0 ? "bottom" : { next: nest(levels - 1) };
}

function fail(): never {
  throw new Error("hostile");
}

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** A snapshot that XState itself can read just far enough. */
function hostileSnapshot(): object {
  return {
    status: "active",
    get context() {
      return fail();
    },
  };
}
