// Whether a path stays inside (W1-W3), as the file tools meet it. Exchanges between the look and the use are made by hand here, and by
// another process in `exchange.test.ts`.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createFileTools, type FileTools } from "../../../sdk/tools/files.ts";
import { readText, replaceText } from "../../../sdk/tools/text-file.ts";
import type { Tool } from "../../../sdk/tools/tool.ts";
import { inWorkspace } from "../../../sdk/tools/workspace.ts";
import { makeFolder } from "./folder.ts";
import { use, ways } from "./use.ts";

/** A workspace beside a folder that nothing may reach. */
function setup() {
  const folder = makeFolder();
  const [workspace, outside] = [join(folder, "workspace"), join(folder, "outside")];
  mkdirSync(join(workspace, "src"), { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(workspace, "src/a.txt"), "inside");
  writeFileSync(join(outside, "a.txt"), "outside");
  const link = (target: string, path: string) => symlinkSync(target, join(workspace, path));
  const seenOutside = () => readdirSync(outside).map((name) => [name, readFileSync(join(outside, name), "utf8")]);
  return { folder, workspace, outside, link, seenOutside };
}

const untouched = [["a.txt", "outside"]];
const outsideFailure = { code: "PATH_OUTSIDE", facts: { path: expect.any(String) } };

/** What each tool does with a path: the result, or the code of the failure. */
async function useAll(tools: FileTools, workspace: string, path: string): Promise<unknown[]> {
  const inputs: [keyof FileTools, object][] = [
    ["read", {}],
    ["patch", { edits: [{ find: "side", replace: "SIDE" }] }],
    ["write", { text: "written" }],
    ["delete", {}],
  ];
  const results: unknown[] = [];
  for (const [name, input] of inputs) {
    const result = use(tools[name] as Tool, workspace, { path, ...input });
    results.push(await result.catch(({ code }: { code: string }) => code));
  }
  return results;
}

describe.each(ways)("a path whose folder is used %s", (_way, options) => {
  const tools = createFileTools(options);

  it.each([
    ["..", "has .."],
    ["../outside/a.txt", "has .."],
    ["src/../../outside/a.txt", "has .."],
    ["src/../src/a.txt", "has .., though it comes back"],
    ["/etc/passwd", "is absolute"],
    ["//a", "is absolute"],
    ["src/a.txt\0.png", "has a NUL"],
  ])("%j is refused by each tool: it %s (W1)", async (path) => {
    const { workspace, seenOutside } = setup();

    expect(await useAll(tools, workspace, path)).toEqual(Array(4).fill("PATH_OUTSIDE"));
    expect(seenOutside()).toEqual(untouched);
  });

  it.each([
    ["../outside/a.txt", "link"],
    ["../outside", "link/a.txt"],
    ["../outside", "link/new.txt"],
    ["../outside/new.txt", "link"],
    ["..", "link/outside/a.txt"],
    ["../..", "src/link/outside/a.txt"],
    ["src/../../outside", "link/a.txt"],
    ["/etc", "link/passwd"],
    ["/", "link/etc/passwd"],
  ])("is refused by each tool when a link to %s is on its way, as in %s (W1)", async (target, path) => {
    const { workspace, link, seenOutside } = setup();
    const at = path.slice(0, path.indexOf("link") + "link".length);
    link(target, at);

    expect(await useAll(tools, workspace, path)).toEqual(Array(4).fill("PATH_OUTSIDE"));
    expect(seenOutside()).toEqual(untouched);
    expect(existsSync(join(workspace, "src/a.txt"))).toBe(true);
  });

  it("is refused when the last of several links leads out, also by an absolute path or a common beginning", async () => {
    const { workspace, outside, link } = setup();
    link("two", "one");
    link("src/three", "two");
    link(outside, "src/three");
    mkdirSync(`${workspace}-other`);
    link(`${workspace}-other`, "beside");

    await expect(use(tools.read, workspace, { path: "one/a.txt" })).rejects.toMatchObject(outsideFailure);
    await expect(use(tools.write, workspace, { path: "beside/a", text: "" })).rejects.toMatchObject(outsideFailure);
    expect(readdirSync(`${workspace}-other`)).toEqual([]);
  });

  it("goes through links that stay inside, relative, absolute and up and down again", async () => {
    const { folder, workspace, link } = setup();
    link("src", "down");
    link("..", "src/up");
    link(join(workspace, "src"), "absolute");
    link("../workspace", "round");
    link("src/a.txt", "file");
    symlinkSync("workspace", join(folder, "alias"));
    link(join(folder, "alias/src"), "named");

    for (const path of ["down/a.txt", "src/up/src/a.txt", "absolute/a.txt", "file", "./down/./up/file"]) {
      expect(await use(tools.read, workspace, { path })).toMatchObject({ text: "inside" });
    }
    // Above the workspace and back is a way through what is outside.
    await expect(use(tools.read, workspace, { path: "round/src/a.txt" })).rejects.toMatchObject(outsideFailure);
    // A link may say the workspace as it was named.
    expect(await use(tools.read, join(folder, "alias"), { path: "named/a.txt" })).toMatchObject({ text: "inside" });
    await use(tools.write, workspace, { path: "down/new/b.txt", text: "b" });
    expect(readFileSync(join(workspace, "src/new/b.txt"), "utf8")).toBe("b");
  });

  it("is refused when its links lead in a circle, as the tool's failure", async () => {
    const { workspace, link } = setup();
    link("self", "self");
    link("pong", "ping");
    link("ping", "pong");
    link("src/deep/x", "grows");
    mkdirSync(join(workspace, "src/deep"));
    link("../../grows/x", "src/deep/x");

    for (const path of ["self", "self/a", "ping", "ping/a", "grows"]) {
      const results = await useAll(tools, workspace, path);
      expect(results).toEqual(Array(4).fill("TOOL_FAILED"));
    }
  });

  it("fails when there is no workspace, and makes none", async () => {
    const { folder } = setup();
    const missing = join(folder, "missing");

    expect(await useAll(tools, missing, "a.txt")).toEqual(Array(4).fill("TOOL_FAILED"));
    expect(existsSync(missing)).toBe(false);
  });

  it("leaves no descriptor open, whatever becomes of it", async () => {
    if (!existsSync("/proc/self/fd")) return; // nothing to count them by
    const { workspace, link } = setup();
    link("..", "up");
    link("self", "self");
    const count = () => readdirSync("/proc/self/fd").length;
    const before = count();

    for (const path of ["src/a.txt", "src", "no/such", "up/x", "self/x", "../x", "src/new/a", "src/new/a/b", "."]) {
      await useAll(tools, workspace, path);
    }

    expect(count()).toBe(before);
  });

  describe("that is exchanged for a link to outside while it is used (W2)", () => {
    function setupExchange() {
      const made = setup();
      const [src, aside] = [join(made.workspace, "src"), join(made.workspace, "aside")];
      const exchange = () => {
        renameSync(src, aside);
        symlinkSync(made.outside, src);
      };
      const exchangeBack = () => {
        rmSync(src);
        renameSync(aside, src);
      };
      return { ...made, exchange, exchangeBack };
    }

    it("gives nothing of what is outside", async () => {
      const { workspace, exchange } = setupExchange();

      const read = inWorkspace(workspace, "src/a.txt", options, (place) => {
        exchange();
        return readText(place, "src/a.txt");
      });

      if (!options.usesDescriptors) await expect(read).rejects.toMatchObject(outsideFailure);
      else expect(await read).toEqual({ text: "inside", bytes: 6 }); // the folder that was opened, wherever it is now
    });

    it("gives nothing of it either when it is put back before the next look", async () => {
      const { workspace, exchange, exchangeBack } = setupExchange();

      const read = inWorkspace(workspace, "src/a.txt", options, async (place) => {
        exchange();
        const text = readText(place, "src/a.txt"); // opens at once
        exchangeBack();
        return await text;
      });

      const text = await read.catch(({ code }: { code: string }) => ({ text: code }));
      expect(text).toMatchObject({ text: expect.stringMatching(/^(inside|PATH_OUTSIDE|TOOL_FAILED)$/) });
    });

    it("writes nothing outside", async () => {
      const { workspace, exchange, seenOutside } = setupExchange();

      const write = inWorkspace(workspace, "src/a.txt", options, async (place) => {
        exchange();
        if (place !== undefined) await replaceText(place, "src/a.txt", "written");
      });

      if (!options.usesDescriptors) await expect(write).rejects.toMatchObject(outsideFailure);
      else await write;
      expect(seenOutside()).toEqual(untouched);
    });

    it("is noticed when the folder itself was moved out", async () => {
      const { folder, workspace } = setup();

      const work = inWorkspace(workspace, "src/a.txt", options, () => {
        renameSync(join(workspace, "src"), join(folder, "moved"));
      });

      await expect(work).rejects.toMatchObject({ code: expect.stringMatching(/^(PATH_OUTSIDE|TOOL_FAILED)$/) });
    });
  });

  it("does not follow a link that takes the place of its file (W3)", async () => {
    const { workspace, outside, seenOutside } = setup();
    const path = join(workspace, "src/a.txt");
    const exchange = () => {
      rmSync(path);
      symlinkSync(join(outside, "a.txt"), path);
    };

    const read = inWorkspace(workspace, "src/a.txt", options, (place) => {
      exchange();
      return readText(place, "src/a.txt");
    });
    await expect(read).rejects.toMatchObject({ code: "TOOL_FAILED" });
    rmSync(path);
    writeFileSync(path, "inside");
    await inWorkspace(workspace, "src/a.txt", options, async (place) => {
      exchange();
      if (place !== undefined) await replaceText(place, "src/a.txt", "written");
    });

    expect(seenOutside()).toEqual(untouched);
    expect(readFileSync(path, "utf8")).toBe("written"); // the link was replaced
  });
});
