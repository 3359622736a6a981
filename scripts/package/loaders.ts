// Loaders: bundles of one file with nothing beside them but the SQLite driver, `require`, and Jest with and without modules.

import { cpSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, run, type Tools } from "./commands.ts";
import { requiresPackage, usesPackage } from "./programs.ts";

interface Bundler {
  readonly tool: string;
  readonly program: string;
  /** What it is told, by the file it makes. */
  readonly outputs: Readonly<Record<string, readonly string[]>>;
}

const esbuild = ["program.mjs", "--bundle", "--platform=node", "--external:better-sqlite3", "--log-level=error"];
const bundlers: readonly Bundler[] = [
  {
    tool: "esbuild@0.28.2",
    program: "esbuild",
    outputs: {
      "esbuild.mjs": [...esbuild, "--format=esm", "--outfile=esbuild.mjs"],
      "esbuild.cjs": [...esbuild, "--format=cjs", "--outfile=esbuild.cjs"],
    },
  },
  { tool: "vite@8.4.0", program: "vite", outputs: { "vite.mjs": ["build", "--logLevel", "error"] } },
  {
    tool: "webpack-cli@7.3.1",
    program: "webpack-cli",
    outputs: {
      "webpack.mjs": ["--env", "kind=module"],
      "webpack.cjs": ["--env", "kind=commonjs2"],
    },
  },
];

const viteConfig = `export default {
  ssr: { noExternal: true, external: ["better-sqlite3"] },
  build: {
    ssr: "program.mjs",
    outDir: ".",
    emptyOutDir: false,
    rolldownOptions: { output: { entryFileNames: "vite.mjs", codeSplitting: false } },
  },
};
`;
const webpackConfig = `export default ({ kind }) => ({
  mode: "production",
  target: "node22",
  entry: "./program.mjs",
  experiments: { outputModule: kind === "module" },
  output: {
    path: import.meta.dirname,
    filename: kind === "module" ? "webpack.mjs" : "webpack.cjs",
    library: { type: kind },
  },
  externals: { "better-sqlite3": (kind === "module" ? "module " : "commonjs ") + "better-sqlite3" },
  module: { parser: { javascript: { dynamicImportMode: "eager" } } }, // all in one file
  optimization: { minimize: false },
});
`;

/** `consumer` is a folder in which the package is installed. @throws Error when a bundle is not made, or does not work. */
export function checkBundlers(consumer: string, folder: string, tools: Tools): void {
  writeFileSync(join(consumer, "program.mjs"), usesPackage);
  writeFileSync(join(consumer, "vite.config.mjs"), viteConfig);
  writeFileSync(join(consumer, "webpack.config.mjs"), webpackConfig);
  for (const { tool, program, outputs } of bundlers) {
    const path = tools.find(tool, program);
    if (path === undefined) continue;
    for (const [file, args] of Object.entries(outputs)) {
      run(path, args, consumer);
      const place = makeFolder(join(folder, "bundled"), {});
      cpSync(join(consumer, file), join(place, file));
      cpSync(join(consumer, "node_modules/better-sqlite3"), join(place, "node_modules/better-sqlite3"), {
        recursive: true,
      });
      run("node", [file], place);
      console.log(`works in one file: ${file}`);
    }
  }
}

/** `require` of Node.js loads the package. @throws Error */
export function checkRequire(consumer: string): void {
  writeFileSync(join(consumer, "program.cjs"), requiresPackage);
  run("node", ["program.cjs"], consumer);
  console.log("works with require");
}

const jestTest = `test("a task runs to its end", async () => {
  const { createTestRuntime } = await import("aionis/testing");
  const runtime = await createTestRuntime();
  const connection = runtime.connect("tester");
  connection.worker({ agent: "worker" }, (task, ctx) => ctx.complete());
  const { taskId } = await connection.tasks.start({ brief: "do it" });
  expect(await connection.tasks.result(taskId)).toMatchObject({ task: { state: "succeeded" } });
  await runtime.close();
});
`;
const jestRequires = `test("is told", () => {
  expect(() => require("aionis")).toThrow("--experimental-vm-modules");
});
`;

/** Jest works with modules of Node.js, and says without them what to do. @throws Error */
export function checkJest(consumer: string, tools: Tools): void {
  const jest = tools.find("jest@30.5.2", "jest");
  if (jest === undefined) return;
  const run_ = (text: string, env: NodeJS.ProcessEnv = {}): void => {
    writeFileSync(join(consumer, "jest.test.cjs"), text);
    const config = JSON.stringify({ testMatch: ["**/jest.test.cjs"], transform: {}, testTimeout: 60_000 });
    run(jest, ["--rootDir", consumer, "--config", config, "--ci"], consumer, env);
  };
  run_(jestRequires);
  run_(jestTest, { NODE_OPTIONS: "--experimental-vm-modules" });
  console.log("works with Jest, which says what to do");
}
