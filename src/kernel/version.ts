import { createRequire } from "node:module";

/** The version of this package. */
export function readVersion(): string {
  const manifest: unknown = createRequire(import.meta.url)("aionis/package.json");
  return (manifest as { version: string }).version; // the package's own file
}
