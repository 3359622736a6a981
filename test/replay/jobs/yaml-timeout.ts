import { defineJob } from "./job.ts";

interface Values {
  workflow: string;
  job: string;
  from: number;
  to: number;
}

/** The same timeout stands in two jobs, so that the right one has to be told by its name. */
export const yamlTimeout = defineJob<Values>({
  name: "yaml-timeout",
  family: "pipelines",
  rows: {
    1: { workflow: "ci", job: "integration", from: 10, to: 25 },
    2: { workflow: "nightly", job: "soak", from: 60, to: 90 },
    3: { workflow: "release", job: "publish", from: 5, to: 15 },
    11: { workflow: "browsers", job: "firefox", from: 20, to: 35 },
    12: { workflow: "fuzz", job: "codec", from: 30, to: 45 },
    13: { workflow: "docs", job: "links", from: 4, to: 8 },
    14: { workflow: "images", job: "arm64", from: 40, to: 75 },
    15: { workflow: "mutation", job: "core", from: 50, to: 120 },
  },
  briefs: [
    ({ workflow, job, from, to }) =>
      `Raise the timeout of the job ${job} in .github/workflows/${workflow}.yml from ${from} to ${to} minutes.`,
    ({ workflow, job, from, to }) =>
      `\`${job}\` times out (.github/workflows/${workflow}.yml): give it ${to} minutes, not ${from}`,
    ({ workflow, job, from, to }) =>
      `In .github/workflows/${workflow}.yml the job ${job} needs a timeout of ${to} minutes instead of ${from}.`,
    ({ workflow, job, from, to }) =>
      `The job ${job} has a timeout of ${from} minutes in .github/workflows/${workflow}.yml, make that ${to}.`,
    ({ workflow, job, from, to }) =>
      `please raise ${job}'s timeout from ${from} to ${to} minutes, file .github/workflows/${workflow}.yml`,
    ({ workflow, job, from, to }) =>
      `.github/workflows/${workflow}.yml: timeout of job \`${job}\` goes from ${from} up to ${to} minutes`,
  ],
  files: ({ workflow, job, from }) => ({
    [`.github/workflows/${workflow}.yml`]: toWorkflow(workflow, job, from, from),
  }),
  async act({ workflow, job, from, to }, hands, seed) {
    const path = `.github/workflows/${workflow}.yml`;
    await hands.read(path);
    if (seed !== 2) {
      await hands.patchInVain("raise it", path, `timeout-minutes: ${from}`, `timeout-minutes: ${to}`);
      await hands.run("where does it stand", "grep", "-n", "timeout", path);
    }
    const toBlock = (minutes: number): string =>
      `  ${job}:\n    runs-on: ubuntu-latest\n    timeout-minutes: ${minutes}\n`;
    await hands.patch("raise it", path, [toBlock(from), toBlock(to)]);
    if (seed === 3) await hands.run("look at it", "grep", "-n", "timeout", path);
  },
  checks: ({ workflow, to }) => ({
    raised: ["grep", "-q", `timeout-minutes: ${to}`, `.github/workflows/${workflow}.yml`],
  }),
  expected: ({ workflow, job, from, to }) => ({
    [`.github/workflows/${workflow}.yml`]: toWorkflow(workflow, job, from, to),
  }),
  lookAlike: ({ workflow, job, from }) => ({
    [`.github/workflows/${workflow}.yml`]: `name: ${workflow}
on: push
jobs:
  ${job}:
    uses: ./.github/workflows/shared.yml
    with:
      minutes: ${from}
`,
    ".github/workflows/shared.yml": "name: shared\non: workflow_call\n",
  }),
});

function toWorkflow(workflow: string, job: string, others: number, minutes: number): string {
  return `name: ${workflow}
on: push
jobs:
  prepare:
    runs-on: ubuntu-latest
    timeout-minutes: ${others}
    steps:
      - run: make prepare
  ${job}:
    runs-on: ubuntu-latest
    timeout-minutes: ${minutes}
    steps:
      - run: make ${job}
`;
}
