import { defineJob } from "./job.ts";
import { toJson } from "./words.ts";

interface Values {
  from: string;
  to: string;
}

export const docsHost = defineJob<Values>({
  name: "docs-host",
  family: "docs",
  rows: {
    1: { from: "https://docs.heron.example", to: "https://heron.example/docs" },
    2: { from: "http://wiki.example/tern", to: "https://tern.example" },
    3: { from: "https://old.example/manual", to: "https://manual.plover.example" },
    11: { from: "https://gull.example/help", to: "https://help.gull.example" },
    12: { from: "http://10.0.0.7:8080/guide", to: "https://guide.auk.example" },
    13: { from: "https://docs.example/v1/skua", to: "https://docs.example/skua" },
    14: { from: "https://pages.example/~petrel", to: "https://petrel.example/book" },
    15: { from: "https://puffin.example:8443", to: "https://docs.puffin.example" },
  },
  briefs: [
    ({ from, to }) => `The docs have moved from ${from} to ${to}. Mend all the links.`,
    ({ from, to }) => `please replace ${from} by ${to} in README, package.json and the guide`,
    ({ from, to }) => `Documentation links: ${from} is gone, use ${to}`,
    ({ from, to }) => `Change the address of the docs from ${from} to ${to}`,
    ({ from, to }) => `Our documentation moves from ${from} to ${to}, links should follow.`,
    ({ from, to }) => `links to ${from} are dead, point them to ${to}`,
  ],
  files: ({ from }) => toFiles(from),
  async act({ from, to }, hands, seed) {
    await hands.run("where is it linked", "grep", "-rlF", from, ".");
    await hands.read("README.md");
    // There are two links.
    if (seed === 2) await hands.patchInVain("the README", "README.md", from, to);
    await hands.patchAll("the README", "README.md", from, to);
    if (seed === 1) await hands.read("package.json");
    await hands.patch("the homepage", "package.json", [`"homepage": "${from}"`, `"homepage": "${to}"`]);
    await hands.read("docs/guide.md");
    await hands.patch("the guide", "docs/guide.md", [`(${from}/start)`, `(${to}/start)`]);
    if (seed === 3) await hands.read("README.md");
    await hands.runFailing("is any left", "grep", "-rnF", from, ".");
  },
  checks: ({ to }) => ({
    "the README follows": ["grep", "-qF", to, "README.md"],
    "the guide follows": ["grep", "-qF", to, "docs/guide.md"],
  }),
  expected: ({ to }) => toFiles(to),
});

function toFiles(host: string) {
  return {
    "README.md": `# Birds\n\nRead the [manual](${host}) or [ask](${host}/ask).\n`,
    "package.json": toJson({ name: "birds", homepage: host }),
    "docs/guide.md": `# Guide\n\nBegin [here](${host}/start).\n`,
  };
}
