import { expect, onTestFinished } from "vitest";
import { AionisError } from "../../../src/contracts/failures.ts";
import type { Logger } from "../../../src/kernel/logger.ts";
import type { IncomingRequest, Message, Reply, Transport } from "../../../transport/transport.ts";

/** Where transports that reach each other come from. */
export interface Fabric {
  connect(): Promise<Transport>;
  /** Drains what was connected and frees the rest. */
  close(): Promise<void>;
}

export type Setup = () => Promise<{ alice: Transport; bob: Transport; fabric: Fabric; reports: string[] }>;

/** Two transports of a fabric of their own, and the errors that were logged. */
export function createSetup(open: (logger: Logger) => Promise<Fabric>): Setup {
  return async () => {
    const reports: string[] = [];
    const fabric = await open({ log: (level, message) => void (level === "error" && reports.push(message)) });
    onTestFinished(() => fabric.close());
    return { alice: await fabric.connect(), bob: await fabric.connect(), fabric, reports };
  };
}

export const text = (value: string): Uint8Array => new TextEncoder().encode(value);
export const toText = (message: { payload: Uint8Array }): string => new TextDecoder().decode(message.payload);
export const empty = new Uint8Array(0);
export const soon = { timeoutMs: 10_000 }; // for replies that come; a test that waits this long has failed
export const echo = (request: IncomingRequest): Reply => ({ payload: request.payload, headers: request.headers });

/** Messages of one subscription, as they come. */
class Inbox {
  readonly messages: Message[] = [];
  #onMessage: () => void = () => {};

  get count(): number {
    return this.messages.length;
  }

  readonly push = (message: Message): void => {
    this.messages.push(message);
    this.#onMessage();
  };

  /** All messages, once there are `count` of them. */
  async received(count: number): Promise<readonly Message[]> {
    while (this.messages.length < count) await new Promise<void>((resolve) => (this.#onMessage = resolve));
    return this.messages;
  }
}

/** An inbox whose subscription is in force everywhere. */
export async function listen(transport: Transport, pattern: string): Promise<Inbox> {
  const inbox = new Inbox();
  transport.subscribe(pattern, inbox.push);
  await flush(transport);
  return inbox;
}

export async function serve(
  transport: Transport,
  pattern: string,
  handler: (request: IncomingRequest) => Reply | Promise<Reply>,
  queueGroup = "servers",
): Promise<() => void> {
  const stop = transport.serve(pattern, queueGroup, handler);
  await flush(transport);
  return stop;
}

/** Serves requests that are answered when the test says so. */
export async function serveByHand(
  transport: Transport,
  pattern: string,
  queueGroup?: string,
): Promise<{ arrived: Promise<void>; answer: () => void }> {
  let onArrival: () => void = () => {};
  let onAnswer: () => void = () => {};
  const arrived = new Promise<void>((resolve) => (onArrival = resolve));
  const answered = new Promise<void>((resolve) => (onAnswer = resolve));
  const handler = async (request: IncomingRequest): Promise<Reply> => {
    onArrival();
    await answered;
    return echo(request);
  };
  await serve(transport, pattern, handler, queueGroup);
  return { arrived, answer: () => onAnswer() };
}

/** Waits until all that `transport` sent before has taken effect: whoever connects it handles its messages in order. */
export async function flush(transport: Transport): Promise<void> {
  await expect(transport.request("flush.nobody", empty, soon)).rejects.toMatchObject({ code: "TRANSPORT_UNROUTED" });
}

/** Asks again until the answer is that nobody serves `subject`; a request that still reached a server may time out. */
export async function untilUnrouted(transport: Transport, subject: string): Promise<string> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const failure = await transport.request(subject, empty, { timeoutMs: 20 }).catch((error: unknown) => error);
    if (failure instanceof AionisError && failure.code === "TRANSPORT_UNROUTED") return failure.code;
  }
  return "still served";
}
