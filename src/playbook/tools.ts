// Built-in tools: what the inputs and outputs of commands and file tools say. Everything here reads what somebody recorded, so that nothing
// is taken for granted about its form. Owns: which commands only look, which verify, and which nobody should repeat unasked.

import type { Safety } from "../contracts/playbook.ts";

/** What a step does to the workspace, as far as its tool tells. */
export type Effect = "reads" | "verifies" | "changes" | "unknown";

/** The parts of a step that are read here. */
export interface ToolUse {
  readonly tool: string;
  readonly input: unknown;
  readonly output?: unknown;
}

/** One replacement of `file.patch`. */
export interface Edit {
  readonly find: string;
  readonly replace: string;
  readonly all: boolean;
}

/** The value of an own property, or `undefined`. */
export function readField(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
}

/** The file that a file tool works on. */
export function pathOf({ tool, input }: ToolUse): string | undefined {
  const path = tool.startsWith("file.") ? readField(input, "path") : undefined;
  return typeof path === "string" ? path : undefined;
}

/** The words of a command, without interest in where it ran. */
export function argvOf({ tool, input }: ToolUse): readonly string[] | undefined {
  const argv = tool === "command" ? readField(input, "argv") : undefined;
  return Array.isArray(argv) && argv.length > 0 && argv.every((each) => typeof each === "string") ? argv : undefined;
}

/** What a command ended with. */
export function exitCodeOf({ output }: ToolUse): number | undefined {
  const code = readField(output, "exitCode");
  return typeof code === "number" && Number.isInteger(code) ? code : undefined;
}

/** The text that `file.write` writes. */
export function textOf({ input }: ToolUse): string | undefined {
  const text = readField(input, "text");
  return typeof text === "string" ? text : undefined;
}

/** The edits of `file.patch`, or `undefined` when they are none. */
export function editsOf({ input }: ToolUse): Edit[] | undefined {
  const edits = readField(input, "edits");
  if (!Array.isArray(edits)) return undefined;
  const read = edits.flatMap((edit): Edit[] => {
    const [find, replace] = [readField(edit, "find"), readField(edit, "replace")];
    if (typeof find !== "string" || typeof replace !== "string") return [];
    return [{ find, replace, all: readField(edit, "all") === true }];
  });
  return read.length === edits.length ? read : undefined;
}

const reading = new Set(
  "ls cat grep rg egrep fgrep find fd head tail wc pwd which whereis type tree stat du df file less more sort uniq cut nl date whoami uname env printenv echo".split(
    " ",
  ),
);
const gitReading = new Set(
  "status log diff show grep ls-files rev-parse blame branch remote describe cat-file shortlog".split(" "),
);
const verifying = /^(tests?|check|lint|typecheck|type-check|verify|validate|spec)(?:[:.-]|$)/;
const verifiers = new Set("vitest jest mocha ava pytest tsc eslint oxlint biome mypy ruff cmp test".split(" "));
const runners = new Set("npm pnpm yarn npx bun cargo go make just deno python python3 node".split(" "));

/** What `use` does to the workspace. A search that only answers by its exit code verifies. */
export function effectOf(use: ToolUse): Effect {
  if (use.tool === "file.read") return "reads";
  if (use.tool.startsWith("file.")) return "changes";
  const argv = argvOf(use);
  if (argv === undefined) return "unknown";
  return effectOfCommand(argv);
}

function effectOfCommand(argv: readonly string[]): Effect {
  const [program = "", ...rest] = argv;
  const name = program.slice(program.lastIndexOf("/") + 1);
  if (rest.length === 1 && /^(--version|-v|-V|version|--help)$/.test(rest[0] ?? "")) return "reads";
  if (/^e?grep$|^rg$/.test(name) && rest.some((each) => /^(-[a-z]*q[a-z]*|--quiet)$/.test(each))) return "verifies";
  if (name === "find" && rest.some((each) => /^-(delete|exec|execdir|ok)$/.test(each))) return "unknown";
  if (reading.has(name)) return "reads";
  if (name === "git") return isGitReading(rest) ? "reads" : "unknown";
  if (verifiers.has(name)) return "verifies";
  const isTest = runners.has(name) && rest.slice(0, 3).some((each) => verifying.test(each.replace(/^--?/, "")));
  return isTest ? "verifies" : "unknown";
}

/** `git branch` and `git remote` list what there is when they are given nothing to make. */
function isGitReading(rest: readonly string[]): boolean {
  const [verb = "", ...others] = rest.filter((each) => !/^(-c|-C|--no-pager)$/.test(each));
  if (verb === "branch" || verb === "remote")
    return others.every((each) => /^(-a|-v|-vv|-r|--list|--show-current)$/.test(each));
  return gitReading.has(verb);
}

/** Commands that reach other systems or cannot be undone, by their first words; somebody confirms these. */
const confirmed: readonly string[] = [
  ...["git push", "git reset --hard", "git clean", "git rebase", "git branch -D", "git tag -d"],
  ...["npm publish", "npm unpublish", "npm login", "npm deprecate", "pnpm publish", "yarn publish", "yarn npm publish"],
  ...["cargo publish", "gem push", "twine upload", "docker push", "docker login", "docker system prune", "podman push"],
  ...[
    "kubectl",
    "helm",
    "terraform",
    "pulumi",
    "ansible",
    "ansible-playbook",
    "aws",
    "gcloud",
    "az",
    "fly",
    "flyctl",
    "vercel",
    "netlify",
    "heroku",
  ],
  ...["gh", "glab", "curl", "wget", "ssh", "scp", "sftp", "rsync", "ftp", "nc", "telnet"],
  ...[
    "sudo",
    "su",
    "doas",
    "chown",
    "dd",
    "mkfs",
    "shutdown",
    "reboot",
    "systemctl",
    "service",
    "kill",
    "killall",
    "pkill",
  ],
  ...[
    "rm -r",
    "rm -R",
    "rm -rf",
    "rm -fr",
    "rm --recursive",
    "psql",
    "mysql",
    "mongo",
    "mongosh",
    "redis-cli",
    "dropdb",
    "mail",
    "sendmail",
  ],
];
const shells = new Set("sh bash zsh dash ksh fish eval xargs powershell pwsh cmd".split(" "));

/**
 * Whether a step may be repeated unasked, as far as it shows. A shell may do anything. What another tool may do is said by the tool itself,
 * which is asked when it is used: see `Tool.safety`.
 */
export function safetyOf(use: ToolUse): Safety {
  if (use.tool !== "command") return "auto_ok";
  const argv = argvOf(use);
  if (argv === undefined) return "needs_confirm";
  const [program = "", ...rest] = argv;
  const name = program.slice(program.lastIndexOf("/") + 1);
  if (shells.has(name)) return "needs_confirm";
  return confirmed.some((each) => beginsWith([name, ...rest], each.split(" "))) ? "needs_confirm" : "auto_ok";
}

/** Whether `argv` is that command; flags may stand before its later words. */
function beginsWith([name, ...rest]: readonly string[], [program, ...words]: readonly string[]): boolean {
  if (name !== program) return false;
  return words.every((word) => rest.slice(0, 6).some((each) => each === word || isFlagsWith(each, word)));
}

/** `-vr` holds `-r`. */
function isFlagsWith(text: string, flag: string): boolean {
  return /^-[a-zA-Z]$/.test(flag) && /^-[a-zA-Z]+$/.test(text) && text.includes(flag.slice(1));
}
