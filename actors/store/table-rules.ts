// Table rules
//
// What can be said of each table's rows by themselves: of which scope a row is, and when it is wrong, whatever it is compared with later.

import { StoreId } from "../../src/contracts/ids.ts";
import { fromScopeName } from "../../src/contracts/scope.ts";
import { sha256 } from "../../src/kernel/digest.ts";
import type { Mend } from "../../src/kernel/store.ts";
import { isSameHash } from "./event-hash.ts";
import { isKept } from "./receipts.ts";
import { scopeStride, scopesMax } from "./schema.ts";

/** What is known of a table's rows. In SQL, a row is `r`. */
export interface TableRule {
  /** The column that says of which scope a row is: by the scope's number, or by a place within its range. */
  readonly place?: "scope" | "pos" | "task";
  /** What names a row to people; its identity if absent. */
  readonly key?: string;
  /** When a row is wrong, and what is said of it then. */
  readonly wrong?: readonly [when: string, says: string];
  /** What is wrong with a row by what is in these columns. */
  readonly look?: { readonly columns: string; why(row: Record<string, unknown>): string | undefined };
  /** Where a wrong row's content can be had from. A row that nothing gives is removed by a rebuild. */
  readonly mend: Mend;
  /** How many rows are looked at in one part, where they are large. */
  readonly rows?: number;
}

const misplaced = [
  `r.scope <> r.task / ${scopeStride}`,
  "is of another scope than its task",
] as const satisfies TableRule["wrong"];

/** Every table of the schema. */
export const tableRules: Readonly<Record<string, TableRule>> = {
  meta: { look: { columns: "r.key, r.value", why: whyMetaDiffers }, mend: "backup" },
  scopes: { key: "r.number", look: { columns: "r.number, r.name", why: whyScopeDiffers }, mend: "backup" },
  events: { place: "pos", mend: "backup" },
  bodies: {
    place: "pos",
    wrong: ["NOT EXISTS (SELECT 1 FROM events e WHERE e.pos = r.pos)", "is of an event that is not there"],
    mend: "backup",
  },
  payloads: {
    place: "scope",
    key: "hex(r.hash)",
    look: { columns: "r.hash, r.bytes", why: whyPayloadDiffers },
    mend: "backup",
    rows: 1,
  },
  task_events: { place: "task", mend: "rebuild" },
  tails: { place: "task", mend: "rebuild" },
  steps: { place: "task", mend: "rebuild" },
  tasks: { place: "task", key: "r.id", wrong: misplaced, mend: "rebuild" },
  timers: { place: "task", wrong: misplaced, mend: "rebuild" },
  claimable: { place: "scope", wrong: misplaced, mend: "rebuild" },
  packets: { place: "scope", key: "r.packet_id", wrong: misplaced, mend: "rebuild" },
  outbox: { place: "scope", key: "r.task_id", mend: "rebuild" },
  recall: { place: "scope", mend: "rebuild" },
  readers: { place: "scope", wrong: ["r.name <> 'learner'", "is of a reader that there is not"], mend: "rebuild" },
  clocks: {
    place: "scope",
    wrong: [
      `r.seq > (SELECT coalesce(max(e.pos), r.scope * ${scopeStride}) FROM events e
        WHERE e.pos > r.scope * ${scopeStride} AND e.pos < (r.scope + 1) * ${scopeStride}) - r.scope * ${scopeStride}`,
      "is of a time behind the journal's end",
    ],
    mend: "rebuild",
  },
  receipts: {
    place: "scope",
    key: "r.id",
    look: { columns: "r.id, r.body", why: whyReceiptDiffers },
    mend: "rebuild",
  },
};

function whyMetaDiffers({ key, value }: Record<string, unknown>): string | undefined {
  if (key === "storeId") return StoreId.safeParse(value).success ? undefined : "is no store's id";
  if (key === "openedFor") return value === "power" || value === "process" ? undefined : "is no durability";
  return "is nothing that a store says of itself";
}

function whyScopeDiffers({ number, name }: Record<string, unknown>): string | undefined {
  if (!(Number(number) > 0 && Number(number) < scopesMax)) return "has a number that no scope has";
  try {
    fromScopeName(String(name));
    return undefined;
  } catch {
    return "has a name that no scope has";
  }
}

function whyPayloadDiffers({ hash, bytes }: Record<string, unknown>): string | undefined {
  return bytes instanceof Uint8Array && isSameHash(sha256(bytes), hash) ? undefined : "does not match its hash";
}

function whyReceiptDiffers({ id, body }: Record<string, unknown>): string | undefined {
  return isKept(String(id), String(body)) ? undefined : "is not the one that was kept";
}
