import { ReplayReport } from "../../../src/contracts/playbook.ts";
import { replayKind, runKind } from "../../../src/contracts/values.ts";
import type { Command, CommandOf, Decision, Facts, ReplayEnd } from "../commands.ts";
import type { TaskSnapshot } from "../state.ts";
import { toLead } from "../waits.ts";
import { noRetry } from "./create.ts";
import { accept } from "./refuse.ts";

const noDelegations = { count: 0, depth: 0 };

/** The task that runs a playbook: any worker that has the tool of its first step takes it. */
export function decideBegin({ taskId, replay }: CommandOf<"replay.begin">, facts: Facts): Decision {
  const { order, data, brief, family, checks, to } = replay;
  return accept({
    type: "task.created",
    epoch: 0,
    facts: {
      ...{ kind: replayKind, family, rootId: taskId, depth: 0, to, priority: 2, claimableAt: facts.at },
      ...toLead(facts),
      retry: { attemptsMax: 5, lossesMax: 20, backoffMs: 1_000, backoffMaxMs: 60_000 },
      checks: checks.map(({ name, required }) => ({ name, required })),
      isolation: replay.isolation,
      budget: noDelegations,
      replay: order,
    },
    body: { brief, data, checks },
  });
}

/** A run that a host reports: it is the host's from the start. What comes with it is recorded in the same commit. */
export function decideHostRun({ taskId, input }: CommandOf<"replay.run.start">, facts: Facts): Decision {
  const { at: claimableAt, by } = facts;
  const { brief, family, data, files, steps, end } = input;
  const owned = { taskId, epoch: 1 };
  const also: Command[] = [{ name: "tasks.claim", taskId, input: { roles: [], waitMs: 0 } }];
  for (const step of steps) also.push({ name: "tasks.step", taskId, input: { ...owned, step: toReport(step) } });
  if (end !== undefined) also.push(toEnd(taskId, end));
  return {
    kind: "accepted",
    event: {
      type: "task.created",
      epoch: 0,
      facts: {
        ...{ kind: runKind, family, rootId: taskId, depth: 0, to: { agent: by }, priority: 2, claimableAt },
        ...{ retry: noRetry, checks: [], budget: noDelegations, ...toLead(facts) },
      },
      body: { brief, data, files },
    },
    also,
  };
}

type HostInput = CommandOf<"replay.run.start">["input"];

/** A host's step as the owner of its task would report it. */
export function toReport(step: HostInput["steps"][number]) {
  const { id, tool, input, output, error, files, durationMs } = step;
  const outcome =
    error === undefined
      ? ({ kind: "succeeded", output } as const)
      : ({ kind: "failed", error, retryable: true } as const);
  return { name: id, ordinal: 0, tool, input, outcome, files, durationMs };
}

/** The command that ends a host's run. */
export function toEnd(
  taskId: CommandOf<"replay.run.start">["taskId"],
  end: NonNullable<HostInput["end"]>,
): CommandOf<"tasks.complete" | "tasks.fail"> {
  const owned = { taskId, epoch: 1 };
  if (end.outcome === "failed")
    return {
      name: "tasks.fail",
      taskId,
      input: { ...owned, error: end.summary ?? "The run failed.", retryable: false },
    };
  const { summary = "", files, data } = end;
  const result = { summary, files, checks: [], artifacts: [], evidence: [], ...(data === undefined ? {} : { data }) };
  return { name: "tasks.complete", taskId, input: { ...owned, return: result, checks: [] } };
}

/** What a playbook must learn of the end of its replay, in the same commit. */
export function toReplayEnd(
  { context }: TaskSnapshot,
  end: { isDone: boolean; isVerified: boolean; data: unknown },
): Command | undefined {
  const { replay: order, id: replayId } = context;
  if (order === undefined) return undefined;
  const { data: report } = ReplayReport.safeParse(end.data);
  const common = { replayId, order, isVerified: end.isVerified, break: report?.break };
  return { name: "replay.ended", taskId: order.playbookId, ...common, outcome: toOutcome(end.isDone, report?.replay) };
}

/** A task that somebody else finished shows that the playbook did not. */
function toOutcome(isDone: boolean, said: ReplayReport["replay"] | undefined): ReplayEnd["outcome"] {
  if (isDone) return said === "passed" ? "passed" : "failed";
  return said === "failed" ? "failed" : "aborted";
}

/** What a task from which a playbook was compiled takes of it, as far as it has not come further already. */
export function decideTold({ value, context: { epoch } }: TaskSnapshot, { told }: CommandOf<"replay.told">): Decision {
  const part = typeof value === "object" && "succeeded" in value ? value.succeeded : undefined;
  switch (told.fact) {
    case "started":
      return part === "recorded" || part === "replaying"
        ? accept({ type: "replay.started", epoch, facts: { replayId: told.replayId }, body: {} })
        : { kind: "over" };
    case "failed":
      return part === "replaying"
        ? accept({ type: "replay.failed", epoch, facts: { replayId: told.replayId }, body: { reason: told.why } })
        : { kind: "over" };
    case "replayed":
      return part === "replaying"
        ? accept({ type: "task.replayed", epoch, facts: { replayId: told.replayId }, body: {} })
        : { kind: "over" };
    default:
      return part === "replayed"
        ? accept({ type: "task.promoted", epoch, facts: { evidence: told.evidence }, body: { reason: told.why } })
        : { kind: "over" };
  }
}
