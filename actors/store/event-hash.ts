// The hashes of an event: what its header says in a fixed order, the chain over all headers, and the salted hash of its body (I7).

import { sha256, sha256Joined, toHex } from "../../src/kernel/digest.ts";
import type { EventRecord } from "../../src/kernel/store.ts";

/** The chain before the first event: 32 zero bytes. */
export const genesis = new Uint8Array(32);

/** The chain right after the event whose header is `header`. */
export function chainOn(chain: Uint8Array, header: string): Uint8Array {
  return sha256Joined(chain, header);
}

/** The text that the chain covers: every fact of the header, in a fixed order. */
export function toHeaderText(scopeName: string, event: EventRecord, bodyHash: Uint8Array): string {
  return JSON.stringify([
    scopeName,
    event.seq,
    event.id,
    event.type,
    event.taskId,
    event.epoch,
    event.at,
    event.by,
    event.commandId,
    event.content instanceof Uint8Array ? toHex(event.content) : event.content, // as it is when a row was damaged
    event.causedBy,
    event.facts,
    toHex(bodyHash),
  ]);
}

/** SHA-256 of the salt and the body's text in UTF-8. */
export function hashBody(salt: Uint8Array, body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? sha256Joined(salt, body) : sha256(Buffer.concat([salt, body]));
}

/** Whether two hashes are the same; what is no hash is none. */
export function isSameHash(left: unknown, right: unknown): boolean {
  return left instanceof Uint8Array && right instanceof Uint8Array && Buffer.compare(left, right) === 0;
}
