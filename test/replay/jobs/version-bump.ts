import { defineJob } from "./job.ts";
import { holds, toJson } from "./words.ts";

interface Values {
  project: string;
  from: string;
  to: string;
}

/** The old version stands in no brief: the agent asks the package for it. */
export const versionBump = defineJob<Values>({
  name: "version-bump",
  family: "release",
  rows: {
    1: { project: "ledger", from: "1.4.2", to: "1.5.0" },
    2: { project: "tide-table", from: "0.9.0", to: "0.9.1" },
    3: { project: "hopper", from: "3.0.0", to: "4.0.0" },
    11: { project: "gannet", from: "2.7.1", to: "2.8.0" },
    12: { project: "mill-race", from: "0.1.9", to: "0.2.0" },
    13: { project: "quarry", from: "10.2.3", to: "10.2.4" },
    14: { project: "sextant", from: "5.5.5", to: "6.0.0-rc.1" },
    15: { project: "brook", from: "1.12.0", to: "1.12.1" },
  },
  briefs: [
    ({ project, to }) => `Bump ${project} to ${to}.`,
    ({ project, to }) => `please set the version to ${to} everywhere, we release ${project} today`,
    ({ project, to }) => `New version ${to} for ${project}: package.json, lock file and the constant in src/version.ts`,
    ({ project, to }) => `${project} goes to version ${to}`,
    ({ project, to }) => `Raise the version of ${project} to ${to}, in the lock file too.`,
    ({ to }) => `Prepare ${to}: the version in the package, in the lock and in the source has to change.`,
  ],
  files: ({ project, from }) => toFiles(project, from),
  async act({ from, to }, hands, seed) {
    await hands.run("look around", "ls");
    await hands.read("package.json");
    const old = (await hands.run("which version is it", "node", "-p", "require('./package.json').version")).trim();
    if (old !== from) throw new Error(`it is ${old}`);
    const [find, replace] = [`"version": "${old}"`, `"version": "${to}"`];
    await hands.patch("bump the package", "package.json", [find, replace]);
    // It stands there twice.
    if (seed === 1) await hands.patchInVain("bump the lock", "package-lock.json", find, replace);
    await hands.patchAll("bump the lock", "package-lock.json", find, replace);
    await hands.read("src/version.ts");
    await hands.patch("bump the constant", "src/version.ts", [`"${old}"`, `"${to}"`]);
    await hands.run("is all of it bumped", "grep", "-rn", to, ".");
  },
  checks: ({ to }) => ({
    "package and lock agree": holds(
      `[require("./package.json"), require("./package-lock.json")].every((file) => file.version === "${to}")`,
    ),
    "the constant follows": ["grep", "-q", to, "src/version.ts"],
  }),
  expected: ({ project, to }) => toFiles(project, to),
  lookAlike(_, { "src/version.ts": constant = "", ...files }) {
    return { ...files, "src/meta/version.ts": constant };
  },
});

function toFiles(name: string, version: string) {
  const dependencies = { kleur: "4.1.5" };
  const packages = { "": { name, version, dependencies }, "node_modules/kleur": { version: "4.1.5" } };
  return {
    "package.json": toJson({ name, version, type: "commonjs", dependencies }),
    "package-lock.json": toJson({ name, version, lockfileVersion: 3, packages }),
    "src/version.ts": `/** The version of this package. */\nexport const version = "${version}";\n`,
  };
}
