import { describe, expect, it } from "vitest";
import type { Connection } from "../../../sdk/index.ts";
import type { TaskId } from "../../../src/contracts/ids.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { type Setup, start } from "./fabric.ts";

const asAda = { agent: "ada" };
const asBen = { agent: "ben" };

async function open(client: Connection, title = "Night shift"): Promise<TaskId> {
  return (await client.sessions.create({ title }, asAda)).sessionId;
}

/** Notes the texts `1` to `count`. */
async function noteMany(client: Connection, sessionId: TaskId, count: number): Promise<void> {
  for (let n = 1; n <= count; n += 1) await client.sessions.event({ sessionId, text: String(n) }, asAda);
}

export function describeSessions(setup: Setup): void {
  describe("sessions", () => {
    it("keep what several agents noted, in order and as it was said", async () => {
      const { client } = await setup();
      const sessionId = await open(client);
      const text = "Réparer «the retry» 🛠️\n\tline two\r\n\u0000end";

      const first = await client.sessions.event({ sessionId, kind: "message", text, data: { list: [1, null] } }, asAda);
      const second = await client.sessions.event({ sessionId, title: "Seen", text: "It waits" }, asBen);
      const { events, next } = await client.sessions.events({ sessionId });

      expect(events).toEqual([
        { ...placeOf(first), agent: "ada", kind: "message", text, data: { list: [1, null] } },
        { ...placeOf(second), agent: "ben", kind: "note", title: "Seen", text: "It waits" },
      ]);
      expect(next).toBeUndefined();
      expect([first.status, first.sessionId]).toEqual(["open", sessionId]);
    });

    it("give the last events, oldest first", async () => {
      const { client } = await setup();
      const sessionId = await open(client);
      await noteMany(client, sessionId, 5);

      const last = await client.sessions.events({ sessionId, tail: 2 });
      const all = await client.sessions.events({ sessionId, tail: limits.pageRows });

      expect(last.events.map(({ text }) => text)).toEqual(["4", "5"]);
      expect(all.events.map(({ text }) => text)).toEqual(["1", "2", "3", "4", "5"]);
    });

    it("give their events a page at a time, each once", async () => {
      const { client } = await setup();
      const sessionId = await open(client);
      const other = await open(client);
      for (let n = 1; n <= 5; n += 1) {
        await client.sessions.event({ sessionId, text: String(n) });
        await client.sessions.event({ sessionId: other, text: "elsewhere" });
      }

      const pages: (string | undefined)[][] = [];
      let after: number | undefined;
      do {
        const page = await client.sessions.events({
          sessionId,
          pageSize: 2,
          ...(after === undefined ? {} : { after }),
        });
        pages.push(page.events.map(({ text }) => text));
        after = page.next;
      } while (after !== undefined);

      expect(pages).toEqual([["1", "2"], ["3", "4"], ["5"]]);
    });

    it("read from the end or forward, not both, and no more than a page holds", async () => {
      const { client } = await setup();
      const sessionId = await open(client);
      const refused = { code: "INPUT_INVALID" };

      await expect(client.sessions.events({ sessionId, tail: 1, after: 1 })).rejects.toMatchObject(refused);
      await expect(client.sessions.events({ sessionId, tail: 1, pageSize: 1 })).rejects.toMatchObject(refused);
      await expect(client.sessions.events({ sessionId, tail: limits.pageRows + 1 })).rejects.toMatchObject(refused);
      await expect(client.sessions.events({ sessionId, tail: 0 })).rejects.toMatchObject(refused);
    });

    it("are listed newest first, by status and a page at a time, without other tasks", async () => {
      const { client } = await setup();
      const closed = await open(client, "First");
      const cancelled = await open(client, "Second");
      const left = await open(client, "Third");
      await start(client);
      await client.sessions.event({ sessionId: closed, text: "t" }, asBen);
      await client.sessions.close({ sessionId: closed, summary: "All is well" }, asBen);
      await client.tasks.cancel({ taskId: cancelled, reason: "Not needed" });

      const all = await client.sessions.list({});
      const page = await client.sessions.list({ pageSize: 1 });
      const rest = await client.sessions.list({ pageSize: 2, cursor: page.cursor! });
      const isOpen = await client.sessions.list({ status: "open" });
      const isClosed = await client.sessions.list({ status: "closed" });

      expect(all.sessions).toMatchObject([
        { sessionId: left, title: "Third", agent: "ada", status: "open", eventsRecorded: 0 },
        { sessionId: cancelled, status: "cancelled", reason: "Not needed" },
        { sessionId: closed, agent: "ada", status: "closed", eventsRecorded: 1, summary: "All is well" },
      ]);
      expect([...page.sessions, ...rest.sessions]).toEqual(all.sessions);
      expect(isOpen.sessions.map(({ sessionId }) => sessionId)).toEqual([left]);
      expect(isClosed.sessions).toEqual(all.sessions.slice(2));
      await expect(client.sessions.list({ cursor: "somewhere" })).rejects.toMatchObject({ code: "CURSOR_INVALID" });
    });

    it("take nothing more when they are closed; closing twice changes nothing", async () => {
      const { client } = await setup();
      const sessionId = await open(client);

      const closed = await client.sessions.close({ sessionId, summary: "Done" });
      const again = await client.sessions.close({ sessionId, summary: "Done otherwise" });
      const late = client.sessions.event({ sessionId, text: "One more" });

      expect(again).toEqual(closed);
      expect(closed.status).toBe("closed");
      await expect(late).rejects.toMatchObject({
        code: "TASK_STATE_CONFLICT",
        facts: { state: "succeeded", allowed: [] },
        detail: expect.stringContaining("a session and closed"),
      });
      expect((await client.tasks.get({ taskId: sessionId })).content.outcome).toEqual({ summary: "Done" });
    });

    it("are claimed by nobody, and say what they are and what ends them", async () => {
      const { client } = await setup();
      const sessionId = await open(client);
      await client.sessions.event({ sessionId, text: "t" });

      const next = await client.tasks.claim({}, asAda);
      const byId = client.tasks.claim({ taskId: sessionId }, asAda);
      const complete = client.tasks.complete({ taskId: sessionId, epoch: 1 }, asAda);
      const explained = await client.tasks.explain({ taskId: sessionId });

      expect(next.assignment).toBeNull();
      for (const refused of [byId, complete]) {
        await expect(refused).rejects.toMatchObject({
          code: "TASK_STATE_CONFLICT",
          facts: { state: "start", allowed: ["sessions.event", "sessions.close", "tasks.cancel"] },
          detail: expect.stringContaining("a session and open"),
        });
      }
      expect(explained).toMatchObject({
        because: expect.stringContaining("open session"),
        allowed: ["sessions.event", "sessions.close", "tasks.cancel"],
        moves: ["sessions.close", "tasks.cancel"],
      });
    });

    it("are made by their own command alone, and other tasks are none", async () => {
      const { client } = await setup();
      const taskId = await start(client);
      const packet = { brief: "b", nextAction: "n" };
      await client.tasks.claim({ taskId }, asAda);
      const delegation = { taskId, epoch: 1, to: "any" as const, packet, kind: "session" };

      for (const half of [
        () => client.tasks.start({ brief: "b", kind: "session" }),
        () => client.handoff.store({ packet, kind: "session" }),
        () => client.tasks.delegate(delegation, asAda),
      ]) {
        await expect(half()).rejects.toMatchObject({
          code: "INPUT_INVALID",
          detail: expect.stringContaining("sessions.create"),
        });
      }
      for (const missing of [
        () => client.sessions.event({ sessionId: taskId, text: "t" }),
        () => client.sessions.events({ sessionId: taskId }),
        () => client.sessions.close({ sessionId: taskId }),
        () => client.sessions.events({ sessionId: "task_00000000000000000000" }),
      ]) {
        await expect(missing()).rejects.toMatchObject({ code: "TASK_NOT_FOUND" });
      }
    });

    it("have no packet to recover", async () => {
      const { client } = await setup();
      const sessionId = await open(client);

      const recovered = client.handoff.recover({ taskId: sessionId });

      await expect(recovered).rejects.toMatchObject({ code: "PACKET_NOT_FOUND" });
    });

    it("record an event once for each command id, over a restart too", async () => {
      const { client, fabric } = await setup();
      const { sessionId } = await client.sessions.create({ commandId: "open", title: "T" });
      const first = await client.sessions.event({ commandId: "once", sessionId, text: "A" });
      await client.sessions.close({ commandId: "close", sessionId });

      await fabric.restart();
      const later = await fabric.connect();
      const same = await later.sessions.event({ commandId: "once", sessionId, text: "A" });
      const other = later.sessions.event({ commandId: "once", sessionId, text: "B" });

      expect(same).toEqual(first);
      await expect(other).rejects.toMatchObject({ code: "IDEMPOTENCY_CONFLICT" });
      expect((await later.sessions.create({ commandId: "open", title: "T" })).sessionId).toBe(sessionId);
      expect((await later.sessions.events({ sessionId })).events).toHaveLength(1);
      expect((await later.sessions.list({})).sessions).toMatchObject([{ status: "closed", eventsRecorded: 1 }]);
      expect((await later.store.verify()).problems).toEqual([]);
    });
  });
}

function placeOf({ seq, eventId, at }: { seq: number; eventId: string; at: number }) {
  return { seq, eventId, at };
}
