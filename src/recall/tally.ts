// Tally: sums by number, for the one loop that reads thousands of postings a question. A Map costs five times as much there.

/** Sums by whole numbers. It is meant to be kept and cleared: then it makes no garbage. */
export class Tally {
  #size = 0;
  #keys = new Int32Array(1_024);
  #values = new Float64Array(1_024);
  /** Open addressing, at most half full: a key's place in the lists, or -1. */
  #slots = new Int32Array(2_048).fill(-1);

  clear(): void {
    this.#size = 0;
    this.#slots.fill(-1);
  }

  add(key: number, value: number): void {
    const slot = this.#slotOf(key);
    const at = this.#slots[slot] ?? -1;
    if (at !== -1) this.#values[at] = (this.#values[at] ?? 0) + value;
    else this.#enter(slot, key, value);
  }

  get(key: number): number {
    const at = this.#slots[this.#slotOf(key)] ?? -1;
    return at === -1 ? 0 : (this.#values[at] ?? 0);
  }

  /** The greatest sum; 0 if none is above. */
  best(): number {
    let best = 0;
    for (let at = 0; at < this.#size; at += 1) best = Math.max(best, this.#values[at] ?? 0);
    return best;
  }

  /** The `count` strongest, strongest first; of equals, the higher number (the newer) first. */
  strongest(count: number): (readonly [key: number, value: number])[] {
    const values = this.#values;
    const keys = this.#keys;
    const order = (left: number, right: number): number =>
      (values[right] ?? 0) - (values[left] ?? 0) || (keys[right] ?? 0) - (keys[left] ?? 0);
    let kept: number[] = [];
    let floor = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < this.#size; at += 1) {
      if ((values[at] ?? 0) < floor) continue;
      kept.push(at);
      if (kept.length < 4 * count + 64) continue; // sorted now and then instead of kept in a heap
      kept = kept.sort(order).slice(0, count);
      floor = values[kept.at(-1) ?? 0] ?? floor;
    }
    return kept
      .sort(order)
      .slice(0, count)
      .map((at) => [keys[at] ?? 0, values[at] ?? 0] as const);
  }

  #slotOf(key: number): number {
    const mask = this.#slots.length - 1;
    let slot = (Math.imul(key, 0x9e3779b1) >>> 7) & mask; // Knuth's multiplicative hashing
    for (;;) {
      const at = this.#slots[slot] ?? -1;
      if (at === -1 || this.#keys[at] === key) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #enter(slot: number, key: number, value: number): void {
    this.#slots[slot] = this.#size;
    this.#keys[this.#size] = key;
    this.#values[this.#size] = value;
    this.#size += 1;
    if (this.#size === this.#keys.length) this.#grow();
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    this.#keys = new Int32Array(2 * keys.length);
    this.#keys.set(keys);
    this.#values = new Float64Array(2 * values.length);
    this.#values.set(values);
    this.#slots = new Int32Array(2 * this.#slots.length).fill(-1);
    for (let at = 0; at < this.#size; at += 1) this.#slots[this.#slotOf(this.#keys[at] ?? 0)] = at;
  }
}
