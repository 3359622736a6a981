import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findNatsServer, readVersion } from "../../scripts/nats-server.ts";
import { createFakeMachine } from "./fake-machine.ts";

/** A machine with an apt that has sources, and whatever is put there further. */
function setup(versionsBySuite: Readonly<Record<string, string>> = {}) {
  const machine = createFakeMachine();
  machine.write("etc/os-release", "VERSION_CODENAME=noble\n");
  machine.write("etc/apt/sources.list", "deb [signed-by=/k.gpg] http://mirror.example.org/any noble main universe\n");
  machine.addApt(versionsBySuite);
  const { root, env } = machine;
  const find = (suite?: string) => findNatsServer({ root, env, suite });
  const cache = join(root, "cache/aionis");
  const cached = (suite: string) => join(cache, `nats-server-${suite}`, "usr/sbin/nats-server");
  return { ...machine, cache, cached, find };
}

describe("finding nats-server", () => {
  it("reads the version that the server prints", () => {
    expect(readVersion("nats-server: v2.9.10\n")).toBe("2.9.10");
    expect(readVersion("nats-server: v2.15.0-RC.1")).toBe("2.15.0-RC.1");
    expect(readVersion("nats-streaming-server version 0.25.6")).toBeUndefined();
    expect(readVersion("")).toBeUndefined();
  });

  it("takes NATS_SERVER_BIN first, then the PATH, then where packages put it, then the cache", async () => {
    const { root, env, find, cached, addNatsServer } = setup({ forky: "2.6.0" });
    const found = [await find()];

    addNatsServer("cache/aionis/nats-server-forky/usr/sbin/nats-server", "2.5.0");
    found.push(await find());
    addNatsServer("usr/sbin/nats-server", "2.4.0");
    found.push(await find());
    addNatsServer("bin/nats-server", "2.3.0");
    found.push(await find());
    env.NATS_SERVER_BIN = addNatsServer("elsewhere/server", "2.2.0");
    found.push(await find());

    expect(found).toEqual([
      { path: cached("forky"), version: "2.6.0" },
      { path: cached("forky"), version: "2.5.0" },
      { path: join(root, "usr/sbin/nats-server"), version: "2.4.0" },
      { path: join(root, "bin/nats-server"), version: "2.3.0" },
      { path: join(root, "elsewhere/server"), version: "2.2.0" },
    ]);
  });

  it("passes over a program of that name that is not it", async () => {
    const { find, write, addNatsServer } = setup();
    addNatsServer("bin/nats-server", "what?");
    write("usr/sbin/nats-server", "not executable");
    const path = addNatsServer("usr/local/sbin/nats-server", "2.10.1");

    expect(await find()).toEqual({ path, version: "2.10.1" });
  });

  it("does not look further when NATS_SERVER_BIN does not run", async () => {
    const { env, find, addNatsServer } = setup({ forky: "2.15.1" });
    addNatsServer("bin/nats-server", "2.10.1");
    env.NATS_SERVER_BIN = "/nowhere/nats-server";

    await expect(find()).rejects.toThrow(/NATS_SERVER_BIN: spawn \/nowhere\/nats-server ENOENT/);
  });

  it("fetches from the newest suite that has it, asking the machine's own mirror", async () => {
    const { find, cached, askedSources } = setup({ trixie: "2.10.27", noble: "2.10.7" });

    expect(await find()).toEqual({ path: cached("trixie"), version: "2.10.27" });

    const toSource = (suite: string): string =>
      `signed-by: /k.gpg\nuris: http://mirror.example.org/any\nsuites: ${suite}\ncomponents: main universe\n` +
      "types: deb\ntargets: Packages\n";
    expect(askedSources()).toBe(toSource("forky") + toSource("trixie"));
  });

  it("fetches from the system's own suite where the newer ones are not to be had", async () => {
    const { find, cached } = setup({ noble: "2.10.7" });

    expect(await find()).toEqual({ path: cached("noble"), version: "2.10.7" });
  });

  it("keeps the servers of several suites side by side, whatever else is installed", async () => {
    const { find, cached, askedSources, addNatsServer } = setup({ bookworm: "2.9.10", forky: "2.15.1" });
    addNatsServer("bin/nats-server", "2.10.1");

    const found = [await find("bookworm"), await find("forky"), await find("bookworm")];

    expect(found.map(({ version }) => version)).toEqual(["2.9.10", "2.15.1", "2.9.10"]);
    expect(found[2]?.path).toBe(cached("bookworm"));
    expect(askedSources().match(/^suites: .*$/gm)).toEqual(["suites: bookworm", "suites: forky"]);
  });

  it("puts a whole folder into the cache or none, also when several fetch at once (S2)", async () => {
    const { find, cache, cached } = setup({ forky: "libc is too old", trixie: "2.10.27" });

    const found = await Promise.all([find(), find(), find()]);

    expect(new Set(found.map(({ path }) => path))).toEqual(new Set([cached("trixie")]));
    expect(readdirSync(cache)).toEqual(["nats-server-trixie"]);
  });

  it("says what was tried and what to do when none can be had (S3)", async () => {
    const { find, addNatsServer } = setup();
    const broken = addNatsServer("bin/nats-server", "what?");

    const error = await find().catch((reason: unknown) => reason);

    expect(String(error)).toBe(
      [
        "Error: No nats-server could be had.",
        "None that runs is on the PATH or in the cache.",
        `${broken} --version printed "nats-server: vwhat?"`,
        "forky: apt-get download: E: no nats-server in forky",
        "trixie: apt-get download: E: no nats-server in trixie",
        "noble: apt-get download: E: no nats-server in noble",
        "Put nats-server on the PATH (macOS: `brew install nats-server`; Debian and Ubuntu: `apt-get install nats-server`),",
        "or set NATS_SERVER_BIN to where it is.",
      ].join("\n"),
    );
  });

  it("asks no apt where there is none", async () => {
    const { root, env } = createFakeMachine();

    await expect(findNatsServer({ root, env })).rejects.toThrow(/^No nats-server could be had\.\n.*\nPut nats-server/);
    await expect(findNatsServer({ root, env, suite: "forky" })).rejects.toThrow(
      /forky: this machine has no apt source/,
    );
  });
});
