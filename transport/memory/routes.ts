// Routes
//
// Who is registered for which subjects. What matched a subject is remembered until a registration changes, so that a repeated
// subject costs one look-up and a new one a pass over all patterns [40 ns each].

import { checkSubject, matches } from "../subjects.ts";

const subjectsRemembered = 1_024;

/** Entries by pattern, in the order of their registration. */
export class Routes<Entry> {
  readonly #patterns = new Map<Entry, string>();
  readonly #found = new Map<string, readonly Entry[]>();

  add(pattern: string, entry: Entry): void {
    this.#patterns.set(entry, pattern);
    this.#found.clear();
  }

  remove(entry: Entry): void {
    if (this.#patterns.delete(entry)) this.#found.clear();
  }

  /** @throws AionisError `INPUT_INVALID` when `subject` is not one. */
  find(subject: string): readonly Entry[] {
    const known = this.#found.get(subject);
    if (known !== undefined) return known;
    checkSubject(subject);
    const found: Entry[] = [];
    for (const [entry, pattern] of this.#patterns) {
      if (matches(pattern, subject)) found.push(entry);
    }
    if (this.#found.size >= subjectsRemembered) this.#found.clear();
    this.#found.set(subject, found);
    return found;
  }
}
