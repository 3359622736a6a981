import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AionisError } from "../../../src/contracts/failures.ts";
import { limits } from "../../../src/contracts/limits.ts";
import { encodeFailure, encodeFrame, type Frame, FrameReader, toFailure } from "../../../transport/local/frames.ts";

const u32 = fc.nat(2 ** 32 - 1);
const frame: fc.Arbitrary<Frame> = fc.record({
  kind: fc.constantFrom("publish", "request", "reply", "message", "ping"),
  id: u32,
  target: u32,
  number: fc.nat(),
  text: fc.string({ unit: "binary", maxLength: 100 }),
  headers: fc.dictionary(fc.string(), fc.string({ unit: "binary" }), { maxKeys: 3, noNullPrototype: true }),
  payload: fc.uint8Array({ maxLength: 300 }),
});

const toBytes = (...frames: Frame[]): Buffer => Buffer.concat(frames.flatMap((each) => encodeFrame(each)));
const toPlain = (read: Frame): unknown => ({ ...read, headers: { ...read.headers }, payload: [...read.payload] });

describe("frames", () => {
  it("come out of the stream as they went in, however it is cut", () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), fc.array(fc.integer({ min: 1, max: 400 })), (frames, cuts) => {
        const reader = new FrameReader();
        const stream = toBytes(...frames);
        const read: Frame[] = [];
        let at = 0;
        for (const size of [...cuts, stream.length]) {
          read.push(...reader.read(stream.subarray(at, at + size)));
          at += size;
        }
        expect(read.map(toPlain)).toEqual(frames.map(toPlain));
      }),
    );
  });

  it("carry the largest payload, and one over it ends the stream", () => {
    const of = (length: number): Buffer => toBytes({ ...empty, payload: new Uint8Array(length) });

    expect(new FrameReader().read(of(limits.messageBytes))[0]?.payload.length).toBe(limits.messageBytes);
    expect(() => new FrameReader().read(of(limits.messageBytes + 70_000))).toThrow(
      expect.objectContaining({ code: "MESSAGE_TOO_LARGE" }),
    );
  });

  it.each<[string, number, number]>([
    ["text is longer than they are", 21, 0xffff],
    ["headers are longer than they are", 25, 0xffff],
  ])("whose %s are refused", (_, at, length) => {
    const bytes = toBytes({ ...empty, payload: new Uint8Array(10) });
    bytes.writeUInt16BE(length, at);

    expect(() => new FrameReader().read(bytes)).toThrow(expect.objectContaining({ code: "MESSAGE_INVALID" }));
  });

  it("of random or mutated bytes are frames or a typed failure, never another error", () => {
    const edit = fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(frame, fc.array(edit, { maxLength: 8 }), fc.uint8Array({ maxLength: 60 }), (good, edits, tail) => {
        const bytes = Buffer.concat([toBytes(good), tail]);
        for (const [at, byte] of edits) bytes[at % bytes.length] = byte;
        try {
          new FrameReader().read(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(AionisError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it("carry failures by code, and a code that this version does not know as REMOTE_FAULT", () => {
    const failure = new AionisError("OVERLOADED", "Too much: ü.");
    const [read] = new FrameReader().read(Buffer.concat(encodeFailure(7, failure)));
    const newer = { ...empty, kind: "failure", text: "toString", payload: Buffer.from("what?") } as const;

    expect(read?.id).toBe(7);
    expect(read && toFailure(read)).toMatchObject({ code: "OVERLOADED", detail: "Too much: ü." });
    expect(toFailure(newer)).toMatchObject({ code: "REMOTE_FAULT", detail: "what?" });
  });
});

const empty: Frame = {
  kind: "publish",
  id: 0,
  target: 0,
  number: 0,
  text: "",
  headers: {},
  payload: new Uint8Array(0),
};
