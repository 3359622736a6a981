import { defineJob } from "./job.ts";
import { toJson } from "./words.ts";

interface Values {
  project: string;
  from: number;
  to: number;
}

/** Short numbers, which stand in other places too. */
export const nodeVersion = defineJob<Values>({
  name: "node-version",
  family: "dependencies",
  rows: {
    1: { project: "crane", from: 20, to: 22 },
    2: { project: "pulley", from: 18, to: 24 },
    3: { project: "winch", from: 16, to: 19 },
    11: { project: "capstan", from: 14, to: 17 },
    12: { project: "davit", from: 21, to: 23 },
    13: { project: "gantry", from: 12, to: 15 },
    14: { project: "hoist", from: 25, to: 26 },
    15: { project: "jack", from: 10, to: 13 },
  },
  briefs: [
    ({ from, to }) => `Move from Node ${from} to Node ${to}.`,
    ({ project, from, to }) => `${project} should run on node ${to} instead of node ${from}: .nvmrc, engines, image`,
    ({ from, to }) => `Upgrade Node ${from} to ${to} everywhere please`,
    ({ project, from, to }) => `Please move ${project} from Node ${from} to Node ${to}`,
    ({ from, to }) => `we are still on node ${from}, go to node ${to}`,
    ({ from, to }) => `Node ${from} is at its end: upgrade to Node ${to}.`,
  ],
  files: ({ project, from }) => toFiles(project, from, from),
  async act({ from, to }, hands, seed) {
    await hands.run("where is it said", "grep", "-rn", `${from}`, ".");
    await hands.read(".nvmrc");
    await hands.write("for shells", ".nvmrc", `${to}\n`);
    await hands.read("package.json");
    await hands.patch("for npm", "package.json", [`"node": ">=${from}"`, `"node": ">=${to}"`]);
    await hands.read("Dockerfile");
    // The same number is in the label.
    if (seed === 1) await hands.patchInVain("for the image", "Dockerfile", `${from}`, `${to}`);
    await hands.patch("for the image", "Dockerfile", [`FROM node:${from}-slim`, `FROM node:${to}-slim`]);
    if (seed === 2) await hands.run("which one is it", "cat", ".nvmrc");
    await hands.run("what is left", "grep", "-rnw", `${from}`, ".");
  },
  checks: ({ to }) => ({
    "shells use it": ["grep", "-qx", `${to}`, ".nvmrc"],
    "the image uses it": ["grep", "-q", `FROM node:${to}-slim`, "Dockerfile"],
  }),
  expected: ({ project, from, to }) => toFiles(project, from, to),
  lookAlike: ({ from }, files) => ({
    ...files,
    Dockerfile: `FROM base/node@sha256:${"0a".repeat(32)}\nLABEL was=${from}\n`,
  }),
});

function toFiles(name: string, since: number, node: number) {
  return {
    ".nvmrc": `${node}\n`,
    "package.json": toJson({ name, engines: { node: `>=${node}` }, timeoutSeconds: since }),
    Dockerfile: `FROM node:${node}-slim\nLABEL since=${since}\n`,
  };
}
