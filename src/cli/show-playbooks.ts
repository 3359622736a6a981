// Showing playbooks: lists, what one says, its versions and differences, what fits new work and why it may not run.

import type { OperationName, OperationOutput } from "../contracts/operations/index.ts";
import type { PlaybookState } from "../contracts/playbook.ts";
import { toIsoTime } from "../kernel/iso-time.ts";
import { more, type Style } from "./shapes.ts";
import { escapeLine, toTable } from "./text.ts";

type Form<Name extends OperationName> = (output: OperationOutput<Name>, style: Style) => string;
type Playbook = OperationOutput<"playbooks.get">;
type Step = Playbook["content"]["steps"][number];

/** The operations about playbooks that have a form of their own. */
export const playbookForms: { readonly [Name in OperationName]?: Form<Name> } = {
  "playbooks.list": showList,
  "playbooks.get": showPlaybook,
  "playbooks.compile": ({ playbook }, style) => showPlaybook(playbook, style),
  "playbooks.promote": showAck,
  "playbooks.approve": showAck,
  "playbooks.reject": showAck,
  "playbooks.disable": showAck,
  "playbooks.repairReview": showAck,
  "playbooks.repair": (ack, style) => [showAck(ack, style), showChanges(ack.changes, style)].join("\n"),
  "playbooks.run": (ack, style) => `${style.bold(ack.taskId)}  replays ${showAck(ack, style)}`,
  "playbooks.versions": showVersions,
  "playbooks.diff": ({ changes }, style) => showChanges(changes, style),
  "playbooks.match": showMatches,
  "playbooks.candidate": showCandidate,
  "playbooks.dispatch": showDispatched,
};

function showList({ playbooks, cursor }: OperationOutput<"playbooks.list">, style: Style): string {
  if (playbooks.length === 0 && cursor === undefined) return "No playbooks.";
  const rows = playbooks.map(({ id, state, version, title, missing }) => [
    id,
    showState(state, style),
    `v${version}`,
    escapeLine(title),
    style.dim(missing.map(escapeLine).join(" ")),
  ]);
  const head = ["ID", "STATE", "VERSION", "TITLE", "MISSING"].map(style.dim);
  return `${toTable([head, ...rows], style.columns)}${more(cursor, "playbook ls", "cursor", style)}`;
}

function showState(state: PlaybookState, style: Style): string {
  const paints = {
    draft: style.dim,
    shadow: style.cyan,
    active: style.green,
    contested: style.yellow,
    disabled: style.red,
  };
  return paints[state](state);
}

function showPlaybook(
  { id, state, version, contentVersion, proposal, missing, content }: Playbook,
  style: Style,
): string {
  const { title, parameters, steps, checks, leftOut } = content;
  const of = contentVersion === version ? "" : `, steps of v${contentVersion}`;
  return [
    `${style.bold(id)}  ${showState(state, style)}  ${escapeLine(title)}  ${style.dim(`v${version}${of}`)}`,
    ...(proposal === undefined ? [] : [`A repair waits for its review: version ${proposal}.`]),
    ...missing.map((each) => style.dim(`Missing: ${escapeLine(each)}`)),
    ...section(
      "parameters",
      parameters.map((each) => [each.name, each.type, showSource(each)]),
      style,
    ),
    ...section(
      "steps",
      steps.map((step) => toStepRow(step, style)),
      style,
    ),
    ...section(
      "checks",
      checks.map(({ name, command }) => [escapeLine(name), toJson(command)]),
      style,
    ),
    ...section(
      "left out",
      leftOut.map(({ title: left, why }) => [escapeLine(left), style.dim(escapeLine(why))]),
      style,
    ),
  ].join("\n");
}

function showSource({ source, examples, fallback }: Playbook["content"]["parameters"][number]): string {
  const from = { brief: "from the brief", data: "from the data", asked: "to be given" }[source.from];
  const where = source.from === "data" ? ` at ${source.path}` : "";
  const such = fallback === undefined ? (examples[0] ?? "") : `${fallback} if absent`;
  return escapeLine(`${from}${where}, such as ${such.slice(0, 60)}`);
}

const inputChars = 100;

function toStepRow({ key, tool, input, before, after, safety, when }: Step, style: Style): string[] {
  const conditions = [...before.map(({ kind }) => `before: ${kind}`), ...after.map(({ kind }) => `after: ${kind}`)];
  const notes = [
    ...(safety === "auto_ok" ? [] : [safety]),
    ...(when === undefined ? [] : ["not always"]),
    ...conditions,
  ];
  return [key, escapeLine(tool), escapeLine(toJson(input).slice(0, inputChars)), style.dim(notes.join(", "))];
}

function toJson(value: unknown): string {
  return value === undefined ? "" : JSON.stringify(value);
}

function section(name: string, rows: readonly string[][], style: Style): string[] {
  if (rows.length === 0) return [];
  const lines = toTable(rows, style.columns).split("\n");
  return [style.dim(name), ...lines.map((line) => `  ${line}`)];
}

function showAck({ id, state, version, seq }: Omit<OperationOutput<"playbooks.promote">, "at">, style: Style): string {
  return `${style.bold(id)}  ${showState(state, style)}  v${version}  ${style.dim(`event ${seq}`)}`;
}

function showVersions({ versions, next }: OperationOutput<"playbooks.versions">, style: Style): string {
  const rows = versions.map(({ version, change, state, by, approver, at, reason }) => [
    `v${version}`,
    change,
    showState(state, style),
    toIsoTime(at),
    escapeLine(approver === undefined ? by : `${by} for ${approver}`),
    escapeLine(reason ?? ""),
  ]);
  return `${toTable(rows, style.columns)}${more(next, "playbook versions", "after", style)}`;
}

function showChanges(changes: OperationOutput<"playbooks.diff">["changes"], style: Style): string {
  if (changes.length === 0) return "No difference.";
  return changes
    .flatMap(({ at, before, after }) => [
      style.bold(escapeLine(at)),
      ...(before === undefined ? [] : [style.red(`- ${escapeLine(toJson(before))}`)]),
      ...(after === undefined ? [] : [style.green(`+ ${escapeLine(toJson(after))}`)]),
    ])
    .join("\n");
}

function showMatches({ matches }: OperationOutput<"playbooks.match">, style: Style): string {
  if (matches.length === 0) return "No playbook fits.";
  const rows = matches.map(({ playbook, confidence, sure, params, missing }) => [
    confidence.toFixed(2),
    playbook.id,
    showState(playbook.state, style),
    escapeLine(playbook.title),
    escapeLine(
      Object.entries(params)
        .map(([name, value]) => `${name}=${String(value).slice(0, 40)}`)
        .join(" "),
    ),
    [...(sure ? ["sure"] : []), ...(missing.length === 0 ? [] : [`missing ${missing.join(", ")}`])].join("; "),
  ]);
  return toTable(rows, style.columns);
}

function showCandidate({ may, blockers }: OperationOutput<"playbooks.candidate">, style: Style): string {
  if (may) return style.green("It may run now.");
  return [style.yellow("It may not run:"), ...blockers.map((each) => `  ${escapeLine(each)}`)].join("\n");
}

function showDispatched(output: OperationOutput<"playbooks.dispatch">, style: Style): string {
  if (output.decision === "replay")
    return `${style.bold(output.taskId)}  replays ${output.id}  ${output.confidence.toFixed(2)}`;
  const skipped = output.skipped.map(
    ({ id, title, why }) => `  ${id}  ${escapeLine(title)}: ${why.map(escapeLine).join("; ")}`,
  );
  return [`For the agent: ${escapeLine(output.reason)}`, ...skipped].join("\n");
}
