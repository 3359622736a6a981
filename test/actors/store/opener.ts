// Opens a store in a process of its own and prints what came of it, as JSON.

import { openStore } from "../../../actors/index.ts";
import { AionisError } from "../../../src/contracts/failures.ts";
import { createIds, createSystemRandom, systemClock } from "../../../src/kernel/index.ts";

const random = createSystemRandom();
const file = process.argv[2] ?? "";
try {
  const store = openStore(file, { durability: "process", ids: createIds(systemClock, random), random });
  console.log(JSON.stringify({ id: store.id }));
  store.close();
} catch (error) {
  if (!(error instanceof AionisError)) throw error;
  console.log(JSON.stringify({ code: error.code, facts: error.facts }));
}
