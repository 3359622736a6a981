// SHA-256
//
// Written out (FIPS 180-4), because subjects are built by the client part of the SDK, which loads no `node:` module, and the
// platform's own is asynchronous everywhere else. For ids of a few hundred characters; journals are hashed by the kernel's.

/** The digest of `data`, 32 bytes. */
export function sha256(data: Uint8Array): Uint8Array {
  const state = Uint32Array.from(initialState);
  const padded = toPadded(data);
  for (let at = 0; at < padded.byteLength; at += blockBytes) absorb(state, new DataView(padded.buffer, at, blockBytes));
  const digest = new DataView(new ArrayBuffer(32));
  for (const [index, word] of state.entries()) digest.setUint32(4 * index, word);
  return new Uint8Array(digest.buffer);
}

const blockBytes = 64;
const rounds = 64;
const primes = firstPrimes(rounds);
const initialState = primes.slice(0, 8).map((prime) => toFractionBits(Math.sqrt(prime)));
const roundConstants = primes.map((prime) => toFractionBits(Math.cbrt(prime)));

/** The data, a one bit, zeros, and the length in bits, to whole blocks. */
function toPadded(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((data.length + 9) / blockBytes) * blockBytes);
  padded.set(data);
  padded[data.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 8, Math.floor(data.length / 2 ** 29));
  view.setUint32(padded.length - 4, data.length * 8);
  return padded;
}

function absorb(state: Uint32Array, block: DataView): void {
  const words = toSchedule(block);
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state;
  for (let round = 0; round < rounds; round += 1) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const rotatedE = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const rotatedA = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const mixed = (h + rotatedE + choice + (roundConstants[round] ?? 0) + (words[round] ?? 0)) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + mixed) | 0, c, b, a, (mixed + rotatedA + majority) | 0];
  }
  for (const [index, word] of [a, b, c, d, e, f, g, h].entries()) state[index] = (state[index] ?? 0) + word;
}

function toSchedule(block: DataView): Uint32Array {
  const words = new Uint32Array(rounds);
  const at = (index: number): number => words[index] ?? 0;
  for (let index = 0; index < 16; index += 1) words[index] = block.getUint32(4 * index);
  for (let index = 16; index < rounds; index += 1) {
    const older = at(index - 15);
    const newer = at(index - 2);
    const fromOlder = rotate(older, 7) ^ rotate(older, 18) ^ (older >>> 3);
    const fromNewer = rotate(newer, 17) ^ rotate(newer, 19) ^ (newer >>> 10);
    words[index] = at(index - 16) + fromOlder + at(index - 7) + fromNewer;
  }
  return words;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}

/** The first 32 bits of a number's fraction, of which the standard makes its constants. */
function toFractionBits(number: number): number {
  return Math.floor((number % 1) * 2 ** 32);
}

function firstPrimes(count: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate += 1) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}
