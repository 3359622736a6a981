import { defineJob } from "./job.ts";
import { toJson } from "./words.ts";

interface Values {
  from: string;
  to: string;
  first: string;
  second: string;
}

export const lintFix = defineJob<Values>({
  name: "lint-fix",
  family: "lint",
  rows: {
    1: { from: "assert.equal", to: "assert.strictEqual", first: "test/parse.js", second: "test/print.js" },
    2: { from: "console.log", to: "logger.info", first: "src/boot.js", second: "src/jobs/sweep.js" },
    3: { from: "Date.now", to: "clock.now", first: "lib/lease.js", second: "lib/timer.js" },
    11: { from: "JSON.parse", to: "parseJson", first: "src/read.js", second: "src/net/body.js" },
    12: { from: "Math.random", to: "random.next", first: "game/dice.js", second: "game/deck.js" },
    13: { from: "process.exit", to: "shutdown", first: "bin/serve.js", second: "bin/work.js" },
    14: { from: "setTimeout", to: "timers.after", first: "app/poll.js", second: "app/toast.js" },
    15: { from: "text.substr", to: "text.slice", first: "core/cut.js", second: "core/pad.js" },
  },
  briefs: [
    ({ from, to, first, second }) => `The linter forbids ${from}. Use ${to} in ${first} and ${second}.`,
    ({ from, to, first, second }) => `Lint is red: replace \`${from}\` by \`${to}\` in ${first} and ${second}`,
    ({ from, to, first, second }) => `${first} and ${second} break the lint rule: ${from} has to become ${to}`,
    ({ from, to, first, second }) => `please fix lint in ${first} and ${second}, ${from} should be ${to}`,
    ({ from, to, first, second }) => `Make lint pass: in ${first} and ${second}, write ${to} instead of ${from}.`,
    ({ from, to, first, second }) => `Replace the forbidden ${from} with ${to} (${first}, ${second}).`,
  ],
  files: ({ from, first, second }) => toFiles(from, from, first, second),
  async act({ from, to, first, second }, hands, seed) {
    await hands.runFailing("lint", "node", "scripts/lint.cjs");
    if (seed === 3) await hands.read("lint.json");
    await hands.read(first);
    // It stands there twice.
    if (seed === 1) await hands.patchInVain("mend the first", first, from, to);
    await hands.patchAll("mend the first", first, from, to);
    if (seed === 2) await hands.runFailing("lint", "node", "scripts/lint.cjs");
    await hands.read(second);
    await hands.patchAll("mend the second", second, from, to);
    await hands.run("lint", "node", "scripts/lint.cjs");
  },
  checks: () => ({ lint: [process.execPath, "scripts/lint.cjs"] }),
  expected: ({ from, to, first, second }) => {
    const { [first]: one = "", [second]: other = "" } = toFiles(from, to, first, second);
    return { [first]: one, [second]: other };
  },
  lookAlike: ({ from, second }, files) => ({
    ...files,
    [second]: `const { ${from.split(".").at(-1)}: call } = require("./calls");\n\nexports.last = (text) => call(text, 2);\n`,
    "src/legacy.js": `exports.legacy = (text) => ${from}(text);\n`,
  }),
});

function toFiles(forbidden: string, called: string, first: string, second: string): Record<string, string> {
  return {
    "lint.json": toJson({ forbidden }),
    "scripts/lint.cjs": `const { readdirSync, readFileSync } = require("node:fs");
const { forbidden } = require("../lint.json");

const paths = readdirSync(".", { recursive: true }).filter((path) => path.endsWith(".js"));
const bad = paths.filter((path) => readFileSync(path, "utf8").includes(forbidden)).sort();
for (const path of bad) process.stdout.write(\`\${path}: \${forbidden} is forbidden\\n\`);
process.exitCode = bad.length === 0 ? 0 : 1;
`,
    [first]: `exports.once = (text) => ${called}(text, 1);\nexports.twice = (text) => ${called}(${called}(text, 1), 2);\n`,
    [second]: `exports.last = (text) => ${called}(text, 2);\n`,
  };
}
