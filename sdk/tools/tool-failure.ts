import { getSystemErrorMap } from "node:util";
import { AionisError } from "../../src/contracts/failures.ts";

/** What helps against some of what a file system refuses. */
const advice: Readonly<Record<string, string>> = {
  EACCES: " Give the worker's user the right to it.",
  EPERM: " Give the worker's user the right to it.",
  EROFS: " Mount it for writing.",
  ENOSPC: " Make room on the disk.",
  EDQUOT: " Make room on the disk.",
  ENAMETOOLONG: " Give it a shorter name.",
  ENOTDIR: " A file stands where a folder is needed: name another path.",
  EMFILE: " Too many files are open: raise the limit, or lower `concurrency`.",
};

/** What the file system refused at `path`, as the tool's failure; anything else as it is. */
export function toToolFailure(error: unknown, path: string): unknown {
  const code = codeOf(error);
  if (error instanceof AionisError || code === "") return error;
  const { errno } = error as { errno?: number }; // an error of the system has one
  const [, why = "it failed"] = getSystemErrorMap().get(errno ?? 0) ?? [];
  const detail = `"${path.slice(0, 200)}" could not be used: ${why} (${code}).${advice[code] ?? ""}`;
  return new AionisError("TOOL_FAILED", detail, { cause: error, facts: { path, code } });
}

/** The name of an error of the system, such as ENOENT; empty for any other. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error && "code" in error && "errno" in error)) return "";
  return String(error.code);
}
