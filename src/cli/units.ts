import { fromDuration, unitMs } from "../contracts/duration.ts";
import { fromIsoTime } from "../kernel/iso-time.ts";

/** A length of time in the largest unit that it fills, with one smaller from minutes on: `1 h 30 m`. */
export function toDuration(ms: number): string {
  const units = Object.entries(unitMs).reverse();
  const first = units.findIndex(([, size]) => ms >= size);
  const [unit = "ms", size = 1] = units[first] ?? [];
  const [nextUnit, nextSize = 1] = units[first + 1] ?? [];
  const count = Math.floor(ms / size);
  const rest = Math.floor((ms - count * size) / nextSize);
  return size < 60_000 || rest === 0 ? `${count} ${unit}` : `${count} ${unit} ${rest} ${nextUnit}`;
}

/** A moment: milliseconds since 1970, an ISO time, or `+2h` from `now`; nothing when `text` is none of them. */
export function fromMoment(text: string, now: number): number | undefined {
  if (/^\d{5,}$/.test(text)) return Number(text);
  if (!text.startsWith("+")) return fromIsoTime(text);
  const ms = fromDuration(text.slice(1));
  return ms === undefined ? undefined : now + ms;
}
