// Jobs
//
// What a chore of the labelled set is, and the short form in which each is written: a table of values, and functions of them.
// Owns: which seeds there are and which wording of the brief each gets. Does not own: running anything (test/replay/harness).
//
// Invariants (jobs.test.ts):
//   J1. A variant depends on its seed alone.
//   J2. Recorded and fresh variants share no value that differs from run to run, and no wording of the brief.
//   J3. Every check fails on the files as they are and passes on those that are expected.

/** Seeds of the runs that a playbook is compiled from, and of those that it is replayed on. */
export const seeds = { recorded: [1, 2, 3], fresh: [11, 12, 13, 14, 15] } as const;
type Seed = (typeof seeds)["recorded" | "fresh"][number];

/** A chore that an agent did with tools on real files. */
export interface Job {
  readonly name: string;
  readonly family: string;
  /** Compile is tuned on `tune` alone; `report` is what is published. */
  readonly half: "tune" | "report";
  /** @throws Error for a seed that is none of `seeds`. */
  variant(seed: number): Variant;
  /** The same words about a workspace in which the job cannot be done this way, so that a playbook has to stop. */
  lookAlike?(seed: number): LookAlike;
}

/** A workspace with what is asked there. */
export interface Workspace {
  /** As a person writes it; holds most of the values. */
  readonly brief: string;
  /** What a host hands in. */
  readonly data?: unknown;
  /** By path, as they are before. */
  readonly files: Readonly<Record<string, string>>;
  /** The workspace is a git repository: its first commit has the files and, if given, this tag; later ones have these subjects alone. */
  readonly git?: { readonly tag?: string; readonly subjects?: readonly string[] };
  readonly checks: readonly { readonly name: string; readonly command: readonly string[] }[];
}

export interface Variant extends Workspace {
  /** What the agent did when it was recorded, detours included. */
  act(use: Use): Promise<void>;
  /** Files afterwards, byte by byte; null is gone. Those not named are unchanged. */
  readonly expected: Readonly<Record<string, string | null>>;
}

export interface LookAlike extends Workspace {
  /** The files that the job is about; no other may ever be changed. */
  readonly about: readonly string[];
}

interface ToolShapes {
  command: {
    input: { argv: readonly string[]; cwd?: string };
    output: { exitCode: number | null; stdout: string; stderr: string };
  };
  "file.read": { input: { path: string }; output: { text: string; bytes: number } };
  "file.write": { input: { path: string; text: string }; output: { created: boolean; bytes: number } };
  "file.patch": { input: { path: string; edits: readonly Edit[] }; output: { edits: number } };
  "file.delete": { input: { path: string }; output: { existed: true } };
}

interface Edit {
  find: string;
  replace: string;
  all?: boolean;
}

/** Uses a tool as a step of that name. Rejects when the tool could not do it; a command that ends with another code than 0 has run. */
export type Use = <Tool extends keyof ToolShapes>(
  name: string,
  tool: Tool,
  input: ToolShapes[Tool]["input"],
) => Promise<ToolShapes[Tool]["output"]>;

/** The tools, shorter to write. */
export interface Hands {
  /** Gives what the command printed. */
  run(name: string, ...argv: string[]): Promise<string>;
  /** The same for a command that has to end with another code than 0. */
  runFailing(name: string, ...argv: string[]): Promise<void>;
  read(path: string): Promise<string>;
  write(name: string, path: string, text: string): Promise<void>;
  patch(name: string, path: string, ...edits: [find: string, replace: string][]): Promise<void>;
  patchAll(name: string, path: string, find: string, replace: string): Promise<void>;
  /** A first try that has to be refused. */
  patchInVain(name: string, path: string, find: string, replace: string): Promise<void>;
  remove(name: string, path: string): Promise<void>;
}

/** A job before it has a half. */
export type UnassignedJob = Omit<Job, "half">;

type Files = Record<string, string>;

/** How a job is written down. `Values` are what is different from run to run. */
export interface JobText<Values> {
  readonly name: string;
  readonly family: string;
  readonly rows: Readonly<Record<Seed, Values>>;
  /** Three wordings that were recorded, then three of other people. */
  readonly briefs: readonly ((values: Values) => string)[];
  data?(values: Values): unknown;
  files(values: Values): Files;
  git?(values: Values): NonNullable<Workspace["git"]>;
  act(values: Values, hands: Hands, seed: number): Promise<void>;
  checks(values: Values): Record<string, readonly string[]>;
  expected(values: Values): Record<string, string | null>;
  /** The files of the look-alike, made from those of the job. */
  lookAlike?(values: Values, files: Files): Files;
}

/** The job that `text` writes down. */
export function defineJob<Values>(text: JobText<Values>): UnassignedJob {
  const { name, family, lookAlike } = text;
  const workspace = (seed: Seed, values: Values): Workspace => ({
    brief: toBrief(text, seed, values),
    ...(text.data && { data: text.data(values) }),
    files: text.files(values),
    ...(text.git && { git: text.git(values) }),
    checks: Object.entries(text.checks(values)).map(([check, command]) => ({ name: check, command })),
  });
  const variant = (seed: number): Variant => {
    const known = toSeed(seed);
    const values = text.rows[known];
    return {
      ...workspace(known, values),
      act: (use) => text.act(values, toHands(use), seed),
      expected: text.expected(values),
    };
  };
  if (lookAlike === undefined) return { name, family, variant };
  const makeLookAlike = (seed: number): LookAlike => {
    const known = toSeed(seed);
    const values = text.rows[known];
    const files = lookAlike(values, text.files(values));
    return { ...workspace(known, values), files, about: Object.keys(text.expected(values)) };
  };
  return { name, family, variant, lookAlike: makeLookAlike };
}

function toSeed(seed: number): Seed {
  const known = [...seeds.recorded, ...seeds.fresh].find((one) => one === seed);
  if (known === undefined) throw new Error(`there is no variant ${seed}`);
  return known;
}

function toBrief<Values>({ name, briefs }: JobText<Values>, seed: Seed, values: Values): string {
  const brief = briefs[seed < 10 ? seed - 1 : 3 + ((seed - 11) % 3)];
  if (brief === undefined) throw new Error(`${name} has too few wordings`);
  return brief(values);
}

function toHands(use: Use): Hands {
  const patch = async (name: string, path: string, edits: Edit[]): Promise<void> => {
    await use(name, "file.patch", { path, edits });
  };
  return {
    run: async (name, ...argv) => (await use(name, "command", { argv })).stdout,
    async runFailing(name, ...argv) {
      const { exitCode } = await use(name, "command", { argv });
      if (exitCode === 0) throw new Error(`${name} was expected to fail`);
    },
    read: async (path) => (await use("read", "file.read", { path })).text,
    async write(name, path, text) {
      await use(name, "file.write", { path, text });
    },
    patch: (name, path, ...edits) =>
      patch(
        name,
        path,
        edits.map(([find, replace]) => ({ find, replace })),
      ),
    patchAll: (name, path, find, replace) => patch(name, path, [{ find, replace, all: true }]),
    async patchInVain(name, path, find, replace) {
      const wasRefused = await patch(name, path, [{ find, replace }]).then(
        () => false,
        () => true,
      );
      if (!wasRefused) throw new Error(`${name} was expected to be refused`);
    },
    async remove(name, path) {
      await use(name, "file.delete", { path });
    },
  };
}
