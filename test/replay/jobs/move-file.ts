import { defineJob } from "./job.ts";
import { exportHolds } from "./words.ts";

interface Values {
  /** Below src, without the suffix. */
  from: string;
  to: string;
  importer: string;
}

/** Imports hold a part of each path that the brief says. */
export const moveFile = defineJob<Values>({
  name: "move-file",
  family: "refactoring",
  rows: {
    1: { from: "util/date", to: "time/date", importer: "report" },
    2: { from: "misc/money", to: "billing/amount", importer: "invoice" },
    3: { from: "helpers/retry", to: "net/backoff", importer: "client" },
    11: { from: "common/slug", to: "text/slug", importer: "router" },
    12: { from: "lib/geo", to: "maps/distance", importer: "nearby" },
    13: { from: "old/hash", to: "crypto/digest", importer: "cache" },
    14: { from: "stuff/pages", to: "paging/cursor", importer: "list" },
    15: { from: "shared/colour", to: "theme/colour", importer: "badge" },
  },
  briefs: [
    ({ from, to, importer }) => `Move src/${from}.mjs to src/${to}.mjs and mend its import in src/${importer}.mjs.`,
    ({ from, to, importer }) => `src/${from}.mjs belongs at src/${to}.mjs. The import is in src/${importer}.mjs`,
    ({ from, to, importer }) => `please move \`src/${from}.mjs\` to \`src/${to}.mjs\` (src/${importer}.mjs imports it)`,
    ({ from, to, importer }) => `File src/${from}.mjs should be src/${to}.mjs; src/${importer}.mjs has to follow.`,
    ({ from, to, importer }) => `Move the file src/${from}.mjs to src/${to}.mjs, it is used by src/${importer}.mjs`,
    ({ from, to, importer }) => `move src/${from}.mjs -> src/${to}.mjs, fix src/${importer}.mjs`,
  ],
  files: ({ from, importer }) => ({ [`src/${from}.mjs`]: moved, [`src/${importer}.mjs`]: toImporter(from) }),
  async act({ from, to, importer }, hands, seed) {
    await hands.run("who imports it", "grep", "-rn", `${from}.mjs`, "src");
    const text = await hands.read(`src/${from}.mjs`);
    await hands.write("write it there", `src/${to}.mjs`, text);
    await hands.remove("delete it here", `src/${from}.mjs`);
    if (seed === 1) await hands.runFailing("test", "node", `src/${importer}.mjs`);
    await hands.read(`src/${importer}.mjs`);
    const [find, replace] = [`"./${from}.mjs"`, `"./${to}.mjs"`];
    if (seed === 3)
      await hands.patchInVain("mend the import", `src/${importer}.mjs`, find.replace("./", "../"), replace);
    await hands.patch("mend the import", `src/${importer}.mjs`, [find, replace]);
    await hands.run("test", "node", `src/${importer}.mjs`);
  },
  checks: ({ to, importer }) => ({
    "it is there": exportHolds(`src/${to}.mjs`, "it.half(4) === 2"),
    "it is imported from there": ["grep", "-q", `${to}.mjs`, `src/${importer}.mjs`],
  }),
  expected: ({ from, to, importer }) => ({
    [`src/${from}.mjs`]: null,
    [`src/${to}.mjs`]: moved,
    [`src/${importer}.mjs`]: toImporter(to),
  }),
});

const moved = "/** Half of it. */\nexport const half = (amount) => amount / 2;\n";

const toImporter = (from: string): string =>
  `import { half } from "./${from}.mjs";\n\nexport const quarter = (amount) => half(half(amount));\n`;
