import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import {
  connect as connectClient,
  errors,
  type NatsConnection,
  nkeyAuthenticator,
  nkeys,
} from "@nats-io/transport-node";
import { beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { connectToNats } from "../../sdk/index.ts";
import { type PermissionsOptions, toPermissions } from "../../src/cli/permissions.ts";
import { operations } from "../../src/contracts/operations/index.ts";
import { type Connection, connect, createRuntime } from "../../src/index.ts";
import { createLiveInspection } from "../../src/inspect/live.ts";
import { createSystemRandom, silentLogger, systemClock } from "../../src/kernel/index.ts";
import { createSubjects, toInboxPrefix, toOwner } from "../../transport/subjects.ts";
import { atEndOfSuite } from "../support/ends.ts";
import { describeNats, type NatsServer, startNatsServer } from "../support/nats.ts";

const scope = "acme/billing";
const subjects = createSubjects({ tenant: "acme", project: "billing" });
const agents = ["fixer-1", "reviewer-1"];
const patienceMs = 20_000; // a call that was not refused at once would be tried for 30 s

const print = (options: Partial<PermissionsOptions> = {}): string =>
  toPermissions({ scope, agents, isJson: false, ...options });

describe("aionis nats permissions", () => {
  it("prints a user for the runtime, each agent and a viewer, with the lists as JSON when asked", () => {
    const printed = JSON.parse(print({ isJson: true })) as { scope: string; users: { agent: string }[] };

    expect(printed.scope).toBe(scope);
    expect(printed.users.map(({ agent }) => agent)).toEqual(["runtime", "fixer-1", "reviewer-1", "viewer"]);
    expect(printed.users[1]).toMatchObject({
      publish: expect.arrayContaining(["aionis.v1.acme.billing.rpc.fixer-1.tasks.>"]),
      subscribe: expect.arrayContaining([`${toInboxPrefix(toOwner(scope, "fixer-1"))}.>`]),
      responses: true,
    });
  });

  it("prints nothing that an agent's id could break out of its comment with", () => {
    const lines = print({ agents: ['a\n} "\u202e'] }).split("\n");

    expect(lines.filter((line) => line.includes("#")).at(-2)).toBe('    { # "a\\n} \\"\\u202e"');
  });

  it("refuses what is no scope, and the names of other users", () => {
    expect(() => print({ scope: "acme" })).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
    expect(() => print({ agents: ["runtime"] })).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }));
  });
});

describeNats("a server with the printed permissions", (binary) => {
  const seeds = new Map<string, string>();
  let server: NatsServer;
  let runtime: Connection;

  /** The printed block with the users' keys in it, as an operator would enter them. */
  function withKeys(printed: string): string {
    const names = ["runtime", ...agents, "viewer"].values();
    return printed.replaceAll('"its public NKey"', () => {
      const key = nkeys.createUser();
      seeds.set(names.next().value ?? "", Buffer.from(key.getSeed()).toString());
      return key.getPublicKey();
    });
  }

  const credentialsOf = (user: string) => ({ nkeySeed: seeds.get(user) ?? "" });

  /** A client as `user`, closed with the test. */
  async function connectAs(user: string, options: { agent?: string; scope?: string } = {}): Promise<Connection> {
    const connection = await connect({
      servers: server.url,
      scope,
      agent: user,
      credentials: credentialsOf(user),
      ...options,
    });
    onTestFinished(() => connection.close());
    return connection;
  }

  /** A client of NATS that is not ours. */
  async function connectForeign(user: string): Promise<NatsConnection> {
    const client = await connectClient({
      servers: server.url,
      inboxPrefix: toInboxPrefix(toOwner(scope, user)),
      authenticator: nkeyAuthenticator(Buffer.from(credentialsOf(user).nkeySeed)),
    });
    onTestFinished(() => client.close());
    return client;
  }

  const atEnd = atEndOfSuite();
  beforeAll(async () => {
    const path = await mkdtemp(join(tmpdir(), "aionis-permissions-"));
    atEnd(() => rm(path, { recursive: true }));
    server = await startNatsServer({ binary, jetstream: true, config: withKeys(print()), atEnd });
    runtime = await createRuntime({
      scope,
      path,
      durability: "process",
      nats: { servers: server.url, credentials: credentialsOf("runtime") },
    });
    atEnd(() => runtime.close());
  });

  it("does not start before the keys are there", async () => {
    const started = startNatsServer({ binary, config: print(), atEnd: onTestFinished });

    await expect(started).rejects.toThrow("Not a valid public nkey");
  });

  it("lets workers do a whole task: a large step, heartbeats, live output, delegation, handoff", async () => {
    const fixer = await connectAs("fixer-1");
    const reviewer = await connectAs("reviewer-1");
    const large = "é".repeat(1_450_000); // 2.9 MB, three times what the server takes in one message
    const viewer = await connectForeign("viewer");
    const live = viewer.subscribe(subjects.progressPattern, { max: 1 });
    await viewer.flush();
    fixer.worker({ agent: "fixer-1", roles: ["code.fix"] }, async ({ taskId, epoch }, ctx) => {
      const made = await ctx.step("large", () => large);
      await fixer.tasks.heartbeat({ taskId, epoch });
      ctx.progress(`${made.length} characters`);
      const part = await ctx.delegate({ to: { role: "code.review" }, brief: "A part", nextAction: "Do it" });
      await ctx.handoff({ to: { role: "code.review" }, brief: "Review it", nextAction: "Look", data: part.summary });
    });
    reviewer.worker({ agent: "reviewer-1", roles: ["code.review"] }, async (_task, ctx) => {
      const [step] = await ctx.history();
      return ctx.complete({ summary: step === undefined ? "the part" : `saw ${String(step.output).length}` });
    });

    const { taskId } = await fixer.tasks.start({ brief: "Fix it", to: { role: "code.fix" } });
    const { task, outcome } = await fixer.tasks.result(taskId);

    expect(task.state).toBe("succeeded");
    expect(outcome).toMatchObject({ summary: "saw 1450000" });
    for await (const { subject } of live) expect(subject).toBe(subjects.progress(taskId));
  });

  it("lets a viewer ask, hear what happens, and follow the mirror", async () => {
    const viewer = await connectAs("viewer");
    const foreign = await connectForeign("viewer");
    const heard = await hearEvents(foreign);

    const { taskId } = await runtime.tasks.start({ brief: "Be seen" });

    await expect.poll(() => heard).toContain(subjects.task(taskId, "created"));
    expect((await viewer.tasks.get({ taskId })).content.brief).toBe("Be seen");
    for await (const { seq } of viewer.events.subscribe({ from: 1 })) if (seq === 1) break;
    const mirrored = await jetstream(foreign).consumers.get(subjects.mirror.stream);
    for await (const message of await mirrored.consume()) {
      if (message.subject === subjects.task(taskId, "created")) break;
    }
  });

  it("lets agents and viewers hear bells", async () => {
    const to = { role: "nobody" };
    const heard: string[] = [];
    for (const user of ["fixer-1", "reviewer-1", "viewer"]) {
      const client = await connectForeign(user);
      client.subscribe(subjects.bell(to), { callback: () => void heard.push(user) });
      await client.flush();
    }

    await runtime.tasks.start({ brief: "Be heard", to });

    await expect.poll(() => [...new Set(heard)].sort()).toEqual(["fixer-1", "reviewer-1", "viewer"]);
  });

  it("lets a viewer watch the live actors of the runtime and of agents", async () => {
    const fixer = await connectAs("fixer-1");
    fixer.worker({ agent: "fixer-1", roles: ["nothing"] }, () => "done");
    const ports = { scope, clock: systemClock, random: createSystemRandom(), logger: silentLogger };
    const address = { servers: server.url, agent: "viewer", credentials: credentialsOf("viewer") };
    const transport = await connectToNats({ ...ports, ...address });
    onTestFinished(() => transport.drain());
    const names = new Set<string>();

    const live = createLiveInspection({
      ...ports,
      transports: [transport],
      onMessage: (message) => void (message.type === "@xstate.actor" && names.add(message.name)),
    });
    onTestFinished(() => live.close());

    await expect
      .poll(() => [...names], { timeout: patienceMs / 2 })
      .toEqual(expect.arrayContaining(["runtime", "persistence", "worker fixer-1"]));
  });

  it("refuses every command of a viewer with TRANSPORT_DENIED, at once", async () => {
    const viewer = await connectAs("viewer");
    const startedAt = performance.now();

    const refused = Object.values(operations).filter(
      (operation) => operation.kind !== "query" || "isSlow" in operation,
    );
    for (const { name } of refused) {
      await expect(call(viewer, name), name).rejects.toMatchObject({ code: "TRANSPORT_DENIED" });
    }

    expect(performance.now() - startedAt).toBeLessThan(patienceMs / 2);
  });

  it("refuses with TRANSPORT_DENIED, at once, to speak for another agent, to hear its replies, to serve and to reach another scope", async () => {
    const fixer = await connectAs("fixer-1");
    const path = await mkdtemp(join(tmpdir(), "aionis-permissions-"));
    onTestFinished(() => rm(path, { recursive: true }));
    const startedAt = performance.now();

    const denied = { code: "TRANSPORT_DENIED" };
    await expect(fixer.tasks.list({}, { agent: "reviewer-1" })).rejects.toMatchObject(denied);
    await expect(fixer.store.backup({ path: "/somewhere" })).rejects.toMatchObject(denied);
    await expect(connectAs("fixer-1", { scope: "acme/payroll" })).rejects.toMatchObject(denied);
    await expect(connectAs("fixer-1", { agent: "reviewer-1" })).rejects.toMatchObject(denied);
    const nats = { servers: server.url, credentials: credentialsOf("fixer-1") };
    await expect(createRuntime({ scope, path, nats })).rejects.toMatchObject(denied);

    expect(performance.now() - startedAt).toBeLessThan(patienceMs / 2);
  });

  it("refuses a worker that goes round the SDK", async () => {
    const client = await connectForeign("fixer-1");
    const refused = collectRefusals(client);
    const publishes = [
      subjects.rpc("reviewer-1", "tasks.start"),
      subjects.task("task_1", "claimed"),
      subjects.handoff("any", "offered"),
      subjects.control("reviewer-1"),
      subjects.who,
      subjects.bell("any"),
      subjects.inspectNode("reviewer-1"),
      subjects.inspectViewer,
      `${toInboxPrefix(toOwner(scope, "reviewer-1"))}.guess`,
      "aionis.v1.acme.payroll.rpc.fixer-1.tasks.start",
      `$JS.API.STREAM.PURGE.${subjects.mirror.stream}`,
      `$JS.API.STREAM.INFO.${subjects.mirror.stream}`,
    ];
    const subscribes = [
      subjects.rpcPattern,
      subjects.rpc("fixer-1", "tasks.start"),
      `${toInboxPrefix(toOwner(scope, "reviewer-1"))}.>`,
      `${toInboxPrefix(toOwner(scope, "runtime"))}.>`,
      `${toInboxPrefix(toOwner("acme/payroll", "fixer-1"))}.>`,
      subjects.inspectNodePattern,
      "aionis.v1.blob.>",
      "aionis.v1.acme.payroll.>",
      subjects.who,
      ">",
    ];

    for (const subject of publishes) client.publish(subject);
    for (const subject of subscribes) client.subscribe(subject, { callback: () => {} });
    await client.flush();

    const wanted = [
      ...publishes.map((subject) => `publish ${subject}`),
      ...subscribes.map((subject) => `subscription ${subject}`),
    ];
    await expect.poll(() => refused).toEqual(expect.arrayContaining(wanted));
    expect(refused).toHaveLength(wanted.length);
  });

  it("does not let a worker make the runtime publish for it, by the subject that it wants its reply on (W4)", async () => {
    const heard = await hearEvents(await connectForeign("viewer"));
    const client = await connectForeign("fixer-1");
    const stolen = subjects.task("task_1", "claimed");

    client.publish(subjects.rpc("fixer-1", "runtime.status"), "{}", { reply: stolen });
    await client.request(subjects.rpc("fixer-1", "runtime.status"), "{}", { timeout: 5_000 });
    const { taskId } = await runtime.tasks.start({ brief: "A later event" });

    await expect.poll(() => heard).toContain(subjects.task(taskId, "created"));
    expect(heard).not.toContain(stolen);
  });
});

/** The subjects of the scope's events that `client` hears from now on. */
async function hearEvents(client: NatsConnection): Promise<readonly string[]> {
  const heard: string[] = [];
  for (const pattern of subjects.mirror.patterns) {
    client.subscribe(pattern, { callback: (_, { subject }) => void heard.push(subject) });
  }
  await client.flush();
  return heard;
}

/** Calls an operation by its name. Its input need not fit: it is not to arrive. */
function call(connection: Connection, name: string): Promise<unknown> {
  const found: unknown = name.split(".").reduce((part: object, word) => Reflect.get(part, word), connection);
  const method = found as ((input: object) => Promise<unknown>) | undefined; // made from the same table
  return method?.({}) ?? Promise.reject(new Error(`no method ${name}`));
}

/** `publish a.b`, `subscription c`: what the server refuses the client. */
function collectRefusals(client: NatsConnection): string[] {
  const refused: string[] = [];
  void (async () => {
    for await (const status of client.status()) {
      if (status.type === "error" && status.error instanceof errors.PermissionViolationError)
        refused.push(`${status.error.operation} ${status.error.subject}`);
    }
  })(); // ends with the connection
  return refused;
}
