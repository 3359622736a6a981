import { expect, it } from "vitest";
import { AionisError } from "../../src/contracts/failures.ts";
import { describeBrowser } from "../support/chromium.ts";
import { patienceMs } from "../support/patience.ts";
import { actor, createTeller, event, readRows, stands, story } from "./page-support.ts";
import { startServer } from "./server-support.ts";

describeBrowser("the inspector's page", (open) => {
  it("lists actors below their parents with their states, and events with who sent them, as they come", async () => {
    const { source, tell } = createTeller(story);
    const { url } = await startServer(source);
    const { page, problems } = await open({ timezoneId: "UTC" });

    await page.goto(url);
    await page.locator("#actor-tree ul .actor").waitFor();
    const rows = await readRows(page);
    tell(
      event({ id: "task:2", at: 2_000, type: "task.completed" }),
      stands({ id: "task:2", at: 2_000, state: "succeeded" }),
    );
    await page.locator(".badge[data-kind=good]").waitFor();

    expect(rows).toEqual([["00:00:01.000", "ann", "Fix it", "task.claimed", "running"]]);
    expect(await readRows(page)).toContainEqual(["00:00:02.000", "", "Write it up", "task.completed", "succeeded"]);
    expect(await page.locator("#actor-tree > li").allInnerTexts()).toEqual([
      "Fix it\nrunning\nWrite it up\nsucceeded",
      "ann\nactive",
    ]);
    expect(await page.locator("#counts").innerText()).toBe("3 actors · 2 events");
    expect(await page.locator("#connection").innerText()).toBe("Live");
    expect(problems).toEqual([]);
  });

  it("shows what an actor and an event hold, and the events of one actor alone; by keyboard, too", async () => {
    const { source } = createTeller([
      ...story,
      event({ id: "agent:ann", type: "woken" }),
      stands({ id: "agent:ann", state: "up", context: { left: 3 } }),
    ]);
    const { url } = await startServer(source);
    const { page } = await open();
    await page.goto(url);
    await page.getByRole("button", { name: "woken" }).focus();

    await page.keyboard.press("ArrowUp");
    await page.keyboard.press("Enter");
    const ofEvent = await page.locator("#details-text").innerText();
    await page.getByRole("button", { name: "ann" }).click();
    const ofActor = await page.locator("#details-text").innerText();
    await page.getByRole("button", { name: "Write it up" }).click();
    await page.getByRole("checkbox").check();

    expect(JSON.parse(ofEvent)).toEqual({ type: "task.claimed" });
    expect(JSON.parse(ofActor)).toMatchObject({ value: "up", context: { left: 3 } });
    expect(await readRows(page)).toEqual([]);
    expect(await page.locator("#details-what").innerText()).toBe("Write it up (task:2)");
  });

  it("asks nobody but its own server, has no token in its address, and can be loaded again", async () => {
    const { source } = createTeller(story);
    const { url, port } = await startServer(source);
    const { page, requests, problems } = await open();

    await page.goto(url);
    await page.locator(".actor").first().waitFor();
    const address = page.url();
    await page.reload();
    await page.locator(".actor").first().waitFor();

    expect(address).toBe(`http://127.0.0.1:${port}/`);
    expect(new Set(requests.map((request) => new URL(request).host))).toEqual(new Set([`127.0.0.1:${port}`]));
    expect(problems).toEqual([]);
  });

  it("shows hostile texts as texts, in every field", async () => {
    const bad = `<img src=x onerror="document.title='caught'"><script>document.title='caught'</script>\u202e"'&`;
    const { source } = createTeller([
      actor({ id: bad, name: bad, state: bad }),
      actor({ id: `${bad}2`, name: bad, parentId: bad, state: { [bad]: bad } }),
      event({ id: bad, type: bad, from: bad }),
      stands({ id: bad, state: bad, context: { [bad]: bad } }),
      { ...event({ id: bad, type: bad, from: bad }), createdAt: bad },
      actor({ id: "__proto__", name: "__proto__", parentId: "__proto__", state: ["constructor", null, 1] }),
    ]);
    const { url } = await startServer(source);
    const { page, requests, problems } = await open();

    await page.goto(url);
    await page.getByRole("button", { name: "__proto__" }).waitFor();
    await page.locator(".actor").first().click();
    const html = await page.content();

    expect(await readRows(page)).toEqual([
      [
        expect.stringMatching(/^\d\d:\d\d:\d\d.000$/),
        bad,
        bad,
        bad,
        bad.slice(0, 119).padEnd(bad.length, "…").slice(0, bad.length),
      ],
      ["", bad, bad, bad, ""],
    ]);
    expect(await page.locator("#details-text").innerText()).toContain("<img src=x onerror=");
    expect(await page.title()).toBe("Aionis inspector");
    expect(html.match(/<img|<script/g)).toEqual(["<script"]); // the page's own
    expect(requests.filter((request) => request.endsWith("/x"))).toEqual([]);
    expect(problems).toEqual([]);
  });

  it("keeps 2,000 events and 1,000 actors, and says how many are not shown", async () => {
    const actors = Array.from({ length: 1_100 }, (_, index) => actor({ id: `task:${index}`, state: "start" }));
    const events = Array.from({ length: 30_000 }, (_, index) =>
      event({ id: `task:${index % 1_100}`, type: `event-${index}` }),
    );
    const { source, tell } = createTeller([...actors, ...events]);
    const { url } = await startServer(source);
    const { page } = await open();

    await page.goto(url);
    tell(event({ id: "task:1099", type: "the last" }));
    await page.locator("#event-rows button", { hasText: "the last" }).waitFor({ timeout: patienceMs });

    const rows = await readRows(page);
    expect(rows).toHaveLength(2_000);
    expect(rows.at(-1)?.[3]).toBe("the last");
    expect(await page.locator(".actor").count()).toBe(1_000);
    expect(await page.locator("#counts").innerText()).toBe(
      "1,000 actors (100 older not shown) · 2,000 events (28,001 older not shown)",
    );
    const isAtEnd = await page
      .locator("#event-scroll")
      .evaluate((list) => list.scrollHeight - list.scrollTop - list.clientHeight < 2);
    expect(isAtEnd).toBe(true);
  });

  it("connects again by itself when the server was started anew, and begins its lists anew", async () => {
    const { url, port, close } = await startServer(createTeller(story).source);
    const { page } = await open();
    await page.goto(url);
    await page.locator(".actor").first().waitFor();

    await close();
    await page.getByText("Trying again").waitFor();
    const kept = await page.locator(".actor").count();
    await startServer(createTeller([actor({ id: "task:9", name: "Another" })]).source, { port });
    await page.getByRole("button", { name: "Another" }).waitFor();

    expect(kept).toBe(3);
    expect(await page.locator(".actor").count()).toBe(1);
    expect(await readRows(page)).toEqual([]);
    expect(await page.locator("#connection").innerText()).toBe("Live");
  });

  it("says what the server said when there is nothing more to come, and does not try again", async () => {
    const source = {
      opened: 0,
      async *openFeed() {
        source.opened += 1;
        yield* story;
        throw new AionisError("TASK_NOT_FOUND", "There is no such task.");
      },
    };
    const { url } = await startServer(source);
    const { page } = await open();

    await page.goto(url);
    await page.getByText("There is no such task.").waitFor();
    await page.waitForTimeout(600); // longer than the first pause

    expect(source.opened).toBe(1);
    expect(await page.locator(".actor").count()).toBe(3);
  });

  it("goes with the colours that the person has chosen", async () => {
    const { url } = await startServer(createTeller(story).source);
    const grounds = [];
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await open({ colorScheme });
      await page.goto(url);
      grounds.push(await page.evaluate("getComputedStyle(document.body).backgroundColor"));
    }

    expect(grounds).toEqual(["rgb(246, 247, 249)", "rgb(20, 22, 26)"]);
  });
});
