import { z } from "zod";
import { type FailureCode, type FailureView, failures } from "./failures.ts";
import { StoreId } from "./ids.ts";

const codes = Object.keys(failures) as [FailureCode, ...FailureCode[]]; // Object.keys loses the key type; the table has many

const Failure: z.ZodType<FailureView> = z.strictObject({
  code: z.enum(codes),
  detail: z.string(),
  facts: z.record(z.string(), z.unknown()).optional(),
});

/** What a runtime replies to a call. The store's id is in every reply, so that a client notices another store. */
export const RpcReply = z.discriminatedUnion("ok", [
  z.strictObject({ ok: z.literal(true), store: StoreId, output: z.unknown() }),
  z.strictObject({ ok: z.literal(false), store: StoreId, failure: Failure }),
]);
export type RpcReply = z.infer<typeof RpcReply>;
