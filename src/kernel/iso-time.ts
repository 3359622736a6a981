const minuteMs = 60_000;

/** Local time as people read it, with its offset from UTC and without milliseconds; the bare number when no calendar has that moment. */
export function toIsoTime(ms: number): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return String(ms);
  const offset = -date.getTimezoneOffset();
  const local = new Date(ms + offset * minuteMs);
  const text = Number.isNaN(local.getTime()) ? date.toISOString() : local.toISOString();
  return `${text.replace(/\.\d+Z$/, "")}${toOffset(offset)}`;
}

/** UTC with milliseconds, for programs; the bare number when no calendar has that moment. */
export function toUtcTime(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}

/** Milliseconds since 1970 of an ISO time, local when it names no offset; nothing when `text` is none. */
export function fromIsoTime(text: string): number | undefined {
  if (!isoTime.test(text)) return undefined; // Date.parse takes much that is no ISO time, and differs between versions
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

const isoTime = /^\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?$/;

function toOffset(minutes: number): string {
  const size = Math.abs(minutes);
  const pad = (value: number): string => String(value).padStart(2, "0");
  return `${minutes < 0 ? "-" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
}
