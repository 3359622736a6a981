import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import { labelPath, positionalOf, toFields } from "../../src/cli/fields.ts";
import { createProgram, findWords, type Request } from "../../src/cli/program.ts";
import { listVerbs } from "../../src/cli/verbs.ts";
import { operations } from "../../src/contracts/operations/index.ts";
import { setupCli, setupServed, startTask } from "./support.ts";

function found(parent: Command, word: string): Command {
  const command = parent.commands.find((child) => child.name() === word);
  if (command === undefined) throw new Error(`there is no command ${word}`);
  return command;
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
    const program = createProgram({ env: {}, cwd: "/" }, { runVerb: async () => {}, runOther: async () => {} });

    for (const { words, traits } of listVerbs()) {
      for (const example of traits.examples ?? [])
        expect(findWords(program, example.split(" ").slice(1))).toBe(words.join(" "));
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
    { args: ["task", "start", "x", "--priority", "9"], says: "--priority: " },
    { args: ["task", "start", "x", "--priority", "soon"], says: '--priority is "soon", which is not a number' },
    { args: ["task", "start", "x", "--deadline-at", "noon"], says: '--deadline-at is "noon", which is not a time' },
    { args: ["task", "start", "x", "--checks", "{"], says: "--checks is no JSON" },
    { args: ["task", "start", "x", "--checks", "@nowhere.json"], says: "cannot be read" },
    {
      args: ["task", "start", "x", "--to", "nobody"],
      says: '--to is "nobody", which is not role:NAME, agent:NAME or any.',
    },
    { args: ["task", "start", "x", "--to", "role:"], says: '--to is "role:", which is not role:NAME' },
    { args: ["task", "get", "foo"], says: "<task-id>: expected an id that is task_ and 20 letters or digits." },
    { args: ["explain", "foo"], says: "<id>: expected the id of a receipt (rcp_…) or of a lesson (les_…)." },
    {
      args: ["task", "start", "x", "--path", "/dev/null"],
      says: "as a folder: it is a file, or lies in one; give another path.",
    },
    { args: ["task", "start", "x", "--scope", "nobody"], says: 'The scope is "nobody"' },
    { args: ["task", "start", "x", "--timeout", "soon"], says: "--timeout" },
    { args: ["task", "start", "-", "--data", "-"], says: "stdin is read once" },
    { args: ["task", "pause", "task_00000000000000000000"], says: "--epoch <n>' not specified" },
    { args: ["task", "get", "1"], says: "<task-id>: " },
    { args: ["task", "get", "1", "2"], says: "Too many arguments" },
    { args: ["task", "ls", "--bogus"], says: "Unknown option '--bogus'" },
    { args: ["task", "ls", "--state", "loved"], says: "--state: " },
    { args: ["task", "ls", "--states", "loved"], says: "--states: " },
    { args: ["task", "start", "x", "--checks", '[{"name":5}]'], says: "--checks at 0.name: " },
    { args: ["start", "x", "--tool", ""], says: "--tool: " },
    { args: ["task", "start", "x", "--data", '{"n":1e400}'], says: "--data: n is 1e400", code: "VALUE_INVALID" },
    { args: ["task", "start", "x", "--data", "12345678901234567890.5"], says: "--data is 1234", code: "VALUE_INVALID" },
    { args: ["task", "ls", "--timeout", ""], says: "--timeout is empty" },
    { args: ["task", "ls", "--path="], says: "--path is empty" },
    { args: ["task", "ls", "--nats", ""], says: "--nats is empty" },
    { args: ["task", "start", "x", "--data", ""], says: "--data is empty" },
    { args: ["task", "start", "x", "--data", " "], says: "--data is empty" },
    { args: ["task", "start", "x", "--checks="], says: "--checks is empty" },
    { args: ["task", "start", "x", "--data", "-"], says: "--data is no JSON: there is nothing in it" },
    { args: ["serve", "--families", ""], says: "--families is empty" },
    { args: ["import", "git", "--since", ""], says: "--since is empty" },
    { args: ["backup", ""], says: '<path> is "", which is not a path' },
  ])("refuses $args and makes nothing", async ({ args, says, code = "INPUT_INVALID" }) => {
    const { run, folder } = setupCli();

    const result = await run(args);

    expect(result).toMatchObject({ code: 2, stdout: "" });
    expect(result.stderr).toMatch(new RegExp(`^${code}: `));
    expect(result.stderr).toContain(says);
    expect(existsSync(join(folder, ".aionis"))).toBe(false);
  });

  it("takes JSON of a file and of stdin with a byte order mark", async () => {
    const { run, runtime, folder } = await setupServed();
    writeFileSync(join(folder, "data.json"), '\uFEFF{"a":1}');

    const ofFile = await run(["task", "start", "x", "--json", "--data", "@data.json"]);
    const ofStdin = await run(["task", "start", "x", "--json", "--data", "-"], { stdin: '\uFEFF{"a":1}' });

    for (const { stdout } of [ofFile, ofStdin]) {
      const { taskId } = JSON.parse(stdout) as { taskId: `task_${string}` };
      expect((await runtime.tasks.get({ taskId })).content).toMatchObject({ data: { a: 1 } });
    }
  });

  it.each(listVerbs().map((verb) => [verb.words.join(" "), verb] as const))(
    "of %s are named as they are written in whatever is said of them",
    async (_words, verb) => {
      const requests: Request[] = [];
      const runVerb = (request: Request) => Promise.resolve(void requests.push(request));
      const place = { env: {}, cwd: "/" };
      const fields = toFields(verb.input, verb.traits);
      const given = positionalOf(verb.traits, fields).map(() => "x");
      const program = createProgram(place, { runVerb, runOther: async () => {} }, verb.words);
      const command = verb.words.reduce<Command>((parent, word) => found(parent, word), program);
      const needed = command.options.filter(({ mandatory }) => mandatory).flatMap(({ long }) => [long ?? "", "x"]);

      await program.parseAsync([...verb.words, ...given, ...needed], { from: "user" });

      const labels = [
        ...command.options.map(({ long }) => long),
        ...command.registeredArguments.map((argument) => `<${argument.name()}>`),
      ];
      for (const { name, within } of fields) {
        const path = within === undefined ? [name] : [within, name];
        const [whole, inner] = [path, [...path, 0, "deeper"]].map((each) => labelPath(requests[0]?.fields ?? [], each));
        if (requests[0]?.follows !== undefined && !labels.includes(whole)) continue; // a follower has no such option
        expect(labels).toContain(whole);
        expect(inner).toBe(`${whole} at 0.deeper`);
      }
    },
  );

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

  it("refuses bytes that are no text, from a file and from stdin", async () => {
    const { run, runtime, folder } = await setupServed();
    const bytes = Buffer.from('"latin \xe9"', "latin1");
    writeFileSync(join(folder, "data.json"), bytes);

    const file = await run(["task", "start", "x", "--data", "@data.json"]);
    const stdin = await run(["task", "start", "-"], { stdin: bytes });

    expect(file).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("data.json is not text in UTF-8"),
    });
    expect(stdin).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining("stdin is not text in UTF-8") });
    expect((await runtime.runtime.status()).head).toBe(0);
  });

  it("refuses half a surrogate pair in JSON by its path", async () => {
    const { run, runtime } = await setupServed();

    const result = await run(["handoff", "store", "--packet", '{"brief":"\\ud83e","nextAction":"Begin"}']);

    expect(result).toMatchObject({
      code: 2,
      stdout: "",
      stderr: expect.stringContaining("packet.brief holds half of a"),
    });
    expect((await runtime.runtime.status()).head).toBe(0);
  });

  it("refuses an integer of 64 bits in JSON by its path", async () => {
    const { run, runtime } = await setupServed();

    const result = await run(["task", "start", "x", "--data", '{"ids":[{"channel":12345678901234567890}]}']);

    const says = "data: ids.0.channel is 12345678901234567890, an integer beyond 2^53";
    expect(result).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(says) });
    expect((await runtime.runtime.status()).head).toBe(0);
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
