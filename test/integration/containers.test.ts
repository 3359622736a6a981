// A store that is shared by the spaces of one machine, as containers are made of them: of process ids, mounts, networks, host names. Docker
// is not needed; `unshare` makes each by itself, and all at once.

import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { connect, createRuntime } from "../../src/index.ts";
import type { Program } from "../support/programs.ts";
import { makeFolder, run, runThrough, scope } from "./processes.ts";

type Space = (path: string, bound: string) => { through: string[]; path: string };

const unshare = ["unshare", "--kill-child", "--fork"];
const bind = (path: string, bound: string): string[] => [
  "sh",
  "-c",
  `mount --bind ${path} ${bound} && exec "$@"`,
  "sh",
];

/** Ways to run a program beside this process, and where the store's folder stands for it. */
const spaces: Record<string, Space> = {
  "process ids of its own and no list of them": (path) => ({ through: [...unshare, "--pid"], path }),
  "the folder mounted elsewhere": (path, bound) => ({
    through: [...unshare, "--mount", ...bind(path, bound)],
    path: bound,
  }),
  "a host name of its own": (path) => ({
    through: [...unshare, "--uts", "sh", "-c", 'hostname elsewhere && exec "$@"', "sh"],
    path,
  }),
  "all spaces of its own": (path, bound) => ({
    through: [...unshare, "--pid", "--mount-proc", "--net", "--uts", "--ipc", ...bind(path, bound)],
    path: bound,
  }),
};

function whyNot(): string | undefined {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "making spaces needs root on Linux";
  const { status } = spawnSync("unshare", [
    "--kill-child",
    "--fork",
    "--pid",
    "--mount-proc",
    "--net",
    "--uts",
    "true",
  ]);
  return status === 0 ? undefined : "no spaces can be made here";
}

function setup(name: string) {
  const { path } = makeFolder();
  const bound = `${path}-bound`;
  for (const folder of [path, bound]) mkdirSync(folder, { recursive: true });
  const there = spaces[name]?.(path, bound) ?? { through: [], path };
  const start = (flags: readonly string[]) =>
    runThrough(there.through, "holder-program.ts", there.path, "10", ...flags);
  return { path, start };
}

describe.each(Object.keys(spaces))("a store and a process with %s", (name) => {
  it("is held against this one without a socket, too, and is free when it was killed", async (test) => {
    const why = whyNot();
    if (why !== undefined) return test.skip(why);
    const { path, start } = setup(name);
    const holder = start(["no-socket"]);
    await recordAndDropLocks(holder);

    await expect(createRuntime({ scope, path })).rejects.toMatchObject({ code: "STORE_IN_USE" });

    await holder.kill();
    await using next = await createRuntime({ scope, path });
    expect((await next.tasks.list()).tasks).toHaveLength(10);
    expect((await next.store.verify()).problems).toEqual([]);
  });
});

describe("a store and a process with all spaces of its own", () => {
  it("serves this one through its socket, and this one finds out by it that the other was killed", async (test) => {
    const why = whyNot();
    if (why !== undefined) return test.skip(why);
    const { path, start } = setup("all spaces of its own");
    const holder = start([]);
    await recordAndDropLocks(holder);

    const client = await connect({ scope, path });
    expect((await client.tasks.list()).tasks).toHaveLength(10);
    await client.close();

    await holder.kill();
    await using next = await createRuntime({ scope, path });
    expect((await next.tasks.list()).tasks).toHaveLength(10);
  });

  it("is refused to it while this one's holds it, and opens for it when that was killed", async (test) => {
    const why = whyNot();
    if (why !== undefined) return test.skip(why);
    const { path, start } = setup("all spaces of its own");
    const holder = run("holder-program.ts", path, "10");
    await recordAndDropLocks(holder);

    const second = start([]);
    expect(await second.exited).not.toBe(0);
    expect(second.stderr()).toContain("STORE_IN_USE");

    await holder.kill();
    const next = start([]);
    await recordAndDropLocks(next);
    await next.kill();
    await using last = await createRuntime({ scope, path });
    expect((await last.tasks.list()).tasks).toHaveLength(20);
  });
});

/** The holder opens and closes the store's files meanwhile, by which SQLite's locks go. */
async function recordAndDropLocks(holder: Program): Promise<void> {
  await holder.printed("ready");
  holder.child.stdin?.write("go\n");
  await holder.printed("acknowledged 10");
}
