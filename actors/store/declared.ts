// Declared tables
//
// What each version of the schema declares, to tell a store from one whose tables another program, a version that was never released, or a
// damaged page made. Looked at before anything is written.

import Database from "better-sqlite3";
import { changeSchema } from "./schema.ts";

type Declarations = ReadonlyMap<string, string>;

const known = new Map<number, Declarations>();

/** Which table or index of `version` the database lacks, or has in another shape; nothing when it has them all. */
export function findUndeclared(database: Database.Database, version: number): string | undefined {
  const found = read(database);
  for (const [name, sql] of declare(version)) if (found.get(name) !== sql) return name;
  return undefined;
}

/** Made once a process, by making them. */
function declare(version: number): Declarations {
  const made = known.get(version);
  if (made !== undefined) return made;
  const database = new Database(":memory:");
  changeSchema(database, { from: 0, to: version });
  const declared = read(database);
  database.close();
  known.set(version, declared);
  return declared;
}

function read(database: Database.Database): Declarations {
  const rows = database
    .prepare<[], { name: string; sql: string }>(
      "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name",
    )
    .all();
  return new Map(rows.map(({ name, sql }) => [name, sql]));
}
