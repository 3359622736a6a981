import { chmodSync, cpSync, existsSync, mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { findPlace, listFilesAt, lookFor } from "../../src/import/index.ts";
import { type CommitSpec, createFolder, createRepository, describeGit, git } from "./repositories.ts";

const text = (name: string) => `${`a line of ${name}\n`.repeat(30)}`;
const first: CommitSpec = {
  message: "Start",
  files: { "src/client.ts": text("client"), "src/other.ts": text("other"), "docs/a.md": text("docs") },
};
const move = (from: string, to: string, content?: string): CommitSpec => ({
  message: "Move",
  renames: [[from, to]],
  ...(content === undefined ? {} : { files: { [to]: content } }),
});

/** A checkout of these commits. */
function setup(commits: readonly CommitSpec[]) {
  const { folder } = createRepository(commits);
  git(folder, ["checkout", "--quiet", "--force", "main"]);
  return { folder, look: (...paths: string[]) => lookIn(folder, paths) };
}

async function lookIn(folder: string, paths: readonly string[]) {
  return await lookFor({ place: await openPlace(folder), paths });
}

async function openPlace(folder: string) {
  const { files } = await listFilesAt({ folder, commit: "HEAD", filesMax: 100 });
  return await findPlace({ folder, files });
}

const moved = (to: string, from = "src/client.ts") => ({ here: [], gone: [], moved: [{ from, to }] });
const gone = (...paths: string[]) => ({ here: [], gone: paths, moved: [] });

describeGit("looking for files in a checkout", () => {
  it("finds them where they are, and tells each that is gone or moved", async () => {
    const { look } = setup([
      first,
      move("src/client.ts", "pkg/gateway.ts"),
      { message: "-", files: { "docs/a.md": null } },
    ]);

    expect(await look("src/other.ts", "./src/other.ts", "src", "src/client.ts", "docs/a.md", "never/was.ts")).toEqual({
      here: ["src/other.ts", "./src/other.ts", "src"],
      gone: ["docs/a.md", "never/was.ts"],
      moved: [{ from: "src/client.ts", to: "pkg/gateway.ts" }],
    });
  });

  it("follows a file that was changed while it moved, and moved again", async () => {
    const changed = `${text("client")}and one more\n`;
    const { look } = setup([
      first,
      move("src/client.ts", "pkg/client.ts", changed),
      { message: "Work", files: { "src/other.ts": text("new") } },
      move("pkg/client.ts", "pkg/http/gateway.ts", `${changed}and another\n`),
    ]);

    expect(await look("src/client.ts")).toEqual(moved("pkg/http/gateway.ts"));
  });

  it("tells that a file is gone when the one that it became is gone too", async () => {
    const { look } = setup([first, move("src/client.ts", "b.ts"), { message: "Drop", files: { "b.ts": null } }]);

    expect(await look("src/client.ts")).toEqual(gone("src/client.ts"));
  });

  it("takes a file that is there again under its old name for the one that was meant", async () => {
    const { look } = setup([
      first,
      move("src/client.ts", "b.ts"),
      { message: "Again", files: { "src/client.ts": "new" } },
    ]);

    expect((await look("src/client.ts")).here).toEqual(["src/client.ts"]);
  });

  it("ends although files moved in a circle", async () => {
    const { folder, look } = setup([first, move("src/client.ts", "b.ts"), move("b.ts", "src/client.ts")]);
    rmSync(join(folder, "src/client.ts"));

    expect(await look("src/client.ts", "b.ts")).toEqual(gone("src/client.ts", "b.ts"));
  });

  it("sees moves that are not committed: staged ones, and files that git does not know yet", async () => {
    const { folder, look } = setup([first]);
    mkdirSync(join(folder, "pkg"));
    git(folder, ["mv", "src/other.ts", "pkg/staged.ts"]);
    renameSync(join(folder, "src/client.ts"), join(folder, "pkg/plain.ts"));

    expect(await look("src/client.ts", "src/other.ts")).toEqual({
      here: [],
      gone: [],
      moved: expect.arrayContaining([
        { from: "src/client.ts", to: "pkg/plain.ts" },
        { from: "src/other.ts", to: "pkg/staged.ts" },
      ]),
    });
  });

  it("goes by the last commit where nothing is checked out", async () => {
    const { folder } = createRepository([first, move("src/client.ts", "pkg/gateway.ts")]);
    const bare = createFolder();
    git(bare, ["clone", "--quiet", "--bare", folder, "."]);

    for (const place of [folder, bare])
      expect(await lookIn(place, ["src/other.ts", "src/client.ts"])).toEqual({
        ...moved("pkg/gateway.ts"),
        here: ["src/other.ts"],
      });
  });

  it("counts what a sparse checkout leaves out as there", async () => {
    const { folder, look } = setup([first]);
    git(folder, ["sparse-checkout", "set", "--no-cone", "/docs/"]);

    expect(existsSync(join(folder, "src/client.ts"))).toBe(false);
    expect((await look("src/client.ts", "docs/a.md")).here.toSorted()).toEqual(["docs/a.md", "src/client.ts"]);
  });

  it("finds by its content a file that was copied before it was deleted", async () => {
    const { look } = setup([
      first,
      { message: "Copy", files: { "pkg/client.ts": text("client") } },
      { message: "Delete", files: { "src/client.ts": null } },
    ]);

    expect(await look("src/client.ts")).toEqual(moved("pkg/client.ts"));
  });

  it("does not guess between files of the same content, nor from empty ones", async () => {
    const { look } = setup([
      {
        message: "Start",
        files: { "a.ts": text("a"), "b.ts": text("a"), "c.ts": text("a"), "empty.ts": "", "none.ts": "" },
      },
      { message: "Delete", files: { "a.ts": null, "empty.ts": null } },
    ]);

    expect(await look("a.ts", "empty.ts")).toEqual(gone("a.ts", "empty.ts"));
  });

  it("looks from the folder that was named and from the first one of the checkout", async () => {
    const { folder } = setup([
      { message: "Start", files: { "web/src/client.ts": text("client"), "web/a.ts": text("a") } },
      move("web/src/client.ts", "web/lib/gateway.ts"),
    ]);

    expect(await lookIn(join(folder, "web"), ["a.ts", "web/a.ts", "src/client.ts"])).toEqual({
      here: ["a.ts", "web/a.ts"],
      gone: [],
      moved: [{ from: "src/client.ts", to: "lib/gateway.ts" }],
    });
  });

  it("looks at nothing outside of the checkout, and takes no name for an option or a pattern of git", async () => {
    const { folder, look } = setup([first]);
    writeFileSync(join(folder, "..", "aionis-outside"), "");

    expect(
      await look("../aionis-outside", "/etc/passwd", "src/../../aionis-outside", "https://a.b/c", "src/*.ts"),
    ).toEqual(gone());
    expect(await look("--output=evil", ":(top)src", "-x")).toEqual(gone("--output=evil", ":(top)src", "-x"));
    expect(existsSync(join(folder, "evil"))).toBe(false);
    rmSync(join(folder, "..", "aionis-outside"));
  });

  it("counts a link that leads nowhere as there, for it is a file of the checkout", async () => {
    const { folder, look } = setup([first]);
    symlinkSync("/nowhere/at/all", join(folder, "link"));

    expect((await look("link", "src/client.ts/below")).here).toEqual(["link"]);
  });

  it("runs nothing that the repository names", async () => {
    const { folder, look } = setup([first, move("src/client.ts", "pkg/gateway.ts")]);
    const trap = join(folder, ".git", "trap.sh");
    const sprung = join(folder, ".git", "sprung");
    writeFileSync(trap, `#!/bin/sh\necho "$0 $*" >> ${sprung}\ncat\n`);
    chmodSync(trap, 0o755);
    for (const name of [
      "core.fsmonitor",
      "filter.evil.clean",
      "filter.evil.process",
      "diff.evil.textconv",
      "diff.evil.command",
    ])
      git(folder, ["config", name, trap]);
    for (const name of ["diff.external", "gpg.program", "core.pager"]) git(folder, ["config", name, trap]);
    git(folder, ["config", "log.showSignature", "true"]);
    writeFileSync(join(folder, ".gitattributes"), "* filter=evil diff=evil\n");
    cpSync(trap, join(folder, ".git", "hooks", "post-index-change"));
    renameSync(join(folder, "src/other.ts"), join(folder, "renamed.ts"));
    rmSync(sprung, { force: true });

    const found = await look("src/client.ts", "src/other.ts", "docs/b.md");

    expect(found.moved).toHaveLength(2);
    expect(existsSync(sprung)).toBe(false);
  });

  it("says gone, and does not fail, where git can tell nothing", async () => {
    const { folder } = setup([first, move("src/client.ts", "pkg/gateway.ts")]);
    const place = await openPlace(folder);
    rmSync(join(folder, ".git", "objects"), { recursive: true });

    expect(await lookFor({ place, paths: ["src/client.ts", "src/other.ts"] })).toEqual({
      here: ["src/other.ts"],
      gone: ["src/client.ts"],
      moved: [],
    });
  });

  it("gives up on a history that takes too long", async () => {
    const { folder } = setup([first, move("src/client.ts", "pkg/gateway.ts")]);
    const place = await openPlace(folder);

    const look = await lookFor({ place, paths: ["src/client.ts"], signal: AbortSignal.abort() });

    expect(look).toEqual(gone("src/client.ts"));
  });
});

describe("looking for files in a folder that is no repository", () => {
  it("tells what is there and what is not", async () => {
    const folder = createFolder();
    writeFileSync(join(folder, "a.ts"), "");

    const place = await findPlace({ folder, files: undefined });
    expect(await lookFor({ place, paths: ["a.ts", "b.ts"] })).toEqual({ here: ["a.ts"], gone: ["b.ts"], moved: [] });
  });

  it("is refused where there is no folder", async () => {
    const file = join(createFolder(), "file");
    writeFileSync(file, "");

    for (const folder of [file, `${file}/below`, "a\0b"])
      await expect(findPlace({ folder, files: undefined })).rejects.toMatchObject({ facts: { reason: "noFolder" } });
  });
});
