// Loaded before a program of a test (`node --import`): it finds `aionis` in the sources, as the compiler does by tsconfig.json, or in what was
// compiled of them before the tests (`compile-sources.ts`). Node.js strips the types of the program itself.

import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { commandLine, faces, root } from "./entries.ts";

const compiled = process.env.AIONIS_TEST_COMPILED;
const commandLineUrl = pathToFileURL(join(root, commandLine)).href;

registerHooks({
  resolve(specifier, context, next) {
    const source = specifier === commandLineUrl ? commandLine : faces.get(specifier);
    return next(source === undefined ? specifier : toUrl(source), context);
  },
});

function toUrl(source: string): string {
  const path = compiled === undefined ? join(root, source) : join(compiled, source.replace(/\.ts$/, ".js"));
  return pathToFileURL(path).href;
}
