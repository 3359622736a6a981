import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { AionisError } from "../../src/contracts/failures.ts";
import type { InspectionMessage } from "../../src/contracts/inspection.ts";
import { limits } from "../../src/contracts/limits.ts";
import { ask, createSource, startServer, tell, toEvent, toSocketUrl, upgradeHeaders, view } from "./server-support.ts";

const typesOf = (messages: readonly InspectionMessage[]): string[] =>
  messages.map((message) => (message.type === "@xstate.event" ? message.event.type : message.type));

describe("the page", () => {
  it("is given to who knows the token, which it keeps in a cookie", async () => {
    const { url, port } = await startServer(createSource(0));

    const first = await ask(url);
    const cookie = String(first.headers["set-cookie"]);
    const script = await ask(`http://127.0.0.1:${port}/main.js`, { headers: { cookie: cookie.split(";")[0] ?? "" } });

    expect(first).toMatchObject({ status: 200, headers: { "content-type": "text/html; charset=utf-8" } });
    expect(first.text).toContain('data-stately-url="https://stately.ai/inspect"');
    expect(cookie).toMatch(/^aionis_inspect_\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/);
    expect(script).toMatchObject({ status: 200, headers: { "content-type": "text/javascript; charset=utf-8" } });
    expect(script.headers["set-cookie"]).toBeUndefined();
  });

  it("may load nothing but itself and, in a frame, the inspector", async () => {
    const { url, port } = await startServer(createSource(0), { statelyUrl: 'http://localhost:1/a?"<b' });

    const { headers, text } = await ask(url);

    expect(headers["content-security-policy"]).toBe(
      `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' ws://127.0.0.1:${port} ws://localhost:${port}; frame-src http://localhost:1; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(headers).toMatchObject({ "referrer-policy": "no-referrer", "x-frame-options": "DENY" });
    expect(text).toContain('data-stately-url="http://localhost:1/a?%22%3Cb"');
  });
});

describe("access", () => {
  const token = { foreign: "x".repeat(43) };

  it.each([
    { what: "no token", path: "/", status: 401, says: "lacks its token" },
    { what: "another token", path: `/?token=${token.foreign}`, status: 401, says: "not that of this start" },
    { what: "an empty token", path: "/?token=", status: 401, says: "not that of this start" },
    { what: "another cookie", path: "/main.js", headers: { cookie: "aionis_inspect_1=x" }, status: 401, says: "lacks" },
    { what: "a foreign name", headers: { host: "evil.example" }, status: 403, says: "asked as somebody else" },
    { what: "another port's name", headers: { host: "127.0.0.1:1" }, status: 403, says: "asked as somebody else" },
    { what: "a foreign page", headers: { origin: "https://evil.example" }, status: 403, says: "another origin" },
    { what: "an unknown path", path: "/nothing", isKnown: true, status: 404, says: "nothing at this path" },
    { what: "a path out of the page", path: "/../server.ts", isKnown: true, status: 404, says: "nothing at this path" },
    { what: "a target that is no path", path: "//[", isKnown: true, status: 404, says: "nothing at this path" },
    { what: "a POST", method: "POST", status: 405, says: "GET and HEAD" },
  ])("refuses $what with $status and a sentence", async ({ path, isKnown, status, says, ...options }) => {
    const { url } = await startServer(createSource(0));
    const query = new URL(url).search;

    const answer = await ask(url, { ...options, path: `${path ?? "/"}${path === undefined || isKnown ? query : ""}` });

    expect(answer).toMatchObject({ status, text: expect.stringMatching(/^[A-Z].*\.\n$/) });
    expect(answer.text).toContain(says);
    expect(answer.headers["set-cookie"]).toBeUndefined();
  });

  it.each([
    { what: "no token", search: "", status: 401 },
    { what: "another token", search: `?token=${token.foreign}`, status: 401 },
    { what: "a foreign name", headers: { host: "evil.example" }, status: 403 },
    { what: "a foreign page", headers: { origin: "https://evil.example" }, status: 403 },
    { what: "a page without an origin", headers: { origin: "null" }, status: 403 },
    { what: "another port's page", headers: { origin: "http://127.0.0.1:1" }, status: 403 },
    { what: "another path", path: "/other", status: 404 },
  ])("refuses a WebSocket with $what, and opens nothing for it", async ({ search, headers, path = "/ws", status }) => {
    const source = createSource(1);
    const { url } = await startServer(source);

    const answer = await ask(url, {
      path: `${path}${search ?? new URL(url).search}`,
      headers: { ...upgradeHeaders, ...headers },
    });

    expect(answer).toMatchObject({ status, text: expect.stringMatching(/^[A-Z].*\.\n$/) });
    expect(source.opened).toBe(0);
  });

  it("lets its own page in with the cookie, and under both names of loopback", async () => {
    const { url, port } = await startServer(createSource(1));
    const [cookie = ""] = String((await ask(url)).headers["set-cookie"]).split(";");
    const hosts = [`127.0.0.1:${port}`, `localhost:${port}`];

    const viewers = await Promise.all(
      hosts.map((host) => view(`http://127.0.0.1:${port}/?`, { cookie, host, origin: `http://${host}` })),
    );

    for (const viewer of viewers) expect(typesOf(await viewer.came(2))).toEqual(["@xstate.actor", "event-1"]);
  });

  it("listens on loopback only", async () => {
    const { url } = await startServer(createSource(0));

    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=[\w-]{43}$/);
    await expect(ask(url.replace("127.0.0.1", "127.0.0.2"))).rejects.toMatchObject({ code: "ECONNREFUSED" });
  });

  it("fails with TRANSPORT_IN_USE on a port that somebody has, and says what to do", async () => {
    const { port } = await startServer(createSource(0));

    await expect(startServer(createSource(0), { port })).rejects.toMatchObject({
      code: "TRANSPORT_IN_USE",
      detail: `Port ${port} of 127.0.0.1 is used by another program: give another port, or 0 for one that is free.`,
    });
  });

  it.each([{ port: -1 }, { port: 65_536 }, { port: 1.5 }, { statelyUrl: "http://stately.ai" }, { statelyUrl: "x" }])(
    "refuses %o with INPUT_INVALID",
    async (options) => {
      await expect(startServer(createSource(0), options)).rejects.toMatchObject({ code: "INPUT_INVALID" });
    },
  );
});

describe("viewers", () => {
  it("have nothing read for them while there are none (I2)", async () => {
    const source = createSource(3);
    const { url } = await startServer(source);
    await ask(url);

    expect(source).toMatchObject({ opened: 0, pulled: 0 });
  });

  it("get everything from the start, also those who come late", async () => {
    const source = createSource(3);
    const { url } = await startServer(source);
    const all = [...tell(3)];

    const first = await (await view(url)).came(4);
    const late = await (await view(url)).came(4);

    expect(first).toEqual(all);
    expect(late).toEqual(all);
    expect(source.opened).toBe(2);
  });

  it("have their source ended with them (I2)", async () => {
    const source = createSource(1);
    const { url } = await startServer(source);
    const viewer = await view(url);
    await viewer.came(2);

    viewer.socket.close();

    await vi.waitFor(() => expect(source).toMatchObject({ opened: 1, open: 0 }));
  });

  it(`are ${limits.viewers} at most (I3)`, async () => {
    const { url } = await startServer(createSource(0));
    const viewers = await Promise.all(Array.from({ length: limits.viewers }, () => view(url)));
    const another = () => ask(url, { path: `/ws${new URL(url).search}`, headers: upgradeHeaders });

    const refused = await another();
    viewers[0]?.socket.close();
    await viewers[0]?.closed;

    expect(refused).toMatchObject({ status: 503, text: "8 viewers look already; close one of them.\n" });
    await vi.waitFor(async () => expect((await another()).status).toBe(101));
  });

  it("that do not read have no more read for them than fits into a bound (W1)", async () => {
    const source = createSource(0);
    const large = "x".repeat(64 * 1024);
    source.openFeed = async function* () {
      for (;;) {
        source.pulled += 1;
        yield { ...toEvent(source.pulled), event: { type: "large", large } };
      }
    };
    const { url } = await startServer(source);
    const viewer = await view(url);

    viewer.socket.pause();
    let before = -1;
    while (before !== source.pulled) {
      before = source.pulled;
      await sleep(200); // what the system's own buffers take is not ours to know: it is over when nothing moves any more
    }

    expect(source.pulled * large.length).toBeLessThan(32 * 1024 * 1024);
    viewer.socket.resume();
    await viewer.came(before + 50);
  });

  it("lose the oldest events of live actors past a bound, and are told how many and where the actors stand (W2)", async () => {
    const source = createSource(0);
    const told = limits.viewerMessages + 7;
    const { url } = await startServer({
      ...source,
      async watchLive(add) {
        const [actor, ...events] = tell(told - 3, "node/x:0");
        const { snapshot, ...common } = actor as Extract<InspectionMessage, { type: "@xstate.actor" }>;
        const event = { type: "early" };
        const moved = { ...snapshot, value: "moved" };
        const { sessionId, rootId, createdAt, id, _version } = common;
        add(actor as InspectionMessage);
        for (const of of [sessionId, "node/x:1"])
          add({ type: "@xstate.snapshot", sessionId: of, rootId, createdAt, id, _version, event, snapshot: moved });
        for (const message of events) add(message);
      },
    });

    const messages = await (await view(url)).came(limits.viewerMessages + 5);
    const live = messages.filter(({ sessionId }) => sessionId !== "task:1");

    expect(live.slice(0, 5)).toMatchObject([
      { type: "@xstate.actor", name: "inspection", snapshot: { context: { droppedEver: 4 } } },
      { type: "@xstate.event", event: { type: "messages.dropped", dropped: 4 } },
      { type: "@xstate.actor", sessionId: "node/x:0", snapshot: { value: "moved" } },
      { type: "@xstate.snapshot", sessionId: "node/x:1", snapshot: { value: "moved" } },
      { type: "@xstate.event", sessionId: "node/x:0", event: { type: "event-5" } },
    ]);
    expect(live.at(-1)).toMatchObject({ event: { type: `event-${told - 3}` } });
  });

  it("see the tasks although live actors cannot be shown", async () => {
    const source = createSource(1);
    const log = vi.fn();
    const watchLive = () => Promise.reject(new AionisError("TRANSPORT_DENIED", "Not you."));
    const { url } = await startServer({ ...source, watchLive }, { logger: { log } });

    await expect((await view(url)).came(2)).resolves.toHaveLength(2);
    expect(log).toHaveBeenCalledWith("warn", "live actors cannot be shown", {
      error: "AionisError: TRANSPORT_DENIED: Not you.",
    });
  });

  it.each([
    { error: new AionisError("TASK_NOT_FOUND", "There is no task ü."), code: 4000, reason: "There is no task ü." },
    { error: new AionisError("TRANSPORT_UNROUTED", "ü".repeat(200)), code: 1011, reason: "ü".repeat(60) },
    { error: new Error("a bug with a secret"), code: 1011, reason: "The inspection failed." },
  ])("are told why their source failed: $code", async ({ error, code, reason }) => {
    const { url } = await startServer({
      async *openFeed() {
        yield toEvent(1);
        throw error;
      },
    });

    const viewer = await view(url);

    await expect(viewer.closed).resolves.toEqual({ code, reason });
    expect(viewer.messages).toHaveLength(1);
  });

  it("are told that this is all when there is nothing to follow", async () => {
    const { url } = await startServer({
      async *openFeed() {
        yield* tell(1);
      },
    });

    const viewer = await view(url);

    await expect(viewer.closed).resolves.toEqual({ code: 1000, reason: "This is all that was recorded." });
    expect(viewer.messages).toEqual([...tell(1)]);
  });

  it("are sent away when the server closes, those too that answer nothing; and it closes once", async () => {
    const source = createSource(0);
    const server = await startServer(source);
    const [viewer, silent] = await Promise.all([view(server.url), view(server.url)]);
    silent.socket.pause();

    await Promise.all([server.close(), server.close()]);

    await expect(viewer.closed).resolves.toEqual({ code: 1001, reason: "The inspector has ended." });
    expect(source.open).toBe(0);
    await expect(view(server.url)).rejects.toThrow();
  });

  it("say nothing that is read: what is too much ends them", async () => {
    const { url } = await startServer(createSource(0));
    const viewer = await view(url);

    viewer.socket.send("x".repeat(2_000));

    expect((await viewer.closed).code).toBe(1009);
    expect(toSocketUrl(url)).toContain("/ws?token=");
  });
});
