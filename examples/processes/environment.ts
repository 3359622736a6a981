/**
 * Keeps what is started from here to itself: git reads no settings of this machine and, started in a git hook, stays out of the hook's
 * repository; a test runner that is started within another does not report to that.
 */
export function leaveOuterEnvironment(): void {
  for (const name of Object.keys(process.env)) if (foreign.test(name)) delete process.env[name];
  Object.assign(process.env, { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" });
}

const foreign = /^(GIT_.*|NODE_TEST_CONTEXT|NODE_OPTIONS|NODE_V8_COVERAGE)$/;
