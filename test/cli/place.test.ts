import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readNats, readPlace } from "../../src/cli/place.ts";
import { Settings } from "../../src/cli/settings.ts";
import { makeFolder } from "./support.ts";

type Env = Readonly<Record<string, string>>;

const nats = ["nats://one", "nats://two:4223"];
const seed = `SU${"A".repeat(56)}`;

function place(options: Readonly<Record<string, unknown>>, env: Env = {}) {
  return readPlace(new Settings(options, { env, cwd: "/home/ann" }));
}

describe("where the runtime is", () => {
  it.each([
    { options: {}, env: {}, is: { folder: "/home/ann/.aionis" } },
    { options: { path: "x" }, env: { AIONIS_PATH: "y" }, is: { folder: "/home/ann/x" } },
    { options: { nats }, env: {}, is: { nats: { servers: nats } } },
    { options: {}, env: { AIONIS_NATS: "nats://one, nats://two:4223" }, is: { nats: { servers: nats } } },
    { options: { nats }, env: { AIONIS_PATH: "y" }, is: { nats: { servers: nats } } },
    { options: { path: "x" }, env: { AIONIS_NATS: "nats://one" }, is: { folder: "/home/ann/x" } },
    { options: {}, env: { AIONIS_NATS: "nats://one", AIONIS_PATH: "y" }, is: { nats: { servers: ["nats://one"] } } },
  ])("follows from $options and $env: $is", ({ options, env, is }) => {
    expect(place(options, env as unknown as Env)).toEqual(is);
  });

  it("is not said twice in argv", () => {
    expect(() => place({ path: "x", nats })).toThrow("give one of them");
  });

  it("is not half said: options of NATS need a server", () => {
    expect(() => place({ natsCa: "ca.pem" })).toThrow("--nats-ca is given, and no server");
  });
});

describe("credentials for NATS", () => {
  function setup() {
    const cwd = makeFolder();
    for (const file of ["user.creds", "ca.pem", "cert.pem", "key.pem"]) writeFileSync(join(cwd, file), "…");
    writeFileSync(join(cwd, "user.nk"), `# a user\n${seed}\n`);
    const read = (options: Readonly<Record<string, unknown>>, env: Env = {}) =>
      readNats(new Settings({ nats, ...options }, { env, cwd }));
    return { read, cwd };
  }

  it("are those of the environment, where none are in argv", () => {
    const { read, cwd } = setup();
    const credsFile = join(cwd, "user.creds");
    const user = { AIONIS_NATS_USER: "ann", AIONIS_NATS_PASSWORD: "secret" };

    expect(read({}, user)?.credentials).toEqual({ user: "ann", password: "secret" });
    expect(read({}, { AIONIS_NATS_TOKEN: "secret" })?.credentials).toEqual({ token: "secret" });
    expect(read({}, { AIONIS_NATS_CREDS: "user.creds" })?.credentials).toEqual({ credsFile });
    expect(read({ natsCreds: "user.creds" }, user)?.credentials).toEqual({ credsFile });
  });

  it("can be a seed in a file, with comments around it", () => {
    const { read } = setup();

    expect(read({ natsNkeyFile: "user.nk" })?.credentials).toEqual({ nkeySeed: seed });
  });

  it("come with the files of TLS, whose paths are of the current folder", () => {
    const { read, cwd } = setup();

    const address = read({ natsCa: "ca.pem", natsCert: "cert.pem" }, { AIONIS_NATS_KEY: "key.pem" });

    expect(address?.tls).toEqual({
      ca: join(cwd, "ca.pem"),
      cert: join(cwd, "cert.pem"),
      key: join(cwd, "key.pem"),
    });
  });

  it.each([
    { options: { natsCreds: "nowhere" }, env: {}, says: "nowhere cannot be read (ENOENT)" },
    { options: { natsKey: "nowhere" }, env: {}, says: "nats-key: " },
    { options: { natsNkeyFile: "ca.pem" }, env: {}, says: "holds no seed" },
    { options: { natsCreds: "user.creds", natsNkeyFile: "user.nk" }, env: {}, says: "more than once" },
    { options: {}, env: { AIONIS_NATS_TOKEN: "x", AIONIS_NATS_CREDS: "user.creds" }, says: "more than once" },
    { options: {}, env: { AIONIS_NATS_USER: "ann" }, says: "belong together" },
  ])("are refused for $options and $env", ({ options, env, says }) => {
    const { read } = setup();

    expect(() => read(options, env as unknown as Env)).toThrow(says);
  });
});
