// Requests
//
// Asks and waits. Owns the inbox that replies come to, and who waits for which of them.
//
// Invariants:
//   Q1. A request is settled once, and then forgotten: by the first reply, its time, its signal, or the loss of the connection.
//       What comes later finds nobody.
//   Q2. `TRANSPORT_UNROUTED` is told only when nobody has the request. NATS says so by itself when no one listens; where
//       subscribers of ours listen, each answers that it serves nothing, and the first such answer makes us ask whether anyone does.
//       Foreign subscribers, and those of everything (`>`), hide that nobody serves a subject: such a request runs out of time.

import type { Msg } from "@nats-io/transport-node";
import { AionisError, type FailureCode, failures } from "../../src/contracts/failures.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import { onAbort, type Signal } from "../abort.ts";
import { isInbox, toServedSubject } from "../subjects.ts";
import { type Received, receive, toParcel } from "./received.ts";
import { whatToAllow } from "./refusals.ts";
import type { Listening, Parcel, Wire } from "./wire.ts";

export interface Question {
  subject: string;
  parcel: Parcel;
  timeoutMs: number;
  signal?: Signal | undefined;
}

interface Asked {
  readonly subject: string;
  isChecked: boolean;
  settle(outcome: Received | AionisError): void;
}

export class Requests {
  readonly #wire: Wire;
  readonly #clock: Pick<Clock, "setTimer">;
  readonly #inbox: string;
  readonly #asked = new Map<string, Asked>();
  #last = 0;

  /** Replies come to the subjects below `inbox`; call `open` first. */
  constructor(wire: Wire, clock: Pick<Clock, "setTimer">, inbox: string) {
    this.#wire = wire;
    this.#clock = clock;
    this.#inbox = `${inbox}.`;
  }

  /** Listens for replies, until the connection ends. */
  open(): Listening {
    return this.#wire.listen(`${this.#inbox}*`, (message) => this.#hear(message));
  }

  /** The reply, or its failure. A payload that is to be fetched has not been. */
  ask({ subject, parcel, timeoutMs, signal }: Question): Promise<Received> {
    this.#last += 1;
    const token = this.#last.toString(36) + toPatienceMark(timeoutMs);
    const reply = this.#inbox + token;
    return new Promise((resolve, reject) => {
      const end = (tell: () => void): void => {
        cancelTimer();
        forgetSignal();
        this.#asked.delete(token); // Q1
        tell();
      };
      const settle = (outcome: Received | AionisError): void => {
        end(() => (outcome instanceof AionisError ? reject(outcome) : resolve(outcome)));
      };
      const cancelTimer = this.#clock.setTimer(timeoutMs, () => {
        settle(new AionisError("TRANSPORT_TIMEOUT", `No reply from ${subject} within ${timeoutMs} ms.`));
      });
      const forgetSignal = onAbort(signal, () => {
        this.#wire.send(toServedSubject(subject), toParcel({ abandon: reply }));
        end(() => reject(signal?.reason));
      });
      this.#asked.set(token, { subject, isChecked: false, settle });
      if (!this.#wire.send(subject, parcel, reply)) settle(notConnected());
    });
  }

  /** Ends all that wait: whether they were received is not known. */
  lose(): void {
    const failure = new AionisError("TRANSPORT_TIMEOUT", "The connection to NATS broke before the reply.");
    for (const { settle } of this.#asked.values()) settle(failure);
  }

  /** Ends those that the server refused to carry; and one that this program itself could not answer. */
  refuse(subject: string): void {
    const own = subject.startsWith(this.#inbox) ? this.#asked.get(subject.slice(this.#inbox.length)) : undefined;
    own?.settle(
      new AionisError(
        "TRANSPORT_DENIED",
        `NATS does not permit this user to answer requests: it lacks allow_responses. ${whatToAllow}`,
      ),
    );
    const failure = new AionisError(
      "TRANSPORT_DENIED",
      `NATS does not permit this user to send to ${subject}. ${whatToAllow}`,
    );
    for (const asked of this.#asked.values()) if (asked.subject === subject) asked.settle(failure);
  }

  #hear(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length);
    const asked = this.#asked.get(token);
    if (asked === undefined) return;
    const outcome = toOutcome(message, asked.subject);
    if (outcome instanceof AionisError || outcome.control.bystander === undefined) asked.settle(outcome);
    else this.#check(asked, this.#inbox + token);
  }

  /** Q2. The answer, that nobody listens there, comes to the same inbox; whoever serves the subject stays silent. */
  #check(asked: Asked, reply: string): void {
    if (asked.isChecked) return;
    asked.isChecked = true;
    this.#wire.send(toServedSubject(asked.subject), toParcel({}), reply);
  }
}

/** The end of a reply's subject, that says how long its requester waits: a header would cost both sides as much as the rest of the message. */
function toPatienceMark(timeoutMs: number): string {
  return Number.isFinite(timeoutMs) ? `-${Math.min(Math.max(Math.ceil(timeoutMs), 0), 1e14).toString(36)}` : "-";
}

/** How long the requester waits for its reply at `inbox`; undefined when that does not say so. */
export function readPatienceMark(inbox: string): number | undefined {
  const at = inbox.lastIndexOf("-");
  if (at < 0 || !isInbox(inbox) || inbox.indexOf(".", at) >= 0) return undefined;
  const mark = inbox.slice(at + 1);
  if (mark === "") return Number.POSITIVE_INFINITY;
  return /^[0-9a-z]{1,10}$/.test(mark) ? Number.parseInt(mark, 36) : undefined;
}

/** Why a request is refused that cannot even be sent. */
export function notConnected(): AionisError {
  return new AionisError("TRANSPORT_UNROUTED", "There is no connection to NATS now; it is being tried again.");
}

function toOutcome(message: Msg, subject: string): Received | AionisError {
  let received: Received;
  try {
    if (message.headers?.code === 503) return new AionisError("TRANSPORT_UNROUTED", `Nobody serves ${subject}.`);
    received = receive(message);
  } catch (cause) {
    return new AionisError("REMOTE_FAULT", `The reply from ${subject} cannot be read.`, { cause });
  }
  const code = received.control.failure;
  if (code === undefined) return received;
  const detail = Buffer.from(received.payload).toString("utf8");
  const retryAfterMs = Number(received.control.retryAfter);
  const facts = retryAfterMs > 0 ? { retryAfterMs } : {};
  return new AionisError(Object.hasOwn(failures, code) ? (code as FailureCode) : "REMOTE_FAULT", detail, { facts }); // cast: the table has it
}
