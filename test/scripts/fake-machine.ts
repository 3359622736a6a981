// A machine for the search
//
// A folder that takes the place of `/`, and programs of the shell's in the place of nats-server and of apt.

import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempFolder } from "../support/store.ts";

export interface FakeMachine {
  readonly root: string;
  /** Its PATH is the one folder `bin`, its cache the folder `cache`. */
  readonly env: NodeJS.ProcessEnv;
  /** Writes a file and gives its path. */
  write(path: string, text: string): string;
  /** Puts a nats-server somewhere and gives its path. */
  addNatsServer(path: string, version: string): string;
  /** Puts an apt there whose suites hold a nats-server of the version given. */
  addApt(versionsBySuite: Readonly<Record<string, string>>): void;
  /** All sources that this apt was given, in order. */
  askedSources(): string;
}

export function createFakeMachine(): FakeMachine {
  const root = tempFolder();
  const notes = join(root, "asked-sources");
  const write = (path: string, text: string): string => {
    const file = join(root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return file;
  };
  const addProgram = (path: string, text: string): string => {
    const file = write(path, `#!/bin/sh\nPATH=/usr/bin:/bin\n${text}`);
    chmodSync(file, 0o755);
    return file;
  };
  return {
    root,
    env: { PATH: join(root, "bin"), XDG_CACHE_HOME: join(root, "cache") },
    write,
    addNatsServer: (path, version) => addProgram(path, printVersion(version)),
    addApt(versionsBySuite) {
      for (const [suite, version] of Object.entries(versionsBySuite))
        addProgram(`mirror/${suite}`, printVersion(version));
      // Called as `apt-get update -c …` and `apt-get download nats-server -c …`, in the folder of its sources.
      addProgram(
        "bin/apt-get",
        `suite=$(sed -n 's/^suites: //p' suite.sources)
        case $1 in
          update) cat suite.sources >> ${notes} ;;
          download) cp ${root}/mirror/$suite $2_1.0_all.deb 2> /dev/null || { echo "E: no $2 in $suite" >&2; exit 100; } ;;
        esac`,
      );
      addProgram("bin/dpkg-deb", "mkdir -p $3/usr/sbin && cp $2 $3/usr/sbin/nats-server");
    },
    askedSources: () => (existsSync(notes) ? readFileSync(notes, "utf8") : ""),
  };
}

function printVersion(version: string): string {
  return `echo "nats-server: v${version}"\n`;
}
