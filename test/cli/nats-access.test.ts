import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { nkeys } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { toPermissions } from "../../src/cli/permissions.ts";
import { makeCertificates, toTlsConfig } from "../support/certificates.ts";
import { describeNats, type NatsServer, startNatsServer } from "../support/nats.ts";
import { makeJwtAccount } from "../transport/nats/jwt.ts";
import { type Child, makeFolder, type Result, setupCli, startBinary } from "./support.ts";

const scope = "acme/billing";

interface User {
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
}

interface Refusal {
  code: number;
  message: RegExp;
  /** Each command is a process; false if absent. */
  asProcesses?: boolean;
}

/** What no output may hold. */
const secrets = ["s3cret", "PRIVATE KEY", /SU[A-Z2-7]{40,}/, "eyJ"];

describeNats("processes that must prove who they are to NATS", (binary) => {
  const start = (config: string, { jetstream = true } = {}): Promise<NatsServer> =>
    startNatsServer({ binary, jetstream, config, atEnd: onTestFinished });

  /** A process in a folder with a module for workers. */
  function startAs({ args, env = {} }: User, servers: string, command: readonly string[]): Child {
    return startBinary(makeWorkerFolder(), [...command, "--nats", servers, "--scope", scope, ...args], { env });
  }

  /** A runtime, a worker and a client reach each other; each is a process. */
  async function expectWork(servers: string, users: { runtime: User; worker: User }): Promise<void> {
    const serve = startAs(users.runtime, servers, ["serve"]);
    await serve.saw(`Serving ${scope}`);
    const worker = startAs(users.worker, servers, ["worker", "worker.mjs", "--agent", "fixer-1"]);
    await worker.saw("fixer-1 works on");
    const run = (...command: string[]): Promise<Result> =>
      startAs(users.worker, servers, [...command, "--agent", "fixer-1", "--json"]).ended;

    const started = await run("task", "start", "far away");
    const { taskId } = JSON.parse(started.stdout) as { taskId: string };
    const watched = await run("task", "watch", taskId, "--until-ended");
    worker.interrupt();
    serve.kill("SIGTERM");

    expect(JSON.parse(watched.stdout)).toMatchObject({ content: { outcome: { data: "did: far away" } } });
    const ends = [await worker.ended, await serve.ended];
    expect(ends).toMatchObject([{ code: 0 }, { code: 0, stderr: "" }]);
    expectNoSecrets([started, watched, ...ends]);
  }

  /** The same in this process, to its end. */
  function runAs({ args, env = {} }: User, servers: string, command: readonly string[]): Promise<Result> {
    const folder = makeWorkerFolder();
    return setupCli(folder).run([...command, "--nats", servers, "--scope", scope, ...args], { env });
  }

  /**
   * The runtime, a worker and a client are each told `message` at once, and end with `code`. The command line runs in this process, except
   * where it matters that nothing keeps a process from ending.
   */
  async function expectRefusal(servers: string, user: User, { code, message, asProcesses = false }: Refusal) {
    const commands = [["serve"], ["worker", "worker.mjs"], ["task", "ls"]];
    const refused = await Promise.all(
      commands.map((command) => (asProcesses ? startAs(user, servers, command).ended : runAs(user, servers, command))),
    );
    for (const [index, result] of refused.entries()) {
      expect(result, commands[index]?.join(" ")).toEqual({ code, stdout: "", stderr: expect.stringMatching(message) });
    }
    expectNoSecrets(refused);
  }

  it("work with certificates of an authority of our own, and are told what is wrong with others", async ({ skip }) => {
    const folder = makeFolder();
    try {
      makeCertificates(folder);
    } catch (error) {
      skip(`openssl makes no certificates here: ${String(error)}`);
    }
    const file = (name: string): string => join(folder, name);
    const shown = (name: string): string[] => ["--nats-cert", file(`${name}.pem`), "--nats-key", file(`${name}.key`)];
    const trusting = ["--nats-ca", file("ca.pem")];
    const server = await start(toTlsConfig(folder, { verify: true }));
    const servers = `tls://localhost:${server.port}`;
    const right = { args: [...trusting, ...shown("client")] };

    await expectWork(servers, { runtime: right, worker: right });

    const unknown =
      /^TRANSPORT_DENIED: The certificate of the NATS server at localhost:\d+ cannot be trusted \(.*\nhint: .*--nats-ca/;
    const unwanted =
      /^TRANSPORT_DENIED: The NATS server at localhost:\d+ wants a certificate that it trusts \(.*\nhint: .*--nats-cert/;
    const other = ["--nats-ca", file("other.pem")];
    await expectRefusal(
      servers,
      { args: [...other, ...shown("client")] },
      { code: 1, message: unknown, asProcesses: true },
    );
    await expectRefusal(servers, { args: [] }, { code: 1, message: unknown });
    await expectRefusal(servers, { args: trusting }, { code: 1, message: unwanted });
    await expectRefusal(servers, { args: [...trusting, ...shown("stranger")] }, { code: 1, message: unwanted });
    const missing = { args: ["--nats-ca", file("missing.pem")] };
    await expectRefusal(servers, missing, {
      code: 2,
      message: /^INPUT_INVALID: nats-ca: \S+missing\.pem cannot be read/,
    });
    const mixed = { args: [...trusting, "--nats-cert", file("client.pem"), "--nats-key", file("garbage.pem")] };
    await expectRefusal(servers, mixed, {
      code: 2,
      message: /^INPUT_INVALID: \S+ and \S+ are not a certificate and its/,
    });
  });

  it("work as the users whose permissions are printed, each by its NKey, and are told of a wrong one", async () => {
    const folder = makeFolder();
    const names = ["runtime", "fixer-1", "viewer"];
    const users = new Map(names.map((name) => [name, makeNkeyUser(folder, name)]));
    const keys = names.values();
    const printed = toPermissions({ scope, agents: ["fixer-1"], isJson: false });
    const config = printed.replaceAll('"its public NKey"', () => users.get(keys.next().value ?? "")?.publicKey ?? "");
    const server = await start(config);
    const as = (name: string): User => ({ args: ["--nats-nkey-file", users.get(name)?.file ?? ""] });

    await expectWork(server.url, { runtime: as("runtime"), worker: as("fixer-1") });

    const stranger = { args: ["--nats-nkey-file", makeNkeyUser(folder, "stranger").file] };
    const denied = /^TRANSPORT_DENIED: The NATS server at \S+ refuses the credentials.*\nhint: .*--nats-nkey-file/;
    await expectRefusal(server.url, stranger, { code: 1, message: denied, asProcesses: true });
    const another = // which the log may have told before
      /^(?:error: NATS does not permit .*\n)?TRANSPORT_DENIED: NATS does not permit this user to subscribe to _INBOX_\S+ \(the inbox of acme\/billing\//;
    await expectRefusal(server.url, as("viewer"), { code: 1, message: another, asProcesses: true });
    writeFileSync(join(folder, "broken.nk"), "s3cret");
    const broken = { args: ["--nats-nkey-file", join(folder, "broken.nk")] };
    await expectRefusal(server.url, broken, { code: 2, message: /^INPUT_INVALID: \S+broken\.nk holds no seed/ });
  });

  it("end a worker with 1 that may not claim, and a runtime that may not serve, and say what to allow", async () => {
    const folder = makeFolder();
    const users = new Map(["runtime", "fixer-1", "viewer"].map((name) => [name, makeNkeyUser(folder, name)]));
    const as = (name: string): User => ({ args: ["--nats-nkey-file", users.get(name)?.file ?? ""] });
    const configure = (left: RegExp): string => {
      const keys = [...users.values()].values();
      const printed = toPermissions({ scope, agents: ["fixer-1"], isJson: false }).replaceAll(left, "");
      return printed.replaceAll('"its public NKey"', () => keys.next().value?.publicKey ?? "");
    };
    const [noClaims, noCalls] = [/".*\.rpc\.fixer-1\.tasks\.>"/g, /"aionis\.v1\.\S+\.rpc\.\*\.>"/g];
    const one = await start(configure(noClaims));
    const two = await start(configure(noCalls));

    await startAs(as("runtime"), one.url, ["serve"]).saw("Serving");
    const worker = await startAs(as("fixer-1"), one.url, ["worker", "worker.mjs", "--agent", "fixer-1"]).ended;
    const serve = await startAs(as("runtime"), two.url, ["serve"]).ended;

    expect([worker, serve]).toMatchObject([{ code: 1 }, { code: 1, stdout: "" }]);
    expect(worker.stderr).toMatch(
      /error: a worker ended: it cannot claim .*TRANSPORT_DENIED: .*rpc\.fixer-1\.tasks\.claim/,
    );
    expect(serve.stderr).toMatch(
      /TRANSPORT_DENIED: .* to subscribe to \S+\.rpc\.\*\.>\. Allow it: `aionis nats permissions`/,
    );
  });

  it("work with a credentials file, and are told of a wrong, a broken and a missing one", async () => {
    const folder = makeFolder();
    const account = makeJwtAccount();
    const server = await start(account.config, { jetstream: false });
    const write = (name: string, text: string): User => {
      writeFileSync(join(folder, name), text);
      return { args: ["--nats-creds", join(folder, name)] };
    };
    const right = write("right.creds", account.makeCredentials());

    await expectWork(server.url, { runtime: { args: [...right.args, "--no-mirror"] }, worker: right });

    const denied = /^TRANSPORT_DENIED: The NATS server at \S+ refuses the credentials.*\nhint: .*--nats-creds/;
    const foreign = write("foreign.creds", makeJwtAccount().makeCredentials());
    await expectRefusal(server.url, foreign, { code: 1, message: denied, asProcesses: true });
    const broken = write("broken.creds", "s3cret");
    await expectRefusal(server.url, broken, {
      code: 2,
      message: /^INPUT_INVALID: The credentials file \S+broken\.creds/,
    });
    const missing = { args: ["--nats-creds", join(folder, "missing.creds")] };
    await expectRefusal(server.url, missing, { code: 2, message: /^INPUT_INVALID: nats-creds: \S+ cannot be read/ });
  });

  it.each([
    [
      "a user and password",
      'user: ann, password: "p4ss"',
      { USER: "ann", PASSWORD: "p4ss" },
      { USER: "ann", PASSWORD: "s3cret" },
    ],
    ["a token", 'token: "t0ken"', { TOKEN: "t0ken" }, { TOKEN: "s3cret" }],
  ])("work with %s of the environment, and are told of a wrong one", async (_, lines, right, wrong) => {
    const server = await start(`authorization { ${lines} }`);
    const as = (variables: Readonly<Record<string, string | undefined>>): User => ({
      args: [],
      env: Object.fromEntries(Object.entries(variables).map(([name, value]) => [`AIONIS_NATS_${name}`, value ?? ""])),
    });

    await expectWork(server.url, { runtime: as(right), worker: as(right) });

    const denied = /^TRANSPORT_DENIED: The NATS server at \S+ refuses the credentials.*\nhint: .*AIONIS_NATS_USER/;
    await expectRefusal(server.url, as(wrong), { code: 1, message: denied, asProcesses: true });
    await expectRefusal(server.url, as({}), { code: 1, message: denied });
  });
});

function makeWorkerFolder(): string {
  const folder = makeFolder();
  writeFileSync(join(folder, "worker.mjs"), "export default (task) => 'did: ' + task.brief;\n");
  return folder;
}

function makeNkeyUser(folder: string, name: string): { publicKey: string; file: string } {
  const pair = nkeys.createUser();
  const file = join(folder, `${name}.nk`);
  writeFileSync(file, `${Buffer.from(pair.getSeed()).toString()}\n`);
  return { publicKey: pair.getPublicKey(), file };
}

function expectNoSecrets(results: readonly Result[]): void {
  for (const { stdout, stderr } of results) {
    for (const secret of secrets) expect(stdout + stderr).not.toMatch(secret);
  }
}
