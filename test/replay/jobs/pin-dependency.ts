import { defineJob } from "./job.ts";
import { holds, toJson } from "./words.ts";

interface Values {
  id: string;
  name: string;
  range: string;
  fixed: string;
}

/** The brief names the advisory; what it is about comes as data. */
export const pinDependency = defineJob<Values>({
  name: "pin-dependency",
  family: "dependencies",
  rows: {
    1: { id: "ADV-2201", name: "tarmac", range: "^4.1.0", fixed: "4.1.7" },
    2: { id: "ADV-0098", name: "@fern/parser", range: "~2.0.3", fixed: "2.0.9" },
    3: { id: "ADV-1417", name: "yamlet", range: ">=0.3.0", fixed: "0.3.12" },
    11: { id: "ADV-3005", name: "slipway", range: "^7.0.0", fixed: "7.2.2" },
    12: { id: "ADV-0551", name: "@moss/http", range: "^1.1.1", fixed: "1.4.0" },
    13: { id: "ADV-2718", name: "globule", range: "3.x", fixed: "3.3.1" },
    14: { id: "ADV-1999", name: "queuelet", range: "~9.5.0", fixed: "9.5.4" },
    15: { id: "ADV-0042", name: "@brine/salt", range: "^0.9.1", fixed: "0.9.8" },
  },
  briefs: [
    ({ id }) => `Pin the dependency of advisory ${id} to its fixed version.`,
    ({ id }) => `${id}: please pin the package to what the advisory says and note it in docs/pins.md`,
    ({ id }) => `Advisory ${id} came in. Pin exactly the fixed version, and list the pin.`,
    ({ id }) => `handle ${id} (pin the fixed version)`,
    ({ id }) => `There is an advisory, ${id}; pin the affected package.`,
    ({ id }) => `Pin what ${id} is about, with the usual note.`,
  ],
  data: ({ id, name, range, fixed }) => ({ advisory: { id, severity: "high" }, package: { name, range, fixed } }),
  files: ({ name, range }) => toFiles(name, range, ""),
  async act({ id, name, range, fixed }, hands, seed) {
    await hands.read("package.json");
    // It was given by its tilde elsewhere.
    if (seed === 3)
      await hands.patchInVain("pin it", "package.json", `"${name}": "~${fixed}"`, `"${name}": "${fixed}"`);
    await hands.patch("pin it", "package.json", [`"${name}": "${range}"`, `"${name}": "${fixed}"`]);
    await hands.read("docs/pins.md");
    const line = `- \`${name}\` ${fixed}: ${id}\n`;
    await hands.patch("note the pin", "docs/pins.md", ["# Pins\n\n", `# Pins\n\n${line}`]);
    if (seed === 1) await hands.run("look at it", "cat", "docs/pins.md");
    await hands.run("is it valid", "node", "-e", "JSON.parse(fs.readFileSync('package.json', 'utf8'))");
  },
  checks: ({ id, name, fixed }) => ({
    "it is pinned": holds(`require("./package.json").dependencies["${name}"] === "${fixed}"`),
    "the pin is noted": ["grep", "-q", id, "docs/pins.md"],
  }),
  expected: ({ id, name, fixed }) => toFiles(name, fixed, `- \`${name}\` ${fixed}: ${id}\n`),
  lookAlike: ({ name, range, fixed }, files) => ({
    ...files,
    "package.json": toJson({ name: "dock", workspaces: ["packages/*"] }),
    "packages/api/package.json": toJson({ name: "api", dependencies: { [name]: range, [`${name}-cli`]: fixed } }),
  }),
});

function toFiles(name: string, version: string, pin: string) {
  return {
    "package.json": toJson({ name: "dock", dependencies: { anchor: "^1.0.0", [name]: version, zephyr: "2.2.0" } }),
    "docs/pins.md": `# Pins\n\n${pin}- \`anchor-cli\` 1.0.1: ADV-0001\n`,
  };
}
