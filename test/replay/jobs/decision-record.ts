import { defineJob } from "./job.ts";
import { toKebab } from "./words.ts";

interface Values {
  title: string;
  reason: string;
  count: number;
}

/** The number is one more than the last of a listing, which the agent counted in its head: the hardest value of the set. */
export const decisionRecord = defineJob<Values>({
  name: "decision-record",
  family: "docs",
  rows: {
    1: { title: "Use SQLite for the queue", reason: "It needs no server.", count: 4 },
    2: { title: "Sign releases", reason: "Mirrors cannot be trusted.", count: 11 },
    3: { title: "Drop the plugin system", reason: "Nobody wrote a plugin.", count: 8 },
    11: { title: "Serve pages as static files", reason: "They change once a week.", count: 6 },
    12: { title: "Keep times in UTC", reason: "Two servers disagreed.", count: 19 },
    13: { title: "One repository for all services", reason: "Changes span several of them.", count: 2 },
    14: { title: "Write logs as JSON", reason: "They are read by programs.", count: 14 },
    15: { title: "Forbid default exports", reason: "Names drift apart.", count: 9 },
  },
  briefs: [
    ({ title, reason }) => `Write a decision record "${title}". The reason: "${reason}"`,
    ({ title, reason }) => `we decided: "${title}", because "${reason}" - please file an ADR`,
    ({ title, reason }) => `New decision record, title "${title}", context "${reason}"`,
    ({ title, reason }) => `Please record the decision "${title}" with the reason "${reason}"`,
    ({ title, reason }) => `ADR: "${title}", why: "${reason}"`,
    ({ title, reason }) => `File the decision "${title}" among the records. It was made because: "${reason}"`,
  ],
  files: ({ count }) => Object.fromEntries(Array.from({ length: count }, (_, index) => toOldRecord(index + 1))),
  async act({ title, reason }, hands, seed) {
    const listing = await hands.run("which are there", "ls", "docs/decisions");
    const last = listing.trimEnd().split("\n").at(-1) ?? "";
    const number = String(Number(last.slice(0, 4)) + 1).padStart(4, "0");
    await hands.read("docs/decisions/0001-record-decisions.md");
    const path = `docs/decisions/${number}-${toKebab(title)}.md`;
    if (seed === 2) await hands.write("write it", path, `# ${title}\n\n${reason}\n`);
    await hands.write("write it", path, toRecord(title, reason));
    if (seed !== 3) await hands.run("look at it", "ls", "docs/decisions");
  },
  checks: ({ title }) => ({ "it is recorded": ["grep", "-rqx", `# ${title}`, "docs/decisions"] }),
  expected: ({ title, reason, count }) => ({
    [`docs/decisions/${String(count + 1).padStart(4, "0")}-${toKebab(title)}.md`]: toRecord(title, reason),
  }),
});

function toOldRecord(number: number): [string, string] {
  const name = number === 1 ? "record-decisions" : `older-${number}`;
  return [`docs/decisions/${String(number).padStart(4, "0")}-${name}.md`, toRecord(name, "It helps.")];
}

const toRecord = (title: string, reason: string): string =>
  `# ${title}\n\nStatus: accepted\n\n## Context\n\n${reason}\n`;
