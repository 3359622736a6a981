import { spawnSync } from "node:child_process";
import { delimiter, join } from "node:path";

/** Where a Node.js that is too old is at hand, it is refused by name and does not crash. @throws Error */
export function checkOldNode(consumer: string): void {
  const oldNode = findOldNode();
  if (oldNode === undefined) {
    console.log("skipped the refusal of an old Node.js: none older than 22.14 is on the PATH");
    return;
  }
  const program = `import("aionis").catch((error) => console.log(error.code));`;
  const library = spawnSync(oldNode, ["-e", program], { cwd: consumer, encoding: "utf8" });
  if (library.stdout.trim() !== "NODE_TOO_OLD") {
    throw new Error(`an old Node.js was not refused by the library: ${library.stderr}`);
  }
  const command = spawnSync(oldNode, ["node_modules/aionis/bin/aionis.mjs"], { cwd: consumer, encoding: "utf8" });
  if (command.status !== 1 || !command.stderr.startsWith("NODE_TOO_OLD: ")) {
    throw new Error(`an old Node.js was not refused by the command: ${command.stderr}`);
  }
  console.log("refuses an old Node.js by name");
}

function findOldNode(): string | undefined {
  const candidates = (process.env.PATH ?? "").split(delimiter).map((path) => join(path, "node"));
  return candidates.find((candidate) => {
    const napi = spawnSync(candidate, ["-p", "process.versions.napi"], { encoding: "utf8" });
    return napi.status === 0 && Number(napi.stdout) < 10;
  });
}
