/** How fast a queue moves, learned while something waits in it. */
export class Pace {
  #msEach = 0;
  #since: number | undefined;

  /** The time from one item to the next; 0 until something had to wait. */
  get msEach(): number {
    return this.#msEach;
  }

  /** `items` went on since the last note. `isBusy` says whether others still wait: only then the time until the next note counts. */
  note(items: number, now: number, isBusy: boolean): void {
    if (this.#since !== undefined) {
      if (items === 0 && isBusy) return; // the time goes to the next one
      if (items > 0) this.#msEach += ((now - this.#since) / items - this.#msEach) * (items / (items + memoryItems));
    }
    this.#since = isBusy ? now : undefined;
  }
}

/** Over how many items a change of pace is noticed. */
const memoryItems = 64;
