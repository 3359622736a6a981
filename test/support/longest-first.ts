// Longest first
//
// In which order the files of tests begin. Those that take longest begin first, so that at the end no core waits for the last of them.

import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take most of a minute or more, the longest first. */
const longest = [
  "simulation/simulation",
  "simulation/planted-bugs",
  "docs/docs",
  "sdk/nats",
  "integration/nats/faults",
  "examples/demo",
  "import/hostile",
  "cli/nats-access",
  "cli/import",
  "cli/binary",
  "examples/bisect",
  "sdk/embedded",
  "sdk/import-git",
  "sdk/local",
];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const others = await super.sort(files);
    return others.sort((left, right) => rank(left) - rank(right)); // a stable sort: the others stay as they were
  }
}

function rank({ moduleId }: TestSpecification): number {
  const place = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
  return place < 0 ? longest.length : place;
}
