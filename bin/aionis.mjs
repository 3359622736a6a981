#!/usr/bin/env node
// The command `aionis`.
//
// Plain JavaScript without static imports, so that a Node.js that is too old to load the program can still run this file
// and say so. Node-API 10 is what the SQLite driver is built against: an older Node.js does not refuse it, it crashes.

if (Number(process.versions.napi) >= 10) {
  const { main } = await load();
  process.exitCode = await main(process.argv.slice(2));
} else {
  process.stderr.write(`NODE_TOO_OLD: aionis needs Node.js 22.14 or newer, and this is ${process.version}.\n`);
  process.exitCode = 1;
}

/**
 * The source in a checkout, so that a forgotten build is never run; the build in an installed package. In a checkout tsx says what `aionis`
 * means, unless the program was started with another loader that does.
 */
async function load() {
  const { existsSync } = await import("node:fs");
  const source = new URL("../src/cli/main.ts", import.meta.url);
  const built = new URL("../dist/src/cli/main.js", import.meta.url);
  if (existsSync(source)) {
    if (import.meta.resolve("aionis") !== new URL("../index.js", built).href) return import(source.href);
    const tsx = await import("tsx/esm/api").catch(() => undefined);
    if (tsx !== undefined) {
      tsx.register();
      return import(source.href);
    }
  }
  if (existsSync(built)) return import(built.href);

  process.stderr.write("This checkout of aionis is not built: run `npm ci`, then `npm run build`.\n");
  process.exit(1);
}
