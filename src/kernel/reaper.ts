// Reaper
//
// Ends the commands of this process when this process dies, also by SIGKILL. A small shell process reads the commands' process groups from
// a pipe; when the pipe ends, its writer has died, and the shell kills each group that is still listed. Then it kills whatever carries this
// process's mark in its environment, which finds what has left its group. Owns: that shell. Does not own: the commands while this process lives.
//
// Invariants:
//   X1. One shell a process, started with the first command, outside of every group that a terminal's signal reaches.
//   X2. The shell keeps no process alive, and its loss is no failure: the next command starts another, which learns of all that run.
//   X3. The shell's own environment has no mark, neither of this process nor of one that started it.

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";

/** The variable that every command has in its environment, with a value of its process's own. */
const workerMark = "AIONIS_WORKER";

const mark = randomBytes(12).toString("hex");
const groups = new Set<number>();
let shell: ChildProcess | undefined;

const script = `
groups=" "
while read -r act group; do
  case $act in
    +) groups="$groups$group " ;;
    -) groups="\${groups%% $group *} \${groups#* $group }" ;;
  esac
done
for group in $groups; do kill -9 "-$group" 2>/dev/null; done
[ -d /proc/self ] || exit 0
for round in 1 2 3 4 5; do
  left=$(grep -lsz "^${workerMark}=$1\\$" /proc/[0-9]*/environ)
  [ -n "$left" ] || exit 0
  for file in $left; do pid=\${file#/proc/}; kill -9 "\${pid%/environ}" 2>/dev/null; done
done
`;

/** A command's environment with the mark of this process, whose shell runs by then: the mark finds a command that is not listed yet. */
export function toMarked(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  if (shell === undefined) startShell();
  return { ...env, [workerMark]: mark };
}

/** From now on the group ends with this process. */
export function watchGroup(group: number): void {
  groups.add(group);
  tell(`+ ${group}\n`);
}

/** The group has ended, and its number may become another's. */
export function forgetGroup(group: number): void {
  groups.delete(group);
  tell(`- ${group}\n`);
}

function startShell(): void {
  const env = { PATH: process.env.PATH ?? "/usr/bin:/bin" }; // X3
  const started = spawn("/bin/sh", ["-c", script, "aionis-reaper", mark], {
    env,
    cwd: "/", // it holds no folder in use
    stdio: ["pipe", "ignore", "ignore"],
    detached: true, // X1
  });
  const lose = (): void => {
    if (shell === started) shell = undefined; // X2
  };
  started.on("error", lose);
  started.on("exit", lose);
  started.stdin?.on("error", lose);
  started.unref();
  (started.stdin as { unref?(): void } | null)?.unref?.(); // a pipe's stream has it, its type does not say so
  shell = started;
  tell([...groups].map((group) => `+ ${group}\n`).join(""));
}

function tell(line: string): void {
  shell?.stdin?.write(line);
}
