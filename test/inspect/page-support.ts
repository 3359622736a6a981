import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { type InspectionMessage, inspectionVersion } from "../../src/contracts/inspection.ts";
import type { InspectionServerOptions } from "../../src/inspect/server.ts";

const common = { id: null, _version: inspectionVersion } as const;

interface About {
  readonly id: string;
  readonly at?: number;
}

export function actor({
  id,
  at = 0,
  name = id,
  parentId,
  state,
}: About & { name?: string; parentId?: string; state?: unknown }): InspectionMessage {
  const snapshot = { status: "active", value: state, children: {}, historyValue: {}, tags: [] } as const;
  const rootId = parentId ?? id;
  return {
    ...common,
    type: "@xstate.actor",
    sessionId: id,
    rootId,
    createdAt: String(at),
    name,
    parentId,
    definition: "{}",
    snapshot,
  };
}

export function event({ id, at = 0, type, from }: About & { type: string; from?: string }): InspectionMessage {
  return {
    ...common,
    type: "@xstate.event",
    sessionId: id,
    rootId: id,
    createdAt: String(at),
    event: { type },
    sourceId: from,
  };
}

export function stands({
  id,
  at = 0,
  state,
  context,
}: About & { state: unknown; context?: unknown }): InspectionMessage {
  const snapshot = { status: "active", value: state, context, children: {}, historyValue: {}, tags: [] } as const;
  return {
    ...common,
    type: "@xstate.snapshot",
    sessionId: id,
    rootId: id,
    createdAt: String(at),
    event: { type: "any" },
    snapshot,
  };
}

/** Two tasks and an agent. */
export const story: readonly InspectionMessage[] = [
  actor({ id: "task:1", name: "Fix it", state: "start" }),
  actor({ id: "agent:ann", name: "ann" }),
  event({ id: "task:1", at: 1_000, type: "task.claimed", from: "agent:ann" }),
  stands({ id: "task:1", at: 1_000, state: "running" }),
  actor({ id: "task:2", name: "Write it up", parentId: "task:1", state: { verifying: { left: "on", right: "off" } } }),
];

/** A source that tells everybody what was told so far, then goes on. */
export function createTeller(first: readonly InspectionMessage[]) {
  const told = [...first];
  let news = Promise.withResolvers<void>();
  const source: InspectionServerOptions["source"] = {
    async *openFeed(signal) {
      for (let next = 0; !signal.aborted; ) {
        const message = told[next];
        if (message === undefined) {
          await Promise.race([news.promise, once(signal, "abort")]);
          continue;
        }
        next += 1;
        yield message;
      }
    },
  };
  function tell(...messages: InspectionMessage[]): void {
    told.push(...messages);
    news.resolve();
    news = Promise.withResolvers();
  }
  return { source, told, tell };
}

/** How a stand-in for Stately's page behaves: the real one says that it is there from its module script. */
export type Manner = "prompt" | "slow image" | "late" | "never" | "impostor";

const says = 'parent.postMessage({ type: "@statelyai.connected" }, "*");';
const hears = 'window.received = []; addEventListener("message", ({ data }) => received.push(data));';

const pages: Readonly<Record<Manner, string>> = {
  prompt: `<script type="module">${hears}${says}</script>`,
  "slow image": `<script type="module">${hears}${says}</script><img src="/slow.png">`,
  late: `<script>${hears}</script><script type="module" src="/slow.js"></script>`,
  never: `<script>${hears}</script>`,
  impostor: `<script>${hears}</script><iframe srcdoc='<script>top.postMessage({ type: "@statelyai.connected" }, "*")</script>'></iframe>`,
};

/** A page that takes the place of Stately's inspector. `url` is its address. */
export async function startStandIn(manner: Manner, slowMs = 0): Promise<{ url: string }> {
  const server = createServer((request, response) => {
    const isSlow = request.url?.startsWith("/slow") === true;
    const type = request.url === "/slow.js" ? "text/javascript" : "text/html";
    void sleep(isSlow ? slowMs : 0).then(() => {
      response.writeHead(200, { "content-type": type });
      response.end(
        request.url === "/slow.js" ? says : isSlow ? "" : `<!doctype html><title>Stand-in</title>${pages[manner]}`,
      );
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://localhost:${(server.address() as AddressInfo).port}/inspect` }; // another origin than 127.0.0.1
}

/** What the stand-in has received, once that is as many as wanted. */
export async function received(page: Page, count: number): Promise<InspectionMessage[]> {
  let frame = page.frames().at(-1);
  while (frame?.url().endsWith("/inspect") !== true) {
    await page.waitForTimeout(20);
    frame = page.frames().find((candidate) => candidate.url().endsWith("/inspect"));
  }
  await frame.waitForFunction((wanted) => Reflect.get(globalThis, "received")?.length >= wanted, count);
  return (await frame.evaluate(() => Reflect.get(globalThis, "received"))) as InspectionMessage[]; // what was posted
}

/** The rows of the list of events as they are shown. */
export async function readRows(page: Page): Promise<string[][]> {
  return await page
    .locator("#event-rows > tr:visible")
    .evaluateAll((rows) => rows.map((row) => [...row.children].map(({ textContent }) => textContent)));
}
