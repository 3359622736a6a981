/** A slot that could not be filled, or a template that is none. */
export class SlotError extends Error {
  /** What stands between the braces, cut short. */
  readonly slot: string;
  readonly why: string;

  constructor(slot: string, why: string) {
    const shown = slot.length > 80 ? `${slot.slice(0, 80).toWellFormed()}…` : slot;
    super(`{{${shown}}}: ${why}`);
    this.name = "SlotError";
    this.slot = shown;
    this.why = why;
  }
}
