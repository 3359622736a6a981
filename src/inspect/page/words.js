// How values of a message are written. Whatever comes, a short text comes out.

const stateChars = 120;
const jsonChars = 200_000;

/**
 * A state as XState writes it: `running`, `running.writing`, `{left.on, right.off}`. Empty for actors without states.
 * @param {unknown} value
 * @returns {string}
 */
export function toStateText(value) {
  return shorten(writeState(value, 0), stateChars);
}

/**
 * @param {unknown} value
 * @param {number} depth
 * @returns {string}
 */
function writeState(value, depth) {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || depth > 8) return value === undefined ? "" : String(value);
  const parts = Object.entries(value).map(([name, inner]) => {
    const text = writeState(inner, depth + 1);
    return text === "" ? name : `${name}.${text}`;
  });
  return parts.length === 1 ? (parts[0] ?? "") : `{${parts.join(", ")}}`;
}

/**
 * The time of day with milliseconds, from the digits of a message; empty when they are none.
 * @param {string} createdAt
 * @returns {string}
 */
export function toTimeText(createdAt) {
  const at = new Date(Number(createdAt));
  if (Number.isNaN(at.getTime())) return "";
  const digits = (/** @type {number} */ value, length = 2) => String(value).padStart(length, "0");
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()].map((part) => digits(part)).join(":");
  return `${time}.${digits(at.getMilliseconds(), 3)}`;
}

/**
 * A value as JSON that people read.
 * @param {unknown} value
 * @returns {string}
 */
export function toJsonText(value) {
  return shorten(JSON.stringify(value, undefined, 2) ?? "", jsonChars);
}

/**
 * @param {string} text
 * @param {number} charsMax
 * @returns {string}
 */
function shorten(text, charsMax) {
  return text.length <= charsMax ? text : `${text.slice(0, charsMax - 1)}…`;
}
