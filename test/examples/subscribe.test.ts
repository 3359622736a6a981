import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it, onTestFinished } from "vitest";
import { createScreen } from "../../examples/subscribe/screen.ts";
import { type Connection, createRuntime } from "../../src/index.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { fromSources } from "../support/programs.ts";
import { tempFolder } from "../support/store.ts";

const root = join(import.meta.dirname, "../..");
const scope = "acme/billing";

describe("following delegations beside the store", () => {
  describeFollowing(async (path) => ({ flags: ["--path", path], nats: undefined }));

  it("ends with 2 and the usage when its arguments do not fit", async () => {
    const { child } = start(["--path", "somewhere", "--nats", "nats://127.0.0.1", "--scope", scope]);

    expect(await once(child, "exit")).toEqual([2, null]);
  });

  it("ends with 1 for a scope that is not there", async () => {
    const path = tempFolder();
    onTestFinished(await open({ path }));
    const { child } = start(["--path", path, "--scope", "acme/bilging"]);

    expect(await once(child, "exit")).toEqual([1, null]);
  });

  it("draws the tree below the lines on a terminal, and takes it away before it writes", async () => {
    const runtime = await createRuntime({ path: tempFolder(), scope });
    onTestFinished(runtime.close);
    const { taskId } = await delegateTwo(runtime);
    const { nodes } = await runtime.delegationRecords.tree({ taskId });
    const terminal = Object.assign(new PassThrough(), { isTTY: true, rows: 24, columns: 80 });
    const screen = createScreen(terminal as unknown as NodeJS.WriteStream); // what it uses of one

    screen.showTree(nodes);
    screen.showTree(nodes);

    const tree = "Release 2.0: running\n  └─ Notes: start\n  └─ Guide: failed\n";
    const written = String(terminal.read());
    expect(written).toContain("\u001b[3A\u001b[J"); // three lines up, and clear
    expect(stripVTControlCharacters(written)).toBe(tree + tree);
  });
});

describeNats("following delegations over NATS", (binary) => {
  describeFollowing(async () => {
    const { url } = await startNatsServer({ binary, jetstream: true, atEnd: onTestFinished });
    return { flags: ["--nats", url], nats: { servers: url } };
  });
});

function describeFollowing(
  reach: (path: string) => Promise<{ flags: string[]; nats: { servers: string } | undefined }>,
): void {
  it("shows each record once, over a restart of the runtime and of itself", async () => {
    const path = tempFolder();
    const { flags, nats } = await reach(path);
    const cursor = join(tempFolder(), "cursor");
    const argv = [...flags, "--scope", scope, "--cursor", cursor];
    const options = { path, scope, durability: "process", ...(nats && { nats }) } as const;
    const first = await createRuntime(options);
    onTestFinished(first.close);
    const { taskId, partId } = await delegateTwo(first);

    const before = start(argv);
    await expect.poll(() => before.lines.length).toBe(3);
    await first.close();
    const second = await createRuntime(options);
    onTestFinished(second.close);
    await second.tasks.cancel({ taskId: partId });
    const seqs = async (): Promise<number[]> => {
      const { events } = await second.events.read({ taskId, types: ["delegation.sent", "delegation.returned"] });
      return events.map(({ seq }) => seq);
    };
    const last = `${(await seqs()).at(-1)}\n`;
    await expect.poll(() => readFileSync(cursor, "utf8")).toBe(last);
    before.child.kill("SIGKILL");
    await second.tasks.delegate({ taskId, epoch: 1, ...news }, ann);
    const after = start(argv);
    await expect.poll(() => after.lines.length).toBe(1);
    after.child.kill("SIGINT");

    expect(await once(after.child, "exit")).toEqual([0, null]);
    const numbers = (await seqs()).map((seq) => `#${seq}`.padStart(6));
    expect([...before.lines, ...after.lines]).toEqual([
      `${numbers[0]}   → ann asks role docs: Notes`,
      `${numbers[1]}   → ann asks anyone: Guide`,
      `${numbers[2]}   ← Guide: failed Cancelled.`,
      `${numbers[3]}   ← Notes: failed Cancelled.`,
      `${numbers[4]}   → ann asks role docs: News`,
    ]);
    expect(after.lines).toHaveLength(1);
  });
}

const ann = { agent: "ann" };
const news = { to: { role: "docs" }, packet: { brief: "News", nextAction: "Read the notes" } };

/** A task of ann's with two parts, of which one has come back. */
async function delegateTwo({ tasks }: Connection) {
  const { taskId } = await tasks.start({ brief: "Release 2.0" });
  await tasks.claim({ taskId }, { agent: "ann" });
  const part = { taskId, epoch: 1 };
  const notes = { to: { role: "docs" }, packet: { brief: "Notes\nof all", nextAction: "Read the log" } };
  const guide = { to: "any" as const, packet: { brief: "Guide", files: ["guide.md"] } };
  const { childId: partId } = await tasks.delegate({ ...part, ...notes }, ann);
  const { childId } = await tasks.delegate({ ...part, ...guide }, ann);
  await tasks.cancel({ taskId: childId });
  return { taskId, partId };
}

async function open(options: { path: string }): Promise<() => Promise<void>> {
  const { close } = await createRuntime({ ...options, scope });
  return close;
}

function start(argv: string[]): { child: ChildProcess; lines: string[] } {
  const program = join(root, "examples/subscribe/main.ts");
  const child = spawn(process.execPath, [...fromSources, program, ...argv], { cwd: root });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  return { child, lines };
}
