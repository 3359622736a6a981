// W2 and F1 against another process, which exchanges a folder of the workspace for a link to outside, or looks at a file all the time.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { createFileTools } from "../../../sdk/tools/files.ts";
import { makeFolder } from "./folder.ts";
import { use, ways } from "./use.ts";

/** `src` is a folder, then nothing, then a link to `outside`, then nothing, and so on. Beside a folder that a tool made in between. */
const exchanger = `
  const { renameSync, rmSync, symlinkSync } = require("node:fs");
  const [src, aside, outside] = process.argv.slice(1);
  const attempt = (change) => { try { change(); } catch {} };
  const pause = () => { for (let left = 10 ** (3 + 3 * Math.random()); left > 0; left -= 1); }; // some µs to 1 ms
  process.stdout.write("ready");
  for (;;) {
    attempt(() => renameSync(src, aside));
    attempt(() => symlinkSync(outside, src));
    pause();
    attempt(() => rmSync(src, { recursive: true, force: true }));
    attempt(() => renameSync(aside, src));
    pause();
  }`;

/** Says what the file held that is neither of its two texts, until it is asked to end. */
const reader = `
  const { readFileSync } = require("node:fs");
  const [path, ...texts] = process.argv.slice(1);
  process.stdin.on("data", () => process.exit(0));
  process.stdout.write("ready");
  const look = () => {
    for (let left = 50; left > 0; left -= 1) {
      const text = readFileSync(path, "utf8");
      if (!texts.includes(text[0]) || text !== text[0].repeat(200_000)) process.exit(1);
    }
    setImmediate(look);
  };
  look();`;

async function start(program: string, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ["-e", program, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  await once(child.stdout, "data"); // it is ready
  return child;
}

const roundsMin = 200;

describe.each(ways)("while a folder used %s is exchanged for a link to outside", (_way, options) => {
  const tools = createFileTools(options);

  async function setup() {
    const folder = makeFolder();
    const [workspace, outside] = [join(folder, "workspace"), join(folder, "outside")];
    for (const path of [join(workspace, "src"), outside]) mkdirSync(path, { recursive: true });
    writeFileSync(join(workspace, "src/a.txt"), "inside");
    for (const name of ["a.txt", "b.txt"]) writeFileSync(join(outside, name), "outside");
    const { mtimeMs } = statSync(outside);
    await start(exchanger, join(workspace, "src"), join(workspace, "aside"), outside);
    const counts = { done: 0, refused: 0 };
    /** What a tool gave, or undefined when it said that it could not. */
    async function attempt<Output>(work: () => Promise<Output>): Promise<Output | undefined> {
      try {
        const output = await work();
        counts.done += 1;
        return output;
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^(PATH_OUTSIDE|TOOL_FAILED)$/) });
        if ((error as { code: string }).code === "PATH_OUTSIDE") counts.refused += 1;
        return undefined;
      }
    }
    /** Goes on until it has met the folder and the link often enough. */
    async function repeat(round: (index: number) => Promise<void>): Promise<void> {
      for (let index = 0; index < roundsMin || counts.done < 20 || counts.refused < 20; index += 1) await round(index);
    }
    return { workspace, outside, mtimeMs, attempt, repeat };
  }

  it("nothing outside is read", async () => {
    const { workspace, attempt, repeat } = await setup();

    await repeat(async () => {
      const read = await attempt(() => use(tools.read, workspace, { path: "src/a.txt" }));
      expect(read?.text ?? "inside").toBe("inside");
    });
  });

  it("nothing outside is changed or made", async () => {
    const { workspace, outside, mtimeMs, attempt, repeat } = await setup();

    await repeat(async (index) => {
      const text = `inside ${index}`;
      await attempt(() => use(tools.write, workspace, { path: "src/a.txt", text }));
      await attempt(() => use(tools.write, workspace, { path: `src/${index}/b.txt`, text }));
      await attempt(() =>
        use(tools.patch, workspace, { path: "src/a.txt", edits: [{ find: "side", replace: "SIDE" }] }),
      );
    });

    for (const name of ["a.txt", "b.txt"]) expect(readFileSync(join(outside, name), "utf8")).toBe("outside");
    const isMade = (name: string): boolean => !["a.txt", "b.txt"].includes(name);
    const made = readdirSync(outside).filter(isMade);
    if (options.usesDescriptors) {
      expect({ made, mtimeMs: statSync(outside).mtimeMs }).toEqual({ made: [], mtimeMs }); // nor for a moment
    } else {
      // By its path an empty file or folder can be made there, as W2 says.
      for (const name of made) {
        const path = join(outside, name);
        expect(statSync(path).isDirectory() ? readdirSync(path) : readFileSync(path, "utf8")).toHaveLength(0);
      }
    }
  });

  it.runIf(options.usesDescriptors)("nothing outside is removed", async () => {
    const { workspace, outside, mtimeMs, attempt, repeat } = await setup();

    await repeat(async () => {
      await attempt(() => use(tools.delete, workspace, { path: "src/a.txt" }));
      await attempt(() => use(tools.delete, workspace, { path: "src/b.txt" }));
    });

    expect(readdirSync(outside).sort()).toEqual(["a.txt", "b.txt"]);
    expect(statSync(outside).mtimeMs).toBe(mtimeMs);
  });
});

describe("a file that is patched", () => {
  it("is the old or the new one at each moment, and so when the process dies (F1)", async () => {
    const tools = createFileTools();
    const workspace = makeFolder();
    const texts = ["a", "b"].map((character) => character.repeat(200_000));
    const [old = "", other = ""] = texts;
    writeFileSync(join(workspace, "a.txt"), old);
    const child = await start(reader, join(workspace, "a.txt"), "a", "b");
    const exited = once(child, "exit");

    for (let round = 0; round < 40; round += 1) {
      const [find, replace] = round % 2 === 0 ? [old, other] : [other, old];
      await use(tools.patch, workspace, { path: "a.txt", edits: [{ find, replace }] });
    }
    child.stdin?.write("end");

    expect(await exited).toEqual([0, null]);
    expect(readdirSync(workspace)).toEqual(["a.txt"]);
  });
});
