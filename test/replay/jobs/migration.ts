import { defineJob } from "./job.ts";

interface Values {
  table: string;
  column: string;
  type: string;
  /** How many migrations there are. */
  count: number;
}

/** The number in the new file's name is what a script prints; no brief says it. */
export const migration = defineJob<Values>({
  name: "migration",
  family: "database",
  rows: {
    1: { table: "orders", column: "paid_at", type: "TEXT", count: 7 },
    2: { table: "users", column: "locale", type: "VARCHAR(8)", count: 41 },
    3: { table: "parcels", column: "weight_grams", type: "INTEGER", count: 9 },
    11: { table: "seats", column: "is_aisle", type: "BOOLEAN", count: 12 },
    12: { table: "invoices", column: "vat_rate", type: "NUMERIC(4,2)", count: 99 },
    13: { table: "sessions", column: "ip_address", type: "INET", count: 3 },
    14: { table: "trips", column: "delayed_by", type: "INTERVAL", count: 18 },
    15: { table: "documents", column: "checksum", type: "BLOB", count: 25 },
  },
  briefs: [
    ({ table, column, type }) => `Add a column ${column} (${type}) to the table ${table}, with a migration.`,
    ({ table, column, type }) => `migration please: table \`${table}\` gets \`${column}\`, type \`${type}\``,
    ({ table, column, type }) =>
      `The table ${table} needs a new column ${column} of type ${type}; write the migration.`,
    ({ table, column, type }) => `Write a migration that adds the column ${column} of type ${type} to table ${table}.`,
    ({ table, column, type }) => `table ${table}: add column ${column} (${type}), schema and migration`,
    ({ table, column, type }) => `Please add \`${column}\` (\`${type}\`) to the \`${table}\` table.`,
  ],
  files: ({ table, count }) => ({
    ...Object.fromEntries(Array.from({ length: count }, (_, index) => toEmptyMigration(index + 1))),
    "schema.sql": toSchema(table, ""),
    "scripts/next-number.cjs": `const files = require("node:fs").readdirSync("migrations");
process.stdout.write(\`\${String(files.length + 1).padStart(4, "0")}\\n\`);
`,
  }),
  async act({ table, column, type }, hands, seed) {
    await hands.run("how are they named", "ls", "migrations", "scripts");
    const number = (await hands.run("which number is next", "node", "scripts/next-number.cjs")).trim();
    const path = `migrations/${number}_add_${column}_to_${table}.sql`;
    const statement = `ALTER TABLE ${table} ADD COLUMN ${column} ${type};\n`;
    if (seed === 2) await hands.write("write the migration", path, statement.replace("COLUMN ", ""));
    await hands.write("write the migration", path, statement);
    await hands.read("schema.sql");
    if (seed === 1) await hands.patchInVain("bring the schema up", "schema.sql", `create table ${table} (`, column);
    const head = `CREATE TABLE ${table} (\n`;
    await hands.patch("bring the schema up", "schema.sql", [head, `${head}  ${column} ${type},\n`]);
  },
  checks: ({ table, column, type }) => ({
    "the schema has it": ["grep", "-qF", `${column} ${type}`, "schema.sql"],
    "a migration adds it": ["grep", "-rqF", `ALTER TABLE ${table} ADD COLUMN ${column} ${type};`, "migrations"],
  }),
  expected: ({ table, column, type, count }) => ({
    [`migrations/${toNumber(count + 1)}_add_${column}_to_${table}.sql`]: `ALTER TABLE ${table} ADD COLUMN ${column} ${type};\n`,
    "schema.sql": toSchema(table, `  ${column} ${type},\n`),
  }),
  lookAlike: ({ table }, files) => ({
    ...files,
    "schema.sql": "CREATE TABLE audit (\n  id INTEGER PRIMARY KEY\n);\n",
    [`schema/${table}.sql`]: `CREATE TABLE ${table} (\n  id INTEGER PRIMARY KEY\n);\n`,
  }),
});

const toNumber = (number: number): string => String(number).padStart(4, "0");
const toEmptyMigration = (number: number): [string, string] => [
  `migrations/${toNumber(number)}_step.sql`,
  "SELECT 1;\n",
];

function toSchema(table: string, column: string): string {
  return `CREATE TABLE audit (\n  id INTEGER PRIMARY KEY\n);\n\nCREATE TABLE ${table} (\n${column}  id INTEGER PRIMARY KEY\n);\n`;
}
