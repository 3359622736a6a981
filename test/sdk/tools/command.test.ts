import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { command } from "../../../sdk/tools/command.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { makeFolder } from "./folder.ts";
import { use } from "./use.ts";

const node = (program: string) => [process.execPath, "-e", program];

describe("the tool command", () => {
  it("runs in the workspace or a folder of it, and gives what was printed", async () => {
    const workspace = makeFolder();
    mkdirSync(join(workspace, "src/deep"), { recursive: true });
    symlinkSync("src/deep", join(workspace, "link"));
    const print = node("process.stdout.write(process.cwd()); console.error('on the side')");

    for (const [cwd, folder] of Object.entries({ ".": "", src: "src", "src/deep/": "src/deep", link: "src/deep" })) {
      const result = await use(command, workspace, { argv: print, cwd });
      expect(result).toMatchObject({ exitCode: 0, stdout: join(workspace, folder), stderr: "on the side\n" });
    }
    expect(await use(command, workspace, { argv: print })).toMatchObject({ stdout: workspace, ended: "exit" });
  });

  it("gives an exit code, and why there is none, as a result", async () => {
    const workspace = makeFolder();
    const controller = new AbortController();

    const hang = node("console.log('begun'); setInterval(() => {}, 1000)");
    const aborted = use(command, workspace, { argv: hang }, controller.signal);
    controller.abort();

    expect(await use(command, workspace, { argv: node("process.exit(3)") })).toMatchObject({ exitCode: 3 });
    expect(await use(command, workspace, { argv: ["no-such-program"] })).toMatchObject({ ended: "unstartable" });
    expect(await use(command, workspace, { argv: hang, timeoutMs: 300 })).toMatchObject({
      exitCode: null,
      ended: "timeout",
    });
    expect(await aborted).toMatchObject({ exitCode: null, ended: "aborted" });
  });

  it("keeps the last 16 KiB of each output, and says that there was more", async () => {
    const flood = node("process.stdout.write('x'.repeat(1e6) + 'end'); process.stderr.write('y'.repeat(1e6) + 'end')");

    const result = await use(command, makeFolder(), { argv: flood });

    expect(result).toMatchObject({ truncated: true, stdout: expect.stringMatching(/^x+end$/) });
    expect([result.stdout.length, result.stderr.length]).toEqual([16 * 1024, 16 * 1024]);
  });

  it("no shell reads its words", async () => {
    const argv = [...node("console.log(JSON.stringify(process.argv.slice(1)))"), "a b", "$HOME; *", ""];

    expect(await use(command, makeFolder(), { argv })).toMatchObject({ stdout: '["a b","$HOME; *",""]\n' });
  });

  it("is not run in a folder outside, or where there is none", async () => {
    const workspace = makeFolder();
    writeFileSync(join(workspace, "a.txt"), "");
    symlinkSync("/", join(workspace, "root"));
    const at = (cwd: string) => use(command, workspace, { argv: node(""), cwd });

    for (const cwd of ["..", "/", "root", "root/tmp"])
      await expect(at(cwd)).rejects.toMatchObject({ code: "PATH_OUTSIDE" });
    for (const cwd of ["a.txt", "missing", "a.txt/b"]) {
      await expect(at(cwd)).rejects.toMatchObject({ code: "TOOL_FAILED", detail: expect.stringContaining(`"${cwd}"`) });
    }
  });

  it.each([
    { argv: [] },
    { argv: "ls" },
    { argv: Array(limits.argvItems + 1).fill("a") },
    { argv: ["ls"], timeoutMs: 0 },
    { argv: ["ls"], cwd: "" },
    { argv: ["ls"], env: {} },
  ])("refuses an input such as %j", async (input) => {
    await expect(use(command, makeFolder(), input as { argv: string[] })).rejects.toMatchObject({
      code: "TOOL_INPUT_INVALID",
    });
  });

  it("is not to be repeated unasked, and touches no file that it says", () => {
    expect(command).toMatchObject({ safety: "auto_ok", idempotent: false });
    expect(command.files).toBeUndefined();
  });
});
