import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectSocket, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { systemClock } from "../../../src/kernel/clock.ts";
import { type Logger, silentLogger } from "../../../src/kernel/logger.ts";
import { createSystemRandom } from "../../../src/kernel/random.ts";
import {
  encodeFrame,
  type Frame,
  FrameReader,
  protocolName,
  protocolVersion,
} from "../../../transport/local/frames.ts";
import { connectLocal, type LocalServer, openLocalServer } from "../../../transport/local/index.ts";
import { createMemoryBus, type MemoryBus } from "../../../transport/memory/bus.ts";
import type { Transport } from "../../../transport/transport.ts";
import type { FakeClock } from "../../support/fake-clock.ts";

export const random = createSystemRandom();

export const soon = { timeoutMs: 10_000 };
export const empty = new Uint8Array(0);
export const text = (value: string): Uint8Array => Buffer.from(value);
export const toText = (message: { payload: Uint8Array }): string => Buffer.from(message.payload).toString();

export function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aionis-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export async function connect(path: string, logger: Logger = silentLogger): Promise<Transport> {
  const transport = await connectLocal({ path, timeoutMs: 5_000, clock: systemClock, random, logger });
  onTestFinished(() => transport.drain());
  return transport;
}

interface Setup {
  path: string;
  bus: MemoryBus;
  /** The runtime's own transport, on the server's side of the socket. */
  runtime: Transport;
  server: LocalServer;
  logged: { level: string; message: string }[];
}

export async function setup(path = join(makeFolder(), "runtime.sock")): Promise<Setup> {
  const logged: Setup["logged"] = [];
  const logger: Logger = { log: (level, message) => void logged.push({ level, message }) };
  const bus = createMemoryBus({ clock: systemClock, logger });
  const server = await openLocalServer({ path, connect: () => bus.connect(), clock: systemClock, logger });
  onTestFinished(() => server.close());
  const runtime = bus.connect();
  runtime.serve("echo", "runtime", ({ payload }) => ({ payload }));
  return { path, bus, runtime, server, logged };
}

/** A client of bytes, for what no client of ours would send. */
export async function connectRaw(
  path: string,
): Promise<{ socket: Socket; frames: Frame[]; until: (isThere: () => boolean) => Promise<void> }> {
  const socket = connectSocket(path);
  onTestFinished(() => void socket.destroy());
  const frames: Frame[] = [];
  const reader = new FrameReader();
  let onData: () => void = () => {};
  socket.on("data", (chunk: Buffer) => {
    frames.push(...reader.read(chunk));
    onData();
  });
  socket.on("close", () => onData());
  socket.on("error", () => {}); // the server may reset the connection
  await once(socket, "connect");
  const until = async (isThere: () => boolean): Promise<void> => {
    while (!isThere()) {
      await new Promise<void>((resolve) => {
        onData = resolve;
      });
    }
  };
  return { socket, frames, until };
}

export function write(socket: Socket, ...frames: Parameters<typeof encodeFrame>[0][]): void {
  for (const frame of frames) for (const piece of encodeFrame(frame)) socket.write(piece);
}

export const hello = { kind: "hello", number: protocolVersion, text: protocolName } as const;

/** Runs a fake clock until `promise` is settled. */
export async function settled<Value>(clock: FakeClock, promise: Promise<Value>): Promise<Value> {
  let isSettled = false;
  const watched = promise.finally(() => {
    isSettled = true;
  });
  while (!isSettled) await clock.settle();
  return await watched;
}

export function nextState(transport: Transport, wanted: string): Promise<void> {
  return new Promise((resolve) => {
    const stop = transport.onState((state) => {
      if (state !== wanted) return;
      stop();
      resolve();
    });
  });
}
