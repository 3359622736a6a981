import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRuntime } from "../../src/index.ts";
import type { OpenSdk } from "../conformance/sdk/fabric.ts";
import { describeSdk } from "../conformance/sdk.ts";

const open: OpenSdk = async ({ leaseMs, logger }) => {
  const path = await mkdtemp(join(tmpdir(), "aionis-sdk-"));
  const open = () => createRuntime({ scope: "test/sdk", path, durability: "process", leaseMs, logger });
  let runtime = await open();
  return {
    connect: () => Promise.resolve(runtime),
    async restart() {
      await runtime.close();
      runtime = await open();
    },
    async close() {
      await runtime.close();
      await rm(path, { recursive: true });
    },
  };
};

describeSdk("embedded", open, { isReference: true });
