import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import { type InspectionMessage, inspectionVersion } from "../../src/contracts/inspection.ts";
import { type InspectionServerOptions, openInspectionServer } from "../../src/inspect/server.ts";
import { createSeededRandom, silentLogger, systemClock } from "../../src/kernel/index.ts";

type Source = InspectionServerOptions["source"];

/** A server that ends with the test. Its token is the same at each start. */
export async function startServer(source: Source, options: Partial<InspectionServerOptions> = {}) {
  const server = await openInspectionServer({
    source,
    clock: systemClock,
    random: createSeededRandom(1),
    logger: silentLogger,
    ...options,
  });
  onTestFinished(() => server.close());
  return server;
}

export interface Viewer {
  readonly socket: WebSocket;
  readonly messages: InspectionMessage[];
  /** Waits until so many messages have come. */
  came(count: number): Promise<InspectionMessage[]>;
  /** How it was closed. */
  readonly closed: Promise<{ code: number; reason: string }>;
}

/** A tool that looks, and is let in. */
export async function view(url: string, headers: Record<string, string> = {}): Promise<Viewer> {
  const socket = new WebSocket(toSocketUrl(url), { headers });
  onTestFinished(() => socket.terminate());
  const messages: InspectionMessage[] = [];
  const listeners = new Set<() => void>();
  socket.on("message", (data: Buffer) => {
    messages.push(JSON.parse(data.toString("utf8")) as InspectionMessage); // what the server sends
    for (const tell of listeners) tell();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: String(reason) }));
  });
  await once(socket, "open");
  return {
    socket,
    messages,
    closed,
    came: (count) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (messages.length >= count) resolve(messages);
        };
        listeners.add(look);
        look();
      }),
  };
}

/** The WebSocket's address, from the page's. */
export function toSocketUrl(url: string): string {
  return url.replace(/^http/, "ws").replace("/?", "/ws?");
}

export interface Answer {
  status: number;
  headers: Readonly<Record<string, unknown>>;
  text: string;
}

/** What the server says to a request, or to an upgrade that it refuses. */
export async function ask(
  url: string,
  options: { headers?: Record<string, string>; method?: string; path?: string } = {},
): Promise<Answer> {
  const request = get(url, { agent: false, ...options });
  const [response] = (await Promise.race([once(request, "response"), once(request, "upgrade")])) as [IncomingMessage];
  if (response.statusCode === 101) response.destroy();
  let text = "";
  if (response.statusCode !== 101) for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}

/** Headers of a WebSocket's request. */
export const upgradeHeaders = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
};

const common = { rootId: "task:1", createdAt: "1000", id: null, _version: inspectionVersion } as const;
const snapshot = { status: "active", value: "running", children: {}, historyValue: {}, tags: [] } as const;

/** An actor with so many events. */
export function* tell(events: number, sessionId = "task:1"): Generator<InspectionMessage> {
  yield { ...common, sessionId, type: "@xstate.actor", name: "a task", definition: '{"id":"task"}', snapshot };
  for (let index = 1; index <= events; index += 1) yield toEvent(index, sessionId);
}

export function toEvent(index: number, sessionId = "task:1"): InspectionMessage {
  return { ...common, sessionId, type: "@xstate.event", event: { type: `event-${index}` }, sourceId: "agent:ann" };
}

/** A source that tells the same to everybody, then waits. */
export function createSource(events: number): Source & { opened: number; open: number; pulled: number } {
  const source = {
    opened: 0,
    open: 0,
    pulled: 0,
    async *openFeed(signal: AbortSignal) {
      source.opened += 1;
      source.open += 1;
      try {
        for (const message of tell(events)) {
          source.pulled += 1;
          yield message;
        }
        if (!signal.aborted) await once(signal, "abort");
      } finally {
        source.open -= 1;
      }
    },
  };
  return source;
}
