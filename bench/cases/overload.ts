// Ten times as much as the runtime can do: what is still answered, and what it does to a caller that asks in turn, to the journal and to
// memory. First its capacity, with as many calls under way as it likes; then ten times that, whatever becomes of the calls.

import { type Result, readMemory, toAmount, toLatency, toRate, withFolder } from "../measure.ts";
import { startCaller, withSystem } from "../nats-system.ts";
import type { CallerVerbs, Storm } from "../programs/caller.ts";

const warmMs = 2_000;
const capacityMs = 6_000;
const stormMs = 10_000;
const inFlight = 128;
const times = 10;
const agents = 4;
const timeoutMs = 5_000;

interface Parties {
  /** Those that send the storm, each its part. */
  storm: readonly CallerVerbs[];
  /** The one that asks in turn. */
  patient: CallerVerbs;
  /** The memory of the process that holds the runtime. */
  memory(): Promise<{ mb: number; peakMb: number }>;
}

/** The runtime, its callers and the storm in one process. */
export function overloadEmbedded(): Promise<Result[]> {
  return withFolder(async (folder) => {
    const stops: (() => Promise<unknown>)[] = [];
    try {
      const caller = await startCaller(["-", folder], (stop) => stops.push(stop));
      const parties = { storm: [caller], patient: caller, memory: () => caller.memory({}) };
      return await measure("overload.embedded", parties);
    } finally {
      for (const stop of stops) await stop();
    }
  });
}

/** The runtime in a process of its own, the storm from two others, and the caller that asks in turn in a fourth. */
export function overloadNats(): Promise<Result[]> {
  return withSystem(async (system) => {
    const runtime = await system.startRuntime();
    const [first, second, patient] = [
      await system.startCaller(),
      await system.startCaller(),
      await system.startCaller(),
    ];
    const parties = { storm: [first, second], patient, memory: async () => readMemory(runtime.pid) };
    return await measure("overload.nats", parties);
  });
}

async function measure(name: string, { storm, patient, memory }: Parties): Promise<Result[]> {
  const closed = (ms: number) =>
    Promise.all(storm.map((caller) => caller.closed({ inFlight: inFlight / storm.length, ms })));
  await closed(warmMs);
  const best = (await closed(capacityMs)).reduce((sum, { answered, ms }) => sum + (answered / ms) * 1_000, 0);
  const calm = await patient.turns({ ms: 2_000, pauseMs: 10 });
  const { head } = await patient.journal({ from: 1 });
  const { peakMb: calmMb } = await memory();

  const perSecond = (best * times) / storm.length;
  const [turns, ...storms] = await Promise.all([
    patient.turns({ ms: stormMs, pauseMs: 10 }),
    ...storm.map((caller) => caller.open({ perSecond, ms: stormMs, timeoutMs, agents })),
  ]);
  const { peakMb } = await memory();
  const { longestGapMs, byStorm } = await patient.journal({ from: head + 1 });

  const sum = (count: (storm: Storm) => number): number => storms.reduce((total, each) => total + count(each), 0);
  const [asked, answered, inTime] = [
    sum((each) => each.asked),
    sum((each) => each.answered),
    sum((each) => each.inTime),
  ];
  const failed = JSON.stringify(Object.assign({}, ...storms.map((each) => each.failed)));
  const goodput = (inTime / stormMs) * 1_000;
  const lost = Math.max(0, byStorm - answered);
  const amount = { unit: "ms", n: asked } as const;
  return [
    toRate(`${name}.goodput`, asked, goodput, best, `raw: its capacity; at least .8 ×; ${failed}`),
    toLatency(
      `${name}.in-turn`,
      turns.latencies,
      calm.latencies,
      `raw: without the storm; ${turns.failed} failed; at most 500 ms`,
    ),
    toAmount({
      ...amount,
      name: `${name}.standstill`,
      value: longestGapMs,
      raw: 1_000,
      note: "the longest time without an event",
    }),
    toAmount({
      name: `${name}.memory`,
      unit: "MB",
      n: 1,
      value: peakMb,
      raw: calmMb,
      note: "raw: the peak before the storm",
    }),
    toAmount({
      name: `${name}.unanswered`,
      unit: "%",
      n: byStorm,
      value: (100 * lost) / Math.max(byStorm, 1),
      raw: 100,
      note: `${lost} recorded whose caller had left`,
    }),
  ];
}
