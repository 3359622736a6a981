import { describe, expect, it } from "vitest";
import { maskPath, maskVolatile, toSignature } from "../../src/learning/volatile.ts";

describe("what is volatile", () => {
  it.each([
    ["deploy attempt 3 of build #4411", "deploy attempt # of build ##"],
    ["at 2024-11-02T10:22:31.004Z and 2024-11-02", "at # and #"],
    ["lease 5f0c6a3e-3b5b-4a33-9d5c-0a4cf4f6ad10 of 10.0.3.17:8080", "lease # of #"],
    ["PAY-1042: commit 9fceb02d0ae598e9, pointer 0x7ffe12", "#: commit #, pointer #"],
    ["order 20241102093000 failed", "order # failed"],
    ["HTTP 503 and ERROR 1205 in utf8 for v2 of decade", "HTTP 503 and ERROR 1205 in utf8 for v2 of decade"],
  ])("is masked in %j", (text, masked) => {
    expect(maskVolatile(text)).toBe(masked);
  });

  it.each([
    ["runs/run-8123/Out.log", "runs/run-#/out.log"],
    ["out/2024-11-02_report_9fceb02d0ae5.csv", "out/#_report_#.csv"],
    ["/tmp/pytest-81/data.json", "/tmp/data.json"],
    ["services/orders/migrations/0042_add_channel.sql", "services/orders/migrations/0042_add_channel.sql"],
  ])("is masked in the path %j", (path, masked) => {
    expect(maskPath(path)).toBe(masked);
  });

  it("leaves of an error its first line, without numbers and quoted texts", () => {
    expect(toSignature("TypeError: cannot read 'length' of line 81\n    at parse (src/a.ts:3:9)")).toBe(
      "typeerror: cannot read '' of line #",
    );
  });
});
