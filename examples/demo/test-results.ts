/** How a test run ended. */
export interface TestResults {
  passed: number;
  failed: number;
  /** The failed tests, each with the place of its code. */
  failures: { name: string; file: string }[];
}

/** Reads what `node --test --test-reporter=tap` printed. */
export function readTestResults(tap: string): TestResults {
  const countOf = (word: string): number => Number(new RegExp(`^# ${word} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
  const failed = tap.matchAll(/^not ok \d+ - (.+)\n(?: {2}.*\n)*? {2}location: '(.+):\d+:\d+'$/gm);
  const failures = [...failed].map(([, name = "", file = ""]) => ({ name, file }));
  return { passed: countOf("pass"), failed: countOf("fail"), failures };
}
