import { expect, it, onTestFinished } from "vitest";
import { type Connection, type CreateRuntimeOptions, connect, createRuntime } from "../../src/index.ts";
import { type NatsPermissions, toRuntimePermissions, toWorkerPermissions } from "../../transport/nats/permissions.ts";
import { createSubjects, toInboxPrefix, toOwner, toServedSubject } from "../../transport/subjects.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { tempFolder } from "../support/store.ts";

const scope = "acme/billing";
const parts = { tenant: "acme", project: "billing" };
const subjects = createSubjects(parts);

interface Lines {
  level: string;
  message: string;
  fields: Readonly<Record<string, unknown>> | undefined;
}

/** What `aionis nats permissions` prints, without the patterns that contain `left`. */
function without(permissions: NatsPermissions, left: string): NatsPermissions {
  const keep = (patterns: readonly string[]): string[] => patterns.filter((pattern) => !pattern.includes(left));
  return { ...permissions, publish: keep(permissions.publish), subscribe: keep(permissions.subscribe) };
}

function toConfig(users: Readonly<Record<string, NatsPermissions>>): string {
  const lines = Object.entries(users).map(
    ([user, { publish, subscribe, responses }]) =>
      `{ user: "${user}", password: p, permissions: ${JSON.stringify({ publish, subscribe, allow_responses: responses })} }`,
  );
  return `authorization { users: [\n${lines.join("\n")}\n] }`;
}

describeNats("a runtime whose NATS user lacks a permission", (binary) => {
  async function setup(permissions: NatsPermissions, { jetstream = true } = {}) {
    const server = await startNatsServer({
      binary,
      jetstream,
      config: toConfig({ runtime: permissions }),
      atEnd: onTestFinished,
    });
    const logged: Lines[] = [];
    const path = tempFolder();
    const open = async (nats: Partial<CreateRuntimeOptions["nats"]> = {}): Promise<Connection> => {
      const runtime = await createRuntime({
        scope,
        path,
        durability: "process",
        logger: { log: (level, message, fields) => void logged.push({ level, message, fields }) },
        nats: { servers: server.url, credentials: { user: "runtime", password: "p" }, ...nats },
      });
      onTestFinished(() => runtime.close());
      return runtime;
    };
    const told = (level: string): string[] =>
      logged.flatMap((line) => (line.level === level ? [`${line.message} ${JSON.stringify(line.fields) ?? ""}`] : []));
    return { open, path, told };
  }

  const all = toRuntimePermissions(parts);
  const streams = "$JS.API.STREAM";

  it.each([
    ["to serve calls", subjects.rpcPattern, `to subscribe to ${toServedSubject(subjects.rpcPattern)}`],
    ["to be felt where it serves", toServedSubject(subjects.rpcPattern), "to subscribe to aionis.served."],
    ["its inbox", toInboxPrefix(toOwner(scope, "runtime")), "(the inbox of acme/billing/runtime)"],
    ["to ask who serves, and to say so", subjects.who, `to send to ${subjects.who}`],
    ["to ask for its stream", `${streams}.INFO`, `to send to ${streams}.INFO.${subjects.mirror.stream}`],
    ["to make its stream", `${streams}.CREATE`, `to send to ${streams}.CREATE.${subjects.mirror.stream}`],
  ])("fails at start with TRANSPORT_DENIED and names it: %s", async (_, left, named) => {
    const { open, path } = await setup(without(all, left));

    await expect(open()).rejects.toMatchObject({
      code: "TRANSPORT_DENIED",
      detail: expect.stringMatching(/aionis nats permissions/),
    });
    await expect(open()).rejects.toMatchObject({ detail: expect.stringContaining(named) });

    const beside = await createRuntime({ scope, path }); // the store was given back
    await beside.close();
  });

  it("fails at start with TRANSPORT_DENIED when it could not answer", async () => {
    const { open } = await setup({ ...all, responses: false });

    await expect(open()).rejects.toMatchObject({
      code: "TRANSPORT_DENIED",
      detail: expect.stringContaining("allow_responses"),
    });
  });

  it("starts without what only keeps the mirror when it is to keep none", async () => {
    const { open } = await setup(without(all, "$JS"));

    const runtime = await open({ mirror: false });

    expect(await runtime.runtime.status()).toMatchObject({ state: "ready" });
  });

  it("starts without it where the server has no streams, and says so", async () => {
    const { open, told } = await setup(without(all, "$JS"), { jetstream: false });

    await open();

    expect(told("warn")).toContainEqual(expect.stringContaining("the journal is not mirrored"));
  });

  it("says which of its events the mirror may not take, and works", async () => {
    const { open, told } = await setup(without(all, ".task.>"));
    const runtime = await open();

    const { taskId } = await runtime.tasks.start({ brief: "Not to be seen" });

    const refused = `does not permit this user to send to ${subjects.task(taskId, "created")}, which keeps the mirror`;
    await expect.poll(() => told("warn")).toContainEqual(expect.stringContaining(refused));
  });

  it("serves without being listed among the server's services, and says so", async () => {
    const { open, told } = await setup(without(all, "$SRV"));

    await open();

    await expect.poll(() => told("error")).toEqual([expect.stringMatching(/does not permit .*\$SRV\.PING, .* more/)]);
  });
});

describeNats("a worker whose NATS user lacks a permission", (binary) => {
  it("ends, and says why, when it may not claim", async () => {
    const worker = without(toWorkerPermissions(parts, ["fixer-1"]), ".tasks.");
    const config = toConfig({ runtime: toRuntimePermissions(parts), fixer: worker });
    const server = await startNatsServer({ binary, jetstream: true, config, atEnd: onTestFinished });
    const at = (user: string) => ({ servers: server.url, credentials: { user, password: "p" } });
    const runtime = await createRuntime({ scope, path: tempFolder(), durability: "process", nats: at("runtime") });
    onTestFinished(() => runtime.close());
    const said: string[] = [];
    const logger = {
      log: (_: string, message: string, fields?: object) => void said.push(message + JSON.stringify(fields)),
    };
    const connection = await connect({ ...at("fixer"), scope, agent: "fixer-1", logger });
    onTestFinished(() => connection.close());

    const started = connection.worker({ agent: "fixer-1" }, () => {});

    await expect.poll(() => started.state()).toBe("stopped");
    const denied = `TRANSPORT_DENIED: NATS does not permit this user to send to ${subjects.rpc("fixer-1", "tasks.claim")}`;
    expect(said).toContainEqual(expect.stringContaining(denied));
  });
});
