// Refusals
//
// What a server does not permit this user to listen to. Owns: knowing it, telling the log, and asking again.
//
// Invariants:
//   F1. What is refused is asked for again, at each reconnection and now and then: permissions can change under a connection, and the
//       client forgets what was refused.
//   F2. Each change of what is refused is logged once, however often it is asked for.

import type { NatsConnection } from "@nats-io/transport-node";
import type { CancelTimer, Clock } from "../../src/kernel/clock.ts";
import type { Logger } from "../../src/kernel/logger.ts";
import { decodeToken, isBlobSubject, isInbox } from "../subjects.ts";

/** The end of each failure for which the server's permissions are to be corrected. */
export const whatToAllow = "Allow it: `aionis nats permissions` prints what each user needs, by scope and agent.";

/** Something that is listened to. */
export interface Listened {
  readonly pattern: string;
  /** Asks the server for it, instead of what was asked before. */
  begin(): void;
}

const retryMs = 10_000;
const patternsShown = 6;

export class Refusals {
  readonly #connection: Pick<NatsConnection, "flush" | "isClosed">;
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #logger: Logger;
  readonly #listened = new Set<Listened>();
  readonly #refused = new Set<Listened>();
  #isHearing = false;
  #logged = "";
  #cancelRetry: CancelTimer = () => {};

  constructor(connection: Pick<NatsConnection, "flush" | "isClosed">, clock: Pick<Clock, "setTimer">, logger: Logger) {
    this.#connection = connection;
    this.#clock = clock;
    this.#logger = logger;
  }

  watch(listened: Listened): void {
    this.#listened.add(listened);
  }

  forget(listened: Listened): void {
    this.#listened.delete(listened);
    this.#refused.delete(listened);
  }

  add(listened: Listened): void {
    if (!this.#listened.has(listened)) return;
    this.#refused.add(listened);
    if (!this.#isHearing) this.#hear();
  }

  /** Servers before 2.10 take back what is in a queue group without naming the group, and then the client finds nobody to tell. */
  addPattern(pattern: string): void {
    for (const listened of this.#listened) if (listened.pattern === pattern) this.add(listened);
  }

  /** F1. Call it when the server is there. */
  askAgain(): void {
    if (this.#refused.size === 0) return;
    const refused = [...this.#refused];
    this.#refused.clear();
    for (const { begin } of refused) begin();
    this.#hear();
  }

  /** What to allow, as one text; empty when nothing is refused. */
  list(): string {
    const patterns = [...new Set([...this.#refused].map(({ pattern }) => toPermission(pattern)))].toSorted();
    const left = patterns.length - patternsShown;
    return [...patterns.slice(0, patternsShown), ...(left > 0 ? [`${left} more`] : [])].join(", ");
  }

  /** Asks no more. */
  close(): void {
    this.#cancelRetry();
    this.#listened.clear();
    this.#refused.clear();
  }

  /** Once the server has said what it refuses now, tells it and sets the time to ask again. */
  #hear(): void {
    this.#isHearing = true;
    const end = (): void => {
      this.#isHearing = false;
      if (this.#connection.isClosed()) return;
      this.#log();
      this.#cancelRetry();
      if (this.#refused.size > 0) this.#cancelRetry = this.#clock.setTimer(retryMs, () => this.askAgain());
    };
    this.#connection.flush().then(end, end);
  }

  /** F2 */
  #log(): void {
    const patterns = this.list();
    if (patterns === this.#logged) return;
    this.#logged = patterns;
    if (patterns === "") this.#logger.log("info", "NATS permits this user to listen everywhere again.");
    else
      this.#logger.log("error", "NATS does not permit this user to listen. Until it does, nothing is heard there.", {
        patterns,
      });
  }
}

/** What to allow for `pattern`: an inbox and a payload have a random token. Of an inbox it is also told whose it is. */
function toPermission(pattern: string): string {
  if (isInbox(pattern)) {
    const [name = ""] = pattern.split(".");
    return `${name}.> (the inbox of ${decodeToken(name.replace("_INBOX_", "")) ?? "this agent"})`;
  }
  return isBlobSubject(pattern) ? pattern.replace(/[^.]*$/, "*") : pattern;
}
