// Kernel: the ports through which everything that is not deterministic comes in, and their implementations for production.

export { systemClock } from "./clock.ts";
export { noFaults } from "./faults.ts";
export { createIds } from "./ids.ts";
export { type Logger, silentLogger } from "./logger.ts";
export { createMarkFile } from "./mark-file.ts";
export { createSystemRandom } from "./random.ts";
export { createSeededRandom } from "./seeded-random.ts";
export type { Store } from "./store.ts";
