// Subscribing
//
// Brings published messages to a handler. Requests on the same subjects are not for it, and neither is what the transports say
// among themselves.

import type { Msg } from "@nats-io/transport-node";
import type { Logger } from "../../src/kernel/logger.ts";
import { isInternalSubject } from "../subjects.ts";
import type { Message } from "../transport.ts";
import type { Blobs } from "./blobs.ts";
import { type Received, receive, toParcel } from "./received.ts";
import { readPatienceMark } from "./requests.ts";
import type { Listening, Wire } from "./wire.ts";

export interface SubscribingOptions {
  wire: Wire;
  blobs: Blobs;
  /** Hears of handlers that throw. */
  logger: Logger;
  /** Hears of messages that cannot be delivered, which others cause. */
  boundedLogger: Logger;
}

const fetchMs = 30_000; // for a payload that was kept back; its sender keeps it twice as long

/** Calls `handler` for each published message, until the registration ends. */
export function subscribe(
  options: SubscribingOptions,
  pattern: string,
  handler: (message: Message) => void,
): Listening {
  let isStopped = false;
  const deliver = ({ subject }: Msg, { payload, headers }: Received): void => {
    if (!isStopped) call(options.logger, handler, { subject, payload, headers });
  };
  const listening = options.wire.listen(pattern, (message) => {
    if (isInternalSubject(message.subject)) return;
    const received = receive(message);
    const { blob } = received.control;
    if (message.reply) {
      // Only a requester of ours knows what to make of it; a foreign one would take it for its reply.
      if (readPatienceMark(message.reply) !== undefined)
        options.wire.answer(message.reply, toParcel({ bystander: "1" }));
    } else if (blob !== undefined) {
      options.blobs.open(received, { timeoutMs: fetchMs }).then(
        (opened) => deliver(message, opened),
        (error: unknown) => {
          const { subject } = message;
          options.boundedLogger.log("warn", "A published message was lost: its payload cannot be had.", {
            subject,
            error,
          });
        },
      );
    } else {
      deliver(message, received);
    }
  });
  return {
    ...listening,
    stop: () => {
      isStopped = true;
      listening.stop();
    },
  };
}

function call(logger: Logger, handler: (message: Message) => void, message: Message): void {
  const report = (error: unknown): void => {
    logger.log("error", "A message handler threw.", { subject: message.subject, error });
  };
  try {
    const result: unknown = handler(message);
    if (result instanceof Promise) result.catch(report); // an async handler is allowed by its type
  } catch (error) {
    report(error);
  }
}
