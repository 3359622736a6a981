import { randomFillSync } from "node:crypto";

/** Randomness, as everything below `src/kernel` sees it. Tests give a seeded one. */
export interface Random {
  /** A whole number from 0 to 2^32 - 1. */
  u32(): number;
  /** `length` random bytes, the caller's to keep. */
  bytes(length: number): Uint8Array;
}

const poolBytes = 4_096;

/** Cryptographic randomness, drawn in blocks because a system call for each id would dominate its cost. */
export function createSystemRandom(): Random {
  let pool = new Uint8Array(0);
  let used = 0;
  const bytes = (length: number): Uint8Array => {
    if (used + length > pool.length) {
      pool = randomFillSync(new Uint8Array(Math.max(poolBytes, length)));
      used = 0;
    }
    used += length;
    return pool.subarray(used - length, used); // never handed out twice: a used-up pool is replaced, not refilled
  };
  return {
    bytes,
    u32() {
      const drawn = bytes(4);
      return new DataView(drawn.buffer, drawn.byteOffset, 4).getUint32(0);
    },
  };
}
