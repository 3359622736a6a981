import { defineJob } from "./job.ts";
import { exportHolds } from "./words.ts";

interface Values {
  module: string;
  value: number;
  name: string;
}

export const extractConstant = defineJob<Values>({
  name: "extract-constant",
  family: "refactoring",
  rows: {
    1: { module: "session", value: 86400, name: "SESSION_SECONDS" },
    2: { module: "upload", value: 1048576, name: "UPLOAD_BYTES_MAX" },
    3: { module: "poll", value: 250, name: "POLL_MS" },
    11: { module: "password", value: 12, name: "PASSWORD_CHARS_MIN" },
    12: { module: "paging", value: 50, name: "PAGE_ROWS" },
    13: { module: "tile-cache", value: 4096, name: "TILES_KEPT" },
    14: { module: "throttle", value: 1500, name: "THROTTLE_MS" },
    15: { module: "invite", value: 604800, name: "INVITE_SECONDS" },
  },
  briefs: [
    ({ module, value, name }) =>
      `Extract the ${value} in src/${module}.mjs into a constant ${name} in src/constants.mjs.`,
    ({ module, value, name }) =>
      `magic number ${value} in src/${module}.mjs: please name it ${name} and put it with the others`,
    ({ module, value, name }) => `src/${module}.mjs has a bare ${value}. It should be ${name} in src/constants.mjs.`,
    ({ module, value, name }) => `Give the ${value} of src/${module}.mjs the name ${name} (src/constants.mjs).`,
    ({ module, value, name }) => `In src/${module}.mjs, replace the magic ${value} by a constant \`${name}\`.`,
    ({ module, value, name }) => `please make a constant ${name} out of the ${value} in src/${module}.mjs`,
  ],
  files: ({ module, value }) => ({ "src/constants.mjs": constants, [`src/${module}.mjs`]: toModule(String(value)) }),
  async act({ module, value, name }, hands, seed) {
    const path = `src/${module}.mjs`;
    await hands.run("where does it stand", "grep", "-rnw", `${value}`, "src");
    const known = await hands.read("src/constants.mjs");
    await hands.write("name it", "src/constants.mjs", `${known}export const ${name} = ${value};\n`);
    await hands.read(path);
    const imported: [string, string] = ["export const", `import { ${name} } from "./constants.mjs";\n\nexport const`];
    if (seed === 2) {
      // The import was forgotten.
      await hands.patch("use it", path, [`> ${value}`, `> ${name}`]);
      await hands.runFailing("test", "node", "-e", toTrial(module));
      await hands.patch("import it", path, imported);
    } else {
      await hands.patch("use it", path, imported, [`> ${value}`, `> ${name}`]);
    }
    await hands.run("test", "node", "-e", toTrial(module));
  },
  checks: ({ module, value, name }) => ({
    "it has a name": exportHolds("src/constants.mjs", `it.${name} === ${value}`),
    "it is used": ["grep", "-q", `> ${name}`, `src/${module}.mjs`],
  }),
  expected: ({ module, value, name }) => ({
    "src/constants.mjs": `${constants}export const ${name} = ${value};\n`,
    [`src/${module}.mjs`]: `import { ${name} } from "./constants.mjs";\n\n${toModule(name)}`,
  }),
  lookAlike: ({ module, value }, files) => ({ ...files, [`src/${module}.mjs`]: toModule(`1 * ${value}`) }),
});

const constants = "export const RETRIES_MAX = 3;\n";

const toModule = (limit: string): string => `export const isOver = (amount) => amount > ${limit};\n`;

const toTrial = (module: string): string => `import("./src/${module}.mjs").then((it) => it.isOver(1))`;
