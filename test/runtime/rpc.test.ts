// What the runtime answers to bytes that no client of ours would send.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { limits } from "../../src/contracts/limits.ts";
import { RpcReply } from "../../src/contracts/rpc.ts";
import { createRuntime } from "../../src/index.ts";
import { systemClock } from "../../src/kernel/clock.ts";
import { createSystemRandom } from "../../src/kernel/random.ts";
import { createSubjects, decode, encode, formatHeaders, type Transport, toFormat } from "../../transport/index.ts";
import { connectLocal } from "../../transport/local/index.ts";

const scope = "test/rpc";
const subjects = createSubjects({ tenant: "test", project: "rpc" });
const subject = subjects.rpc("stranger", "tasks.start");

async function setup() {
  const path = await mkdtemp(join(tmpdir(), "aionis-rpc-"));
  const reports: string[] = [];
  const logger = { log: (level: string, message: string) => void (level === "error" && reports.push(message)) };
  const runtime = await createRuntime({ scope, path, durability: "process", logger });
  const raw = await connectLocal({
    path: join(path, "runtime.sock"),
    timeoutMs: 5_000,
    clock: systemClock,
    random: createSystemRandom(),
  });
  onTestFinished(async () => {
    await raw.drain();
    await runtime.close();
    await rm(path, { recursive: true });
  });
  return { raw, runtime, reports };
}

const envelope = (body: unknown, change: Record<string, unknown> = {}) => ({
  v: 1,
  id: `test-${Math.random()}`,
  scope,
  at: 1,
  from: "stranger",
  body,
  ...change,
});

async function ask(raw: Transport, payload: Uint8Array, { on = subject, headers = {} } = {}): Promise<RpcReply> {
  const reply = await raw.request(on, payload, { timeoutMs: 10_000, headers });
  return RpcReply.parse(decode(reply.payload, toFormat(reply.headers)));
}

/** A MessagePack value nested `depth` lists deep. */
const nested = (depth: number): Uint8Array => new Uint8Array([...Array.from({ length: depth }, () => 0x91), 0xc0]);

const fixText = (text: string): number[] => [0xa0 + text.length, ...Buffer.from(text)];

describe("RPC with bad input", () => {
  it.each([
    ["an unknown verb", "tasks.explode", "tasks.explode"],
    ["an unknown group", "jobs.start", "jobs.start"],
    ["a name of an object's own", "constructor", "constructor"],
    ["another such name", "__proto__.toString", "__proto__.toString"],
  ])("refuses %s by name", async (_what, operation, named) => {
    const { raw } = await setup();

    const reply = await ask(raw, encode(envelope({})), { on: subjects.rpc("stranger", operation) });

    expect(reply).toMatchObject({ ok: false, failure: { code: "OPERATION_UNKNOWN" } });
    expect(JSON.stringify(reply)).toContain(named);
  });

  it("refuses a subject whose caller is only a hash that no header spells out", async () => {
    const { raw } = await setup();
    const on = subjects.rpc("a".repeat(200), "tasks.list");

    const hidden = await ask(raw, encode(envelope({})), { on });
    const wrong = await ask(raw, encode(envelope({})), { on, headers: { "aionis-agent": "Ym9i" } });

    for (const reply of [hidden, wrong]) {
      expect(reply).toMatchObject({ ok: false, failure: { code: "INPUT_INVALID" } });
      expect(JSON.stringify(reply)).toContain("does not name a caller");
    }
  });

  it("takes the caller from the subject, whatever the envelope says", async () => {
    const { raw, runtime } = await setup();

    await ask(raw, encode(envelope({ brief: "x" }, { from: "admin" })));

    const { events } = await runtime.events.read({});
    expect(events.map(({ by }) => by)).toEqual(["stranger"]);
  });

  it.each([
    ["nothing", new Uint8Array(0)],
    ["no MessagePack", new Uint8Array([0xc1])],
    ["a value that is cut off", encode(envelope({ brief: "x" })).subarray(0, -3)],
    ["a value and more", new Uint8Array([...encode(envelope({})), 0xc0])],
    ["an extension type", new Uint8Array([0xd4, 0x01, 0x00])],
    ["a text that is no UTF-8 where there should be an envelope", new Uint8Array([0xa2, 0xff, 0xfe])],
    ["a key that reaches for the prototype", new Uint8Array([0x81, ...fixText("__proto__"), 0x80])],
    ["a number instead of an envelope", encode(7)],
    ["a list instead of an envelope", encode([1, 2])],
    ["an envelope of another version", encode(envelope({}, { v: 2 }))],
    ["an envelope without an id", encode(envelope({}, { id: undefined }))],
    ["an envelope with more in it", encode(envelope({}, { extra: 1 }))],
  ])("refuses %s as MESSAGE_INVALID", async (_what, payload) => {
    const { raw, runtime } = await setup();

    const reply = await ask(raw, payload);

    expect(reply).toMatchObject({ ok: false, failure: { code: "MESSAGE_INVALID", detail: expect.any(String) } });
    expect((await runtime.runtime.status()).head).toBe(0);
  });

  it("refuses an envelope of another scope and names both", async () => {
    const { raw, runtime } = await setup();

    const reply = await ask(raw, encode(envelope({ brief: "x" }, { scope: "other/scope" })));

    expect(reply).toMatchObject({ ok: false, failure: { code: "MESSAGE_INVALID" } });
    expect(JSON.stringify(reply)).toMatch(/other\/scope.*test\/rpc/);
    expect((await runtime.runtime.status()).head).toBe(0);
  });

  it("says of an envelope that does not fit what and where", async () => {
    const { raw } = await setup();

    const reply = await ask(raw, encode(envelope({}, { at: "now" })));

    expect(reply).toMatchObject({ failure: { detail: expect.stringContaining("at:") } });
  });

  it.each([
    ["too deep", nested(limits.messageDepth + 2), "MESSAGE_TOO_LARGE"],
    ["far too deep", nested(100_000), "MESSAGE_TOO_LARGE"],
    [
      "a list that says it has four thousand million items",
      new Uint8Array([0xdd, 0xff, 0xff, 0xff, 0xff]),
      "MESSAGE_(TOO_LARGE|INVALID)",
    ],
    ["too many values", encodeMany(limits.messageValues + 10), "MESSAGE_TOO_LARGE"],
  ])("refuses a message that is %s", async (_what, payload, code) => {
    const { raw } = await setup();

    const reply = await ask(raw, payload);

    expect(reply.ok ? "" : reply.failure.code).toMatch(new RegExp(code));
  });

  it("refuses a message over the size limit before it is sent", async () => {
    const { raw } = await setup();

    await expect(ask(raw, new Uint8Array(limits.messageBytes + 1))).rejects.toMatchObject({
      code: "MESSAGE_TOO_LARGE",
    });
  });

  it("names each field that does not fit, up to a bound", async () => {
    const { raw } = await setup();
    const body = { brief: "", kind: 7, files: ["ok", ""], checks: [{ name: "x", command: [] }], colour: "red" };

    const reply = await ask(raw, encode(envelope(body)));

    expect(reply).toMatchObject({ failure: { code: "INPUT_INVALID" } });
    const { facts } = (reply as unknown as { failure: { facts: { issues: { path: string }[] } } }).failure;
    expect(facts.issues.map(({ path }) => path).sort()).toEqual(["", "brief", "checks.0.command", "files.1", "kind"]);
    expect(JSON.stringify(reply)).toContain("tasks.start");
    expect(JSON.stringify(reply)).toContain("colour");
  });

  it("bounds its answer to an input that is wrong in a thousand places", async () => {
    const { raw } = await setup();

    const reply = await ask(raw, encode(envelope({ brief: "x", files: Array.from({ length: 500 }, () => 7) })));

    expect(reply).toMatchObject({ ok: false, failure: { code: "INPUT_INVALID" } });
    expect(JSON.stringify(reply).length).toBeLessThan(4_000);
  });

  it.each(["__proto__", "constructor", "prototype", "toString"])("keeps the key %s in data as data", async (key) => {
    const { raw, runtime } = await setup();
    const json = JSON.stringify(envelope({ brief: "x", data: {} })).replace('"data":{}', `"data":{"${key}":{"hot":1}}`);

    const reply = await ask(raw, Buffer.from(json), { headers: formatHeaders.json });

    expect(({} as Record<string, unknown>).hot).toBeUndefined();
    expect(reply).toMatchObject({ ok: true });
    const [task] = (await runtime.tasks.list({})).tasks;
    const { data } = (await runtime.tasks.get({ taskId: task!.id })).content;
    expect(JSON.stringify(data)).toBe(`{"${key}":{"hot":1}}`);
  });

  it("answers JSON in JSON, with its content type", async () => {
    const { raw } = await setup();
    const payload = encode(envelope({ brief: "From elsewhere 🌍" }), "json");

    const reply = await raw.request(subject, payload, {
      timeoutMs: 10_000,
      headers: { "content-type": "application/json; charset=utf-8" },
    });

    expect({ ...reply.headers }).toEqual({ "content-type": "application/json" });
    expect(JSON.parse(Buffer.from(reply.payload).toString())).toMatchObject({ ok: true, output: { state: "start" } });
  });

  it("answers JSON that is none in JSON too", async () => {
    const { raw } = await setup();

    const reply = await raw.request(subject, Buffer.from("{ brief: "), {
      timeoutMs: 10_000,
      headers: formatHeaders.json,
    });

    expect({ ...reply.headers }).toEqual({ "content-type": "application/json" });
    expect(JSON.parse(Buffer.from(reply.payload).toString())).toMatchObject({
      ok: false,
      failure: { code: "MESSAGE_INVALID", detail: expect.stringContaining("JSON") },
    });
  });

  it("answers MessagePack without a content type", async () => {
    const { raw } = await setup();

    const reply = await raw.request(subject, encode(envelope({ brief: "x" })), { timeoutMs: 10_000 });

    expect({ ...reply.headers }).toEqual({});
  });

  it("refuses a content type that it does not know, by name", async () => {
    const { raw } = await setup();

    const reply = await ask(raw, Buffer.from("<task/>"), { headers: { "content-type": "application/xml" } });

    expect(reply).toMatchObject({ ok: false, failure: { code: "MESSAGE_INVALID" } });
    expect(JSON.stringify(reply)).toContain("application/xml");
  });

  it("goes on serving after all of that, and has met no bug", async () => {
    const { raw, runtime, reports } = await setup();
    for (let seed = 1; seed <= 300; seed += 1)
      await ask(raw, noise(seed)).catch((error: unknown) => expect(error).toBeUndefined());

    await ask(raw, encode(envelope({ brief: "Still here" })));

    expect((await runtime.tasks.list({})).tasks).toMatchObject([{ title: "Still here" }]);
    expect(reports).toEqual([]);
  });

  it("names its store in refusals too", async () => {
    const { raw, runtime } = await setup();
    const { storeId } = await runtime.runtime.status();

    expect(await ask(raw, new Uint8Array([0xc1]))).toMatchObject({ store: storeId });
  });
});

/** A list of `count` nils. */
function encodeMany(count: number): Uint8Array {
  const bytes = new Uint8Array(5 + count).fill(0xc0);
  bytes[0] = 0xdd;
  new DataView(bytes.buffer).setUint32(1, count);
  return bytes;
}

/** An envelope with bytes changed here and there, the same for a seed. */
function noise(seed: number): Uint8Array {
  const bytes = Uint8Array.from(encode(envelope({ brief: "x", data: { a: [1, "b", null] } }, { id: `noise-${seed}` })));
  let state = seed;
  const next = (): number => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state >>> 8;
  };
  // The first byte and the body's name are broken, so that none of them can be taken.
  bytes[0] = [0xc1, 0x91, 0x07, 0xd5][seed % 4]!;
  for (let change = 0; change < 5; change += 1) bytes[1 + (next() % (bytes.length - 1))] = next() % 256;
  return bytes;
}
