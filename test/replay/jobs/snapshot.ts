import { defineJob } from "./job.ts";
import { toJson } from "./words.ts";

interface Values {
  page: string;
  from: string;
  to: string;
}

/** One of the files is changed by a command, from what was patched before. */
export const snapshot = defineJob<Values>({
  name: "snapshot",
  family: "pages",
  rows: {
    1: { page: "home", from: "Welcome", to: "Welcome back" },
    2: { page: "sign-in", from: "Log in", to: "Sign in to your account" },
    3: { page: "orders", from: "All orders", to: "Your purchases" },
    11: { page: "help", from: "Questions", to: "How can we help?" },
    12: { page: "team", from: "About us", to: "Who we are" },
    13: { page: "terms", from: "Legal", to: "Terms of use" },
    14: { page: "not-found", from: "Error 404", to: "Nothing lives here" },
    15: { page: "pricing", from: "Plans", to: "Plans, prices and discounts" },
  },
  briefs: [
    ({ page, from, to }) => `On the page ${page} the title changes from "${from}" to "${to}"; update the snapshot.`,
    ({ page, from, to }) => `title of ${page}: "${from}" -> "${to}", and regenerate its snapshot`,
    ({ page, from, to }) => `Rename the heading "${from}" of the ${page} page to "${to}". The snapshot must follow.`,
    ({ page, from, to }) => `Please change the title "${from}" to "${to}" on the ${page} page, snapshot too.`,
    ({ page, from, to }) => `page ${page}: the title is now "${to}" (was "${from}"), snapshots have to be regenerated`,
    ({ page, from, to }) => `The ${page} page should be titled "${to}" instead of "${from}". Snapshot as well.`,
  ],
  files: ({ page, from }) => toFiles(page, from),
  async act({ page, from, to }, hands, seed) {
    await hands.run("look around", "ls", "pages", "snapshots");
    await hands.read(`pages/${page}.json`);
    // A heading it is not called.
    if (seed === 2) await hands.patchInVain("change the title", `pages/${page}.json`, `"heading": "${from}"`, to);
    await hands.patch("change the title", `pages/${page}.json`, [`"title": "${from}"`, `"title": "${to}"`]);
    await hands.runFailing("compare", "node", "scripts/snapshot.cjs", page);
    if (seed === 3) await hands.read("scripts/snapshot.cjs");
    await hands.run("regenerate", "node", "scripts/snapshot.cjs", page, "--update");
    await hands.run("compare", "node", "scripts/snapshot.cjs", page);
  },
  checks: ({ page, to }) => ({ "the snapshot shows it": ["grep", "-qF", `<h1>${to}</h1>`, `snapshots/${page}.html`] }),
  expected: ({ page, to }) => {
    const { "scripts/snapshot.cjs": _, ...files } = toFiles(page, to);
    return files;
  },
  lookAlike: ({ page, from }, { "scripts/snapshot.cjs": script = "" }) => ({
    "scripts/snapshot.cjs": script,
    [`pages/${page}.md`]: `# ${from}\n`,
    [`snapshots/${page}.html`]: `<h1>${from}</h1>\n<p>One moment.</p>\n`,
  }),
});

function toFiles(page: string, title: string): Record<string, string> {
  return {
    [`pages/${page}.json`]: toJson({ path: `/${page}`, title, text: "One moment." }),
    [`snapshots/${page}.html`]: `<h1>${title}</h1>\n<p>One moment.</p>\n`,
    "scripts/snapshot.cjs": `const { readFileSync, writeFileSync } = require("node:fs");

const [page, flag] = process.argv.slice(2);
const { title, text } = JSON.parse(readFileSync(\`pages/\${page}.json\`, "utf8"));
const html = \`<h1>\${title}</h1>\\n<p>\${text}</p>\\n\`;
if (flag === "--update") writeFileSync(\`snapshots/\${page}.html\`, html);
else if (readFileSync(\`snapshots/\${page}.html\`, "utf8") !== html) process.exitCode = 1;
`,
  };
}
