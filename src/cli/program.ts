// Program
//
// The tree of commands that commander parses, made from the verbs. Owns: help texts and what is read of argv. Does not own: running a
// verb, which is handed in.

import { Command, Option } from "commander";
import type { Layer } from "../contracts/operations/index.ts";
import { type Field, type FieldReader, isId, positionalOf, putField, readField, toFields, toPlural } from "./fields.ts";
import type { Host } from "./host.ts";
import { addImport } from "./import.ts";
import { addInspect } from "./inspect.ts";
import { addPermissions } from "./permissions.ts";
import type { AddCommand, Surroundings } from "./process.ts";
import { toUsageError } from "./report.ts";
import { addServe } from "./serve.ts";
import { addSettings, Settings } from "./settings.ts";
import { listVerbs, type Verb } from "./verbs.ts";
import { addWorker } from "./worker.ts";

/** A verb with everything that argv says about it, not yet read. */
export interface Request {
  verb: Verb;
  /** `task start`, or `events tail`. */
  words: string;
  /** Whether it goes on until it is stopped. */
  follows: "events" | "task" | undefined;
  /** Whether it may make the store: a command that needs nothing to be there. */
  mayCreate: boolean;
  settings: Settings;
  /** The inputs that it takes, as they were written. */
  fields: readonly Field[];
  /** @throws AionisError `INPUT_INVALID` for a value that is no input. */
  readInput(reader: FieldReader): Promise<Record<string, unknown>>;
}

/** The words at the beginning of argv that name a command, for hints. */
export function findWords(program: Command, argv: readonly string[]): string {
  let command: Command | undefined = program;
  const words: string[] = [];
  for (const word of argv.filter((argument) => !argument.startsWith("-"))) {
    command = command.commands.find((child) => child.name() === word);
    if (command === undefined) break;
    words.push(word);
  }
  return words.join(" ");
}

/** Commands that are no verbs. */
const otherCommands: readonly AddCommand[] = [addImport, addServe, addWorker, addInspect, addPermissions];

/** What runs the command that argv names. One of them is called, once. */
export interface Runners {
  runVerb(request: Request): Promise<void>;
  /** `run` does what a command that is no verb is for, and resolves with the exit code. */
  runOther(settings: Settings, run: (surroundings: Surroundings) => Promise<number>): Promise<void>;
}

/**
 * The command line. With an `argv` that begins with the words of a verb it has that verb alone: what all of them take is made from schemas,
 * and would take longer than most commands.
 */
export function createProgram(
  host: Pick<Host, "env" | "cwd">,
  { runVerb, runOther }: Runners,
  argv: readonly string[] = [],
): Command {
  const program = new Command("aionis")
    .description("A continuity runtime for agent systems: durable tasks, and handoffs that are transactions.")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .helpCommand(false)
    .showHelpAfterError(false);
  addSettings(program);
  program.option("-V, --version", "print the version");
  const reserved = new Set([...program.options.map(({ long }) => long?.slice(2)), "help"]);
  const toSettings = (): Settings => new Settings(program.opts(), host);

  const all = listVerbs();
  const named = all.filter((verb) => isNamed(verb, argv));
  const entries = (named.length > 0 ? named : all).map((verb) => ({ verb, fields: toFields(verb.input, verb.traits) }));
  for (const { verb, fields } of entries.sort((left, right) => rankOf(left) - rankOf(right))) {
    const parent = verb.words.length > 1 ? toGroup(program, verb) : program;
    const word = verb.words.at(-1) ?? "";
    const follows = verb.operation.name === "tasks.watch" ? "task" : undefined;
    addVerb(parent, word, { verb, fields, follows, reserved, toSettings, runVerb });
    if (verb.operation.name === followed)
      addVerb(parent, followWord, { verb, fields, follows: "events", reserved, toSettings, runVerb });
  }
  for (const add of named.length > 0 ? [] : otherCommands) {
    const known = new Set(program.commands);
    add(program, (run) => runOther(toSettings(), run));
    for (const command of program.commands) if (!known.has(command)) refuseEmpty(command);
  }
  refuseEmpty(program, { isDeep: false });
  program.addHelpText("after", firstSteps);
  return program;
}

/** An empty text is never a value of these options: a variable of a script that is not set must not read as "not given". */
function refuseEmpty(command: Command, { isDeep } = { isDeep: true }): void {
  for (const option of command.options) {
    command.on(`option:${option.name()}`, (value: unknown) => {
      if (value === "") throw toUsageError(`${option.long} is empty. Give it a value, or leave it out.`);
    });
  }
  if (isDeep) for (const child of command.commands) refuseEmpty(child);
}

/** The operation that can be followed under a word of its own. */
const followed = "events.read";
const followWord = "tail";

/** Whether `argv` begins with the verb's words, or with other words for it. Options before them are not looked through. */
function isNamed({ words, operation }: Verb, argv: readonly string[]): boolean {
  const last = argv[words.length - 1];
  if (last === undefined || words.slice(0, -1).some((word, index) => word !== argv[index])) return false;
  if (last === words.at(-1) || last === otherWord(words, operation.name)) return true;
  return operation.name === followed && last === followWord;
}

/** The operation's own word, by which it is found, too. */
function otherWord(words: readonly string[], operation: string): string | undefined {
  return words.at(-1) === "ls" ? operation.split(".").at(-1) : undefined;
}

const firstSteps = `
Examples:
  $ aionis import git
  $ aionis start "Make the retry test pass"
  $ aionis task start "Make the retry test pass"
  $ aionis task ls
  $ aionis task explain ID
  $ aionis events tail --from 1
  $ aionis serve --nats nats://10.0.0.5
  $ aionis worker ./fixer.ts --nats nats://10.0.0.5
  $ aionis inspect

Secrets for NATS come from files or the environment: AIONIS_NATS_USER with AIONIS_NATS_PASSWORD, or AIONIS_NATS_TOKEN.
Exit codes: 0 done, 1 failed, 2 bad arguments, 3 not found, 4 conflict, 5 unavailable, 130 interrupted.`;

const layers: readonly Layer[] = ["core", "enhanced", "advanced"];
const headings: Readonly<Record<Layer, string>> = { core: "Core", enhanced: "Enhanced", advanced: "Advanced" };

/** The core first; within a layer, what the holder of a claim says comes last. */
function rankOf({ verb, fields }: VerbFields): number {
  return layers.indexOf(verb.operation.layer) * 2 + (isForHolder(fields) ? 1 : 0);
}

function headingOf({ verb, fields }: VerbFields): string {
  const heading = headings[verb.operation.layer];
  return isForHolder(fields) ? `${heading}, for the holder of a claim:` : `${heading}:`;
}

function isForHolder(fields: readonly Field[]): boolean {
  return fields.some((field) => field.name === "epoch" && field.isRequired);
}

const groupTexts: Readonly<Record<string, string>> = {
  task: "Start tasks, see where they stand, answer, claim and work on them.",
  handoff: "Offer a running task to somebody else, and take what is offered.",
  delegation: "See what was delegated, and what came back.",
  replay: "Report the runs of a host that has no worker, and read any task that has ended as a run.",
  session: "Keep together what agents and hosts note while they work.",
  events: "Read or follow the journal.",
  memory: "Write down what is known, and look at what was learned.",
  node: "Say what came of single lessons.",
  playbook: "Make playbooks of work that succeeded, run them without a model, and decide which may run.",
  ranking: "See what ranking has learned, or let it begin again.",
};

function toGroup(program: Command, verb: Verb): Command {
  const [name = ""] = verb.words;
  const known = program.commands.find((command) => command.name() === name);
  if (known !== undefined) return known;
  const group = program.command(name).description(groupTexts[name] ?? `The operations ${name}.*.`);
  // a group without a verb has said nothing: its help is a failure, on stderr
  return group.helpGroup(`${headings[verb.operation.layer]}:`).helpCommand(false).showHelpAfterError(false);
}

interface VerbFields {
  verb: Verb;
  fields: readonly Field[];
}

interface VerbOptions extends VerbFields {
  follows: Request["follows"];
  /** Names of options that every command takes. */
  reserved: ReadonlySet<string | undefined>;
  toSettings(): Settings;
  runVerb: Runners["runVerb"];
}

function addVerb(
  parent: Command,
  word: string,
  { verb, fields: all, follows, reserved, toSettings, runVerb }: VerbOptions,
): void {
  const { operation } = verb;
  const fields = all.flatMap((field) => toOwnField(field, follows));
  const given = positionalOf(verb.traits, fields);
  const options = fields.filter((field) => !given.includes(field)).map((field) => besides(field, reserved));
  const positional = given.map((field) => ({ ...field, isArgument: true }));
  const command = parent
    .command(word)
    .description(summaryOf(operation.summary, follows))
    .helpGroup(headingOf({ verb, fields }))
    .allowExcessArguments(false);
  const alias = otherWord([word], operation.name);
  if (alias !== undefined) command.alias(alias);
  for (const field of positional) command.argument(toArgument(field), field.description);
  const read = options.map((field) => addField(command, field));
  const { examples = [], mayCreate = operation.kind === "command" && !all.some(isId) } = verb.traits;
  if (examples.length > 0 && follows !== "events")
    command.addHelpText("after", `\nExamples:\n${examples.map((example) => `  $ ${example}`).join("\n")}`);
  if (follows !== undefined) command.addHelpText("after", followTexts[follows]);

  command.action(async () => {
    const placed = positional.map((field, index) => {
      return { field, texts: command.args.slice(index, field.isList ? undefined : index + 1) };
    });
    const inputs = [...placed, ...read.map((values) => values())];
    const words = [...verb.words.slice(0, -1), word].join(" ");
    await runVerb({
      verb,
      words,
      follows,
      mayCreate,
      settings: toSettings(),
      fields: inputs.map(({ field }) => field),
      readInput: (reader) => readInput(inputs, reader),
    });
  });
}

/** A list is the last one: it takes all that follows. */
function toArgument({ flag, isRequired, isList }: Field): string {
  const name = isList ? `${flag}...` : flag;
  return isRequired ? `<${name}>` : `[${name}]`;
}

const ownToFollowers = new Set(["pageSize", "waitMs"]); // how a follower pages and waits is its own matter

function toOwnField(field: Field, follows: Request["follows"]): Field[] {
  if (follows !== undefined && ownToFollowers.has(field.name)) return [];
  if (follows === "events" && field.name === "from")
    return [{ ...field, description: "the first sequence; from now on if absent" }];
  return [field];
}

/** An input that is called like an option of every verb gets another name, or it could not be given. */
function besides(field: Field, reserved: VerbOptions["reserved"]): Field {
  return reserved.has(field.flag) ? { ...field, flag: `with-${field.flag}` } : field;
}

function summaryOf(summary: string, follows: Request["follows"]): string {
  if (follows === "events") return "Print events as they are recorded, from a sequence or from now on, until Ctrl-C.";
  if (follows === "task") return "Print a task at each change until it has ended.";
  return summary;
}

const followTexts: Readonly<Record<"events" | "task", string>> = {
  events:
    "\nExamples:\n  $ aionis events tail --from 1\n  $ aionis events tail --json\n\nWith --json: one document a line.",
  task: "\nWith --json: one document a line. Exit code 0 when it succeeded, 1 when it failed or was cancelled.",
};

/** A field with what was written for it. */
interface Given {
  field: Field;
  texts: boolean | string[] | undefined;
}

/** Adds the option. What it returns reads what was given for it, and under which of its names. */
function addField(command: Command, field: Field): () => Given {
  if (field.kind === "switch") {
    const option = new Option(field.isOn ? `--no-${field.flag}` : `--${field.flag}`, field.description);
    command.addOption(option);
    return () => {
      const value: unknown = command.getOptionValue(option.attributeName());
      const isGiven = command.getOptionValueSource(option.attributeName()) === "cli";
      return { field, texts: isGiven ? value === true : undefined };
    };
  }
  let typed = field.flag;
  const texts: string[] = [];
  const flags = [field.flag, toPlural(field)].filter((flag) => flag !== undefined);
  for (const [index, flag] of flags.entries()) {
    const option = new Option(`--${flag} ${field.placeholder}`, field.description);
    option.argParser((text: string) => {
      texts.push(text);
      typed = flag;
      return text; // a mandatory option must have a value
    });
    if (index > 0) option.hideHelp();
    else if (field.isRequired) option.makeOptionMandatory();
    command.addOption(option);
  }
  return () => ({ field: { ...field, flag: typed }, texts: texts.length === 0 ? undefined : texts });
}

async function readInput(given: readonly Given[], reader: FieldReader): Promise<Record<string, unknown>> {
  const input: Record<string, unknown> = {};
  for (const { field, texts } of given) {
    if (typeof texts === "boolean") putField(input, field, texts);
    else if (texts !== undefined && texts.length > 0) putField(input, field, await readField(field, texts, reader));
  }
  return input;
}
