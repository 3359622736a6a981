// Conditions of playbooks, looked at in a folder of the test's own.

import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { delimiter, join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { type ConditionSite, holds } from "../../../sdk/tools/conditions.ts";
import { makeFolder } from "./folder.ts";

function setup(site: Partial<ConditionSite> = {}) {
  const workspace = makeFolder();
  writeFileSync(join(workspace, "a.txt"), "a");
  mkdirSync(join(workspace, "src"));
  symlinkSync("gone", join(workspace, "dangling"));
  symlinkSync("..", join(workspace, "up"));
  const { signal } = new AbortController();
  const look = (condition: Parameters<typeof holds>[0]) => holds(condition, { workspace, signal, checks: {}, ...site });
  return { workspace, look };
}

const yes = { holds: true };
const no = (why: RegExp) => ({ holds: false, why: expect.stringMatching(why) });
const printed = { exitCode: 0, stdout: "12 passed", stderr: "warning: slow\n", truncated: false, ended: "exit" };

describe("a condition on paths", () => {
  it("file_exists holds where a file or a folder is, also under a link that stays inside", async () => {
    const { workspace, look } = setup();
    symlinkSync("src", join(workspace, "link"));
    writeFileSync(join(workspace, "src/b.txt"), "b");

    for (const path of ["a.txt", "src", "src/", "./link/b.txt"]) {
      expect(await look({ kind: "file_exists", path })).toEqual(yes);
    }
    for (const path of ["b.txt", "src/c.txt", "a.txt/b", "dangling"]) {
      expect(await look({ kind: "file_exists", path })).toEqual(no(/^There is nothing at ".*" in the workspace\.$/));
    }
  });

  it("path_not_exists holds where nothing is, not even a link", async () => {
    const { look } = setup();

    for (const path of ["b.txt", "src/c.txt", "no/such/folder"]) {
      expect(await look({ kind: "path_not_exists", path })).toEqual(yes);
    }
    for (const path of ["a.txt", "src", "dangling"]) {
      expect(await look({ kind: "path_not_exists", path })).toEqual(no(/^Something stands at/));
    }
  });

  it("cwd_contains holds when the root has all names, and names those that are missing", async () => {
    const { look } = setup();
    const many = Array.from({ length: 20 }, (_, index) => `file-${index}`);

    expect(await look({ kind: "cwd_contains", names: ["a.txt", "src", "dangling"] })).toEqual(yes);
    expect(await look({ kind: "cwd_contains", names: ["a.txt", "b", "c"] })).toEqual(
      no(/does not contain "b", "c"\.$/),
    );
    expect(await look({ kind: "cwd_contains", names: many })).toEqual(no(/"file-9" and 10 more\.$/));
  });

  it.each(["../x", "/etc/passwd", "up/x", "a\0b", "src/../../x"])(
    "fails with PATH_OUTSIDE for %j, and says nothing of what is there",
    async (path) => {
      const { look } = setup();
      const refused = { code: "PATH_OUTSIDE" };

      await expect(look({ kind: "file_exists", path })).rejects.toMatchObject(refused);
      await expect(look({ kind: "path_not_exists", path })).rejects.toMatchObject(refused);
      await expect(look({ kind: "cwd_contains", names: [path] })).rejects.toMatchObject(refused);
    },
  );

  it("does not hold when the file system does not let it be seen", async () => {
    const { look } = setup({ workspace: "/no/such/workspace" });

    expect(await look({ kind: "path_not_exists", path: "x" })).toEqual(no(/The workspace .* cannot be used/));
  });
});

describe("command_available", () => {
  it("looks along PATH for a program that may be run, and runs nothing", async () => {
    const { workspace, look } = setup();
    const bin = makeFolder();
    const mark = join(workspace, "was-run");
    const write = (path: string, mode: number) => {
      writeFileSync(path, `#!/bin/sh\ntouch ${mark}\n`);
      chmodSync(path, mode);
    };
    write(join(bin, "tool"), 0o755);
    write(join(bin, "text"), 0o644);
    mkdirSync(join(bin, "folder"));
    write(join(workspace, "here"), 0o755);
    vi.stubEnv("PATH", ["/no/such/folder", bin].join(delimiter));
    onTestFinished(() => void vi.unstubAllEnvs());

    expect(await look({ kind: "command_available", command: "tool" })).toEqual(yes);
    for (const command of ["text", "folder", "here", "other", "tool x", ""]) {
      expect(await look({ kind: "command_available", command })).toEqual(no(/is not found along PATH\. Install it/));
    }
    vi.stubEnv("PATH", "."); // of the folder in which the command would run
    expect(await look({ kind: "command_available", command: "here" })).toEqual(yes);
    expect(await look({ kind: "path_not_exists", path: "was-run" })).toEqual(yes);
  });

  it("looks for a path inside the workspace, or for an absolute one", async () => {
    const { workspace, look } = setup();
    writeFileSync(join(workspace, "src/run.sh"), "#!/bin/sh\n");
    chmodSync(join(workspace, "src/run.sh"), 0o755);
    symlinkSync("src/run.sh", join(workspace, "run"));

    for (const command of ["./src/run.sh", "./run", process.execPath]) {
      expect(await look({ kind: "command_available", command })).toEqual(yes);
    }
    for (const command of ["./a.txt", "./src", "./dangling", "/no/such/program", workspace]) {
      expect(await look({ kind: "command_available", command })).toEqual(no(/^There is no program at/));
    }
    await expect(look({ kind: "command_available", command: "../run" })).rejects.toMatchObject({
      code: "PATH_OUTSIDE",
    });
  });
});

describe("a condition on the environment", () => {
  it("env_exists and env_equals do not show values", async () => {
    const { look } = setup();
    vi.stubEnv("AIONIS_TEST_TOKEN", "s3cret");
    vi.stubEnv("AIONIS_TEST_EMPTY", "");
    onTestFinished(() => void vi.unstubAllEnvs());

    for (const name of ["AIONIS_TEST_TOKEN", "AIONIS_TEST_EMPTY"]) {
      expect(await look({ kind: "env_exists", name })).toEqual(yes);
    }
    expect(await look({ kind: "env_equals", name: "AIONIS_TEST_TOKEN", value: "s3cret" })).toEqual(yes);
    const other = await look({ kind: "env_equals", name: "AIONIS_TEST_TOKEN", value: "gu3ss" });
    expect(other).toEqual({ holds: false, why: 'The variable "AIONIS_TEST_TOKEN" has another value.' });
    for (const name of ["AIONIS_TEST_MISSING", "constructor"]) {
      expect(await look({ kind: "env_exists", name })).toEqual(no(/is not set\.$/));
      expect(await look({ kind: "env_equals", name, value: "" })).toEqual(no(/is not set\.$/));
    }
  });

  it.each(["127.0.0.1", "0.0.0.0", "::", "::1"])("port_free holds when nothing listens, on %s either", async (host) => {
    const { look } = setup();
    const server = createServer();
    const listening = await new Promise((settle) => {
      server.once("error", () => settle(false)).listen(0, host, () => settle(true));
    });
    if (!listening) return; // this machine has no such address
    const port = (server.address() as { port: number }).port; // it listens on a port

    expect(await look({ kind: "port_free", port })).toEqual(no(/^Something listens on port \d+\./));
    await new Promise((settle) => server.close(settle));
    expect(await look({ kind: "port_free", port })).toEqual(yes);
    expect(await look({ kind: "port_free", port: String(port) })).toEqual(yes);
  });

  it.each(["http", "0", "70000", "80.5"])("port_free does not hold for %j", async (port) => {
    expect(await setup().look({ kind: "port_free", port })).toEqual(no(/is no port\.$/));
  });
});

describe("a condition on what a step gave back", () => {
  it.each([
    ["12 passed", printed],
    ["warning: *", printed],
    ["* passed\nwarning: slow", printed],
    ["built *.js", "built a.js"],
    ['"port":80', { port: 80 }],
    ["[1,2]", [1, 2]],
    ["", undefined],
  ])("output_matches finds %j", async (pattern, output) => {
    expect(await setup({ output }).look({ kind: "output_matches", pattern })).toEqual(yes);
  });

  it("output_matches says what was not found, and when the beginning is not there", async () => {
    const condition = { kind: "output_matches", pattern: "13 passed" } as const;
    const cut = setup({ output: { ...printed, truncated: true } });

    expect(await setup({ output: printed }).look(condition)).toEqual(no(/does not match "13 passed"\.$/));
    expect(await cut.look(condition)).toEqual(no(/The beginning of it was not kept\.$/));
    expect(await setup().look(condition)).toEqual(no(/does not match/));
  });

  it("exit_code compares, and tells a command that did not end by itself", async () => {
    const condition = { kind: "exit_code", code: 0 } as const;
    const killed = { ...printed, exitCode: null, ended: "timeout" };

    expect(await setup({ output: printed }).look(condition)).toEqual(yes);
    expect(await setup({ output: { ...printed, exitCode: 3 } }).look(condition)).toEqual(no(/exit code 3, not 0\.$/));
    expect(await setup({ output: killed }).look(condition)).toEqual(no(/no exit code \("timeout"\)/));
    expect(await setup({ output: "text" }).look(condition)).toEqual(no(/no exit code/));
  });
});

describe("a condition that the worker brings", () => {
  it("is handed the workspace, the signal and the output", async () => {
    const seen: unknown[] = [];
    const checks = {
      deployed: (at: unknown) => {
        seen.push(at);
        return Promise.resolve(true);
      },
    };
    const before = setup({ checks });
    const after = setup({ checks, output: { url: "x" } });

    expect(await before.look({ kind: "check", name: "deployed" })).toEqual(yes);
    expect(await after.look({ kind: "check", name: "deployed" })).toEqual(yes);
    const signal = expect.any(AbortSignal);
    expect(seen).toEqual([
      { workspace: before.workspace, signal },
      { workspace: after.workspace, signal, output: { url: "x" } },
    ]);
  });

  it.each([
    ["says no", () => false, /^The check "deployed" says no\.$/],
    ["throws", () => Promise.reject(new Error("no network")), /^no network$/],
    [
      "throws at once",
      () => {
        throw new TypeError("x is undefined");
      },
      /^x is undefined$/,
    ],
    ["throws what is no error", () => Promise.reject(Object.create(null) as Error), /cannot be written as text/],
  ])("does not hold when it %s", async (_what, deployed, why) => {
    expect(await setup({ checks: { deployed } }).look({ kind: "check", name: "deployed" })).toEqual(no(why));
  });

  it("does not hold when there is none of that name; those there are are named", async () => {
    const checks = { one: () => true, two: () => true };

    expect(await setup({ checks }).look({ kind: "check", name: "three" })).toEqual(no(/it has "one", "two"\.$/));
    expect(await setup().look({ kind: "check", name: "constructor" })).toEqual(no(/it has none\.$/));
  });

  it("says why in at most 1,000 characters", async () => {
    const deployed = () => Promise.reject(new Error(`x${"💥".repeat(5_000)}`));

    const verdict = await setup({ checks: { deployed } }).look({ kind: "check", name: "deployed" });

    expect(verdict).toEqual({ holds: false, why: `x${"💥".repeat(499)}\ufffd` });
  });

  it("is given up when the signal fires, also by one that does not listen to it", async () => {
    const controller = new AbortController();
    const checks = { deployed: () => new Promise<boolean>(() => {}) };
    const { look } = setup({ checks, signal: controller.signal });

    const verdict = look({ kind: "check", name: "deployed" });
    controller.abort(new Error("the run is over"));

    await expect(verdict).rejects.toThrow("the run is over");
    await expect(look({ kind: "file_exists", path: "a.txt" })).rejects.toThrow("the run is over");
  });
});
