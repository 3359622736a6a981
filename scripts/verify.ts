// Everything a release must pass: the checks, the tests, the build, and the package as a stranger gets it.
//
// The package is packed and installed into an empty folder outside the repository, where nothing but its own files and
// dependencies can be found. There a program imports every export, a TypeScript compiler reads every declaration, the page
// of the inspection is asked for, and the command is run. Where a Node.js that is too old is at hand, it must be refused by name and must not crash.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  readonly name: string;
  readonly version: string;
  readonly exports: Readonly<Record<string, unknown>>;
}; // our own file
const specifiers = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith(".json"))
  .map((path) => manifest.name + path.slice(1));

const folder = mkdtempSync(join(tmpdir(), "aionis-package-"));
try {
  run("npm", ["run", "check"], root);
  run("npm", ["test"], root);
  run("npm", ["run", "build"], root);
  run("npm", ["run", "check:package"], root);
  verifyPackage();
  console.log("verified");
} catch (error) {
  console.error(`not verified: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function verifyPackage(): void {
  run("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], root);
  const tarball = join(folder, `${manifest.name}-${manifest.version}.tgz`);
  const consumer = join(folder, "consumer");
  mkdirSync(consumer);
  writeFileSync(join(consumer, "package.json"), JSON.stringify({ private: true, type: "module" }));
  run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", tarball], consumer);

  const imports = specifiers.map((specifier, index) => `import * as face${index} from "${specifier}";`).join("\n");
  const faces = specifiers.map((specifier, index) => `"${specifier}": Object.keys(face${index}).length`).join(", ");
  writeFileSync(join(consumer, "program.mjs"), `${imports}\nconsole.log({ ${faces} });\n`);
  run("node", ["program.mjs"], consumer);

  // skipLibCheck stays off, or our declarations would not be read. No type packages but Node's are lent to the consumer,
  // so a declaration that leans on a driver's types fails here.
  writeFileSync(join(consumer, "program.mts"), `${imports}\nexport const faces = { ${faces} };\n`);
  for (const [module, moduleResolution] of [
    ["nodenext", "nodenext"],
    ["preserve", "bundler"],
  ]) {
    const options = {
      strict: true,
      noEmit: true,
      target: "es2023",
      lib: ["es2024", "esnext.disposable"],
      types: ["node"],
    };
    const compilerOptions = { ...options, module, moduleResolution, typeRoots: [join(root, "node_modules/@types")] };
    writeFileSync(join(consumer, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.mts"] }));
    run("npx", ["--no-install", "tsc", "-p", consumer], root);
  }

  // The page of the inspection is files beside the program.
  writeFileSync(join(consumer, "page.mjs"), toPageProgram());
  run("node", ["page.mjs"], consumer);

  const version = execFileSync("npx", ["--no-install", manifest.name, "--version"], {
    cwd: consumer,
    encoding: "utf8",
  });
  if (version.trim() !== manifest.version) fail(`--version printed ${version.trim()}, not ${manifest.version}`);
  verifyOldNode(consumer);
}

function toPageProgram(): string {
  return `
  import { createRuntime } from "${manifest.name}";
  const runtime = await createRuntime({ inspect: {} });
  const page = await fetch(runtime.inspectUrl);
  const cookie = page.headers.get("set-cookie").split(";")[0];
  const [, script] = /src="([^"]+)"/.exec(await page.text());
  const { status } = await fetch(new URL(script, runtime.inspectUrl), { headers: { cookie } });
  if (status !== 200) throw new Error("the page's script answered " + status);
  await runtime.close();
`;
}

function verifyOldNode(consumer: string): void {
  const oldNode = findOldNode();
  if (oldNode === undefined) {
    console.log("skipped: no Node.js older than 22.14 on the PATH to be refused");
    return;
  }
  const program = `import("${manifest.name}").catch((error) => console.log(error.code));`;
  const library = spawnSync(oldNode, ["-e", program], { cwd: consumer, encoding: "utf8" });
  if (library.stdout.trim() !== "NODE_TOO_OLD")
    fail(`an old Node.js was not refused by the library: ${library.stderr}`);
  const command = spawnSync(oldNode, [`node_modules/${manifest.name}/bin/aionis.mjs`], {
    cwd: consumer,
    encoding: "utf8",
  });
  if (command.status !== 1 || !command.stderr.startsWith("NODE_TOO_OLD: ")) {
    fail(`an old Node.js was not refused by the command: ${command.stderr}`);
  }
}

function findOldNode(): string | undefined {
  const candidates = (process.env.PATH ?? "").split(delimiter).map((path) => join(path, "node"));
  return candidates.find((candidate) => {
    const napi = spawnSync(candidate, ["-p", "process.versions.napi"], { encoding: "utf8" });
    return napi.status === 0 && Number(napi.stdout) < 10;
  });
}

function run(command: string, args: readonly string[], cwd: string): void {
  console.log(`> ${command} ${args.join(" ")}`);
  const { status } = spawnSync(command, args, { cwd, stdio: "inherit" });
  if (status !== 0) fail(`${command} ${args.join(" ")} failed`);
}

function fail(reason: string): never {
  throw new Error(reason);
}
