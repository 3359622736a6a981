import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

/** SHA-256 of `data`. Deterministic, and here because hashing is a `node:` module that pure folders may not import. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return hash("sha256", data, "buffer");
}

/** A number that is another one for nearly every change of `data`, at a hundredth of the cost of a hash. No protection against a forger. */
export function toChecksum(data: Uint8Array | string, before = 0): number {
  return crc32(data, before);
}

/** Lower-case hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
