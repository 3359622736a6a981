// Settings
//
// The options that every command takes: what argv says, else the environment.

import { type Command, Option } from "commander";
import { toDefaultScope } from "../../sdk/index.ts";
import { fromDuration } from "../contracts/duration.ts";
import { fromScopeName } from "../contracts/scope.ts";
import type { Host } from "./host.ts";
import { toUsageError } from "./report.ts";
import { toKebab } from "./words.ts";

export class Settings {
  readonly #options: Readonly<Record<string, unknown>>;
  readonly #host: Pick<Host, "env" | "cwd">;

  /** `options` are commander's of the whole program. */
  constructor(options: Readonly<Record<string, unknown>>, host: Pick<Host, "env" | "cwd">) {
    this.#options = options;
    this.#host = host;
  }

  get cwd(): string {
    return this.#host.cwd;
  }

  /** `tenant/project`. @throws AionisError `INPUT_INVALID` when it is none. */
  get scope(): string {
    const scope = this.read("scope") ?? toDefaultScope(this.cwd);
    fromScopeName(scope);
    return scope;
  }

  get isJson(): boolean {
    return this.#options.json === true;
  }

  /** @throws AionisError `INPUT_INVALID` */
  get timeoutMs(): number | undefined {
    const given = this.given("timeout");
    return readDuration(
      given === undefined ? toVariable("timeout") : "--timeout",
      given ?? this.readVariable("timeout"),
    );
  }

  /** What argv says. An option that may be repeated has its values with commas between them, as its variable has. */
  given(name: string): string | undefined {
    const value = this.#options[name];
    return toText(Array.isArray(value) ? value.join() : value);
  }

  /** What argv says, else the variable: that of `natsCreds` is `AIONIS_NATS_CREDS`. */
  read(name: string): string | undefined {
    return this.given(name) ?? this.readVariable(name);
  }

  /** What the environment says: all that a secret may come from, because everybody can read argv. */
  readVariable(name: string): string | undefined {
    return toText(this.#host.env[toVariable(name)]);
  }
}

/** Adds what `Settings` reads. */
export function addSettings(program: Command): void {
  program
    .option("--json", "print one JSON document, and failures as JSON on stderr")
    .option("--path <folder>", "the folder of the store; AIONIS_PATH, else .aionis")
    .option("--scope <tenant/project>", "AIONIS_SCOPE, else local/<name of the current folder>")
    .option("--agent <id>", "who asks; AIONIS_AGENT, else cli")
    .option("--timeout <duration>", "how long to wait for an answer: 90s, 2m, or milliseconds; 10s if absent")
    .addOption(
      new Option(
        "--nats <server>",
        "a NATS server, nats://host:port, at which the runtime is; AIONIS_NATS; may be repeated",
      ).argParser((server: string, servers: readonly string[] | undefined) => [...(servers ?? []), server]),
    )
    .option("--nats-creds <file>", "a NATS user's JWT and seed; AIONIS_NATS_CREDS")
    .option("--nats-nkey-file <file>", "the seed of a NATS user's NKey; AIONIS_NATS_NKEY_FILE")
    .option("--nats-ca <file>", "the authorities that may vouch for the NATS server (PEM); AIONIS_NATS_CA")
    .option("--nats-cert <file>", "the certificate to show to NATS (PEM); AIONIS_NATS_CERT")
    .option("--nats-key <file>", "the key of that certificate (PEM); AIONIS_NATS_KEY");
}

/** A length of time in milliseconds, from what was written for `option`. @throws AionisError `INPUT_INVALID` */
export function readDuration(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = fromDuration(text);
  if (ms === undefined) throw toUsageError(`${option} is "${text}", which is not a length of time such as 90s.`);
  return ms;
}

function toVariable(name: string): string {
  return `AIONIS_${toKebab(name).toUpperCase().replaceAll("-", "_")}`;
}

function toText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
