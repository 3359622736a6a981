import { rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { connect } from "@nats-io/transport-node";
import { expect, it, onTestFinished } from "vitest";
import { createRuntime } from "../../src/index.ts";
import { describeNats, startNatsServer } from "../support/nats.ts";
import { startProgram } from "../support/programs.ts";
import { tempFolder } from "../support/store.ts";

const scope = "acme/billing & co";
const prefix = "aionis.v1.acme.=YmlsbGluZyAmIGNv";
const script = join(import.meta.dirname, "../../examples/subscribe-plain/main.ts");

describeNats("following the mirror without the SDK", (binary) => {
  async function setup() {
    const server = await startNatsServer({ binary, jetstream: true, atEnd: onTestFinished });
    const runtime = await createRuntime({
      scope,
      path: tempFolder(),
      durability: "process",
      nats: { servers: server.url },
    });
    onTestFinished(() => runtime.close());
    return { server, runtime, makeEvents, follow };

    async function makeEvents(count: number): Promise<void> {
      for (let index = 0; index < count; index += 1) await runtime.tasks.start({ brief: `task ${index}` });
    }

    /** What it has printed; it gets more. */
    function follow(from: number): unknown[] {
      const args = ["--nats", server.url, "--scope", scope, "--from", String(from)];
      const { child } = startProgram({ script, args, atEnd: onTestFinished });
      const lines: unknown[] = [];
      createInterface({ input: child.stdout! }).on("line", (line) => lines.push(JSON.parse(line)));
      return lines;
    }
  }

  it("prints every event from the given one on, once and in order, over kills and restarts of the server", async () => {
    const { server, runtime, makeEvents, follow } = await setup();
    await makeEvents(5);
    const lines = follow(3);
    await expect.poll(() => lines.length).toBe(3);

    for (let round = 1; round <= 3; round += 1) {
      await makeEvents(2);
      await server.kill();
      await makeEvents(2); // the runtime goes on without it
      await server.restart();
      await expect.poll(() => lines.length).toBe(3 + 4 * round);
    }

    const { events } = await runtime.events.read({ from: 3 });
    expect(lines).toEqual(events);
  });

  it("passes over what is not an event", async () => {
    const { server, makeEvents, follow } = await setup();
    const foreign = await connect({ servers: server.url });
    onTestFinished(() => foreign.close());
    const lines = follow(2);
    const noise = ["noise", JSON.stringify({ seq: 2 })];

    for (const count of [1, 2, 3, 4]) {
      await makeEvents(1);
      await expect.poll(() => lines.length).toBe(count - 1);
      foreign.publish(`${prefix}.task.noise.heard`, noise[count % 2]);
      await foreign.flush();
    }

    expect(lines).toMatchObject([{ seq: 2 }, { seq: 3 }, { seq: 4 }]);
  });

  it("goes on where it was when the server was wiped", async () => {
    const { server, runtime, makeEvents, follow } = await setup();
    await makeEvents(5);
    const lines = follow(1);
    await expect.poll(() => lines.length).toBe(5);

    await server.kill();
    rmSync(join(server.folder, "store"), { recursive: true });
    await server.restart();
    await makeEvents(5);

    await expect.poll(() => lines.length).toBe(10);
    expect(lines).toEqual((await runtime.events.read()).events);
  });
});
