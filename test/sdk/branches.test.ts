import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Client } from "../../sdk/client.ts";
import { createLife, type RunLife } from "../../sdk/life.ts";
import type { RunParts } from "../../sdk/parts.ts";
import { createSteps } from "../../sdk/steps.ts";
import { isFailure } from "../../src/contracts/failures.ts";
import { type StepReceipt, toStepPlace } from "../../src/contracts/step.ts";
import { systemClock } from "../../src/kernel/clock.ts";

interface Asked {
  name: string;
  isKeyed: boolean;
}
/** Each branch makes its steps one after the other; the branches go on side by side. */
type Program = Asked[][];

const asked = fc.record({ name: fc.constantFrom("review", "write", "test"), isKeyed: fc.boolean() });
const program = fc.array(fc.array(asked, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 4 });
/** How many turns each call takes, and after how many calls each run dies. */
const course = fc.record({
  turns: fc.array(fc.nat(3), { minLength: 1, maxLength: 40 }),
  lives: fc.array(fc.nat(12), { maxLength: 4 }),
});

/** What a journal keeps of steps, answered after some turns. */
function createJournal(turns: readonly number[]) {
  const receipts = new Map<string, StepReceipt>();
  let calls = 0;
  let left = Number.POSITIVE_INFINITY;
  let life: RunLife | undefined;

  async function pass(): Promise<void> {
    const count = turns[calls++ % turns.length] ?? 0;
    for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
    left -= 1;
    if (left < 0) life?.end({ reason: "stopped", why: "it died" });
  }

  async function step({ step: report }: Parameters<Client["tasks"]["step"]>[0]): Promise<{ receipt: StepReceipt }> {
    const asker = life;
    await pass();
    const { name, ordinal, key, beside, outcome } = report as Extract<typeof report, { outcome: unknown }>; // the only ones made here
    const output = outcome.kind === "succeeded" ? outcome.output : undefined;
    const seq = receipts.size + 1;
    const receipt = {
      name,
      ordinal,
      key,
      beside,
      output,
      seq,
      stage: 1,
      status: "succeeded",
      at: 0,
      agent: "a",
    } as const;
    const place = JSON.stringify(toStepPlace(receipt));
    const first = receipts.get(place);
    if (first !== undefined) return { receipt: first };
    const isFenced = asker !== life || asker?.isOver() === true; // a run that has ended records nothing more
    if (!isFenced) receipts.set(place, receipt as StepReceipt);
    return { receipt: receipt as StepReceipt }; // as a reply has it
  }

  return {
    pass,
    client: { tasks: { step, steps: () => Promise.resolve({ steps: [...receipts.values()] }) } } as unknown as Client,
    begin(next: RunLife, callsLeft: number): void {
      life = next;
      left = callsLeft;
    },
  };
}

type Journal = ReturnType<typeof createJournal>;

/** One run of a handler; says how it ended and every output that is another step's. */
async function runOnce(all: Program, journal: Journal, callsLeft: number): Promise<{ end: unknown; wrong: string[] }> {
  const task = { taskId: "task_1", epoch: 1, stage: 1, hasSteps: true, pauses: [] };
  const life = createLife(task);
  journal.begin(life, callsLeft);
  const parts = { client: journal.client, clock: systemClock, options: { agent: "a" }, task } as unknown as RunParts;
  const steps = await createSteps(parts, life, { settle: () => Promise.resolve(), isWaitingForCode: () => false });
  const wrong: string[] = [];
  const branch = async (own: Asked[], number: number): Promise<void> => {
    for (const [index, { name, isKeyed }] of own.entries()) {
      const mine = `${number}/${index}`;
      const output = await life.call(() =>
        steps.step(name, isKeyed ? { key: mine } : {}, async () => {
          await journal.pass();
          return mine;
        }),
      );
      if (output !== mine) wrong.push(`${mine} got ${output}`);
    }
  };
  const ends = await Promise.allSettled(all.map(branch));
  const failed = ends.find(({ status }) => status === "rejected");
  return { end: failed?.status === "rejected" ? failed.reason : "done", wrong };
}

async function runAll(all: Program, { turns, lives }: { turns: number[]; lives: number[] }) {
  const journal = createJournal(turns);
  const ends: unknown[] = [];
  for (const callsLeft of [...lives, Number.POSITIVE_INFINITY]) {
    const { end, wrong } = await runOnce(all, journal, callsLeft);
    if (wrong.length > 0) return { ends, wrong };
    ends.push(end);
  }
  return { ends, wrong: [] };
}

describe("parallel branches", () => {
  it("never get each other's outputs, whatever comes first and however often the handler starts over (N1, N2, N3)", async () => {
    await fc.assert(
      fc.asyncProperty(program, course, async (all, how) => {
        expect((await runAll(all, how)).wrong).toEqual([]);
      }),
      { numRuns: 1_500, interruptAfterTimeLimit: 40_000 },
    );
  });

  it("all come to their ends when each step has a key or a name of its own", async () => {
    const own = program.map((all) =>
      all.map((steps, number) =>
        steps.map(({ name, isKeyed }, index) =>
          isKeyed ? { name, isKeyed } : { name: `${name} ${number} ${index}`, isKeyed },
        ),
      ),
    );
    await fc.assert(
      fc.asyncProperty(own, course, async (all, how) => {
        expect((await runAll(all, how)).ends.at(-1)).toBe("done");
      }),
      { numRuns: 200, interruptAfterTimeLimit: 40_000 },
    );
  });

  it("is not what one branch is: its steps need no key, also within a step", async () => {
    const journal = createJournal([1]);
    const one: Program = [Array.from({ length: 5 }, () => ({ name: "review", isKeyed: false }))];

    const first = await runOnce(one, journal, 3);
    const second = await runOnce(one, journal, Number.POSITIVE_INFINITY);

    expect(isFailure(first.end, "RUN_ENDED")).toBe(true);
    expect(second).toEqual({ end: "done", wrong: [] });
  });
});
