import { defineJob } from "./job.ts";

interface Values {
  section: string;
  text: string;
  pull: number;
  released: string;
}

export const changelogEntry = defineJob<Values>({
  name: "changelog-entry",
  family: "docs",
  rows: {
    1: { section: "Fixed", text: "Exports no longer lose their last line.", pull: 412, released: "2.1.0" },
    2: { section: "Added", text: "Search understands quoted phrases.", pull: 87, released: "0.8.3" },
    3: { section: "Changed", text: "The log is written as JSON by default.", pull: 1530, released: "5.0.1" },
    11: { section: "Removed", text: "Support for XML feeds is gone.", pull: 218, released: "1.9.9" },
    12: { section: "Fixed", text: "Long names, with commas, are not cut.", pull: 64, released: "3.2.0" },
    13: { section: "Security", text: "Tokens are compared in constant time.", pull: 991, released: "12.0.0" },
    14: { section: "Added", text: "A week can begin on Sunday.", pull: 305, released: "0.2.2" },
    15: { section: "Deprecated", text: "`--fast` says that it will go.", pull: 77, released: "4.4.0" },
  },
  briefs: [
    ({ section, text, pull }) => `Changelog: under Unreleased, ${section}: "${text}" (#${pull})`,
    ({ section, text, pull }) =>
      `Add "${text}" as ${section} to the unreleased part of the changelog, pull request #${pull}.`,
    ({ section, text, pull }) => `#${pull} needs a changelog line. Unreleased, ${section}: "${text}"`,
    ({ section, text, pull }) => `put "${text}" into CHANGELOG.md (Unreleased, ${section}), it was #${pull}`,
    ({ section, text, pull }) => `For #${pull}: write a changelog entry under Unreleased, ${section}: "${text}"`,
    ({ section, text, pull }) => `Changelog entry please. ${section}, still unreleased: "${text}" (see #${pull})`,
  ],
  files: ({ released }) => ({ "CHANGELOG.md": toChangelog(released, ""), "README.md": "# Feeds\n\nUnreleased.\n" }),
  async act({ section, text, pull }, hands, seed) {
    const entry = `- **${section}** ${text} (#${pull})`;
    await hands.read("CHANGELOG.md");
    if (seed === 1) {
      // The link at the end says the same word.
      await hands.patchInVain("add the entry", "CHANGELOG.md", "[Unreleased]", `[Unreleased]\n\n${entry}`);
      await hands.read("CHANGELOG.md");
    }
    await hands.patch("add the entry", "CHANGELOG.md", ["## [Unreleased]\n", `## [Unreleased]\n\n${entry}\n`]);
    if (seed !== 2) await hands.run("look at it", "head", "-n", "8", "CHANGELOG.md");
  },
  checks: ({ pull }) => ({ "the change is named": ["grep", "-q", `(#${pull})`, "CHANGELOG.md"] }),
  expected: ({ section, text, pull, released }) => ({
    "CHANGELOG.md": toChangelog(released, `\n- **${section}** ${text} (#${pull})\n`),
  }),
  lookAlike: ({ released }, files) => ({
    ...files,
    "CHANGELOG.md": `# Changelog\n\nWhat is to come is in changes/.\n\n## [${released}]\n\n- **Added** Feeds. (#1)\n`,
    "changes/README.md": "One file a change.\n",
  }),
});

function toChangelog(released: string, entry: string): string {
  return `# Changelog

## [Unreleased]
${entry}
## [${released}]

- **Added** Feeds. (#1)

[Unreleased]: https://forge.example/feeds/compare/${released}...main
`;
}
