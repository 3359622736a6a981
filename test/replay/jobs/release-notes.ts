import { defineJob } from "./job.ts";

interface Values {
  project: string;
  from: string;
  to: string;
  subjects: string[];
}

/** What is written is what git printed. */
export const releaseNotes = defineJob<Values>({
  name: "release-notes",
  family: "release",
  rows: {
    1: { project: "Lantern", from: "v1.4.0", to: "v1.5.0", subjects: ["Dim at night", "Fix the flicker"] },
    2: { project: "Cormorant", from: "v0.2.0", to: "v0.2.1", subjects: ["Dive again after a failure"] },
    3: { project: "Signal Box", from: "v3.9.9", to: "v4.0.0", subjects: ["Drop levers", "Add buttons", "Test both"] },
    11: { project: "Paperweight", from: "v2.0.0", to: "v2.0.1", subjects: ["Weigh less", "Round the corners"] },
    12: { project: "Kiln", from: "v7.3.1", to: "v7.4.0", subjects: ["Fire slower", "Cool: wait a day", "Glaze"] },
    13: { project: "Estuary", from: "v0.9.0", to: "v0.10.0", subjects: ["Turn with the tide"] },
    14: { project: "Night Train", from: "v5.1.0", to: "v6.0.0", subjects: ["Add couchettes", "Remove smoking"] },
    15: { project: "Thimble", from: "v1.0.1", to: "v1.0.2", subjects: ["Fit small fingers", "Shine"] },
  },
  briefs: [
    ({ project, from, to }) => `Write the release notes of "${project}" ${to}: what was committed since ${from}.`,
    ({ project, from, to }) => `release notes for ${to} please (everything since ${from}), title "${project}"`,
    ({ project, from, to }) => `"${project}" ${to} is due. Collect the commits since ${from} into notes.`,
    ({ project, from, to }) =>
      `Please write notes for the release ${to} of "${project}", from the commits since ${from}.`,
    ({ project, from, to }) => `We release "${project}" ${to}: gather what has been committed since ${from}`,
    ({ project, from, to }) => `notes of ${to} for "${project}", commits since ${from}`,
  ],
  files: ({ from }) => ({ "notes/index.md": toIndex(from, ""), [`notes/${from}.md`]: "# The first\n\n- All of it\n" }),
  git: ({ from, subjects }) => ({ tag: from, subjects }),
  async act({ project, from, to }, hands, seed) {
    await hands.run("how do notes look", "ls", "notes");
    await hands.read(`notes/${from}.md`);
    if (seed === 2) await hands.run("what was done", "git", "log", "--oneline", `${from}..HEAD`);
    if (seed === 3) await hands.runFailing("what was done", "git", "log", "--format=- %s", `${from}..${to}`);
    const log = await hands.run("what was done", "git", "log", "--reverse", "--format=- %s", `${from}..HEAD`);
    await hands.write("write the notes", `notes/${to}.md`, `# ${project} ${to}\n\n${log}`);
    await hands.read("notes/index.md");
    await hands.patch("list them", "notes/index.md", ["# Releases\n\n", `# Releases\n\n- [${to}](${to}.md)\n`]);
    if (seed === 1) await hands.run("what has changed", "git", "status", "--short");
  },
  checks: ({ project, to }) => ({
    "there are notes": ["grep", "-q", `# ${project} ${to}`, `notes/${to}.md`],
    "they are listed": ["grep", "-qF", `(${to}.md)`, "notes/index.md"],
  }),
  expected: ({ project, from, to, subjects }) => ({
    [`notes/${to}.md`]: `# ${project} ${to}\n\n${subjects.map((subject) => `- ${subject}\n`).join("")}`,
    "notes/index.md": toIndex(from, `- [${to}](${to}.md)\n`),
  }),
  lookAlike: ({ from }, { [`notes/${from}.md`]: first = "" }) => ({
    "docs/releases.md": `# Releases\n\n## ${from}\n\n${first}`,
  }),
});

const toIndex = (known: string, line: string): string => `# Releases\n\n${line}- [${known}](${known}.md)\n`;
