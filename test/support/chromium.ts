// Chromium for tests
//
// One headless browser for a suite, and a page of its own for a test, which sees loopback only.

import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, it, onTestFinished } from "vitest";
import { type ChromiumBinary, findChromium } from "../../scripts/chromium.ts";

export interface TestPage {
  readonly page: Page;
  /** Every address that the page or a frame in it asked for, also those that were refused. */
  readonly requests: string[];
  /** What it reported: errors, and what its policy refused. */
  readonly problems: string[];
}

/** An empty page. */
export type OpenPage = (options?: Parameters<Browser["newContext"]>[0]) => Promise<TestPage>;

/**
 * A suite that needs a browser. Where none can be had it is skipped and says so, but in CI it fails: there, what is not tested is not known
 * to work.
 */
export function describeBrowser(name: string, tests: (open: OpenPage) => void): void {
  describe(name, async () => {
    const binary = await findChromium().catch((error: unknown) => error as Error); // it throws nothing else
    if (binary instanceof Error) itIsMissing(name, binary.message);
    else withBrowser(binary, tests);
  });
}

function withBrowser({ path }: ChromiumBinary, tests: (open: OpenPage) => void): void {
  let browser: Browser;
  beforeAll(async () => {
    // Without a sandbox of its own: containers, and root, have none to give. Nothing but our pages is shown.
    const args = [
      "--no-sandbox",
      "--disable-background-networking",
      "--proxy-server=127.0.0.1:9",
      "--proxy-bypass-list=127.0.0.1,localhost",
    ];
    browser = await chromium.launch({ executablePath: path, args });
  }, 60_000);
  afterAll(() => browser.close());
  tests(async (options) => {
    const context = await browser.newContext(options);
    onTestFinished(() => context.close());
    return await watch(context);
  });
}

async function watch(context: BrowserContext): Promise<TestPage> {
  const requests: string[] = [];
  const problems: string[] = [];
  context.on("request", (request) => void requests.push(request.url()));
  const page = await context.newPage();
  page.on("websocket", (socket) => void requests.push(socket.url()));
  page.on("pageerror", (error) => void problems.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(message.text());
  });
  return { page, requests, problems };
}

function itIsMissing(name: string, why: string): void {
  if (process.env.CI !== "true") console.warn(`skipped: ${name}. ${why}`);
  it("has a browser to run in", ({ skip }) => {
    if (process.env.CI === "true") throw new Error(why);
    skip(why);
  });
}
