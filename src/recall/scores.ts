/** Adds `value` to what `key` has. */
export function addTo<Key>(scores: Map<Key, number>, key: Key, value: number): void {
  scores.set(key, (scores.get(key) ?? 0) + value);
}

/** The `count` strongest of `scores`, strongest first; of equals, the higher number (the newer) first. */
export function strongest(scores: ReadonlyMap<number, number>, count: number): (readonly [number, number])[] {
  let kept: (readonly [number, number])[] = [];
  let floor = Number.NEGATIVE_INFINITY;
  const order = (left: readonly [number, number], right: readonly [number, number]): number =>
    right[1] - left[1] || right[0] - left[0];
  for (const entry of scores) {
    if (entry[1] < floor) continue;
    kept.push(entry);
    if (kept.length < 8 * count + 64) continue; // sorted now and then instead of kept in a heap
    kept = kept.sort(order).slice(0, count);
    floor = kept.at(-1)?.[1] ?? floor;
  }
  return kept.sort(order).slice(0, count);
}

/** `value` divided by `best`, or 0 without one: scores of one question on one scale. */
export function relative(value: number, best: number): number {
  return best > 0 ? value / best : 0;
}

/** Episodes after which a file's decayed counts are halved, and a word's. */
export const halfLives = [3, 10, 40, 160] as const;
export const wordHalfLife = 160;

/** What is left of a value after `age` with this half-life. */
export function decay(age: number, halfLife: number): number {
  return Math.exp((-Math.LN2 * age) / halfLife); // a power takes three times as long
}

/** BM25's inverse document frequency, never negative (Lucene's variant of Robertson and Spärck Jones). */
export function rarity(documents: number, having: number): number {
  return Math.log(1 + (documents - having + 0.5) / (having + 0.5));
}

const k1 = 1.2;

/** BM25's term weight without rarity, from 0 to `impactMax` (Robertson and Zaragoza 2009, equation 3.15). */
export function impact(weight: number, length: number, meanLength: number, b: number): number {
  return (weight * (k1 + 1)) / (weight + k1 * (1 - b + b * relative(length, meanLength)));
}

const impactMax = k1 + 1;

/** An impact as a byte, and back: postings keep it from when it was written, as the mean length drifts but little. */
export function toByte(value: number): number {
  return Math.max(0, Math.min(255, Math.round((value / impactMax) * 255)));
}

export function fromByte(byte: number): number {
  return (byte / 255) * impactMax;
}
