import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const fromRoot = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  resolve: {
    // Examples and documentation import the package by its public names; in the repository these are the sources.
    alias: [
      { find: /^aionis$/, replacement: fromRoot("./src/index.ts") },
      { find: /^aionis\/sdk$/, replacement: fromRoot("./sdk/index.ts") },
      { find: /^aionis\/transport$/, replacement: fromRoot("./transport/index.ts") },
      { find: /^aionis\/transport\/nats$/, replacement: fromRoot("./transport/nats/index.ts") },
      { find: /^aionis\/machines$/, replacement: fromRoot("./src/machines.ts") },
      { find: /^aionis\/testing$/, replacement: fromRoot("./src/testing.ts") },
    ],
  },
  test: { include: ["test/**/*.test.ts"] },
});
