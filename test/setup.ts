// Runs before each test file.
//
// The programs that tests start share what Node.js has compiled for others of them before.
//
// Properties are bounded by time: on a busy machine one stops with the runs that it had by then, and fails only if it had none or one of
// them failed. On a quiet machine none comes near the limit.

import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";

process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), "aionis-compiled");
fc.configureGlobal({ interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false });
