import { MsgHdrsImpl } from "@nats-io/transport-node";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeHeaders, encodeHeaders } from "../../../transport/nats/headers.ts";
import type { Headers } from "../../../transport/transport.ts";

/** What the other side reads of the bytes on the wire. */
function carry(headers: Headers, control = {}): ReturnType<typeof decodeHeaders> {
  const { lines } = encodeHeaders(headers, control);
  return decodeHeaders(lines === undefined ? undefined : MsgHdrsImpl.decode((lines as MsgHdrsImpl).encode())); // cast: the library's own
}

describe("headers on NATS", () => {
  it("come out as they went in, whatever they hold", () => {
    const name = fc
      .oneof(fc.string(), fc.constantFrom("aionis-timeout", "aionis-blob", "__proto__", "%61", "a:b", ""))
      .map((text) => text.toLowerCase());
    const value = fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom("", " x ", "\r\n", "schön", "UTF-8''x", "%"));
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), (entries) => {
        const headers: Headers = Object.fromEntries(entries);

        expect(Object.entries(carry(headers, { timeout: "9" }).headers).toSorted()).toEqual(
          Object.entries(headers).toSorted(),
        );
        expect(carry(headers, { timeout: "9" }).control).toEqual({ timeout: "9" });
        expect(carry(headers).control).toEqual({});
      }),
      { numRuns: 1_000 },
    );
  });

  it("are plain lines of ASCII, and encoded ones where NATS would cut or change them", () => {
    const { lines, bytes } = encodeHeaders(
      { traceparent: "00-ab", mood: "schön", "aionis-blob": "mine" },
      { timeout: "30" },
    );
    const written = Buffer.from((lines as MsgHdrsImpl).encode()).toString(); // cast: the library's own

    expect(written).toBe(
      "NATS/1.0\r\naionis-timeout: 30\r\ntraceparent: 00-ab\r\nmood: UTF-8''sch%C3%B6n\r\n%61ionis-blob: mine\r\n\r\n",
    );
    expect(bytes).toBe(written.length);
    expect(encodeHeaders({}, {})).toEqual({ lines: undefined, bytes: 0 });
  });

  it("of foreign senders are read in lower case, and a lone % is left as it is", () => {
    const lines = MsgHdrsImpl.fromRecord({ "Content-Type": ["a", "b"], "100%": ["UTF-8''50%"] });

    expect({ ...decodeHeaders(lines).headers }).toEqual({ "content-type": "a", "100%": "50%" });
  });
});
