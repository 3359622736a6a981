// Process identity
//
// Tells processes of one machine apart, also over reused process ids, restarts of the machine, and containers. It only reads.

import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { Holder } from "../contracts/holder.ts";

export type ProcessIdentity = Pick<Holder, "pid" | "startedAt" | "boot" | "pidSpace" | "host">;

/** What is known of a process: `unknown` when it lives in a place that this process does not see. */
export type Fate = "alive" | "dead" | "unknown";

let known: ProcessIdentity | undefined;

/** This process. */
export function identifyProcess(): ProcessIdentity {
  known ??= {
    pid: process.pid,
    startedAt: findStart("self")?.startedAt ?? "",
    boot: readText("/proc/sys/kernel/random/boot_id")?.trim() ?? bootWithoutProc(),
    pidSpace: readLink("/proc/self/ns/pid") ?? "",
    host: hostname(),
  };
  return known;
}

/** Whether a process lives, as far as this one can see. A process that ended and was not collected yet is dead: it holds no file. */
export function findFate(of: ProcessIdentity): Fate {
  const own = identifyProcess();
  if (of.boot !== own.boot) return of.host === own.host ? "dead" : "unknown";
  if (of.pidSpace !== own.pidSpace) return own.pidSpace === firstPidSpace ? findInOtherSpaces(of) : "unknown";
  if (of.pid === own.pid) return of.startedAt === own.startedAt ? "alive" : "dead";
  if (!isThere(of.pid)) return "dead";
  if (!seesOwnSpace()) return "unknown";
  const found = findStart(of.pid);
  if (found === undefined || of.startedAt === "") return "unknown";
  return found.startedAt === of.startedAt && !found.hasEnded ? "alive" : "dead";
}

const firstPidSpace = "pid:[4026531836]"; // PROC_PID_INIT_INO of Linux: from there every process of the machine is seen

/** Another space is seen from the first one: its processes stand in this one's list, each with its id there. */
function findInOtherSpaces({ pidSpace, startedAt }: ProcessIdentity): Fate {
  if (!seesOwnSpace()) return "unknown";
  for (const pid of listProcesses()) {
    if (readLink(`/proc/${pid}/ns/pid`) !== pidSpace) continue;
    const found = findStart(pid);
    if (found?.startedAt === startedAt && !found.hasEnded) return "alive";
  }
  return process.getuid?.() === 0 ? "dead" : "unknown"; // others' spaces are shown to root alone
}

function listProcesses(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

/** Whether `/proc` lists the processes that this process's ids count. */
function seesOwnSpace(): boolean {
  const self = readLink("/proc/self");
  return self === undefined ? process.platform !== "linux" : self === String(process.pid);
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"; // it is there, and another user's
  }
}

interface Start {
  readonly startedAt: string;
  readonly hasEnded: boolean;
}

function findStart(pid: number | string): Start | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === undefined) return process.platform === "linux" ? undefined : startWithoutProc(pid);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" "); // the name before may hold anything
  return { startedAt: fields[19] ?? "", hasEnded: fields[0] === "Z" || fields[0] === "X" };
}

/** Where there is no `/proc`, as on macOS, `ps` tells. */
function startWithoutProc(pid: number | string): Start | undefined {
  const text = ask("ps", ["-o", "stat=,lstart=", "-p", String(pid === "self" ? process.pid : pid)])?.trim();
  const [, state, startedAt] = /^(\S+)\s+(.+)$/.exec(text ?? "") ?? [];
  return startedAt === undefined ? undefined : { startedAt, hasEnded: state?.startsWith("Z") === true };
}

function bootWithoutProc(): string {
  return process.platform === "darwin" ? (ask("sysctl", ["-n", "kern.bootsessionuuid"])?.trim() ?? "") : "";
}

const askMs = 2_000;

function ask(program: string, args: readonly string[]): string | undefined {
  try {
    return execFileSync(program, args, { encoding: "utf8", timeout: askMs, env: { ...process.env, LC_ALL: "C" } });
  } catch {
    return undefined; // there is no such program, or no such process
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined; // no such process, or no such file system
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined; // as above
  }
}
