// Calls a runtime as it is told, one JSON object a line: `caller.ts <servers> <folder>`. Without servers (`-`) it holds the runtime itself.

import { createInterface } from "node:readline";
import { connect, createRuntime } from "../../src/index.ts";
import { readMemory } from "../measure.ts";

const [, , servers = "-", path = ""] = process.argv;
const scope = "bench/nats";
const connection =
  servers === "-" ? await createRuntime({ scope, path }) : await connect({ scope, servers, agent: "caller" });

/** What `bench/cases/overload.ts` may ask of it. Lengths are in milliseconds. */
export interface CallerVerbs {
  /** As many calls under way as `inFlight`, each followed by the next one. */
  closed(input: { inFlight: number; ms: number }): Promise<{ answered: number; ms: number }>;
  /** So many calls a second, whatever becomes of them, by agents `storm-<n>`. `inTime` were answered before the last one was sent. */
  open(input: { perSecond: number; ms: number; timeoutMs: number; agents: number }): Promise<Storm>;
  /** One call after the other by an agent that does nothing else. */
  turns(input: { ms: number; pauseMs: number }): Promise<{ latencies: number[]; failed: number }>;
  /** Its memory, and the peak since it was last asked. */
  memory(input: object): Promise<{ mb: number; peakMb: number }>;
  /** What stands in the journal after `from`: the longest time without an event, and how many the storm made. */
  journal(input: { from: number }): Promise<{ head: number; longestGapMs: number; byStorm: number }>;
}

export interface Storm {
  asked: number;
  inTime: number;
  answered: number;
  failed: Record<string, number>;
}

const verbs: CallerVerbs = {
  async closed({ inFlight, ms }) {
    const startedAt = performance.now();
    let answered = 0;
    const run = async (agent: string): Promise<void> => {
      while (performance.now() - startedAt < ms) {
        await connection.tasks.start({ brief: "closed" }, { agent });
        answered += 1;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, (_, index) => run(`closed-${index % 4}`)));
    return { answered, ms: performance.now() - startedAt };
  },
  async open({ perSecond, ms, timeoutMs, agents }) {
    const storm: Storm = { asked: 0, inTime: 0, answered: 0, failed: {} };
    let underWay = 0; // a number, and no list of them: hundreds of thousands of calls would weigh more than what is measured
    const startedAt = performance.now();
    const ask = async (agent: string): Promise<void> => {
      underWay += 1;
      try {
        await connection.tasks.start({ brief: "storm" }, { agent, timeoutMs });
        storm.answered += 1;
        if (performance.now() - startedAt < ms) storm.inTime += 1;
      } catch (error) {
        const code = String((error as { code?: unknown }).code); // whatever it is, it is counted by name
        storm.failed[code] = (storm.failed[code] ?? 0) + 1;
      }
      underWay -= 1;
    };
    for (let passed = 0; passed < ms; passed = performance.now() - startedAt) {
      for (const due = (perSecond * passed) / 1_000; storm.asked < due; storm.asked += 1)
        void ask(`storm-${storm.asked % agents}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    while (underWay > 0) await new Promise((resolve) => setTimeout(resolve, 2));
    return storm;
  },
  async turns({ ms, pauseMs }) {
    const latencies: number[] = [];
    let failed = 0;
    const startedAt = performance.now();
    while (performance.now() - startedAt < ms) {
      const askedAt = performance.now();
      await connection.tasks.start({ brief: "in turn" }, { agent: "patient" }).catch(() => (failed += 1));
      latencies.push(performance.now() - askedAt);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
    return { latencies, failed };
  },
  async memory() {
    return readMemory(process.pid);
  },
  async journal({ from }) {
    let [longestGapMs, byStorm, last] = [0, 0, 0];
    for (let next = from; ; ) {
      const page = await connection.events.read({ from: next, pageSize: 500 }, { agent: "patient" });
      for (const { at, by } of page.events) {
        const moment = new Date(at).getTime();
        if (last > 0) longestGapMs = Math.max(longestGapMs, moment - last);
        if (by.startsWith("storm-")) byStorm += 1;
        last = moment;
      }
      next = page.next;
      if (page.events.length === 0 || next > page.head) return { head: page.head, longestGapMs, byStorm };
    }
  },
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { id, verb, input } = JSON.parse(line) as { id: number; verb: keyof CallerVerbs; input: never };
    void verbs[verb](input).then((output) => console.log(JSON.stringify({ id, output }))); // a failure shows as an unhandled rejection
  })
  .on("close", () => void connection.close().finally(() => process.exit()));
console.log("ready");
