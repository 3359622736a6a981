// Errors: the first line of what went wrong, without what differs from one time to the next.

const linesMax = 8;
const lineChars = 400;

/** What is masked, the longer ones first. Each expression is linear: none has two repetitions that can meet. */
const volatile = [
  /\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?/g, // times
  /(?:\b[a-z]:)?[/\\](?:tmp|var|private|home|Users|root|mnt|runner)[/\\][^\s'"`:()]+/gi, // paths of one machine
  /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, // UUIDs
  /\b[a-z]{2,12}_[0-9a-z]{12,64}\b/g, // ids such as ours
  /\b(?:0x[0-9a-f]{1,64}|(?=[a-f]{0,64}\d)[0-9a-f]{7,64})\b/gi, // addresses and hashes
  /\d+/g,
];

/** The different errors of a list, each in one form whatever its numbers, ids, times and temporary paths. */
export function readErrors(lines: readonly string[]): string[] {
  const masked = lines.slice(0, linesMax).map((line) => {
    const first =
      line
        .trimStart()
        .slice(0, lineChars)
        .split(/[\r\n]/, 1)[0] ?? "";
    return volatile
      .reduce((text, mark) => text.replaceAll(mark, "#"), first.toWellFormed())
      .replaceAll(/\s+/g, " ")
      .trim();
  });
  return [...new Set(masked)].filter((line) => line.replaceAll(/[#\s]/g, "") !== "");
}
