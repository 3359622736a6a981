// Debian packages, unpacked but not installed
//
// Fetches a package of a given suite and unpacks it into a folder. Nothing changes on the system and no rights are
// needed: apt works in a root of its own, with its own sources, lists and cache, which is gone when the call ends.
// Does not own: where the package is kept, and which suite to ask for.
//
// Invariants:
//   A1. No mirror is named here. The machine's own sources are asked, with nothing but their suite replaced, so that
//       its mirrors, keys, proxies and credentials go on working.
//   A2. apt verifies signatures as it always does; nothing here turns that off.
//   A3. None of the machine's hooks are run, since these may touch the system.

import { execFile } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { toText } from "./binaries.ts";

/** A source of packages: the fields of a deb822 stanza, their names in lower case. */
export interface AptSource {
  readonly uris: string;
  readonly suites: string;
  readonly components: string;
  readonly [field: string]: string;
}

interface Surroundings {
  readonly env: NodeJS.ProcessEnv;
  /** The folder that takes the place of `/`. */
  readonly root: string;
  /** Ends whatever is under way. */
  readonly signal: AbortSignal;
}

interface Unpacking extends Surroundings {
  readonly packageName: string;
  readonly suite: string;
  /** An existing folder. */
  readonly into: string;
}

/**
 * Unpacks a package of `suite` into a folder.
 *
 * @throws Error that ends with what apt said: there is no apt, no source of the distribution, no such suite, no network.
 */
export async function unpackPackage({ packageName, suite, into, ...surroundings }: Unpacking): Promise<void> {
  const sources = readDistributionSources(surroundings.root);
  if (sources.length === 0) throw new Error("this machine has no apt source of a Debian or Ubuntu");
  const folder = await createAptRoot(sources, suite);
  try {
    const aptGet = (...args: string[]) =>
      run("apt-get", [...args, "-c", join(folder, "apt.conf")], { ...surroundings, cwd: folder });
    // It fails when one source of several lacks the suite; what the others have is there all the same.
    const unanswered = await aptGet("update").then(() => "", toText);
    await aptGet("download", packageName).catch((error: unknown) => {
      throw new Error([unanswered, toText(error)].filter((text) => text !== "").join("\n"), { cause: error });
    });
    const [archive = `${packageName}.deb`] = globSync("*.deb", { cwd: folder });
    await run("dpkg-deb", ["-x", archive, into], { ...surroundings, cwd: folder });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The code name of the distribution under `root`, as `/etc/os-release` has it. */
export function readCodename(root: string): string | undefined {
  const file = join(root, "etc/os-release");
  return existsSync(file) ? /^VERSION_CODENAME="?([\w-]+)/m.exec(readFileSync(file, "utf8"))?.[1] : undefined;
}

/**
 * The sources under `root` that carry the distribution itself. Those of its updates would do no good with another
 * suite, and other vendors' sources mostly lack it.
 */
export function readDistributionSources(root: string): AptSource[] {
  const suites = new Set([readCodename(root), "stable", "testing", "unstable", "sid"]);
  const files = ["sources.list", "sources.list.d/*.list", "sources.list.d/*.sources"];
  return files
    .flatMap((pattern) => globSync(pattern, { cwd: join(root, "etc/apt") }).sort())
    .flatMap((file) => {
      const text = readFileSync(join(root, "etc/apt", file), "utf8");
      return file.endsWith(".sources") ? readStanzas(text) : readLines(text);
    })
    .filter((source) => toWords(source.suites).some((suite) => suites.has(suite)))
    .filter((source) => toWords(source.components).includes("main"));
}

/** The older form: `deb [signed-by=… arch=…] uri suite components`. */
function readLines(text: string): AptSource[] {
  const sources = text.matchAll(/^[ \t]*deb[ \t]+(?:\[(.*?)\][ \t]+)?(\S+)[ \t]+(\S+)[ \t]+([^#\n]+)/gm);
  return Array.from(sources, ([, options = "", uris = "", suites = "", components = ""]) => ({
    ...readOptions(options),
    uris,
    suites,
    components: components.trim(),
  }));
}

/** `arch`, `lang` and `target` have other names in a stanza, where apt passes over these: the machine's own are right. */
function readOptions(text: string): Record<string, string> {
  const options = Array.from(text.matchAll(/([\w-]+)=(\S+)/g));
  return Object.fromEntries(options.map(([, name = "", value = ""]) => [name, value] as const));
}

/** The newer form, deb822: stanzas of fields, a field's further lines being indented. */
function readStanzas(text: string): AptSource[] {
  return text
    .replaceAll(/^#.*\n?/gm, "")
    .split(/\n\s*\n/)
    .map((stanza) => Array.from(stanza.matchAll(/^([\w-]+):[ \t]*(.*(?:\n[ \t].*)*)/gm)))
    .map((fields) => Object.fromEntries(fields.map(([, name = "", value = ""]) => [name.toLowerCase(), value])))
    .filter((fields) => toWords(fields.types ?? "").includes("deb") && fields.enabled !== "no")
    .map(({ uris = "", suites = "", components = "", ...others }) => ({ ...others, uris, suites, components }));
}

/** Of the suite's indexes only the list of packages is needed; machines with more tools have apt fetch more. */
function toStanza(source: AptSource, suite: string): string {
  const fields = Object.entries({ ...source, types: "deb", suites: suite, targets: "Packages" });
  return fields.map(([name, value]) => `${name}: ${value}\n`).join("");
}

/** In the system's folder for temporary files, readable by all: run by root, apt downloads as a user of its own. */
async function createAptRoot(sources: readonly AptSource[], suite: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "aionis-apt-"));
  await chmod(folder, 0o755);
  await mkdir(join(folder, "lists/partial"), { recursive: true });
  await mkdir(join(folder, "cache/archives/partial"), { recursive: true });
  await writeFile(join(folder, "suite.sources"), sources.map((source) => toStanza(source, suite)).join("\n"));
  await writeFile(join(folder, "apt.conf"), toConfiguration(folder));
  return folder;
}

function toConfiguration(folder: string): string {
  return `
    Dir::State::Lists "${folder}/lists";
    Dir::Cache "${folder}/cache";
    Dir::Etc::SourceList "${folder}/suite.sources";
    Dir::Etc::SourceParts "/dev/null";
    Dir::Etc::Preferences "/dev/null";
    Dir::Etc::PreferencesParts "/dev/null";
    APT::Default-Release "";
    Acquire::Languages "none";
    Acquire::Retries "1";
    Acquire::http::Timeout "15";
    Acquire::https::Timeout "15";
    #clear APT::Update::Pre-Invoke;
    #clear APT::Update::Post-Invoke;
    #clear APT::Update::Post-Invoke-Success;
  `;
}

async function run(
  command: string,
  args: readonly string[],
  { cwd, env, signal }: Surroundings & { readonly cwd: string },
): Promise<void> {
  try {
    await promisify(execFile)(command, args, { cwd, env: { ...env, LC_ALL: "C" }, signal });
  } catch (error) {
    const { stderr = "" } = error as { readonly stderr?: string }; // what execFile adds to its errors
    const said = signal.aborted ? "took too long" : stderr.trim().split("\n").slice(-5).join("\n");
    throw new Error(`${command} ${args[0]}: ${said === "" ? toText(error) : said}`, { cause: error });
  }
}

function toWords(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}
