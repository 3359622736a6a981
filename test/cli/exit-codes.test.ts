import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { setupCli, setupServed, startTask } from "./support.ts";

describe("exit codes", () => {
  it("are 3 for what is not there, and a read makes no store", async () => {
    const { run, folder } = setupCli();

    const noStore = await run(["task", "ls"]);
    const noSession = await run(["session", "event", "task_00000000000000000000", "x"]);
    const { code } = await run(["task", "start", "x"]);
    const noTask = await run(["task", "get", "task_00000000000000000000"]);

    expect([noStore.code, noSession.code]).toEqual([3, 3]);
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

  it("are 3 for a scope that the store does not have, and a read makes none", async () => {
    const { run, folder } = setupCli();
    await run(["task", "start", "x", "--scope", "acme/shop"]);

    const read = await run(["task", "ls", "--scope", "acme/shpo"]);
    const tail = await run(["events", "tail", "--scope", "acme/shpo"]);
    const made = await run(["task", "start", "x", "--scope", "acme/second"]);
    const json = await run(["status", "--scope", "acme/shpo", "--json"]);

    const detail = `The store in ${join(folder, ".aionis")} does not have the scope acme/shpo; it has acme/shop.`;
    expect(read).toMatchObject({ code: 3, stdout: "" });
    expect(read.stderr).toContain(`SCOPE_NOT_FOUND: ${detail}\nhint: Add --scope acme/shop, or set AIONIS_SCOPE`);
    expect(tail.code).toBe(3);
    expect(made.code).toBe(0);
    expect(JSON.parse(json.stderr)).toMatchObject({ status: 404, facts: { scopes: ["acme/shop", "acme/second"] } });
  });

  it("are 3 at once for a scope that the store of a runtime that listens does not have", async () => {
    const { run } = await setupServed();

    const { code, stderr } = await run(["status", "--scope", "acme/other", "--timeout", "1h"]);

    expect(code).toBe(3);
    expect(stderr).toMatch(/^SCOPE_NOT_FOUND: .* the scope acme\/other; it has local\/served\.\n/);
  });

  it("are 5 for a scope that cannot be made while a runtime listens that serves another", async () => {
    const { run } = await setupServed();

    const { code, stderr } = await run(["task", "start", "x", "--scope", "acme/other", "--timeout", "300ms"]);

    expect(code).toBe(5);
    expect(stderr).toMatch(/^TRANSPORT_UNROUTED: .* does not serve the scope acme\/other\.\nhint: .*--scope/);
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
