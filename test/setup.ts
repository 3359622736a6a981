// Runs before each test file.
//
// Properties are bounded by time: on a busy machine one stops with the runs that it had by then, and fails only if it had none or one of
// them failed. On a quiet machine none comes near the limit.

import fc from "fast-check";

fc.configureGlobal({ interruptAfterTimeLimit: 20_000, markInterruptAsFailure: false });
