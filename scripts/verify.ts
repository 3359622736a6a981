// Everything a release must pass: the checks, the tests with their long campaigns, the build, and the package as a stranger gets it.

import { spawnSync } from "node:child_process";
import { resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
/** Without them the tests do half of that or less. */
const campaigns = {
  AIONIS_TEST_EVERYWHERE: "1",
  AIONIS_TEST_FLIPS: "2000",
  AIONIS_TEST_HOLDS: "20",
  AIONIS_TEST_KILLS: "20",
  AIONIS_TEST_ROUNDS: "20",
  AIONIS_TEST_SEEDS: "1000",
  AIONIS_TEST_VALUES: "3000",
};
const failed = ["check", "test", "build", "check:package", "verify:package"].find((script) => {
  console.log(`> npm run ${script}`);
  return (
    spawnSync("npm", ["run", "--silent", script], {
      cwd: root,
      env: { ...process.env, ...campaigns },
      stdio: "inherit",
    }).status !== 0
  );
});
console.log(failed === undefined ? "verified" : `not verified: npm run ${failed} failed`);
process.exitCode = failed === undefined ? 0 : 1;
