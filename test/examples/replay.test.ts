import { expect, it } from "vitest";
import { main } from "../../examples/replay/main.ts";

it("does what an agent did twice without it, stops where a file has moved, and goes on when that is repaired", async () => {
  const lines: string[] = [];

  const told = await main({ print: (line) => void lines.push(line) });

  expect(told).toEqual({
    agentCalls: 2,
    callsInReplays: 0,
    states: ["draft", "shadow", "active", "contested", "active"],
    ends: ["succeeded", "failed", "succeeded"],
    releasesBefore: ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0"],
    releases: ["v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v1.4.0"],
  });
  const text = lines.join("\n");
  const steps = ["look", "set-the-version", "head-the-changes", "commit", "tag"];
  const ran = `${steps.map((step) => ` +ran ${step} .*\n`).join("")} {2}succeeded; agent calls so far: 2\n {2}the playbook is active`;
  for (const version of ["1.3.0", "1.4.0"]) {
    expect(text).toMatch(new RegExp(`"retry-kit ${version} has .*": the playbook does it, .*"${version}".*\n${ran}`));
  }
  expect(text).toMatch(/failed; .*\n {2}stopped at head-the-changes, .*CHANGELOG\.md.*\n {2}the playbook is contested/);
  expect(lines.at(-1)).toBe("the playbook went draft → shadow → active → contested → active");
});
