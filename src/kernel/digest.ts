import { hash } from "node:crypto";
import { crc32 } from "node:zlib";

/** SHA-256 of `data`. Deterministic, and here because hashing is a `node:` module that pure folders may not import. */
export function sha256(data: Uint8Array | string): Uint8Array {
  return hash("sha256", data, "buffer");
}

/** SHA-256 of `first` and, behind it, `text` in UTF-8. */
export function sha256Joined(first: Uint8Array, text: string): Uint8Array {
  const most = first.length + 3 * text.length; // bytes of UTF-8 for each UTF-16 unit
  const bytes = most <= scratch.length ? scratch : Buffer.allocUnsafe(most);
  bytes.set(first);
  return sha256(bytes.subarray(0, first.length + bytes.write(text, first.length)));
}

/** Used by one synchronous call at a time. */
const scratch = Buffer.allocUnsafeSlow(16 * 1024);

/** A number that is another one for nearly every change of `data`, at a hundredth of the cost of a hash. No protection against a forger. */
export function toChecksum(data: Uint8Array | string, before = 0): number {
  return crc32(data, before);
}

/** Lower-case hexadecimal text. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}
