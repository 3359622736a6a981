// Progress: how far a replay has come, here and at the workers that had it before.

import { z } from "zod";
import { limits } from "../../src/contracts/limits.ts";
import type { ReplayBreak } from "../../src/contracts/playbook.ts";
import type { Assignment } from "../../src/contracts/task.ts";
import { replayKind } from "../../src/contracts/values.ts";
import type { RunContext } from "../context.ts";
import { Broken } from "./broken.ts";

const Keys = z.array(z.string());

/** What a worker hands over to the one that has the next tool, beside the steps that are recorded. */
const GoingOn = z.object({ replay: z.literal("goes on"), isAssisted: z.boolean(), skipped: Keys, unknown: Keys });

/** Whether a replay is the worker's own to run. One that was handed over because it broke is for whoever was named. */
export function isReplay({ kind, packet }: Pick<Assignment, "kind" | "packet">): boolean {
  return kind === replayKind && (packet?.kind !== "handoff" || GoingOn.safeParse(packet.data).success);
}

/** How far a replay has come. */
export interface Progress {
  /** By key, what steps gave back; undefined of one that somebody did, or did without. */
  outputs: Record<string, unknown>;
  /** Keys of what an earlier worker has dealt with. */
  done: Set<string>;
  isAssisted: boolean;
  isHandedOver: boolean;
  ran: number;
  skipped: string[];
  files: Set<string>;
  /** The step that is under way. */
  at: string;
}

export async function readProgress({ stage, packet }: Assignment, ctx: RunContext): Promise<Progress> {
  const { isAssisted = stage > 1, skipped = [], unknown = [] } = GoingOn.safeParse(packet?.data).data ?? {};
  const earlier = stage === 1 ? [] : (await ctx.history()).filter(({ status }) => status === "succeeded");
  const recorded = Object.fromEntries(earlier.map(({ name, output }) => [toKey(name), output]));
  const outputs = { ...recorded, ...Object.fromEntries(unknown.map((key) => [key, undefined])) };
  return {
    ...{ outputs, done: new Set([...Object.keys(outputs), ...skipped]), isAssisted, skipped: [...skipped] },
    ...{ isHandedOver: false, ran: 0, files: new Set<string>(), at: "its beginning" },
  };
}

/** The same for the worker that goes on. */
export function toGoingOn({ outputs, isAssisted, skipped }: Progress): z.input<typeof GoingOn> {
  const unknown = Object.keys(outputs).filter((key) => outputs[key] === undefined);
  return { replay: "goes on", isAssisted, skipped, unknown };
}

/** The step's key of the name under which one of its tries was recorded. */
function toKey(name: string): string {
  return name.replace(/ again \d+$/, "");
}

export function toBreak({ at }: Progress, error: Error): ReplayBreak {
  const why = error.message.slice(0, limits.lineChars).toWellFormed() || "It did not say why.";
  const condition = error instanceof Broken ? error.condition : undefined;
  return { step: at, why, ...(condition === undefined ? {} : { condition }) };
}
