// Runs one command and says its process id; the test kills this process.

import { systemClock } from "../../src/kernel/clock.ts";
import { createProcessExec } from "../../src/kernel/exec.ts";

const [script = ""] = process.argv.slice(2);
const ran = createProcessExec(systemClock).run({ argv: ["sh", "-c", script], timeoutMs: 60_000, outputBytes: 1_000 });
ran.then((result) => console.log(JSON.stringify(result))).catch((error: unknown) => console.error(error));
