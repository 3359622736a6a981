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
      if (this.#isEnough(now - this.#since, isBusy)) this.#learn(now - this.#since);
    }
    if (isBusy) {
      this.#since ??= now;
    } else {
      this.#since = undefined;
      this.#items = 0; // too few to say anything
    }
  }

  #isEnough(ms: number, isBusy: boolean): boolean {
    const least = this.#msEach === 0 ? memoryItems : 1;
    return this.#items >= least && (ms >= seenMs || !isBusy);
  }

  #learn(ms: number): void {
    const seen = ms / this.#items;
    const isFirst = this.#msEach === 0;
    const share = isFirst ? 1 : this.#items / (this.#items + memoryItems);
    this.#msEach += ((isFirst ? seen : Math.min(seen, this.#msEach * growthMost)) - this.#msEach) * share;
    this.#items = 0;
    this.#since = undefined;
  }
}

/** How long items are counted before they say anything: many go on in one commit, and then none until the next. */
const seenMs = 25;
/** By how much a single look may raise the pace: one that met a pause of the whole process says little of what comes. */
const growthMost = 2;
/** Over how many items a change of pace is noticed, and how many it takes to know any. */
const memoryItems = 64;
