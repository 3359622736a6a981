// Changed parts
//
// How a part that comes with other content than was given away in its place is asked about: what differs, and both sides.

import { type Concern, type Sides, toSides } from "../src/contracts/concern.ts";
import { AionisError } from "../src/contracts/failures.ts";
import { isSameJson } from "../src/contracts/json.ts";
import { type Packet, PacketInput } from "../src/contracts/packet.ts";
import { StepKey } from "../src/contracts/step.ts";
import { Name } from "../src/contracts/values.ts";
import type { Delegation, PartId } from "./part-ids.ts";

/** What was given away: the event, and its packet unless that was erased. */
export interface RecordedPart {
  seq: number;
  packet: Packet | undefined;
}

/** A part that comes in the place of one that was given away with other content. */
export function toPartDiverged(
  taskId: string,
  { seq, packet }: RecordedPart,
  part: Delegation,
  { content, isKeyed }: PartId,
): AionisError {
  const { kind: _kind, family: _family, timeout: _timeout, budget: _budget, key, to, ...text } = part;
  const present = { to, ...(PacketInput.safeParse(text).data ?? text) };
  const recorded = packet === undefined ? undefined : pick(packet, Object.keys(present));
  const concerns: Concern & Sides = {
    of: "part",
    ...toName(part),
    ...(isKeyed ? { key: StepKey.safeParse(key).data ?? content } : {}),
    seq,
    differs: toDifferences(recorded, present),
    inputHash: content,
    waitsForCode: true,
    ...toSides({ input: recorded }, { input: present }),
  };
  const place = isKeyed ? `The part "${key}"` : `A part that comes where another was given away before`;
  const what = `${place}, of ${taskId}, has another content than what was given away (event ${seq}).`;
  return new AionisError("PART_DIVERGED", what, { facts: { seq, concerns } });
}

function toName({ key, brief }: Delegation): { name?: string } {
  const name = Name.safeParse((key ?? brief).split("\n", 1)[0]?.slice(0, nameChars).toWellFormed()).data;
  return name === undefined ? {} : { name };
}

const nameChars = 200;

function pick(packet: Packet, keys: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(packet).filter(([key]) => keys.includes(key)));
}

/** What is the same in the packet differs in what the child is: its kind or family. */
function toDifferences(recorded: Record<string, unknown> | undefined, present: Record<string, unknown>) {
  if (recorded === undefined) return ["packet" as const];
  const changed = Object.keys(present).filter((key) => !isSameJson(recorded[key], present[key]));
  const differs: ("to" | "packet")[] = [];
  if (changed.includes("to")) differs.push("to");
  if (changed.some((key) => key !== "to")) differs.push("packet");
  return differs.length === 0 ? ["kind" as const] : differs;
}
