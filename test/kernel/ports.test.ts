import { chmodSync, existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sha256, toHex } from "../../src/kernel/digest.ts";
import { createMarkFile, noFaults, silentLogger, systemClock } from "../../src/kernel/index.ts";
import { tempFolder } from "../support/store.ts";

describe("the machine's clock", () => {
  it("calls once after a delay, however long or negative it is, and not when it was taken back", async () => {
    let calls = 0;
    const cancel = systemClock.setTimer(0, () => {
      calls += 100;
    });
    cancel();
    cancel();
    systemClock.setTimer(2 ** 40, () => {
      calls += 100; // setTimeout alone would fire this at once
    })();

    await new Promise<void>((resolve) => {
      systemClock.setTimer(-5, () => {
        calls += 1;
        systemClock.defer(resolve);
      });
      setTimeout(resolve, 1_000).unref(); // a deadline; timers of the clock do not keep the process alive
      systemClock.defer(() => {});
      const keepAlive = setInterval(() => {}, 5);
      systemClock.setTimer(20, () => clearInterval(keepAlive));
    });

    expect(calls).toBe(1);
  });

  it("has a wall time and a length of time that never goes back", () => {
    const first = systemClock.mono();

    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1_000);
    expect(systemClock.mono()).toBeGreaterThanOrEqual(first);
  });
});

describe("a mark file", () => {
  it("is nothing at first, then what was written last, for its owner alone", async () => {
    const path = join(tempFolder(), "aionis.mark");
    const file = createMarkFile(path);

    expect(await file.read()).toBeUndefined();
    await file.write("one, a longer text");
    await file.write("two");

    expect(await file.read()).toBe("two");
    expect(existsSync(`${path}.new`)).toBe(false);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("keeps the old text when the new one cannot be written", async () => {
    const folder = tempFolder();
    const path = join(folder, "aionis.mark");
    const file = createMarkFile(path);
    await file.write("one");
    mkdirSync(`${path}.new`); // where the new text would be written

    await expect(file.write("two")).rejects.toThrow();

    expect(readFileSync(path, "utf8")).toBe("one");
    chmodSync(folder, 0o700);
  });

  it("says that it cannot be read, when that is not because there is none", async () => {
    await expect(createMarkFile(tempFolder()).read()).rejects.toThrow();
  });
});

describe("small ports", () => {
  it("hash as the world does", () => {
    const known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    expect(toHex(sha256("abc"))).toBe(known);
    expect(toHex(sha256(Buffer.from("abc")))).toBe(known);
    expect(toHex(Uint8Array.from([9, 0, 255, 8]).subarray(1, 3))).toBe("00ff");
  });

  it("do nothing in production and by default", () => {
    expect(noFaults.at("commit.before")).toBeUndefined();
    expect(silentLogger.log("error", "x")).toBeUndefined();
  });
});
