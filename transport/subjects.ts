// Subjects
//
// The only place that builds or takes apart a subject, so that an id can never become a wildcard, a separator or another token.
// Owns: the encoding of one token, the table of subjects (DESIGN.md section 6), and what a pattern matches.
//
// Invariants:
//   U1. A token holds only `A-Z a-z 0-9 _ - =`, and at least one and at most 63 of them, whatever the id was.
//   U2. Different ids have different tokens, and a token has one spelling: a decoded token encodes to itself.
//   U3. The number of tokens of a subject depends on its kind and its operation or fact, never on an id in it.

import { sha256 } from "@noble/hashes/sha2.js";
import { AionisError } from "../src/contracts/failures.ts";
import type { Scope } from "../src/contracts/scope.ts";
import type { Target } from "../src/contracts/values.ts";
import type { Headers, Message } from "./transport.ts";

const tokenCharsMax = 63;
const subjectCharsMax = 512;
const agentHeader = "aionis-agent";

const plainToken = /^[A-Za-z0-9_-]{1,63}$/;
const plainName = /^[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*$/;
const subjectShape = /^[!-)+-\-/-=?-~]+(?:\.[!-)+-\-/-=?-~]+)*$/; // tokens of visible ASCII without `*`, `.` and `>`
const patternShape = /^(?:>|(?:\*|[!-)+-\-/-=?-~]+)(?:\.(?:\*|[!-)+-\-/-=?-~]+))*(?:\.>)?)$/;

/** The subjects and patterns of one scope. Operations and facts are dotted names, whose dots stay separators. */
export interface Subjects {
  /** Where `agentId` calls `operation`. Send `toAgentHeaders(agentId)` with it. */
  rpc(agentId: string, operation: string): string;
  /** Every call of this scope, for its runtime to serve. */
  readonly rpcPattern: string;
  /** The calls of `agentId` to the operations of one group, such as `tasks`; to all of them if absent. */
  rpcPatternOf(agentId: string, group?: string): string;
  /** Where `to` hears that there is something to claim. The stream of the mirror does not keep it. */
  bell(to: Target): string;
  /** The same for everybody. */
  readonly bellPattern: string;
  handoff(to: Target, fact: string): string;
  handoffPattern(to: Target): string;
  delegation(to: Target, part: "packet" | "return"): string;
  delegationPattern(to: Target): string;
  task(taskId: string, fact: string): string;
  taskPattern(taskId: string): string;
  lesson(kind: string, fact: string): string;
  progress(taskId: string): string;
  /** The live output of every task. */
  readonly progressPattern: string;
  /** Where a worker hears that a task of its was ended from outside. */
  control(agentId: string): string;
  /** The same of every worker. */
  readonly controlPattern: string;
  /** What the mirror of this scope's journal is called, and the patterns of what it holds. */
  readonly mirror: { readonly stream: string; readonly patterns: readonly string[] };
  /** Where a viewer of inspection says, again and again, that it is there. */
  readonly inspectViewer: string;
  /** Where the processes of `agentId` show their actors to viewers. */
  inspectNode(agentId: string): string;
  /** The same of every agent. */
  readonly inspectNodePattern: string;
  /** Where the runtime of this scope says who it is. */
  readonly who: string;
  /** Where it says that it serves, at its start and whenever its connection is back. */
  readonly up: string;
}

/** The subjects of `scope`. Make it once and keep it: a subject then costs one or two string joins. */
export function createSubjects(scope: Scope): Subjects {
  const prefix = `aionis.v1.${encodeToken(scope.tenant)}.${encodeToken(scope.project)}`;
  return {
    rpc: (agentId, operation) => `${prefix}.rpc.${encodeToken(agentId)}.${encodeName(operation)}`,
    rpcPattern: `${prefix}.rpc.*.>`,
    rpcPatternOf: (agentId, group) =>
      `${prefix}.rpc.${encodeToken(agentId)}.${group === undefined ? "" : `${encodeName(group)}.`}>`,
    bell: (to) => `${prefix}.bell.${encodeTarget(to)}`,
    bellPattern: `${prefix}.bell.*`,
    handoff: (to, fact) => `${prefix}.handoff.${encodeTarget(to)}.${encodeName(fact)}`,
    handoffPattern: (to) => `${prefix}.handoff.${encodeTarget(to)}.>`,
    delegation: (to, part) => `${prefix}.delegation.${encodeTarget(to)}.${part}`,
    delegationPattern: (to) => `${prefix}.delegation.${encodeTarget(to)}.>`,
    task: (taskId, fact) => `${prefix}.task.${encodeToken(taskId)}.${encodeName(fact)}`,
    taskPattern: (taskId) => `${prefix}.task.${encodeToken(taskId)}.>`,
    lesson: (kind, fact) => `${prefix}.lesson.${encodeToken(kind)}.${encodeName(fact)}`,
    mirror: {
      stream: toStreamName(prefix),
      patterns: ["handoff", "delegation", "task", "lesson"].map((family) => `${prefix}.${family}.>`),
    },
    inspectViewer: `${prefix}.inspect.viewer`,
    inspectNode: (agentId) => `${prefix}.inspect.node.${encodeToken(agentId)}`,
    inspectNodePattern: `${prefix}.inspect.node.*`,
    who: `${prefix}.runtime.who`,
    up: `${prefix}.runtime.up`,
    control: (agentId) => `${prefix}.worker.${encodeToken(agentId)}.control`,
    controlPattern: `${prefix}.worker.*.control`,
    progress: (taskId) => `${prefix}.progress.${encodeToken(taskId)}`,
    progressPattern: `${prefix}.progress.*`,
  };
}

/**
 * The caller and the operation of a request on `Subjects.rpcPattern`. The caller is who the subject names, because a broker's
 * permissions bind subjects; a header only spells out an id that was too long for its token.
 * @throws AionisError `INPUT_INVALID` when the subject is no call, or its header does not fit it.
 */
export function parseRpc(message: Pick<Message, "subject" | "headers">): { agentId: string; operation: string } {
  const tokens = message.subject.split(".");
  const [, , , , family, agentToken = "", ...nameTokens] = tokens;
  const agentId = decodeToken(agentToken) ?? agentFromHeader(message.headers, agentToken);
  const names = nameTokens.map(decodeToken);
  if (family !== "rpc" || agentId === undefined || names.length === 0 || names.includes(undefined)) {
    throw new AionisError(
      "INPUT_INVALID",
      `"${message.subject.slice(0, subjectCharsMax)}" does not name a caller and an operation.`,
    );
  }
  return { agentId, operation: names.join(".") };
}

/** The scope, as `tenant/project`, that a call on `subject` is for; undefined when it is no call, or names its scope by a hash alone. */
export function parseScope(subject: string): string | undefined {
  const [, , tenant = "", project = "", family] = subject.split(".");
  const parts = [tenant, project].map(decodeToken);
  return family !== "rpc" || parts.includes(undefined) ? undefined : parts.join("/");
}

/** The headers that must accompany `agentId`'s calls: the id itself, where its token holds only a hash of it. */
export function toAgentHeaders(agentId: string): Headers {
  return isHashed(encodeToken(agentId)) ? { [agentHeader]: toBase64Url(Buffer.from(agentId, "utf8")) } : {};
}

/** Who an agent is beside all scopes: owner of an inbox and of payloads on a broker. A scope's parts hold no slash. */
export function toOwner(scopeName: string, agentId: string): string {
  return `${scopeName}/${agentId}`;
}

/** Where `owner` serves the parts of a payload that is too large for one message of a broker; `id` is a token that nobody can guess. */
export function toBlobSubject(owner: string, id: string): string {
  return `aionis.v1.blob.${encodeToken(owner)}.${id}`;
}

/** Every payload that `owner` serves, or anybody. */
export function toBlobPattern(owner?: string): string {
  return `aionis.v1.blob.${owner === undefined ? "*" : encodeToken(owner)}.*`;
}

/** Whether `subject` is one of `toBlobSubject`: a scope's subjects have more tokens, even those of a tenant called `blob`. */
export function isBlobSubject(subject: string): boolean {
  return /^aionis\.v1\.blob\.[\w=-]{1,63}\.[\w-]{1,63}$/.test(subject);
}

/** Where whoever serves `pattern` listens too, so that a broker knows whether anybody does, and so that senders can give up. */
export function toServedSubject(pattern: string): string {
  return `aionis.served.${pattern}`;
}

/** What the subjects of the replies to `owner` begin with; a broker's permissions let nobody else listen there. */
export function toInboxPrefix(owner: string): string {
  return `_INBOX_${encodeToken(owner)}`;
}

/** Whether replies come to `subject`, of our clients or of foreign ones. */
export function isInbox(subject: string): boolean {
  return subject.startsWith("_INBOX");
}

/** Whether `subject` is for the transports among themselves. A pattern such as `>` does not reach it. */
export function isInternalSubject(subject: string): boolean {
  return isInbox(subject) || subject.startsWith("aionis.served.") || isBlobSubject(subject);
}

/**
 * One token for any text: the text itself, else `=` and its base64url, else (past 63 characters) `==` and its SHA-256.
 * @throws AionisError `INPUT_INVALID` when `text` is not well-formed Unicode: two such texts could share a token (U2).
 */
export function encodeToken(text: string): string {
  if (plainToken.test(text)) return text;
  if (!text.isWellFormed())
    throw new AionisError("INPUT_INVALID", "An id holds half of a surrogate pair; it is not Unicode text.");
  const bytes = Buffer.from(text, "utf8");
  const encoded = `=${toBase64Url(bytes)}`;
  return encoded.length <= tokenCharsMax ? encoded : `==${toBase64Url(sha256(bytes))}`;
}

/** The text that `token` stands for, or undefined when it holds only a hash or was not made by `encodeToken`. */
export function decodeToken(token: string): string | undefined {
  if (plainToken.test(token)) return token;
  if (!token.startsWith("=") || isHashed(token)) return undefined;
  const text = Buffer.from(token.slice(1), "base64url").toString("utf8");
  return encodeToken(text) === token ? text : undefined; // U2: base64 and UTF-8 both have spellings that decoders forgive
}

/**
 * Whether `subject` fits `pattern`, as NATS defines it: `*` is one token, a final `>` is one or more.
 * Both must have passed `checkSubject` and `checkPattern`.
 */
export function matches(pattern: string, subject: string): boolean {
  let at = 0;
  for (let index = 0; index < pattern.length; index += 1) {
    const char = pattern.charCodeAt(index);
    if (char === 0x3e) return at < subject.length; // `>`
    if (char === 0x2a) {
      const dot = subject.indexOf(".", at); // `*`
      at = dot < 0 ? subject.length : dot;
    } else if (subject.charCodeAt(at) === char) {
      at += 1;
    } else {
      return false;
    }
  }
  return at === subject.length;
}

/** @throws AionisError `INPUT_INVALID` when `subject` is empty, over 512 characters, or holds a wildcard, an empty token or white space. */
export function checkSubject(subject: string): void {
  if (subject.length <= subjectCharsMax && subjectShape.test(subject)) return;
  throw new AionisError("INPUT_INVALID", `"${subject.slice(0, 80)}" is not a subject.`);
}

/** @throws AionisError `INPUT_INVALID` when `pattern` is no subject even with `*` for a token or `>` for the last ones. */
export function checkPattern(pattern: string): void {
  if (pattern.length <= subjectCharsMax && patternShape.test(pattern)) return;
  throw new AionisError("INPUT_INVALID", `"${pattern.slice(0, 80)}" is not a pattern of subjects.`);
}

/** A stream's name cannot hold a dot, so it is made of what tells the scope's subjects apart. */
function toStreamName(prefix: string): string {
  const [, , tenant = "", project = ""] = prefix.split(".");
  const isPlain = [tenant, project].every((token) => plainToken.test(token) && !token.includes("_"));
  return isPlain ? `AIONIS_${tenant}_${project}` : `AIONIS-${toBase64Url(sha256(Buffer.from(prefix, "utf8")))}`;
}

function encodeName(name: string): string {
  return plainName.test(name) ? name : name.split(".").map(encodeToken).join(".");
}

function encodeTarget(to: Target): string {
  if (to === "any") return "any";
  return encodeToken("agent" in to ? `agent-${to.agent}` : `role-${to.role}`);
}

function agentFromHeader(headers: Headers, token: string): string | undefined {
  const agentId = Buffer.from(headers[agentHeader] ?? "", "base64url").toString("utf8");
  return isHashed(token) && encodeToken(agentId) === token ? agentId : undefined;
}

function isHashed(token: string): boolean {
  return token.startsWith("==");
}

function toBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64url");
}
