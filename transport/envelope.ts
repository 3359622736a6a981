// The envelope
//
// What is round every call and every published fact, so that who handles a message need not know what it means.

import { z } from "zod";
import { AgentId, CommandId } from "../src/contracts/ids.ts";
import { limits } from "../src/contracts/limits.ts";
import { Time } from "../src/contracts/values.ts";

/** A message as its sender means it. A reader refuses a `v` that it does not know. */
export const Envelope = z.strictObject({
  v: z.literal(1),
  /** The command's or event's id: a repeat of the message has the same one. */
  id: CommandId,
  /** `tenant/project`; must be the scope of the subject. */
  scope: z
    .string()
    .min(3)
    .max(2 * limits.scopePartChars + 1),
  at: Time,
  from: AgentId,
  /** What this and all that belongs to it have in common, such as the id of the first call. */
  correlation: z.string().min(1).max(limits.idChars).optional(),
  /** The id of the message that made this one be sent. */
  causation: z.string().min(1).max(limits.idChars).optional(),
  body: z.unknown(),
});
export type Envelope = z.infer<typeof Envelope>;
