import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { setupCli, setupServed, startTask } from "./support.ts";

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
    expect(paused.stdout).toMatch(new RegExp(`^${id}  paused  epoch 1  event 4\npause id  pause_\\w+\n$`));
    expect(explained.stdout).toMatch(
      /^What moves it: `aionis task answer` or `aionis task resume` of pause_\w+ \(".*"\)\.$/m,
    );
    expect(answered.stdout).toContain(`${id}  start`);
    expect(JSON.parse(again.stdout)).toMatchObject({ assignment: { pauses: [{ end: "answered", answer: true }] } });
    expect(done.stdout).toContain(`${id}  succeeded`);
    expect(card.stdout).toMatch(/^task_\w+ {2}succeeded\n {2}Fix the test\n {2}it is flaky\n/);
    expect(events.stdout.trimEnd().split("\n")).toHaveLength(8 - 1);
    expect((await runtime.tasks.get({ taskId: id as `task_${string}` })).task.state).toBe("succeeded");
  });

  it("says why a task ended, in a sentence and as a code", async () => {
    const { run, runtime } = await setupServed();
    const id = await startTask(runtime);
    await run(["task", "cancel", id, "--reason", "Not needed", "--agent", "boss"]);

    const card = await run(["task", "get", id]);
    const explained = await run(["task", "explain", id]);
    const list = await run(["task", "ls"]);

    expect(card.stdout).toMatch(/^why it is cancelled\n {2}boss cancelled it: Not needed$/m);
    expect(explained.stdout).toContain(`${id} is cancelled. boss cancelled it: Not needed`);
    expect(list.stdout).toMatch(/cancelled +task +CANCELLED/);
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

  it("keeps what agents note in a session, and shows the end of it", async () => {
    const { run } = await setupServed();
    const created = await run(["session", "create", "Night shift", "--agent", "ada"]);
    const id = /^task_\w+/.exec(created.stdout)?.[0] ?? "";

    const noted = await run([
      "session",
      "event",
      id,
      "The queue is full",
      "--title",
      "Queue",
      "--data",
      '{"depth":40}',
    ]);
    await run(["session", "event", id, "-", "--kind", "message", "--agent", "ben"], { stdin: "line one\nline two" });
    const all = await run(["session", "events", id, "--json"]);
    const last = await run(["session", "events", id, "--tail", "1"]);
    const both = await run(["session", "events", id, "--tail", "1", "--after", "1"]);
    const page = await run(["session", "events", id, "--page-size", "1"]);
    const open = await run(["session", "ls", "--status", "open"]);
    const explained = await run(["task", "explain", id]);
    const closed = await run(["session", "close", id, "--summary", "It was emptied"]);
    const late = await run(["session", "event", id, "One more"]);
    const none = await run(["session", "list", "--status", "open"]);

    expect(created.stdout).toBe(`${id}  open  event 1\n`);
    expect(noted.stdout).toBe(`${id}  open  event 2\n`);
    expect(JSON.parse(all.stdout)).toMatchObject({
      events: [
        { kind: "note", agent: "cli", title: "Queue", text: "The queue is full", data: { depth: 40 } },
        { kind: "message", agent: "ben", text: "line one\nline two" },
      ],
    });
    expect(last.stdout).toMatch(/^ +3 {2}\S+ {2}message {2}by ben\n {8}line one\n {8}line two\n$/);
    expect(both).toMatchObject({ code: 2, stdout: "" });
    expect(both.stderr).toMatch(/^INPUT_INVALID: .*from the end/);
    expect(page.stdout).toMatch(/note {2}by cli {2}Queue\n +The queue is full\n +\{"depth":40\}\nmore: .*--after 2\n$/);
    expect(open.stdout).toMatch(
      /^ID +STATUS +AGENT +EVENTS +UPDATED +TITLE\ntask_\w+ +open +ada +2 +\S+ +Night shift\n$/,
    );
    expect(explained.stdout).toContain("What moves it: `aionis session close`, or `aionis task cancel`.");
    expect(closed.stdout).toBe(`${id}  closed  event 4\n`);
    expect(late).toMatchObject({ code: 4, stdout: "" });
    expect(none.stdout).toBe("No sessions.\n");
  });

  it("escapes what the data would make a terminal do, in texts and in JSON", async () => {
    const { run, runtime } = await setupServed();
    const evil = "\u001b]0;owned\u0007 \u009b31m \u202eexe.txt\u2028 é 日本";
    const id = await startTask(runtime, evil);
    const { sessionId } = await runtime.sessions.create({ title: evil }, { agent: evil });
    await runtime.sessions.event({ sessionId, kind: evil, title: evil, text: evil, data: { [evil]: evil } });

    const outputs = await Promise.all([
      run(["task", "ls"]),
      run(["task", "get", id]),
      run(["task", "get", id, "--json"]),
      run(["task", "cancel", id, "--reason", evil]),
      run(["events", "read", "--json"]),
      run(["task", "ls", "--kind", evil, "--cursor", evil]),
      run(["session", "ls"]),
      run(["session", "events", sessionId]),
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
