import { defineJob } from "./job.ts";

interface Values {
  job: string;
  command: string;
  node: number;
}

export const ciJob = defineJob<Values>({
  name: "ci-job",
  family: "pipelines",
  rows: {
    1: { job: "types", command: "npm run typecheck", node: 22 },
    2: { job: "dead-code", command: "npx knip --strict", node: 20 },
    3: { job: "pages", command: "make site", node: 24 },
    11: { job: "audit", command: "npm audit --omit=dev", node: 18 },
    12: { job: "browsers", command: "npm run test:e2e", node: 23 },
    13: { job: "size", command: "node scripts/size.js --max 40", node: 21 },
    14: { job: "licences", command: "npx licensed check", node: 26 },
    15: { job: "bench", command: "npm run bench", node: 25 },
  },
  briefs: [
    ({ job, command, node }) => `Add a CI job "${job}" that runs "${command}" on Node ${node}.`,
    ({ job, command, node }) => `we want "${command}" in CI as its own job named "${job}" (node ${node})`,
    ({ job, command, node }) => `New job "${job}" in the workflow: Node ${node}, it runs "${command}"`,
    ({ job, command, node }) => `Please run "${command}" in CI, in a job called "${job}" with Node ${node}.`,
    ({ job, command, node }) => `CI gets a job "${job}": "${command}", Node ${node}`,
    ({ job, command, node }) => `Create the CI job "${job}" (Node ${node}), which executes "${command}".`,
  ],
  files: () => ({ ".github/workflows/ci.yml": toWorkflow(""), "docs/ci.md": toPage("") }),
  async act({ job, command, node }, hands, seed) {
    const path = ".github/workflows/ci.yml";
    await hands.run("which workflows are there", "ls", ".github/workflows");
    const text = await hands.read(path);
    if (seed === 3) {
      // Without the version, and once more with it.
      await hands.write(
        "add the job",
        path,
        text + toBlock(job, command, node).replace(/ {6}- uses.*?\n(?= {6}- run)/s, ""),
      );
      await hands.runFailing("does it say the version", "grep", `node-version: ${node}`, path);
    }
    await hands.write("add the job", path, text + toBlock(job, command, node));
    await hands.run("look at it", "tail", "-n", "9", path);
    await hands.read("docs/ci.md");
    await hands.patch("describe it", "docs/ci.md", ["| --- | --- |\n", `| --- | --- |\n| ${job} | \`${command}\` |\n`]);
    if (seed === 1) await hands.read("docs/ci.md");
  },
  checks: ({ job, command }) => ({
    "the job is there": ["grep", "-q", `^  ${job}:`, ".github/workflows/ci.yml"],
    "it is described": ["grep", "-qF", `| ${job} | \`${command}\` |`, "docs/ci.md"],
  }),
  expected: ({ job, command, node }) => ({
    ".github/workflows/ci.yml": toWorkflow(toBlock(job, command, node)),
    "docs/ci.md": toPage(`| ${job} | \`${command}\` |\n`),
  }),
  lookAlike: (_, { "docs/ci.md": page = "" }) => ({
    "docs/ci.md": page,
    ".gitlab-ci.yml": "test:\n  script:\n    - npm test\n",
  }),
});

function toWorkflow(block: string): string {
  return `name: ci
on: push
jobs:
  test:
    runs-on: ubuntu-latest
    steps:
      - run: npm test
${block}`;
}

function toBlock(job: string, command: string, node: number): string {
  return `  ${job}:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-node@v4
        with:
          node-version: ${node}
      - run: ${command}
`;
}

const toPage = (row: string): string => `# Jobs\n\n| job | runs |\n| --- | --- |\n${row}| test | \`npm test\` |\n`;
