/** How fast a queue moves, learned while something waits in it. Items that go on together are seen together. */
export class Pace {
  #msEach = 0;
  #items = 0;
  #since: number | undefined;

  /** The time from one item to the next; 0 until something had to wait. */
  get msEach(): number {
    return this.#msEach;
  }

  /** `items` went on since the last note. `isBusy` says whether others still wait: only then the time until the next note counts. */
  note(items: number, now: number, isBusy: boolean): void {
    if (this.#since !== undefined) {
      this.#items += items;
      const isWhole = now - this.#since >= seenMs || !isBusy;
      if (this.#items > 0 && isWhole) this.#learn(now - this.#since);
    }
    if (!isBusy) this.#since = undefined;
    else this.#since ??= now;
  }

  #learn(ms: number): void {
    const share = this.#msEach === 0 ? 1 : this.#items / (this.#items + memoryItems);
    this.#msEach += (ms / this.#items - this.#msEach) * share;
    this.#items = 0;
    this.#since = undefined;
  }
}

/** How long items are counted before they say anything: many go on in one commit, and then none until the next. */
const seenMs = 25;
/** Over how many items a change of pace is noticed. */
const memoryItems = 64;
