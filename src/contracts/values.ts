// Values
//
// The small shapes that larger contracts are made of: texts with their bounds, times, JSON data, who a thing is for.

import { z } from "zod";
import { AgentId, Role, word } from "./ids.ts";
import { limits } from "./limits.ts";
import { sensitive } from "./sensitive.ts";

/** A short label: a kind, a family, the name of a step, tool or check. */
export const Name = word(limits.nameChars);

/** The kind of a task that is a session; `sessions.create` alone makes one. */
export const sessionKind = "session";

/** The kind of the one task of a scope that holds the events of what it has learned. */
export const memoryKind = "memory";

/** The kind of a task that is a playbook; `playbooks.compile` alone makes one. */
export const playbookKind = "playbook";

/** The kind of a task that runs a playbook; `playbooks.run` alone makes one. */
export const replayKind = "replay";

/** The kind of a task that a host reports by itself, step by step; `replay.run.start` alone makes one. It has no lease. */
export const runKind = "run";

/** What the role begins with by which a worker with a tool is asked for: `tool.file.patch`. */
export const toolRole = "tool.";

const madeBy: Readonly<Record<string, string>> = {
  [sessionKind]: `a ${sessionKind} is made by sessions.create`,
  [memoryKind]: `${memoryKind} is what holds the scope's lessons`,
  [playbookKind]: `a ${playbookKind} is made by playbooks.compile`,
  [replayKind]: `a ${replayKind} is made by playbooks.run`,
  [runKind]: `a ${runKind} is made by replay.run.start`,
};

/** The kind of a task that is started, stored or delegated. */
export const TaskKind = Name.refine((kind) => !Object.hasOwn(madeBy, kind), {
  error: ({ input }) => madeBy[String(input)],
});

/** One line for people. */
export const Line = z.string().min(1).max(limits.lineChars);

/** Long text, kept character for character. */
export const Text = z.string().max(limits.textChars);

/** A path inside a workspace, relative to its root. */
export const FilePath = z.string().min(1).max(limits.pathChars);

/** Milliseconds since 1970. */
export const Time = z.int().nonnegative().max(Number.MAX_SAFE_INTEGER);

/** A length of time in milliseconds. */
export const WaitMs = z.int().nonnegative().max(limits.waitMs);

/** A position in a scope's journal: 1 is the first event. */
export const Sequence = z.int().positive();

/** Money, tokens or the like that a step cost, in units of the caller's choice. */
export const Cost = z.number().nonnegative().max(1e15);

/** A command line as its words; no shell reads it. */
const Argv = sensitive(z.array(z.string().max(limits.textChars)).min(1).max(limits.argvItems));

/**
 * Any JSON value. The edge has already bounded the message that carried it in bytes, depth and number of values, so that
 * looking into it here costs no more than that; what JSON cannot hold was refused by the codec.
 */
export const Json = sensitive(z.unknown());
export type Json = z.infer<typeof Json>;

/** Lower-case hexadecimal SHA-256 of a step's input, made by whoever runs the step. */
export const InputHash = sensitive(z.string().regex(/^[0-9a-f]{16,64}$/));

/** Whom a claimable thing is for: one agent, any holder of a role, or anyone. */
export const Target = z.union([z.strictObject({ agent: AgentId }), z.strictObject({ role: Role }), z.literal("any")], {
  error: 'expected { role }, { agent } or "any"',
});
export type Target = z.infer<typeof Target>;

/** Who did something, and in which role. */
export const Actor = z.strictObject({ agent: AgentId, role: Role.optional() });
export type Actor = z.infer<typeof Actor>;

/** A condition that a finished task must meet. Without a command it is looked up by name among the worker's own checks. */
export const Check = z.strictObject({
  name: Name,
  command: Argv.optional(),
  /** Whether a failure sends the task back to `running`. */
  required: z.boolean().default(true),
});
export type Check = z.infer<typeof Check>;

/** How commands are kept from the rest of the machine. */
export const Isolation = z.enum(["none", "bubblewrap"]);

/** What came of one check. The fields that not every journal has are optional. */
export const CheckResult = z.strictObject({
  name: Name,
  passed: z.boolean(),
  /** What ran, cut when it is long, and in which folder. */
  command: Argv.optional(),
  cwd: Line.optional(),
  /** How the command came to its end; by itself if it is `exit`. */
  ended: z.enum(["exit", "signal", "timeout", "aborted", "unstartable"]).optional(),
  exitCode: z.int().optional(),
  durationMs: WaitMs.optional(),
  /** The last part of what it printed, and why it ended if not by itself. */
  output: sensitive(Text).optional(),
  /** Lower-case hexadecimal SHA-256 of what was kept of its outputs, 16 KiB of each, before `output` was cut from it. */
  outputHash: sensitive(z.string().regex(/^[0-9a-f]{64}$/)).optional(),
  /** How the check was kept from the rest of the machine; recorded beside the evidence. */
  isolation: Isolation.default("none"),
});
export type CheckResult = z.infer<typeof CheckResult>;

/** How many bytes of calls may be at a runtime at a time: at least the largest message. */
export const CallBytes = z.int().min(limits.messageBytes);
