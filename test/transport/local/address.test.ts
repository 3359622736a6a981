import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { connect, makeFolder, setup, soon, text, toText } from "./support.ts";

describe("the local socket's file", () => {
  it("is open to its owner only, and gone after the close (A1)", async () => {
    const { path, server } = await setup();

    const { mode } = lstatSync(path);
    await server.close();
    await server.close();

    expect(mode & 0o777).toBe(0o600);
    expect(existsSync(path)).toBe(false);
  });

  it("leaves nothing else beside it", async () => {
    const folder = makeFolder();
    const { server } = await setup(join(folder, "runtime.sock"));

    const whileOpen = readdirSync(folder);
    await server.close();

    expect(whileOpen).toEqual(["runtime.sock"]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is replaced when its process is dead (A2)", async () => {
    const path = join(makeFolder(), "runtime.sock");
    const script = `require("node:net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", script, path]), "exit");
    const isStale = lstatSync(path).isSocket();

    await setup(path);

    const client = await connect(path);
    expect(isStale).toBe(true);
    expect(toText(await client.request("echo", text("hello"), soon))).toBe("hello");
  });

  it("is refused with TRANSPORT_IN_USE while somebody listens, who is not disturbed (A2)", async () => {
    const { path } = await setup();
    const client = await connect(path);

    await expect(setup(path)).rejects.toMatchObject({ code: "TRANSPORT_IN_USE" });

    expect(toText(await client.request("echo", text("still here"), soon))).toBe("still here");
  });

  it("is refused with TRANSPORT_IN_USE when it is no socket, and left as it is (A2)", async () => {
    const path = join(makeFolder(), "runtime.sock");
    writeFileSync(path, "precious");

    await expect(setup(path)).rejects.toMatchObject({ code: "TRANSPORT_IN_USE" });

    expect(lstatSync(path).size).toBe(8);
  });

  it("may have a path longer than the system's limit, and stands under that path (A3)", async () => {
    const folder = join(makeFolder(), "a-rather-long-name".repeat(5), "and-another".repeat(10));
    mkdirSync(folder, { recursive: true });
    const { path, server } = await setup(join(folder, "runtime.sock"));

    const client = await connect(path);
    const reply = await client.request("echo", text("far away"), soon);
    await expect(setup(path)).rejects.toMatchObject({ code: "TRANSPORT_IN_USE" });
    await client.drain();
    await server.close();

    expect(path.length).toBeGreaterThan(200);
    expect(toText(reply)).toBe("far away");
    expect(readdirSync(folder)).toEqual([]);
  });

  it("cannot stand in a folder that does not exist: TRANSPORT_UNREACHABLE", async () => {
    await expect(setup(join(makeFolder(), "missing", "runtime.sock"))).rejects.toMatchObject({
      code: "TRANSPORT_UNREACHABLE",
    });
  });

  it("is not removed by a server whose socket another one has replaced", async () => {
    const { path, server } = await setup();
    rmSync(path);
    const other = await setup(path);

    await server.close();

    const client = await connect(other.path);
    expect(toText(await client.request("echo", text("mine"), soon))).toBe("mine");
  });
});
