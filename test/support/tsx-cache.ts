import { mkdirSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Gives programs whose temporary folder is `folder` what tsx has compiled for others before. In an empty one each of them would compile
 * all sources again, which takes longer than most tests.
 */
export function shareCompiled(folder: string): void {
  const name = `tsx-${process.geteuid?.() ?? "user"}`; // as tsx calls it
  mkdirSync(join(tmpdir(), name), { recursive: true });
  symlinkSync(join(tmpdir(), name), join(folder, name));
}
