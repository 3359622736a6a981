// Program
//
// The tree of commands that commander parses, made from the verbs. Owns: help texts and what is read of argv. Does not own: running a
// verb, which is handed in.

import { Command, Option } from "commander";
import { fromDuration } from "../contracts/duration.ts";
import type { Layer } from "../contracts/operations/index.ts";
import { type Field, type FieldReader, readField, toFields, toPlural } from "./fields.ts";
import { toUsageError } from "./report.ts";
import { listVerbs, type Verb } from "./verbs.ts";

/** What every verb takes beside its own options. */
export interface GlobalOptions {
  path: string;
  scope: string | undefined;
  agent: string;
  timeoutMs: number | undefined;
  isJson: boolean;
}

/** A verb with everything that argv says about it, not yet read. */
export interface Request {
  verb: Verb;
  /** `task start`, or `events tail`. */
  words: string;
  /** Whether it goes on until it is stopped. */
  follows: "events" | "task" | undefined;
  /** Whether it may make the store: a command that needs nothing to be there. */
  mayCreate: boolean;
  options: GlobalOptions;
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

/** The whole command line. `run` is called once, for the verb that argv names. */
export function createProgram(
  env: Readonly<Record<string, string | undefined>>,
  run: (request: Request) => Promise<void>,
): Command {
  const program = new Command("aionis")
    .description("A continuity runtime for agent systems: durable tasks, and handoffs that are transactions.")
    .option("--json", "print one JSON document, and failures as JSON on stderr")
    .option("--path <folder>", "the folder of the store; AIONIS_PATH, else .aionis")
    .option("--scope <tenant/project>", "AIONIS_SCOPE, else local/<name of the current folder>")
    .option("--agent <id>", "who asks; AIONIS_AGENT, else cli")
    .option("--timeout <duration>", "how long to wait for an answer: 90s, 2m, or milliseconds; 10s if absent")
    .option("-V, --version", "print the version")
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .helpCommand(false)
    .showHelpAfterError(false);
  const toGlobals = (): GlobalOptions => readGlobals(program.opts(), env);

  const entries = listVerbs().map((verb) => ({ verb, fields: toFields(verb.operation.input) }));
  for (const { verb, fields } of entries.sort((left, right) => rankOf(left) - rankOf(right))) {
    const parent = verb.words.length > 1 ? toGroup(program, verb) : program;
    const word = verb.words.at(-1) ?? "";
    const follows = verb.operation.name === "tasks.watch" ? "task" : undefined;
    addVerb(parent, word, { verb, fields, follows, toGlobals, run });
    if (verb.operation.name === "events.read")
      addVerb(parent, "tail", { verb, fields, follows: "events", toGlobals, run });
  }
  program.addHelpText("after", firstSteps);
  return program;
}

const firstSteps = `
Examples:
  $ aionis task start "Make the retry test pass"
  $ aionis task ls
  $ aionis task explain ID
  $ aionis events tail --from 1

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
  session: "Keep together what agents and hosts note while they work.",
  events: "Read or follow the journal.",
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
  toGlobals(): GlobalOptions;
  run(request: Request): Promise<void>;
}

function addVerb(parent: Command, word: string, { verb, fields: all, follows, toGlobals, run }: VerbOptions): void {
  const { operation } = verb;
  const fields = all.flatMap((field) => toOwnField(field, follows));
  const positional = positionalOf(verb, fields);
  const options = fields.filter((field) => !positional.includes(field)).map(besideGlobals);
  const command = parent
    .command(word)
    .description(summaryOf(operation.summary, follows))
    .helpGroup(headingOf({ verb, fields }))
    .allowExcessArguments(false);
  const ownWord = operation.name.split(".").at(-1) ?? "";
  if (word === "ls") command.alias(ownWord); // whoever knows the operation finds it
  for (const field of positional)
    command.argument(field.isRequired ? `<${field.flag}>` : `[${field.flag}]`, field.description);
  const read = options.map((field) => ({ field, values: addField(command, field) }));
  if (verb.examples.length > 0 && follows !== "events")
    command.addHelpText("after", `\nExamples:\n${verb.examples.map((example) => `  $ ${example}`).join("\n")}`);
  if (follows !== undefined) command.addHelpText("after", followTexts[follows]);

  command.action(async () => {
    const given = positional.map((field, index) => ({ field, texts: command.args.slice(index, index + 1) }));
    const asked = read.map(({ field, values }) => ({ field, texts: values() }));
    const words = [...verb.words.slice(0, -1), word].join(" ");
    await run({
      verb,
      words,
      follows,
      mayCreate: operation.kind === "command" && all.every(({ name }) => !idFields.includes(name)),
      options: toGlobals(),
      readInput: (reader) => readInput([...given, ...asked], reader),
    });
  });
}

const idFields = ["taskId", "packetId", "sessionId"];

/** The inputs that are given by position: those that the table of verbs names, else the ids that the operation cannot do without. */
function positionalOf(verb: Verb, fields: readonly Field[]): Field[] {
  const isAsked = (field: Field): boolean => verb.positional !== undefined || field.isRequired;
  return (verb.positional ?? idFields).flatMap((name) =>
    fields.filter((field) => field.name === name && isAsked(field)),
  );
}

const ownToFollowers = new Set(["pageSize", "waitMs"]); // how a follower pages and waits is its own matter
const globalFlags = new Set(["json", "path", "scope", "agent", "timeout", "version", "help"]);

function toOwnField(field: Field, follows: Request["follows"]): Field[] {
  if (follows !== undefined && ownToFollowers.has(field.name)) return [];
  if (follows === "events" && field.name === "from")
    return [{ ...field, description: "the first sequence; from now on if absent" }];
  return [field];
}

/** An input that is called like an option of every verb gets another name, or it could not be given. */
function besideGlobals(field: Field): Field {
  return globalFlags.has(field.flag) ? { ...field, flag: `with-${field.flag}` } : field;
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

type Read = boolean | string[] | undefined;

/** Adds the option and returns what was given for it. */
function addField(command: Command, field: Field): () => Read {
  if (field.kind === "switch") {
    const option = new Option(field.isOn ? `--no-${field.flag}` : `--${field.flag}`, field.description);
    command.addOption(option);
    return () => {
      const value: unknown = command.getOptionValue(option.attributeName());
      return command.getOptionValueSource(option.attributeName()) === "cli" ? value === true : undefined;
    };
  }
  const texts: string[] = [];
  const flags = [field.flag, toPlural(field)].filter((flag) => flag !== undefined);
  for (const [index, flag] of flags.entries()) {
    const option = new Option(`--${flag} ${field.placeholder}`, field.description);
    option.argParser((text: string) => {
      texts.push(text);
      return text; // a mandatory option must have a value
    });
    if (index > 0) option.hideHelp();
    else if (field.isRequired) option.makeOptionMandatory();
    command.addOption(option);
  }
  return () => (texts.length === 0 ? undefined : texts);
}

async function readInput(
  given: readonly { field: Field; texts: Read }[],
  reader: FieldReader,
): Promise<Record<string, unknown>> {
  const input: Record<string, unknown> = {};
  for (const { field, texts } of given) {
    if (typeof texts === "boolean") input[field.name] = texts;
    else if (texts !== undefined && texts.length > 0) input[field.name] = await readField(field, texts, reader);
  }
  return input;
}

function readGlobals(
  options: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string | undefined>>,
): GlobalOptions {
  const text = (name: string): string | undefined => {
    const value = options[name] ?? env[`AIONIS_${name.toUpperCase()}`];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const timeout = text("timeout");
  const timeoutMs = timeout === undefined ? undefined : fromDuration(timeout);
  if (timeout !== undefined && timeoutMs === undefined)
    throw toUsageError(`--timeout is "${timeout}", which is not a length of time such as 90s.`);
  return {
    path: text("path") ?? ".aionis",
    scope: text("scope"),
    agent: text("agent") ?? "cli",
    timeoutMs,
    isJson: options.json === true,
  };
}
