import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { connect, createRuntime } from "../../src/index.ts";
import { silentLogger, systemClock } from "../../src/kernel/index.ts";
import { createMemoryBus } from "../../transport/index.ts";
import { openLocalServer } from "../../transport/local/index.ts";

async function setup() {
  const path = await mkdtemp(join(tmpdir(), "aionis-connect-"));
  onTestFinished(() => rm(path, { recursive: true }));
  return path;
}

it("says that nobody listens", async () => {
  const path = await setup();

  await expect(connect({ path, scope: "test/sdk" })).rejects.toMatchObject({
    code: "TRANSPORT_UNREACHABLE",
    detail: expect.stringContaining(path),
  });
});

it("says at once that the store does not have a scope, and makes none", async () => {
  const path = await setup();
  const place = { path, durability: "process" } as const;
  const runtime = await createRuntime({ ...place, scope: "acme/billing" });
  onTestFinished(() => runtime.close());
  await using typo = await connect({ path, scope: "acme/biling" });

  await expect(typo.runtime.status()).rejects.toMatchObject({
    code: "SCOPE_NOT_FOUND",
    detail: `The store in ${path} does not have the scope acme/biling; it has acme/billing.`,
  });
  await runtime.close();

  const opened = createRuntime({ ...place, scope: "acme/biling", createScope: false });
  await expect(opened).rejects.toMatchObject({ code: "SCOPE_NOT_FOUND", facts: { scopes: ["acme/billing"] } });
  await using again = await createRuntime({ ...place, scope: "acme/billing", createScope: false });
  expect((await again.runtime.status()).state).toBe("ready");
});

it("refuses a scope that is none before it connects, and leaves nothing open", async () => {
  const path = await setup();
  const bus = createMemoryBus({ clock: systemClock });
  let connected = 0;
  const server = await openLocalServer({
    path: join(path, "runtime.sock"),
    connect() {
      connected += 1;
      return bus.connect();
    },
    clock: systemClock,
    logger: silentLogger,
  });
  onTestFinished(() => server.close());

  await expect(connect({ path, scope: "no scope" })).rejects.toMatchObject({ code: "INPUT_INVALID" });

  expect(connected).toBe(0);
});
