import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { builtInTools } from "../../src/index.ts";
import { makeFolder, setupServed, startBinary } from "./support.ts";

const steps = [
  {
    id: "bump",
    tool: "file.patch",
    input: { path: "version.txt", edits: [{ find: "1.0.0", replace: "1.1.0" }] },
    output: { edits: 1 },
    files: ["version.txt"],
  },
];
const report = ["--steps", JSON.stringify(steps), "--end", '{"outcome":"succeeded"}'];
const idIn = (text: string): string => /task_[0-9a-z]{20}/.exec(text)?.[0] ?? "";

describe("playbooks on the command line", () => {
  it("are made of a reported run, shown, replayed and refused their promotion", async () => {
    const workspace = makeFolder();
    writeFileSync(join(workspace, "version.txt"), "1.0.0\n");
    const { run, runtime } = await setupServed();
    runtime.worker({ agent: "ada", tools: builtInTools, workspace }, () => {});

    const reported = await run(["replay", "start", "nightly 7", "Set the version to 1.1.0", ...report]);
    const compiled = await run(["playbook", "compile", idIn(reported.stdout)]);
    const id = idIn(compiled.stdout);
    const read = await run(["replay", "get", "--run-id", "nightly 7"]);
    const dry = await run(["playbook", "run", id, "--mode", "simulate", "--text", "Set the version to 1.2.0"]);
    await run(["task", "watch", idIn(dry.stdout), "--until-ended"]);
    const strict = await run(["playbook", "run", id, "--mode", "strict", "--param", "to=1.2.0"]);
    await run(["task", "watch", idIn(strict.stdout), "--until-ended"]);
    const promoted = await run(["playbook", "promote", id, "active", "--reason", "It works"]);
    const approved = await run(["playbook", "approve", id, "--approver", "grace", "--reason", "Read it"]);
    const versions = await run(["playbook", "versions", id]);
    const listed = await run(["playbook", "ls", "--state", "active"]);
    const diff = await run(["playbook", "diff", id, "--from", "1", "--to", "2"]);

    expect(compiled.stdout).toMatch(new RegExp(`^${id}  draft  .*\nMissing: A dry run`));
    expect(compiled.stdout).toMatch(/\nparameters\n {2}to {2}version {2}from the brief, such as 1\.1\.0\n/);
    expect(compiled.stdout).toMatch(/\nsteps\n {2}bump {2}file\.patch {2}\{"path":"version\.txt".*\{\{to\}\}/);
    expect(read).toMatchObject({ code: 0, stdout: expect.stringContaining("file.patch") });
    expect(strict.stdout).toMatch(new RegExp(`^task_\\S+  replays ${id}  shadow  v2`));
    expect(readFileSync(join(workspace, "version.txt"), "utf8")).toBe("1.2.0\n");
    expect(promoted).toMatchObject({ code: 4, stderr: expect.stringMatching(/^EVIDENCE_MISSING: .*strict replay/) });
    expect(approved.stdout).toMatch(new RegExp(`^${id}  active  v3`));
    expect(versions.stdout).toMatch(
      /^v1 {2}compiled {2}draft .* cli.*\nv2 {2}promoted {2}shadow .*\nv3 {2}promoted {2}active .*cli for grace {2}Read it\n$/,
    );
    expect(listed.stdout).toContain(id);
    expect(diff.stdout).toBe("No difference.\n");
  });

  it("are matched, judged and dispatched, or given back to the agent", async () => {
    const { run, runtime } = await setupServed();
    const { taskId } = await runtime.replay.run.start({
      runId: "r",
      brief: "Set the version to 1.1.0",
      steps,
      end: { outcome: "succeeded" },
    });
    const { id } = await runtime.playbooks.compile({ runs: [taskId] });
    await runtime.playbooks.match({ query: "any", minPosition: (await runtime.runtime.status()).head });
    const query = "Set the version to 3.0.0";

    const matched = await run(["playbook", "match", query]);
    const candidate = await run(["playbook", "candidate", id, "--text", query]);
    const dispatched = await run(["playbook", "dispatch", query]);
    const unknown = await run(["playbook", "match", "Water the flowers"]);

    expect(matched.stdout).toMatch(new RegExp(`^[01]\\.\\d\\d  ${id}  draft  .*to=3\\.0\\.0`));
    expect(candidate.stdout).toMatch(/^It may not run:\n {2}no dry run/);
    expect(dispatched.stdout).toMatch(new RegExp(`^For the agent: .*\n  ${id}  .*draft, not active`));
    expect(unknown).toMatchObject({ code: 0 });
  });

  it("take their parameters as name=value, or as JSON, and refuse what is neither", async () => {
    const { run } = await setupServed();
    const candidate = (...args: string[]) => run(["playbook", "candidate", "task_00000000000000000001", ...args]);

    expect((await candidate("--param", "a=b=c", "--param", "d=")).stderr).toMatch(/^PLAYBOOK_NOT_FOUND/);
    expect((await candidate("--params", '{"a":1}')).stderr).toMatch(/^PLAYBOOK_NOT_FOUND/);
    expect(await candidate("--param", "a")).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/"a", which is not a name=value/),
    });
    expect(await candidate("--param", "=a")).toMatchObject({ code: 2 });
  });

  it("are replayed by a worker that was given the built-in tools", async () => {
    const folder = makeFolder();
    writeFileSync(join(folder, "version.txt"), "1.0.0\n");
    writeFileSync(join(folder, "worker.mjs"), "export default () => {};\n");
    const aionis = (...args: string[]) => startBinary(folder, args);
    const serving = aionis("serve");
    await serving.saw("Serving");
    const working = aionis("worker", "worker.mjs", "--tools", ".");
    await working.saw("tool.file.patch");
    const reported = await aionis("replay", "start", "r", "Set the version to 1.1.0", ...report).ended;
    const { stdout } = await aionis("playbook", "compile", idIn(reported.stdout)).ended;

    const dry = await aionis("playbook", "run", idIn(stdout), "--mode", "simulate", "--text", "to 1.2.0").ended;

    const watched = await aionis("task", "watch", idIn(dry.stdout), "--until-ended").ended;
    expect(watched.stdout).toContain("succeeded");
  });
});
