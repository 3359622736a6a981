// Report
//
// What the demo claims, counted from the journal and from the log of effects, and what the runtime said at last.

import type { JournalEvent } from "aionis";
import type { Effect } from "./effects.ts";
import type { NextTime } from "./next-time.ts";
import { readTestResults } from "./test-results.ts";

type TestCounts = { passed: number; failed: number };

export interface Report {
  ok: boolean;
  tasks: number;
  handoffs: number;
  delegations: number;
  stepsRecorded: number;
  /** Recorded steps that were recorded or done a second time. */
  stepsRepeated: number;
  /** A lease ran out, a later claim went on, and nothing recorded was recorded again. */
  resumedAfterCrash: boolean;
  testsBefore: TestCounts;
  testsAfter: TestCounts;
  /** Of the repair; what follows came after it. */
  events: number;
  ms: number;
  /** A strict replay of the finished task passed its check, and no agent was called for it. */
  replayed: boolean;
  promoted: boolean;
  /** What is offered to whoever asks for such work again. */
  secondStart: { file: string | null; playbook: string | null; confidence: number };
}

/** What is counted. */
export interface Seen {
  /** Those of the repair; what is recorded later is told by `next`. */
  events: readonly JournalEvent[];
  effects: readonly Effect[];
  rootId: string;
  next: NextTime;
}

/** The report, and in words what keeps it from being `ok`. */
export function toReport({ events, effects, rootId, next }: Seen) {
  const countOf = (type: JournalEvent["type"]): number => events.filter((event) => event.type === type).length;
  const steps = events.filter(({ type }) => type === "step.succeeded");
  const recordedTwice = steps.length - new Set(steps.map(toKey)).size;
  const testRuns = steps.filter((step) => step.taskId === rootId && step.facts.name === "tests").map(toTestCounts);
  const report: Report = {
    ok: false,
    tasks: events.filter(({ type, facts }) => type === "task.created" && facts.kind !== "memory").length,
    handoffs: countOf("handoff.claimed"),
    delegations: countOf("delegation.returned"),
    stepsRecorded: steps.length,
    stepsRepeated: recordedTwice + countDoneTwice(steps, effects),
    resumedAfterCrash: recordedTwice === 0 && events.some((event) => wasTakenUp(event, events)),
    testsBefore: testRuns[0] ?? { passed: 0, failed: 0 },
    testsAfter: testRuns.at(-1) ?? { passed: 0, failed: 0 },
    events: events.length,
    ms: (events.at(-1)?.at ?? 0) - (events[0]?.at ?? 0),
    replayed: next.agentCalls === 0 && next.events.some(({ type }) => type === "task.replayed"),
    promoted: next.events.some(({ type }) => type === "task.promoted"),
    secondStart: toSecondStart(next),
  };
  const isVerified = events.some(({ type, taskId }) => type === "checks.passed" && taskId === rootId);
  const problems = [
    isVerified ? [] : "the task did not end with its check passed",
    report.handoffs === 2 ? [] : `${report.handoffs} handoffs instead of 2`,
    report.delegations === 1 ? [] : `${report.delegations} delegations came back instead of 1`,
    report.stepsRepeated === 0 ? [] : `${report.stepsRepeated} recorded steps ran again`,
    report.resumedAfterCrash ? [] : "nobody took over after the crash",
    report.testsBefore.failed > 0 ? [] : "no test failed before",
    report.testsAfter.passed > 0 && report.testsAfter.failed === 0 ? [] : "the tests do not pass after",
    report.replayed ? [] : "the repair was not replayed without an agent",
    report.promoted ? [] : "the repair was not promoted",
    report.secondStart.playbook === null ? "no playbook is offered the next time" : [],
  ].flat();
  return { report: { ...report, ok: problems.length === 0 }, problems };
}

function toSecondStart({ answer: { firstAction, playbook, uncertainty } }: NextTime): Report["secondStart"] {
  const { title = null, confidence = uncertainty.confidence } = playbook ?? {};
  return { file: firstAction.file ?? null, playbook: title, confidence };
}

/** A step's identity, as `StepCall.key` has it. */
function toKey({ taskId, facts }: JournalEvent): string {
  return [taskId, facts.stage, facts.name, facts.ordinal].join("/");
}

/** A step was done again when its work was, once whoever recorded it had begun it: by anybody. Who died before has recorded nothing. */
function countDoneTwice(steps: readonly JournalEvent[], effects: readonly Effect[]): number {
  const wasDoneTwice = (step: JournalEvent): boolean => {
    const uses = effects.filter(({ key }) => key === toKey(step));
    const recorded = uses.findIndex(({ agent }) => agent === step.by);
    return recorded >= 0 && recorded < uses.length - 1;
  };
  return steps.filter(wasDoneTwice).length;
}

function wasTakenUp(lost: JournalEvent, events: readonly JournalEvent[]): boolean {
  const isLaterClaim = ({ type, taskId, epoch, seq }: JournalEvent): boolean =>
    type === "task.claimed" && taskId === lost.taskId && epoch > lost.epoch && seq > lost.seq;
  return lost.type === "lease.expired" && events.some(isLaterClaim);
}

/** What a recorded test run printed. */
function toTestCounts({ body }: JournalEvent): TestCounts {
  const output = body?.output as { stdout: string } | undefined; // what `ctx.run` records
  const { passed, failed } = readTestResults(output?.stdout ?? "");
  return { passed, failed };
}
