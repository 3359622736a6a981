import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { findWords } from "../../src/cli/program.ts";
import { listVerbs } from "../../src/cli/verbs.ts";
import { operations } from "../../src/contracts/operations/index.ts";
import { type Connection, type CreateRuntimeOptions, createRuntime } from "../../src/index.ts";
import { makeFolder, setupCli, startCli } from "./support.ts";

/** A command line whose folder is served by a runtime in this process. */
async function setupServed(options: CreateRuntimeOptions = {}) {
  const folder = makeFolder();
  const runtime = await createRuntime({ path: join(folder, ".aionis"), scope: "local/served", ...options });
  onTestFinished(() => runtime.close());
  const { run } = setupCli(folder);
  const withScope: typeof run = (args, rest) => run(["--scope", "local/served", ...args], rest);
  return { folder, runtime, run: withScope };
}

async function startTask(runtime: Connection, brief = "a brief"): Promise<string> {
  const { taskId } = await runtime.tasks.start({ brief });
  return taskId;
}

describe("the table of operations", () => {
  it("gives every operation a verb with a help text", async () => {
    const { run } = setupCli();
    const verbs = listVerbs();

    const helps = await Promise.all(verbs.map(({ words }) => run([...words, "--help"])));

    expect(verbs.map(({ operation }) => operation.name).sort()).toEqual(Object.keys(operations).sort());
    expect(helps.map(({ code }) => code)).toEqual(verbs.map(() => 0));
    for (const [index, { stdout }] of helps.entries())
      expect(stdout).toContain(`Usage: aionis ${verbs[index]?.words.join(" ")}`);
  });

  it("orders the help by layer", async () => {
    const { run } = setupCli();

    const { stdout, code } = await run([]);

    expect(code).toBe(0);
    expect(stdout.indexOf("Core:")).toBeGreaterThan(0);
    expect(stdout.indexOf("Advanced:")).toBeGreaterThan(stdout.indexOf("Core:"));
  });

  it("has only examples of commands that exist", async () => {
    const { createProgram } = await import("../../src/cli/program.ts");
    const program = createProgram({}, async () => {});

    for (const { words, examples } of listVerbs()) {
      for (const example of examples) expect(findWords(program, example.split(" ").slice(1))).toBe(words.join(" "));
    }
  });
});

describe("arguments", () => {
  it("suggests the nearest verb", async () => {
    const { run } = setupCli();

    const group = await run(["taks", "ls"]);
    const verb = await run(["task", "strt", "x"]);

    expect(group).toMatchObject({ code: 2, stdout: "" });
    expect(group.stderr).toContain("Did you mean task?");
    expect(verb.stderr).toContain("INPUT_INVALID: Unknown command 'strt'. Did you mean start?");
    expect(verb.stderr).toContain("`aionis task --help`");
  });

  it.each([
    { args: ["task", "start"], says: "Missing required argument 'brief'" },
    { args: ["task", "start", "x", "--priority", "9"], says: "priority: " },
    { args: ["task", "start", "x", "--priority", "soon"], says: 'priority is "soon", which is not a number' },
    { args: ["task", "start", "x", "--deadline-at", "noon"], says: 'deadlineAt is "noon", which is not a time' },
    { args: ["task", "start", "x", "--checks", "{"], says: "checks is no JSON" },
    { args: ["task", "start", "x", "--checks", "@nowhere.json"], says: "cannot be read" },
    { args: ["task", "start", "x", "--to", "nobody"], says: "to: " },
    { args: ["task", "start", "x", "--scope", "nobody"], says: 'The scope is "nobody"' },
    { args: ["task", "start", "x", "--timeout", "soon"], says: "--timeout" },
    { args: ["task", "start", "-", "--data", "-"], says: "stdin is read once" },
    { args: ["task", "pause", "task_00000000000000000000"], says: "--epoch <n>' not specified" },
    { args: ["task", "get", "1"], says: "task-id: " },
    { args: ["task", "get", "1", "2"], says: "Too many arguments" },
    { args: ["task", "ls", "--bogus"], says: "Unknown option '--bogus'" },
  ])("refuses $args and makes nothing", async ({ args, says }) => {
    const { run, folder } = setupCli();

    const result = await run(args);

    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(/^INPUT_INVALID: /);
    expect(result.stderr).toContain(says);
    expect(existsSync(join(folder, ".aionis"))).toBe(false);
  });

  it("reads every kind of option into the operation's input", async () => {
    const { run, runtime, folder } = await setupServed();
    writeFileSync(join(folder, "checks.json"), '[{"name":"tests","command":["npm","test"]}]');

    const { stdout } = await run(
      [
        ...["task", "start", "-", "--json", "--kind", "fix", "--to", "role:code.fix", "--priority", "3"],
        ...["--checks", "@checks.json", "--file", "a.ts", "--file", "b.ts", "--data", "plain words"],
        ...["--deadline-at", "2100-01-31T12:00Z", "--retry", '{"attemptsMax":2}', "--command-id", "mine"],
      ],
      { stdin: "the brief\nin two lines" },
    );

    const { taskId } = JSON.parse(stdout) as { taskId: `task_${string}` };
    const { task, content } = await runtime.tasks.get({ taskId });
    expect(task).toMatchObject({ kind: "fix", priority: 3, to: { role: "code.fix" }, deadlineAt: 4_105_080_000_000 });
    expect(content).toMatchObject({ brief: "the brief\nin two lines", data: "plain words" });
    expect(content.checks).toEqual([{ name: "tests", command: ["npm", "test"], required: true }]);
    const { events } = await runtime.events.read({ taskId });
    expect(events[0]).toMatchObject({ by: "cli", commandId: "mine", body: { files: ["a.ts", "b.ts"] } });
  });

  it("takes a list in the plural and with commas where words are chosen from", async () => {
    const { run, runtime } = await setupServed();
    await startTask(runtime);

    const both = await run(["task", "ls", "--states", "start,running", "--json"]);
    const none = await run(["task", "ls", "--state", "running", "--state", "paused", "--json"]);

    expect(JSON.parse(both.stdout)).toMatchObject({ tasks: [{ state: "start" }] });
    expect(JSON.parse(none.stdout)).toEqual({ tasks: [] });
  });

  it("reads path, scope and agent from the environment when they are not given", async () => {
    const { run } = setupCli();
    const env = { AIONIS_PATH: "elsewhere", AIONIS_SCOPE: "acme/billing", AIONIS_AGENT: "ada" };

    const started = await run(["task", "start", "x"], { env });
    const { stdout } = await run(["events", "read", "--json", "--path", "elsewhere", "--scope", "acme/billing"]);

    expect(started.code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ events: [{ by: "ada" }] });
  });
});

describe("exit codes", () => {
  it("are 3 for what is not there, and a read makes no store", async () => {
    const { run, folder } = setupCli();

    const noStore = await run(["task", "ls"]);
    const { code } = await run(["task", "start", "x"]);
    const noTask = await run(["task", "get", "task_00000000000000000000"]);

    expect(noStore.code).toBe(3);
    expect(noStore.stderr).toContain(`STORE_NOT_FOUND: There is no store in ${join(folder, ".aionis")}.`);
    expect(code).toBe(0);
    expect(noTask.code).toBe(3);
    expect(noTask.stderr).toMatch(/^TASK_NOT_FOUND: .*\nhint: `aionis task ls`/);
  });

  it("are 0 for each command that needs nothing to be there: it makes the store", async () => {
    const { run, folder } = setupCli();
    const packet = '{"brief":"half done","nextAction":"go on"}';

    const stored = await run(["handoff", "store", "--packet", packet, "--to", "role:ops"]);
    const list = await run(["handoff", "ls"]);

    expect({ code: stored.code, stderr: stored.stderr }).toEqual({ code: 0, stderr: "" });
    expect(existsSync(join(folder, ".aionis", "aionis.db"))).toBe(true);
    expect(list.stdout).toMatch(/role:ops/);
  });

  it("are 4 for a conflict, with its facts in JSON", async () => {
    const { run, runtime } = await setupServed();
    const taskId = await startTask(runtime);

    const { code, stdout, stderr } = await run(["task", "resume", taskId, "--json"]);

    expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
    expect(JSON.parse(stderr)).toMatchObject({
      code: "TASK_STATE_CONFLICT",
      status: 409,
      retryable: false,
      facts: { state: "start" },
    });
  });

  it("are 5 when the runtime that listens does not serve the scope", async () => {
    const { run } = await setupServed();

    const { code, stderr } = await run(["status", "--scope", "acme/other", "--timeout", "2s"]);

    expect(code).toBe(5);
    expect(stderr).toMatch(/^TRANSPORT_UNROUTED: .*\nhint: .*--scope/);
  });

  it("are 2 for a folder that is a file", async () => {
    const { run, folder } = setupCli();
    writeFileSync(join(folder, ".aionis"), "a file in the way");

    const { code, stderr } = await run(["task", "start", "x"]);

    expect(code).toBe(2);
    expect(stderr).toMatch(/^INPUT_INVALID: .*another path/);
  });

  it("are 4 for a file that is no store", async () => {
    const { run, folder } = setupCli();
    mkdirSync(join(folder, ".aionis"));
    writeFileSync(
      join(folder, ".aionis", "aionis.db"),
      "no store, though it is long enough to be read as one. ".repeat(20),
    );

    const { code, stderr } = await run(["task", "ls"]);

    expect(code).toBe(4);
    expect(stderr).toMatch(/^STORE_FOREIGN: /);
  });
});

describe("output", () => {
  it("shows a task's way from start to its end", async () => {
    const { run, runtime } = await setupServed();
    const { stdout } = await run(["task", "start", "Fix the test\nit is flaky", "--to", "role:code.fix"]);
    const id = /^task_\w+/.exec(stdout)?.[0] ?? "";
    const as = ["--epoch", "1", "--agent", "fixer-1"];
    const step = '{"name":"tests","ordinal":0,"outcome":{"kind":"succeeded","output":"ok"}}';

    const list = await run(["task", "ls"]);
    const claimed = await run(["task", "claim", "--role", "code.fix", "--agent", "fixer-1"]);
    const stepped = await run(["task", "step", id, step, ...as]);
    const steps = await run(["task", "steps", id]);
    const paused = await run(["task", "pause", id, "--question", "Deploy?", "--expires-in-ms", "2h", ...as]);
    const explained = await run(["task", "explain", id]);
    const answered = await run(["task", "answer", id, "true"]);
    const again = await run(["task", "claim", id, "--role", "code.fix", "--agent", "fixer-1", "--json"]);
    const done = await run([
      "task",
      "complete",
      id,
      "--return",
      '{"summary":"done"}',
      "--epoch",
      "2",
      "--agent",
      "fixer-1",
    ]);
    const card = await run(["task", "get", id]);
    const events = await run(["events", "read", "--task-id", id]);

    expect(list.stdout).toMatch(
      /^ID +STATE +KIND +WHO +UPDATED +TITLE\ntask_\w+ +start +task +→ role:code.fix +\S+ +Fix the test\n$/,
    );
    expect(claimed.stdout).toMatch(/^task id +task_\w+\nepoch +1\n/);
    expect(claimed.stdout).toMatch(/^lease +10 s$/m);
    expect(stepped.stdout).toMatch(/^status +succeeded$/m);
    expect(steps.stdout).toMatch(/^NAME .*\ntests .*fixer-1 +ok\n$/);
    expect(paused.stdout).toMatch(new RegExp(`^${id}  paused  epoch 1  event 4\n$`));
    expect(explained.stdout).toContain("What moves it: `aionis task answer`, or `aionis task resume`.");
    expect(answered.stdout).toContain(`${id}  start`);
    expect(JSON.parse(again.stdout)).toMatchObject({ assignment: { pauses: [{ end: "answered", answer: true }] } });
    expect(done.stdout).toContain(`${id}  succeeded`);
    expect(card.stdout).toMatch(/^task_\w+ {2}succeeded\n {2}Fix the test\n {2}it is flaky\n/);
    expect(events.stdout.trimEnd().split("\n")).toHaveLength(8 - 1);
    expect((await runtime.tasks.get({ taskId: id as `task_${string}` })).task.state).toBe("succeeded");
  });

  it("hands a packet from one agent to another", async () => {
    const { run, runtime, folder } = await setupServed();
    const id = await startTask(runtime);
    await run(["task", "claim", id, "--agent", "a"]);
    writeFileSync(join(folder, "packet.json"), '{"brief":"half done","nextAction":"review"}');

    const offered = await run([
      ...["handoff", "offer", id, "--epoch", "1", "--to", "agent:b"],
      ...["--packet", "@packet.json", "--agent", "a", "--json"],
    ]);
    const { packetId } = JSON.parse(offered.stdout) as { packetId: string };
    const refused = await run(["handoff", "claim", id, packetId, "--agent", "c"]);
    const claimed = await run(["handoff", "claim", id, packetId, "--agent", "b"]);

    expect(refused).toMatchObject({ code: 1 });
    expect(refused.stderr).toMatch(/^NOT_ADDRESSED: /);
    expect(claimed.stdout).toMatch(/next action +review/);
  });

  it("escapes what the data would make a terminal do, in texts and in JSON", async () => {
    const { run, runtime } = await setupServed();
    const evil = "\u001b]0;owned\u0007 \u009b31m \u202eexe.txt\u2028 é 日本";
    const id = await startTask(runtime, evil);

    const outputs = await Promise.all([
      run(["task", "ls"]),
      run(["task", "get", id]),
      run(["task", "get", id, "--json"]),
      run(["task", "cancel", id, "--reason", evil]),
      run(["events", "read", "--json"]),
      run(["task", "ls", "--kind", evil, "--cursor", evil]),
    ]);

    for (const { stdout, stderr } of outputs) expect(stdout + stderr).not.toMatch(/[^\P{C}\n]|\u2028/u);
    expect(outputs[0]?.stdout).toContain("\\u001b]0;owned\\u0007 \\u009b31m \\u202eexe.txt\\u2028 é 日本");
    expect(JSON.parse(outputs[2]?.stdout ?? "")).toMatchObject({ content: { brief: evil } });
  });

  it("has colours on a terminal only, and none with NO_COLOR", async () => {
    const { run, runtime } = await setupServed();
    await startTask(runtime, "x".repeat(150));

    const piped = await run(["task", "ls"]);
    const onTerminal = await run(["task", "ls"], { columns: 100 });
    const without = await run(["task", "ls"], { columns: 100, env: { NO_COLOR: "1" } });

    const esc = String.fromCharCode(27);
    expect(piped.stdout).not.toContain(esc);
    expect(onTerminal.stdout).toContain(`${esc}[`);
    expect(without.stdout).not.toContain(esc);
    expect(piped.stdout).toContain("x".repeat(150));
    expect(Math.max(...without.stdout.split("\n").map((line) => line.length))).toBe(100);
  });

  it("says how to get the next page", async () => {
    const { run, runtime } = await setupServed();
    await startTask(runtime);
    const second = await startTask(runtime);

    const { stdout } = await run(["task", "ls", "--page-size", "1"]);

    expect(stdout).toContain(`more: aionis task ls --cursor ${second}`);
  });

  it("ends with 1 when the store does not verify, and 0 when it does", async () => {
    const { run, runtime } = await setupServed();
    await startTask(runtime);

    const { code, stdout } = await run(["verify"]);

    expect({ code, stdout }).toEqual({ code: 0, stdout: "ok: 1 events, 1 tasks\n" });
  });

  it("ends with 1 when a row is not what the journal folds to", async () => {
    const { run, folder } = setupCli();
    await run(["task", "start", "x"]);
    const database = new Database(join(folder, ".aionis/aionis.db"));
    database.exec("UPDATE tasks SET kind = 'forged'");
    database.close();

    const forPeople = await run(["verify"]);
    const asJson = await run(["verify", "--json"]);

    expect(forPeople.code).toBe(1);
    expect(forPeople.stdout).toMatch(/^damaged: 1 events, 1 tasks, 1 problems\n/);
    expect(asJson.code).toBe(1);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ ok: false });
  });

  it("writes a backup relative to the current folder, which can be opened as a store", async () => {
    const { run, runtime, folder } = await setupServed();
    await startTask(runtime);

    mkdirSync(join(folder, "copy"));

    const { code, stdout } = await run(["backup", "copy/aionis.db", "--json"]);
    const read = await run(["events", "read", "--path", "copy", "--json"]);

    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ path: join(folder, "copy/aionis.db"), events: 1 });
    expect(JSON.parse(read.stdout)).toMatchObject({ head: 1 });
  });
});

describe("following", () => {
  it("prints past and coming events, and ends with 0 at Ctrl-C", async () => {
    const { runtime, folder } = await setupServed();
    const first = await startTask(runtime);

    const tail = startCli(folder, ["events", "tail", "--from", "1", "--scope", "local/served", "--json"]);
    const past = await tail.lines.next();
    await runtime.tasks.cancel({ taskId: first as `task_${string}` });
    const coming = await tail.lines.next();
    tail.interrupt();

    expect(JSON.parse(String(past.value))).toMatchObject({ type: "task.created", taskId: first });
    expect(JSON.parse(String(coming.value))).toMatchObject({ type: "task.cancelled" });
    await expect(tail.code).resolves.toBe(0);
  });

  it("holds no store while it waits, and sees what others record in the meantime", async () => {
    const folder = makeFolder();
    const { run } = setupCli(folder);
    await run(["task", "start", "one"]);
    const tail = startCli(folder, ["events", "tail", "--from", "1", "--json"]);
    await tail.lines.next();

    const { code } = await run(["task", "start", "two"]);
    const coming = await tail.lines.next();
    tail.interrupt();

    expect(code).toBe(0);
    expect(JSON.parse(String(coming.value))).toMatchObject({ seq: 2, body: { brief: "two" } });
    await expect(tail.code).resolves.toBe(0);
  });

  it("ends when nobody reads any more", async () => {
    const { runtime, folder } = await setupServed();
    await startTask(runtime);
    const tail = startCli(folder, ["events", "tail", "--from", "1", "--scope", "local/served"]);
    await tail.lines.next();

    tail.stdout.emit("error", Object.assign(new Error("write EPIPE"), { code: "EPIPE" }));

    await expect(tail.code).resolves.toBe(0);
    expect(tail.stderr.text).toBe("");
  });

  it("watches a task until it has ended; one that was cancelled is 1", async () => {
    const { runtime, folder } = await setupServed();
    const taskId = (await startTask(runtime)) as `task_${string}`;
    const watch = startCli(folder, ["task", "watch", taskId, "--scope", "local/served", "--json"]);

    const now = await watch.lines.next();
    await runtime.tasks.cancel({ taskId });
    const end = await watch.lines.next();

    expect(JSON.parse(String(now.value))).toMatchObject({ hasEnded: false, task: { state: "start" } });
    expect(JSON.parse(String(end.value))).toMatchObject({ hasEnded: true, task: { state: "cancelled" } });
    await expect(watch.code).resolves.toBe(1);
  });

  it("ends a watch with 130 at Ctrl-C, for its result was awaited", async () => {
    const { runtime, folder } = await setupServed();
    const taskId = await startTask(runtime);
    const watch = startCli(folder, ["task", "watch", taskId, "--scope", "local/served"]);
    await watch.lines.next();

    watch.interrupt();

    await expect(watch.code).resolves.toBe(130);
  });

  it("ends a waiting claim with 130 at Ctrl-C, and says how to repeat it", async () => {
    const { folder } = await setupServed();
    const claim = startCli(folder, [
      "task",
      "claim",
      "--wait-ms",
      "30s",
      "--scope",
      "local/served",
      "--command-id",
      "c1",
    ]);

    await claim.listening;
    claim.interrupt();

    await expect(claim.code).resolves.toBe(130);
    expect(claim.stderr.text).toContain("--command-id c1");
  });
});
