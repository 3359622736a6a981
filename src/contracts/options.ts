// Options
//
// What programs give to the exported functions, checked where it comes in: JavaScript has no types, and `Number(process.env.X)` is NaN
// where X is not set. What has a life of its own (a logger, an exec, a function) is checked by its shape alone.

import { z } from "zod";
import { AionisError } from "./failures.ts";
import { FamilyRules } from "./family.ts";
import { AgentId, Role } from "./ids.ts";
import { limits } from "./limits.ts";
import { Safety } from "./playbook.ts";
import { CallBytes } from "./values.ts";

/** A length of time that must pass: a whole number of milliseconds, at least one. */
const lengthMs = z.int().positive().max(limits.waitMs);
/** As `Duration` of the client: milliseconds, or a number with its unit. The text's form is refused by its own sentence. */
const duration = z.union([z.number().nonnegative(), z.string()], {
  error: 'expected milliseconds, or a text such as "90s"',
});
const path = z.string().min(1);
const scope = z.string(); // its form is refused by its own sentence
const fn = z.custom<(...args: never[]) => unknown>((value) => typeof value === "function", {
  error: "expected a function",
});

/** An object that has these methods. */
const has = (...methods: string[]) =>
  z.custom<object>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      methods.every((name) => typeof Reflect.get(value, name) === "function"),
    { error: `expected an object with ${methods.map((name) => `${name}()`).join(", ")}` },
  );
const logger = has("log").optional();

const natsAddress = {
  servers: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  credentials: z
    .union(
      [
        z.strictObject({ user: z.string(), password: z.string() }),
        z.strictObject({ token: z.string() }),
        z.strictObject({ nkeySeed: z.string() }),
        z.strictObject({ credsFile: path }),
      ],
      { error: "expected { user, password }, { token }, { nkeySeed } or { credsFile }" }, // and no word of what was given
    )
    .optional(),
  tls: z.strictObject({ ca: path.optional(), cert: path.optional(), key: path.optional() }).optional(),
  name: z.string().min(1).optional(),
};

/** The options of each exported function, by its name. */
export const optionSchemas = {
  createRuntime: z.strictObject({
    scope: scope.optional(),
    path: path.optional(),
    createScope: z.boolean().optional(),
    durability: z.enum(["power", "process"]).optional(),
    agent: AgentId.optional(),
    leaseMs: lengthMs.optional(),
    callBytes: CallBytes.optional(),
    nats: z.strictObject({ ...natsAddress, mirror: z.boolean().optional() }).optional(),
    inspect: z
      .strictObject({ port: z.int().nonnegative().max(65_535).optional(), statelyUrl: z.string().min(1).optional() })
      .optional(),
    socket: z.boolean().optional(),
    embedding: fn.optional(),
    families: FamilyRules.optional(),
    logger,
    onFailed: fn.optional(),
  }),
  connect: z.strictObject({
    ...natsAddress,
    servers: natsAddress.servers.optional(),
    path: path.optional(),
    scope: scope.optional(),
    agent: AgentId.optional(),
    timeoutMs: lengthMs.optional(),
    logger,
  }),
  worker: z.strictObject({
    agent: AgentId,
    roles: z.array(Role).optional(), // how many there may be depends on the tools
    concurrency: z.int().positive().max(limits.callsWaiting).optional(),
    checks: z.record(z.string(), fn).optional(),
    cwd: z.string().optional(),
    workspace: z.string().optional(),
    tools: z.array(z.looseObject({ name: z.string(), execute: fn })).optional(),
    exec: has("run").optional(),
    graceMs: z.int().nonnegative().max(limits.waitMs).optional(),
  }),
  "ctx.step": z.strictObject({
    key: z.string().optional(), // its bounds are refused by their own sentence, as those of the name are
    tool: z.string().optional(),
    input: z.unknown().optional(),
    once: z.boolean().optional(),
    files: z.array(z.string()).optional(),
    timeout: duration.optional(),
  }),
  "ctx.run": z.strictObject({
    key: z.string().optional(),
    cwd: z.string().optional(),
    env: z.record(z.string(), z.string().optional()).optional(),
    timeout: duration.optional(),
    outputBytes: z.int().nonnegative().optional(),
  }),
  "ctx.pause": z.strictObject({
    question: z.string(),
    answer: z.custom<object>((value) => typeof value === "object" && value !== null && "_zod" in value, {
      error: "expected a schema of zod 4, such as z.boolean()", // of any copy of it
    }),
    expiresIn: duration.optional(),
    approver: z.string().optional(),
    about: z
      .string()
      .min(1)
      .max(limits.nameChars - 1)
      .optional(), // a key may need one more
  }),
  "ctx.tool": z.strictObject({ key: z.string().optional(), files: z.array(z.string()).optional() }),
  defineTool: z.strictObject({
    name: z.string(), // its form is refused by its own sentence
    input: has("safeParse"),
    execute: fn,
    dryRun: fn.optional(),
    files: fn.optional(),
    safety: Safety.optional(),
    idempotent: z.boolean().optional(),
  }),
  "ctx.guidance": z.strictObject({ repo: path.optional() }),
  "ctx.fail": z.strictObject({ retryable: z.boolean().optional(), data: z.unknown().optional() }),
  "events.subscribe": z.strictObject({
    from: z.int().positive().optional(),
    task: z.string().optional(),
    types: z.array(z.string()).optional(),
  }),
  "delegationRecords.subscribe": z.strictObject({ from: z.int().positive().optional() }),
  follow: z.strictObject({ signal: has("addEventListener", "throwIfAborted").optional() }),
  call: z.strictObject({
    timeoutMs: z.number().positive().max(limits.waitMs).optional(),
    agent: AgentId.optional(),
    signal: has("addEventListener", "throwIfAborted").optional(),
    onProgress: fn.optional(),
  }),
  drain: z.strictObject({ timeoutMs: z.int().nonnegative().max(limits.waitMs).optional() }),
  createTestRuntime: z.strictObject({
    scope: scope.optional(),
    seed: z.int().nonnegative().optional(),
    leaseMs: lengthMs.optional(),
    learns: z.boolean().optional(),
    logger,
  }),
} as const;

/**
 * Refuses options that do not fit, before anything is made of them.
 * @throws AionisError `INPUT_INVALID`, with the name, the value and what was expected of each; `facts.issues` lists them.
 */
export function checkOptions(of: keyof typeof optionSchemas, options: unknown): void {
  const parsed = optionSchemas[of].safeParse(options);
  if (parsed.success) return;
  const issues = parsed.error.issues.slice(0, issuesShown).map((issue) => {
    const unknown = issue.code === "unrecognized_keys" ? issue.keys.join(", ") : undefined;
    const name = [...issue.path.map(String), ...(unknown === undefined ? [] : [unknown])].join(".");
    const message = unknown === undefined ? issue.message : "there is no such option";
    return { path: name, message, value: show(unknown === undefined ? find(options, issue.path) : "") };
  });
  const told = issues.map(
    ({ path: name, message, value }) => `${name || "options"}${value && ` is ${value}`}: ${message}`,
  );
  throw new AionisError("INPUT_INVALID", `${of}: ${told.join("; ")}.`, { facts: { issues } });
}

/** Refuses what is no object, which a contract then looks into. @throws AionisError `INPUT_INVALID`; `example` says what to give. */
export function checkObject(of: string, value: unknown, example: string): void {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) return;
  throw new AionisError(
    "INPUT_INVALID",
    `${of} takes an object, such as ${example}, and was given ${show(value) || '""'}.`,
  );
}

const issuesShown = 5;
const valueChars = 80;

function find(value: unknown, keys: readonly PropertyKey[]): unknown {
  return keys.reduce<unknown>(
    (found, key) => (typeof found === "object" && found !== null ? Reflect.get(found, key) : undefined),
    value,
  );
}

/** A value in a few characters; of an object only that it is one, because it may hold credentials. */
function show(value: unknown): string {
  if (typeof value === "string") return value === "" ? "" : JSON.stringify(value).slice(0, valueChars);
  if (typeof value === "function") return "a function";
  return typeof value === "object" && value !== null ? (Array.isArray(value) ? "a list" : "an object") : String(value);
}
