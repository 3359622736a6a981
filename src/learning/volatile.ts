// What is different each time and says nothing about the kind of work: counters, times, ids, addresses. Taken out before runs are compared.
// Each expression looks at one word at a time, so that a long text costs no more than its length.

import { lessonBounds as bounds } from "./bounds.ts";

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, "#"],
  [/\b\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?/g, "#"],
  [/\b\d{1,2}:\d{2}(?::\d{2})?\b/g, "#"],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g, "#"],
  [/\b0x[0-9a-f]{1,32}\b/gi, "#"],
  [/\b(attempt|try|retry|run|build|job|pid|part|step|shard|iteration|round)([-_ #:=]{1,3})\d{1,20}(?!\d)/gi, "$1$2#"],
  [/\b[A-Z]{2,10}-\d{1,8}\b/g, "#"],
  [/#\d{1,12}\b/g, "#"],
  [/\b(?=[0-9a-f]{0,40}\d)(?=\d{0,40}[a-f])[0-9a-f]{7,64}\b/gi, "#"],
  [/(?<![\p{L}\d])\d{6,40}(?!\d)/gu, "#"],
];
const temporary = /(?:^|\/)(?:private\/)?(?:var\/folders\/[^/]{1,80}\/[^/]{1,80}|tmp|temp)\/(?:[^/]*\d[^/]*\/)?/gi;

/** `text` with what is volatile replaced by `#`. */
export function maskVolatile(text: string): string {
  return patterns.reduce((masked, [pattern, mask]) => masked.replaceAll(pattern, mask), text);
}

/** A path as it is compared: in lower case, without the parts that name one run. */
export function maskPath(path: string): string {
  // An underscore is a letter to `\b`: it is set apart while the patterns look.
  const apart = path.slice(-bounds.pathChars).replaceAll(temporary, "/tmp/").replaceAll("_", " _ ");
  return maskVolatile(apart).replaceAll(" _ ", "_").toLowerCase();
}

/** The kind of an error: its first line without numbers and without what stands in quotes. */
export function toSignature(error: string): string {
  const line = error.slice(0, 600).trim().split(/\r?\n/, 1)[0] ?? "";
  return maskVolatile(line.slice(0, 300))
    .replaceAll(/\d+/g, "#")
    .replaceAll(/(["'`])[^"'`]{1,80}\1/g, "''")
    .replaceAll(/\s+/g, " ")
    .toLowerCase()
    .slice(0, 160);
}
