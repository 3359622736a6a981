import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, it } from "vitest";
import { sha256 } from "../../transport/sha256.ts";

it("hashes as the platform does, at every length round a block's border and beyond", () => {
  const byPlatform = (data: Uint8Array): string => createHash("sha256").update(data).digest("hex");

  for (let length = 0; length <= 200; length += 1) {
    const data = new Uint8Array(length).fill(length);
    expect(Buffer.from(sha256(data)).toString("hex"), `${length} bytes`).toBe(byPlatform(data));
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 2_000 }), (data) => {
      expect(Buffer.from(sha256(data)).toString("hex")).toBe(byPlatform(data));
    }),
  );
});
