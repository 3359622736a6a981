// What only a cluster can survive. What it has in common with one server is in the list of faults.

import { rmSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeNats } from "../../support/nats.ts";
import { startNatsCluster } from "../../support/nats-cluster.ts";
import type { AtEnd } from "../../support/programs.ts";
import { settle } from "./faults.ts";
import { startSystem } from "./system.ts";
import { Traffic } from "./traffic.ts";
import type { Work } from "./work.ts";

describeNats("a system on a cluster of three", (binary) => {
  async function setup(atEnd: AtEnd, { replicas }: { replicas: number }) {
    const servers = await startNatsCluster({ atEnd, binary });
    const system = await startSystem({ atEnd, servers, workers: 2, replicas });
    const traffic = new Traffic(system.client);
    const work: Work = { steps: 3, stepMs: 40, next: "handoff" };
    return { system, traffic, load: () => traffic.startAll(Array<Work>(12).fill(work), 30) };
  }

  it.concurrent("goes on without the member that serves the runtime, the mirror too (I1, I2, I3, I10)", async ({
    onTestFinished,
  }) => {
    const { system, traffic, load } = await setup(onTestFinished, { replicas: 3 });
    const member = await system.findServer("serves the runtime");

    const loaded = load();
    await member.kill();
    await loaded;

    await settle(system, traffic);
  });

  it.concurrent("goes on with a member that led the mirror, froze, and comes back when another leads it (I2, I10)", async ({
    onTestFinished,
  }) => {
    const { system, traffic, load } = await setup(onTestFinished, { replicas: 3 });
    const member = await system.findServer("keeps the mirror");

    const loaded = load();
    await member.pause();
    const findLeader = () => system.findServer("keeps the mirror");
    await expect.poll(findLeader).not.toBe(member);
    member.resume();
    await loaded;

    await settle(system, traffic);
  });

  it.concurrent("fills the mirror again that one member kept, and lost (I10)", async ({ onTestFinished }) => {
    const { system, traffic, load } = await setup(onTestFinished, { replicas: 1 });
    await load();
    const member = await system.findServer("keeps the mirror");

    await member.kill();
    rmSync(join(member.folder, "store"), { recursive: true });
    await load();
    await member.restart();

    await settle(system, traffic);
  });
});
