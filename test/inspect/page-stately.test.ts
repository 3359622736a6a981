import { expect, it, onTestFinished } from "vitest";
import type { InspectionMessage } from "../../src/contracts/inspection.ts";
import { describeBrowser } from "../support/chromium.ts";
import { actor, createTeller, event, type Manner, received, stands, startStandIn, story } from "./page-support.ts";
import { startServer } from "./server-support.ts";

describeBrowser("Stately's inspector in the page", (open) => {
  async function setup(
    manner: Manner,
    { slowMs = 0, first = story }: { slowMs?: number; first?: readonly InspectionMessage[] } = {},
  ) {
    const teller = createTeller(first);
    const standIn = await startStandIn(manner, slowMs);
    const server = await startServer(teller.source, { statelyUrl: standIn.url });
    const opened = await open();
    await opened.page.goto(server.url);
    await opened.page.locator(".actor").first().waitFor();
    const click = () => opened.page.getByRole("button", { name: "Stately's inspector" }).click();
    const state = opened.page.locator("#stately-state");
    onTestFinished(() => expect(opened.problems.filter((problem) => !problem.includes("WebSocket"))).toEqual([]));
    return { ...opened, ...teller, standIn, server, click, state };
  }

  it("is asked for when a person wants it, with the note that others see it then, and not before", async () => {
    const { page, requests, standIn, click, state } = await setup("prompt");
    const note = await page.locator("#stately-note").innerText();
    const before = requests.filter((request) => request.startsWith("http://localhost"));

    await click();
    await state.getByText("Shown on").waitFor();

    expect(note).toBe(
      `States and events are then shown to a page of a third party, ${new URL(standIn.url).host}. Before that, nothing is.`,
    );
    expect(before).toEqual([]);
    expect(requests.filter((request) => request.startsWith("http://localhost"))).toEqual([standIn.url]);
  });

  it.each([{ manner: "prompt" }, { manner: "slow image", slowMs: 1_500 }, { manner: "late", slowMs: 2_500 }] as const)(
    "gets every message in order when it is $manner",
    async ({ manner, ...slow }) => {
      const { page, tell, told, click } = await setup(manner, slow);

      await click();
      tell(event({ id: "task:1", type: "while it loads" }));
      await received(page, told.length);
      tell(event({ id: "task:1", type: "later" }), stands({ id: "task:1", state: "succeeded" }));

      expect(await received(page, told.length)).toEqual(JSON.parse(JSON.stringify(told)));
    },
  );

  it.each(["never", "impostor"] as const)(
    "that connects %s is given up after 2 s, and the lists go on",
    async (manner) => {
      const { page, tell, click, state } = await setup(manner);

      await click();
      await page.waitForTimeout(1_000);
      const early = await state.innerText();
      await state.getByText("after 2 s. The lists here go on.").waitFor();
      tell(event({ id: "task:1", type: "the list goes on" }));
      await page.getByRole("button", { name: "the list goes on" }).waitFor();

      expect(early).toMatch(/^Waiting for localhost:\d+…$/);
      await expect(received(page, 0)).resolves.toEqual([]);
    },
  );

  it("that cannot be reached is given up, too", async () => {
    const { url } = await startServer(createTeller(story).source, { statelyUrl: "https://stately.invalid/inspect" });
    const { page } = await open();
    await page.goto(url);

    await page.getByRole("button", { name: "Stately's inspector" }).click();

    await page.getByText("No connection to stately.invalid after 2 s.").waitFor();
    expect(await page.locator(".actor").count()).toBe(3);
  });

  it("knows every actor, where it stands, and the last events, when too much has happened before", async () => {
    const events = Array.from({ length: 5_000 }, (_, index) => event({ id: "task:1", type: `event-${index}` }));
    const { page, click, state } = await setup("prompt", { first: [...story, ...events] });
    await page.getByRole("button", { name: "event-4999" }).waitFor();

    await click();
    await state.getByText("without the 1,001 oldest events").waitFor();
    const messages = await received(page, 4_003);

    expect(messages).toHaveLength(4_003);
    expect(messages.slice(0, 3)).toMatchObject([
      { type: "@xstate.actor", sessionId: "task:1", snapshot: { value: "running" } },
      { type: "@xstate.actor", sessionId: "agent:ann" },
      { type: "@xstate.actor", sessionId: "task:2" },
    ]);
    expect(messages.slice(3)).toEqual(events.slice(1_000).map((message) => JSON.parse(JSON.stringify(message))));
  });

  it("begins anew with the stream, and ends when it is closed", async () => {
    const { page, server, standIn, click } = await setup("prompt");
    await click();
    await received(page, story.length);

    await server.close();
    const again = createTeller([actor({ id: "task:9", name: "Another" })]);
    await startServer(again.source, { port: server.port, statelyUrl: standIn.url });
    await page.getByRole("button", { name: "Another" }).waitFor();
    await page.getByText("Shown on").waitFor();
    const anew = await received(page, 1);
    await click();

    expect(anew).toMatchObject([{ sessionId: "task:9" }]);
    expect(await page.locator("iframe").count()).toBe(0);
  });
});
