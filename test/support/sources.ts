// Loaded before a program of a test (`node --import`): it finds `aionis` in the sources, as the compiler does by tsconfig.json, or in what was
// compiled of them before the tests (`compile-sources.ts`). Node.js strips the types of the program itself.

import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { commandLine, faces, packages, root, toCompiled } from "./entries.ts";

const places = new Map([...faces].map(([name, source]) => [name, toUrl(toCompiled(join(root, source)))]));
places.set(toUrl(join(root, commandLine)), toUrl(toCompiled(join(root, commandLine))));
const compiled = process.env.AIONIS_TEST_COMPILED;
if (compiled !== undefined) for (const name of packages) places.set(name, toUrl(join(compiled, `${name}.js`)));

registerHooks({
  resolve: (specifier, context, next) => next(places.get(specifier) ?? specifier, context),
});

function toUrl(path: string): string {
  return pathToFileURL(path).href;
}
