// AIONIS_TEST_VALUES says how many values each property of a format is tried on; 600 if absent.

import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import { AionisError } from "../../src/contracts/failures.ts";
import { limits } from "../../src/contracts/limits.ts";
import { decode, encode, type Format, formatHeaders, toFormat } from "../../transport/codec.ts";
import { Envelope } from "../../transport/envelope.ts";

const invalid: unknown = expect.objectContaining({ code: "MESSAGE_INVALID" });
const tooLarge: unknown = expect.objectContaining({ code: "MESSAGE_TOO_LARGE" });
const inherited = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "toJSON"];

const key = fc.oneof(
  { weight: 20, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  fc.constantFrom(...inherited),
);
const scalar = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (number === 0 ? 0 : number)), // JSON has no -0
  fc.string({ unit: "binary", maxLength: 300 }),
  fc.date({ noInvalidDate: true }).map((date) => date.getTime()),
);
const { json } = fc.letrec((tie) => ({
  json: fc.oneof({ maxDepth: 6 }, scalar, tie("list"), tie("map")),
  list: fc.array(tie("json"), { maxLength: 20 }),
  map: fc.dictionary(key, tie("json"), { maxKeys: 20, noNullPrototype: true }),
}));

const values = Number(process.env.AIONIS_TEST_VALUES ?? 600);

/** What a foreign or hostile sender might write: everything that msgpackr can. */
const foreign = new Packr({ useRecords: false, moreTypes: true, structuredClone: true });
const records = new Packr({ useRecords: true });
const bytes = (...values: (number | readonly number[] | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(values.flatMap((value) => (typeof value === "number" ? [value] : [...value])));
const ascii = (text: string): Uint8Array => Buffer.from(text, "latin1");

describe.each<Format>(["msgpack", "json"])("codec, %s", (format) => {
  it("gives back every JSON value as it was", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(decode(encode(value, format), format)).toEqual(value);
      }),
      { numRuns: values },
    );
  });

  it("gives values that JSON can write again", () => {
    fc.assert(
      fc.property(json, (value) => {
        expect(JSON.parse(JSON.stringify(decode(encode(value, format), format)))).toEqual(value);
      }),
    );
  });

  it("leaves out fields that are undefined and makes such items null", () => {
    const decoded = decode(encode({ a: undefined, b: [undefined, 1], c: { d: undefined } }, format), format);

    expect(decoded).toStrictEqual({ b: [null, 1], c: {} });
    expect(decode(encode(undefined, format), format)).toBeNull();
  });

  it("carries objects of over 65,535 keys and texts of any length", () => {
    const value = {
      keys: Object.fromEntries(Array.from({ length: 70_000 }, (_, index) => [`k${index}`, index])),
      text: "ü".repeat(1e6),
    };

    expect(decode(encode(value, format), format)).toEqual(value);
  });

  it("refuses what is circular or no data", () => {
    const circular: unknown[] = [];
    circular.push(circular);

    expect(() => encode(circular, format)).toThrow(AionisError);
    expect(() => encode({ big: 2n ** 60n }, format)).toThrow(invalid);
  });

  it("refuses depth, count and size over their limits, and takes what is just within", () => {
    const nested = (depth: number): unknown => (depth === 0 ? 0 : [nested(depth - 1)]);
    const wide = (count: number): number[] => new Array<number>(count).fill(0);
    const long = (length: number): string => "x".repeat(length - (format === "json" ? 2 : 5));

    for (const value of [nested(limits.messageDepth), wide(limits.messageValues - 1), long(limits.messageBytes)]) {
      expect(decode(encode(value, format), format)).toEqual(value);
    }
    for (const value of [
      nested(limits.messageDepth + 1),
      wide(limits.messageValues + 2),
      long(limits.messageBytes + 1),
    ]) {
      expect(() => encode(value, format)).toThrow(tooLarge);
      const written = format === "json" ? Buffer.from(JSON.stringify(value)) : foreign.pack(value);
      expect(() => decode(written, format)).toThrow(tooLarge);
    }
  });

  it.each(inherited)("carries the key %s as data, both ways and at any depth (C3)", (name) => {
    const value: unknown = JSON.parse(`[{"a":{"${name}":{"polluted":true},"b":1}}]`);
    const written = format === "json" ? Buffer.from(JSON.stringify(value)) : foreign.pack(value);

    for (const decoded of [decode(encode(value, format), format), decode(written, format)] as [{ a: object }][]) {
      expect(Object.keys(decoded[0].a)).toEqual([name, "b"]);
      expect(Object.getPrototypeOf(decoded[0].a)).toBe(Object.prototype);
      expect(JSON.stringify(decoded)).toBe(JSON.stringify(value));
    }
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });

  it("refuses every cut of a message, and what follows one", () => {
    const value = {
      id: "cmd_1",
      list: [1, -1, 1.5, 3e9, -3e9, "text", "ü".repeat(300), true, null],
      map: { a: { b: [] } },
    };
    const whole = encode(value, format);

    for (let length = 0; length < whole.length; length += 1) {
      expect(() => decode(whole.subarray(0, length), format), `${length} bytes`).toThrow(invalid);
    }
    expect(() => decode(bytes(whole, format === "json" ? ascii("1") : 1), format)).toThrow(invalid);
  });

  it("answers mutated bytes with a value or a typed failure, never another error", () => {
    const edit = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(json, fc.array(edit, { minLength: 1, maxLength: 8 }), (value, edits) => {
        const mutated = Uint8Array.from(encode(value, format));
        for (const [at, byte] of edits) mutated[at % Math.max(mutated.length, 1)] = byte;
        takesOrRefuses(mutated, format);
      }),
      { numRuns: values },
    );
  });

  it("answers random bytes with a value or a typed failure, never another error", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (random) => takesOrRefuses(random, format)),
      { numRuns: values },
    );
  });
});

function takesOrRefuses(input: Uint8Array, format: Format): void {
  let value: unknown;
  try {
    value = decode(input, format);
  } catch (error) {
    expect(error).toBeInstanceOf(AionisError);
    return;
  }
  JSON.stringify(value); // what was taken is data
}

describe("half a surrogate pair", () => {
  it("is refused in JSON that is decoded to be kept (C4)", () => {
    const message = ascii('{"body":{"brief":"half \\ud83e"}}');

    expect(() => decode(message, "json", true)).toThrow(/body\.brief holds half of a surrogate pair/);
    expect(decode(message, "json")).toEqual({ body: { brief: "half \ud83e" } });
  });
});

describe("an integer of 64 bits in JSON", () => {
  it.each([
    ['{"body":{"ids":[1,{"channel":12345678901234567890}]}}', "body.ids.1.channel"],
    ['{"a":-9007199254740993,"b":1}', "a"],
  ])("is refused in %s with its path (C3)", (text, path) => {
    const refused: unknown = expect.objectContaining({
      code: "VALUE_INVALID",
      facts: expect.objectContaining({ path }),
    });

    expect(() => decode(ascii(text), "json")).toThrow(refused);
  });

  it("is taken where the same digits come back", () => {
    const text =
      '{"safe":9007199254740991,"round":1152921504606847000,"real":0.12345678901234568,"text":"12345678901234567890"}';

    expect(JSON.stringify(decode(ascii(text), "json"))).toBe(text);
  });
});

describe("codec, MessagePack only", () => {
  it.each([
    ["8-bit", bytes(0x81, 0xd9, 9, ascii("__proto__"), 0x80)],
    ["16-bit", bytes(0x81, 0xda, 0, 9, ascii("__proto__"), 0x80)],
    ["32-bit", bytes(0x81, 0xdb, 0, 0, 0, 9, ascii("__proto__"), 0x80)],
  ])("takes the key __proto__ in %s text as data (C3)", (_, message) => {
    const decoded = decode(message) as object;

    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
    expect(JSON.stringify(decoded)).toBe('{"__proto__":{}}');
  });

  it("carries bytes, and what it decodes shares no memory with the message", () => {
    const message = Uint8Array.from(encode({ data: Uint8Array.of(1, 2, 3) }));

    const decoded = decode(message) as { data: Uint8Array };
    message.fill(0);

    expect([...decoded.data]).toEqual([1, 2, 3]);
  });

  it("does not change the array that it decodes from", () => {
    const message = Uint8Array.from(encode({ a: 1 }));

    decode(message);

    expect(Object.keys(message)).toEqual(Object.keys(Uint8Array.from(message)));
  });

  it("reads 64-bit whole numbers of other writers as numbers, and refuses those that a double would round", () => {
    expect(decode(bytes(0xcf, 0, 0, 1, 0xa2, 0, 0, 0, 5))).toBe(0x1a200000005);
    expect(decode(bytes(0xd3, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toBe(-1);
    expect(decode(bytes(0xcf, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toBe(Number.MAX_SAFE_INTEGER);
    expect(decode(bytes(0xd3, 0xff, 0xe0, 0, 0, 0, 0, 0, 1))).toBe(Number.MIN_SAFE_INTEGER);
    for (const rounded of [
      bytes(0xcf, 0, 0x20, 0, 0, 0, 0, 0, 1),
      bytes(0xcf, new Uint8Array(8).fill(0xff)),
      bytes(0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0),
    ]) {
      expect(() => decode(rounded)).toThrow(invalid);
    }
  });

  it("refuses numbers that are not finite, both ways", () => {
    for (const number of [Number.NaN, Infinity, -Infinity]) {
      const single = Buffer.alloc(5, 0xca);
      single.writeFloatBE(number, 1);
      expect(() => encode({ number })).toThrow(invalid);
      expect(() => decode(foreign.pack(number))).toThrow(invalid);
      expect(() => decode(single)).toThrow(invalid);
    }
    for (const odd of [
      bytes(0xcb, 0x7f, 0xf1, new Uint8Array(6)),
      bytes(0xcb, 0xff, 0xff, new Uint8Array(6)),
      bytes(0xca, 0x7f, 0x81, 0, 0),
    ]) {
      expect(() => decode(odd)).toThrow(invalid);
    }
  });

  it("refuses dates and big integers that it would change", () => {
    expect(() => encode({ at: new Date(0) })).toThrow(invalid);
    expect(() => encode(2n ** 70n)).toThrow(invalid);
  });

  it("takes the last value of a key that comes twice", () => {
    expect(decode(bytes(0x82, 0xa1, ascii("a"), 1, 0xa1, ascii("a"), 2))).toEqual({ a: 2 });
  });

  it("keeps a small message free of the large buffer of an earlier one", () => {
    encode({ text: "x".repeat(1_000_000) });

    expect(encode({ text: "small" }).buffer.byteLength).toBeLessThanOrEqual(8_192);
  });

  it.each<[string, Uint8Array]>([
    ["a regular expression", foreign.pack(/(a+)+$/)],
    ["an error", foreign.pack(new RangeError("x", { cause: "y" }))],
    ["a set", foreign.pack(new Set([1]))],
    ["a typed array", foreign.pack(new Float64Array(2))],
    ["a date", foreign.pack(new Date(1.5))],
    ["undefined", foreign.pack(undefined)],
    ["a big integer", foreign.pack(2n ** 70n)],
    ["records", records.pack([{ a: 1 }, { a: 2 }])],
    ["a record's definition", bytes(0xd4, 0x72, 0x40, 0x91, 0xa1, ascii("a"), 1)],
    ["a circle by reference", foreign.pack(toCircle())],
    ["bundled strings", new Packr({ useRecords: false, bundleStrings: true }).pack(["some text", "more text"])],
    ["an unknown extension", bytes(0xc7, 1, 99, 0)],
    ["an extension of 4 GB", bytes(0xc9, 0xff, 0xff, 0xff, 0xff, 0x78)],
    ["the unused token", bytes(0xc1)],
  ])("refuses %s for its token (C1)", (_, message) => {
    expect(() => decode(message)).toThrow(/the token 0x/);
  });

  it.each<[string, Uint8Array]>([
    ["a key that is a number", bytes(0x81, 1, 1)],
    ["a key that is nil", bytes(0x81, 0xc0, 1)],
    ["a key that is a list", bytes(0x81, 0x91, 1, 1)],
    ["a key that is bytes", bytes(0x81, 0xc4, 1, 65, 1)],
    ["a list of 4 G items", bytes(0xdd, 0xff, 0xff, 0xff, 0xff, 1)],
    ["a map of 4 G items", bytes(0xdf, 0xff, 0xff, 0xff, 0xff, 1)],
    ["a text of 4 GB", bytes(0xdb, 0xff, 0xff, 0xff, 0xff, 65)],
    ["bytes of 4 GB", bytes(0xc6, 0xff, 0xff, 0xff, 0xff, 65)],
    [
      "lists in lists that claim 65,535 items each",
      new Uint8Array(72_000).map((_, index) => [0xdc, 0xff, 0xff][index % 3] ?? 0),
    ],
    ["lists in lists, a million deep", new Uint8Array(1_000_000).fill(0x91)],
    ["maps in maps", bytes(...Array.from({ length: 1_000 }, () => [0x81, 0xa1, 65]), 0xc0)],
    ["nothing", bytes()],
    ["more than one value", bytes(0xc0, 0xc0)],
  ])("refuses %s (C1)", (_, message) => {
    expect(() => decode(message)).toThrow(AionisError);
  });
});

function toCircle(): unknown {
  const circle: { self?: unknown } = {};
  circle.self = circle;
  return circle;
}

describe("codec, JSON only", () => {
  it.each(["", " ", "{", "nul", "{'a':1}", "[1,]", "\u0000", "1e999", '{"a":-1e999}', "[".repeat(2_000_000)])(
    "refuses %s",
    (text) => {
      expect(() => decode(Buffer.from(text.slice(0, 2_000_000)), "json")).toThrow(AionisError);
    },
  );

  it("refuses bytes that are not UTF-8", () => {
    expect(() => decode(bytes(0x22, 0xff, 0x22), "json")).toThrow(invalid);
  });

  it("does not count brackets and commas inside of texts", () => {
    const text = `${"[".repeat(100)}"\\${",".repeat(1_000_000)}`;

    expect(decode(encode([text], "json"), "json")).toEqual([text]);
  });
});

describe("formats", () => {
  it("are read from the content type, MessagePack where there is none", () => {
    expect(toFormat({})).toBe("msgpack");
    expect(toFormat(formatHeaders.msgpack)).toBe("msgpack");
    expect(toFormat(formatHeaders.json)).toBe("json");
    expect(toFormat({ "content-type": "Application/JSON; charset=utf-8" })).toBe("json");
    expect(toFormat({ "content-type": "application/msgpack" })).toBe("msgpack");
    expect(() => toFormat({ "content-type": "text/xml" })).toThrow(invalid);
  });
});

describe("envelope", () => {
  const envelope = {
    v: 1,
    id: "cmd-1",
    scope: "acme/billing",
    at: 1_795_000_000_000,
    from: "fixer-1",
    body: { taskId: "task_1" },
  };

  it("survives the codec and its own schema", () => {
    expect(Envelope.parse(decode(encode({ ...envelope, correlation: undefined })))).toStrictEqual(envelope);
  });

  it.each([
    { v: 2 },
    { id: "" },
    { scope: "x".repeat(300) },
    { at: 1.5 },
    { from: "" },
    { causation: "" },
    { extra: 1 },
  ])("is refused with %j", (change) => {
    expect(Envelope.safeParse({ ...envelope, ...change }).success).toBe(false);
  });
});
