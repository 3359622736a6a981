import { defineJob } from "./job.ts";
import { exportHolds } from "./words.ts";

interface Values {
  module: string;
  from: string;
  to: string;
}

/** The test's path has the module's name, which the brief says within another path. */
export const renameSymbol = defineJob<Values>({
  name: "rename-symbol",
  family: "refactoring",
  rows: {
    1: { module: "price", from: "formatPrice", to: "formatMoney" },
    2: { module: "users", from: "fetchUser", to: "loadAccount" },
    3: { module: "slug", from: "makeSlug", to: "toPathName" },
    11: { module: "queue", from: "pushItem", to: "enqueue" },
    12: { module: "colour", from: "parseHex", to: "readColour" },
    13: { module: "retry-policy", from: "waitTime", to: "backoffMs" },
    14: { module: "dates", from: "addDays", to: "shiftDays" },
    15: { module: "cart", from: "sumLines", to: "totalOf" },
  },
  briefs: [
    ({ module, from, to }) => `Rename ${from} to ${to} in src/${module}.mjs and wherever it is used.`,
    ({ module, from, to }) => `please rename the function \`${from}\` (src/${module}.mjs) to \`${to}\`, tests included`,
    ({ module, from, to }) => `src/${module}.mjs: ${from} is a bad name, rename it to ${to} in all files`,
    ({ module, from, to }) => `In src/${module}.mjs the name ${from} should become ${to}. Mind the callers.`,
    ({ module, from, to }) => `Rename \`${from}\` to \`${to}\`; it lives in \`src/${module}.mjs\`.`,
    ({ module, from, to }) => `the function ${from} in src/${module}.mjs gets the name ${to}, everywhere`,
  ],
  files: ({ module, from }) => toFiles(module, from),
  async act({ module, from, to }, hands, seed) {
    await hands.run("who uses it", "grep", "-rl", from, "src", "test");
    await hands.read(`src/${module}.mjs`);
    // It stands there twice.
    if (seed === 2) await hands.patchInVain("rename the definition", `src/${module}.mjs`, from, to);
    await hands.patchAll("rename the definition", `src/${module}.mjs`, from, to);
    if (seed === 1) await hands.runFailing("test", "node", `test/${module}.test.mjs`);
    await hands.read("src/index.mjs");
    await hands.patchAll("rename the export", "src/index.mjs", from, to);
    await hands.read(`test/${module}.test.mjs`);
    await hands.patchAll("rename in the test", `test/${module}.test.mjs`, from, to);
    await hands.run("test", "node", `test/${module}.test.mjs`);
  },
  checks: ({ module, to }) => ({
    "the new name is exported": exportHolds("src/index.mjs", `typeof it.${to} === "function"`),
    "the test uses it": ["grep", "-q", to, `test/${module}.test.mjs`],
  }),
  expected: ({ module, to }) => {
    const { "README.md": _, ...files } = toFiles(module, to);
    return files;
  },
  lookAlike: ({ module }, files) => ({ ...files, "src/index.mjs": `export * from "./${module}.mjs";\n` }),
});

function toFiles(module: string, name: string) {
  return {
    "README.md": "# Parts\n",
    [`src/${module}.mjs`]: `export function ${name}(text) {\n  return text === "" ? "" : text[0] + ${name}(text.slice(1));\n}\n`,
    "src/index.mjs": `export { ${name} } from "./${module}.mjs";\n`,
    [`test/${module}.test.mjs`]: `import assert from "node:assert/strict";
import { ${name} } from "../src/${module}.mjs";

assert.equal(${name}("abc"), "abc");
`,
  } as Record<string, string>;
}
