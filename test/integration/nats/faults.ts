// One fault each, at the very moment where it hurts most, on workers, a runtime and nats-server as processes of their own. The list is
// gone through on each ground: on a server alone and on a cluster of three.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { TaskId } from "../../../src/contracts/ids.ts";
import { ended, journal, recorded } from "../../conformance/sdk/fabric.ts";
import { atEndOfSuite } from "../../support/ends.ts";
import type { NatsServer, NatsServerOptions } from "../../support/nats.ts";
import type { AtEnd } from "../../support/programs.ts";
import { type Fault, playRound, subscribeAndHang } from "./rounds.ts";
import { type ServerRole, type System, type SystemOptions, startSystem, type WorkerMember } from "./system.ts";
import { Traffic } from "./traffic.ts";
import { judge } from "./verdict.ts";
import { toKey, type Work } from "./work.ts";

/** What the processes stand on. */
export interface Ground {
  /** Starts a server, or the members of a cluster. */
  start(options: Pick<NatsServerOptions, "atEnd" | "config">): Promise<readonly NatsServer[]>;
  /** Which servers there are to be hurt. */
  roles: readonly ServerRole[];
  /** How many members of the cluster keep the mirror. */
  replicas?: number;
}

interface Setup {
  system: System;
  traffic: Traffic;
  /** The first worker, alone at first. */
  victim: WorkerMember;
  /** Starts a task and waits until the victim hangs in it. */
  hang(work: Omit<Work, "steps" | "stepMs">): Promise<TaskId>;
}

/** The faults that a system survives, whatever it stands on. */
export function describeFaults(ground: Ground): void {
  // The grounds may be gone through at the same time, but each hurts the processes of one test at a time.
  describe("survive", { concurrent: false }, () => itSurvives(ground));
}

function itSurvives({ start, roles, replicas }: Ground): void {
  const atEnd = atEndOfSuite();
  const mirror = replicas === undefined ? {} : { replicas };
  let servers: readonly NatsServer[];

  beforeAll(async () => {
    servers = await start({ atEnd });
  });

  async function setup(testEnd: AtEnd, options: Partial<SystemOptions> = {}): Promise<Setup> {
    const common = { atEnd: testEnd, servers, workers: 1, concurrency: 1 };
    const system = await startSystem({ ...common, ...mirror, ...options });
    const traffic = new Traffic(system.client);
    const victim = system.workers[0]!;
    async function hang(work: Omit<Work, "steps" | "stepMs">): Promise<TaskId> {
      const taskId = await traffic.start({ steps: 3, stepMs: 5, ...work });
      await victim.program.printed(`hanging ${taskId}`);
      return taskId;
    }
    return { system, traffic, victim, hang };
  }

  describe("a worker that is killed", () => {
    it("inside a step has a successor that runs this one again, and none before it", async ({ onTestFinished }) => {
      const { system, traffic, victim, hang } = await setup(onTestFinished);
      const taskId = await hang({ hang: "inside s1" });

      await victim.program.kill();
      await system.addWorker();

      await settle(system, traffic);
      expect(effectsOf(system, taskId, 1)).toEqual({ s0: 1, s1: 2, s2: 1 });
    });

    it("between two steps has a successor that runs none again", async ({ onTestFinished }) => {
      const { system, traffic, victim, hang } = await setup(onTestFinished);
      const taskId = await hang({ hang: "after s1" });

      await victim.program.kill();
      await system.addWorker();

      await settle(system, traffic);
      expect(effectsOf(system, taskId, 1)).toEqual({ s0: 1, s1: 1, s2: 1 });
    });

    it("when its offer is recorded and it has not heard so leaves an offer that is taken once (I1)", async ({
      onTestFinished,
    }) => {
      const { system, traffic, victim, hang } = await setup(onTestFinished);
      const taskId = await hang({ next: "handoff", hang: "handoff" });

      victim.line.block("down");
      victim.program.child.kill("SIGUSR2");
      await recorded(system.client, taskId, "handoff.offered");
      await victim.program.kill();
      const { agent } = await system.addWorker();

      await settle(system, traffic);
      expect(await ownersOf(system, taskId)).toEqual([victim.agent, agent]);
      expect(await countEvents(system, taskId)).toMatchObject({ "handoff.offered": 1, "handoff.claimed": 1 });
      expect(effectsOf(system, taskId, 1)).toEqual({ s0: 1, s1: 1, s2: 1 });
    });

    it("before its offer arrives has a successor that offers, and runs no step again", async ({ onTestFinished }) => {
      const { system, traffic, victim, hang } = await setup(onTestFinished);
      const taskId = await hang({ next: "handoff", hang: "handoff" });

      victim.line.block("up");
      victim.program.child.kill("SIGUSR2");
      await victim.program.kill();
      await system.addWorker();

      await settle(system, traffic);
      const [offer] = await journal(system.client, taskId, "handoff.offered");
      expect(offer?.epoch).toBe(2);
      expect(await countEvents(system, taskId)).toMatchObject({ "handoff.offered": 1, "handoff.claimed": 1 });
      expect(effectsOf(system, taskId, 1)).toEqual({ s0: 1, s1: 1, s2: 1 });
    });

    it("when its claim is recorded and it has not heard so gives the task to the next, its epoch spent (I3)", async ({
      onTestFinished,
    }) => {
      const { system, traffic, victim } = await setup(onTestFinished);

      victim.line.block("down");
      const taskId = await traffic.start({ steps: 1, stepMs: 5 });
      await recorded(system.client, taskId, "task.claimed");
      await victim.program.kill();
      const { agent } = await system.addWorker();

      await settle(system, traffic);
      expect(await ownersOf(system, taskId)).toEqual([victim.agent, agent]);
    });

    it("while its claim waits does not keep for ever what is given to it", async ({ onTestFinished }) => {
      const { system, traffic, victim } = await setup(onTestFinished);
      await ended(system.client, await traffic.start({ steps: 1, stepMs: 5 }));

      await victim.program.kill();
      const taskId = await traffic.start({ steps: 1, stepMs: 5 });
      const { agent } = await system.addWorker();

      await settle(system, traffic);
      expect((await ownersOf(system, taskId)).at(-1)).toBe(agent);
    });
  });

  describe("a worker that comes back after its lease", () => {
    it("from a stop records nothing, and its run is told (I4, R1)", async ({ onTestFinished }) => {
      const { system, traffic, victim, hang } = await setup(onTestFinished);
      const taskId = await hang({ hang: "inside s1" });

      victim.program.child.kill("SIGSTOP");
      await recorded(system.client, taskId, "lease.expired");
      await system.addWorker();
      await ended(system.client, taskId);
      victim.program.child.kill("SIGUSR2"); // its step ends as soon as it runs again
      victim.program.child.kill("SIGCONT");
      await victim.program.printed(`signal ${taskId} lost`);

      await settle(system, traffic);
      expect(await recordedLate(system, taskId, victim.agent)).toEqual([]);
      expect(effectsOf(system, taskId, 1)).toEqual({ s0: 1, s1: 2, s2: 1 });
    });

    it("from a partition records nothing of what it sent meanwhile, and its run is told (I4, R1)", async ({
      onTestFinished,
    }) => {
      const { system, traffic, victim, hang } = await setup(onTestFinished);
      const taskId = await hang({ hang: "inside s1" });

      victim.line.block();
      victim.program.child.kill("SIGUSR2"); // its step ends; the record waits in the line
      await recorded(system.client, taskId, "lease.expired");
      await system.addWorker();
      await ended(system.client, taskId);
      victim.line.open();
      await victim.program.printed(`signal ${taskId} lost`);

      await settle(system, traffic);
      expect(await recordedLate(system, taskId, victim.agent)).toEqual([]);
      expect(effectsOf(system, taskId, 1)).toEqual({ s0: 1, s1: 2, s2: 1 });
    });

    it("goes on working on other tasks", async ({ onTestFinished }) => {
      const { system, traffic, victim, hang } = await setup(onTestFinished);
      await hang({ hang: "inside s1" });
      victim.line.block();
      await recorded(system.client, traffic.taskIds[0]!, "lease.expired");

      victim.line.open();
      victim.program.child.kill("SIGUSR2"); // its step ends: the claim is revived where no other worker took the task

      await settle(system, traffic); // there is no other worker
    });
  });

  describe("under load, the system survives", () => {
    let system: System;
    let traffic: Traffic;

    beforeAll(async () => {
      system = await startSystem({ atEnd, servers, workers: 2, ...mirror });
      traffic = new Traffic(system.client);
    });

    async function survive(fault: Fault, server: ServerRole): Promise<void> {
      const common = { steps: 3, stepMs: 40 };
      const some: Work[] = [common, { ...common, next: "handoff" }, { ...common, next: "delegation" }];
      const works = [...some, ...some, ...some, ...some];
      await playRound(system, traffic, { fault, server, worker: 0, afterMs: 200, forMs: 600, works });
      await settle(system, traffic);
    }

    it("that the runtime is killed (I1, I2, I3, I10)", () => survive("the runtime is killed", "serves the runtime"));

    const worst: Fault[] = ["nats-server is killed", "nats-server loses its data", "nats-server freezes"];
    const hits = roles.flatMap((role) => worst.map((fault) => [fault, role] as const));
    it.each(hits)("that %s, the one that %s (I1, I2, I3, I10)", survive);
  });

  describe("a subscriber to everything that does not read", () => {
    it("is thrown out, and nobody loses a lease", async ({ onTestFinished }) => {
      const impatient = await start({ atEnd: onTestFinished, config: 'write_deadline: "200ms"' });
      const { system, traffic } = await setup(onTestFinished, {
        servers: impatient,
        workers: 2,
        concurrency: 3,
        leaseMs: 5_000, // a busy machine alone takes longer than one second now and then
      });
      const { port } = await system.findServer("serves the runtime");
      const subscriber = await subscribeAndHang(port);

      const work: Work = { steps: 3, stepMs: 5, outputChars: 200_000 };
      await traffic.startAll(Array<Work>(20).fill(work), 10);
      await settle(system, traffic);

      subscriber.resume();
      await once(subscriber, "close");
      const { events } = await system.client.events.read({ types: ["lease.expired"] });
      expect(events).toEqual([]);
    });
  });
}

/** Waits for the end of everything, and finds nothing wrong. */
export async function settle(system: System, traffic: Traffic): Promise<void> {
  await traffic.ended();
  expect((await judge(system, traffic)).problems).toEqual([]);
}

/** How often each step of a stage took place outside. */
function effectsOf({ log }: System, taskId: string, stage: number): Record<string, number> {
  const effects = readFileSync(log, "utf8").split("\n");
  const count = (name: string): number =>
    effects.filter((line) => line.startsWith(`effect ${toKey(taskId, stage, name, 0)} `)).length;
  return Object.fromEntries(["s0", "s1", "s2"].map((name) => [name, count(name)]));
}

/** Who owned the task, in the order of the epochs. */
async function ownersOf({ client }: System, taskId: TaskId): Promise<unknown[]> {
  const claims = await journal(client, taskId, "task.claimed", "handoff.claimed");
  return claims.map(({ facts }) => facts.agent);
}

async function countEvents({ client }: System, taskId: TaskId): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { type } of await journal(client, taskId)) counts[type] = (counts[type] ?? 0) + 1;
  return counts;
}

/** What an agent recorded after it had lost its lease. */
async function recordedLate({ client }: System, taskId: TaskId, agent: string): Promise<unknown[]> {
  const events = await journal(client, taskId);
  const lost = events.findIndex(({ type }) => type === "lease.expired");
  return events.slice(lost + 1).filter(({ by }) => by === agent);
}
