import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { findChromium, readVersion } from "../../scripts/chromium.ts";

/** A folder with programs that print something. */
function folderWith(programs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "aionis-chromium-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

const tells = (version: string) => `echo "Chromium ${version} built on Debian"`;

describe("findChromium", () => {
  it("takes the first on the PATH that runs", async () => {
    const folder = folderWith({
      chromium: "exit 1",
      "chromium-browser": tells("156.0.1.2"),
      "google-chrome": tells("1.2"),
    });

    const found = await findChromium({ env: { PATH: ["/nowhere", folder].join(delimiter) }, userId: 1 });

    expect(found).toEqual({ path: join(folder, "chromium-browser"), version: "156.0.1.2" });
  });

  it("takes what CHROMIUM_BIN says, and no other", async () => {
    const folder = folderWith({ chromium: tells("1.2"), mine: tells("3.4") });
    const env = { PATH: folder, CHROMIUM_BIN: join(folder, "mine") };

    await expect(findChromium({ env })).resolves.toMatchObject({ version: "3.4" });
    await expect(findChromium({ env: { ...env, CHROMIUM_BIN: join(folder, "none") } })).rejects.toThrow(
      /CHROMIUM_BIN: /,
    );
  });

  it.each([
    { CI: undefined, userId: 0 },
    { CI: "true", userId: 1000 },
  ])("installs nothing with $CI as $userId, and says what to do", async ({ CI, userId }) => {
    const folder = folderWith({ "apt-get": ": > $0.ran", chromium: "exit 3" });

    const finding = findChromium({ env: { PATH: folder, CI }, userId });

    await expect(finding).rejects.toThrow(
      /^No Chromium could be had\.\n[\s\S]*chromium --version[\s\S]*CHROMIUM_BIN to where/,
    );
    expect(existsSync(join(folder, "apt-get.ran"))).toBe(false);
  });

  it("lets root install it in CI, and says what the package manager said when that fails", async () => {
    const folder = folderWith({ "apt-get": 'echo "no network for $*" >&2; exit 100' });

    const finding = findChromium({ env: { PATH: folder, CI: "true" }, userId: 0 });

    await expect(finding).rejects.toThrow(/no network for update/);
  });

  it("reads the version of either name", () => {
    expect(readVersion("Google Chrome 140.0.1 \n")).toBe("140.0.1");
    expect(readVersion("Firefox 1.2")).toBeUndefined();
  });
});
