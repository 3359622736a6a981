// Rows as bytes
//
// A row's numbers, lists and texts in the order of its table's fields: first the single numbers, then each list or text behind its length
// and the width of its items, which is the least that holds them all exactly. Equal rows give equal bytes. Pure.
//
// JSON would be read three times as slowly, and columns for each list would be as many overflow chains.

import { emptyRows, type RecallTables } from "../../src/recall/index.ts";

/** Any row: a table's own type is made of these. */
export type Row = Record<string, number | string | number[]>;

type Table = keyof RecallTables;

const fieldsOf = Object.fromEntries(
  Object.entries(emptyRows).map(([table, row]) => [
    table,
    {
      numbers: Object.keys(row).filter((name) => typeof (row as Row)[name] === "number"),
      others: Object.keys(row).filter((name) => typeof (row as Row)[name] !== "number"),
    },
  ]),
) as Record<Table, { numbers: string[]; others: string[] }>; // has every table

// Widths of a list's items: whole numbers of 1, 2 and 4 bytes, floats of 4 and 8 bytes.
const [byte, short, whole, single, double] = [0, 1, 2, 3, 4] as const;
const bytesOf = [1, 2, 4, 4, 8] as const;
const widths = 8;

let space = new DataView(new ArrayBuffer(64 * 1_024)); // kept: a row is written by whoever asked before the next is encoded

/** The bytes of `row`, to be used before the next call. */
export function encodeRow(table: Table, row: Row): Uint8Array {
  const { numbers, others } = fieldsOf[table];
  let at = 0;
  reserve(at + 8 * numbers.length);
  for (const name of numbers) {
    space.setFloat64(at, row[name] as number, true); // the table's type says so
    at += 8;
  }
  for (const name of others) {
    const value = row[name];
    at = typeof value === "string" ? writeText(at, value) : writeList(at, value as number[]); // as above
  }
  return new Uint8Array(space.buffer, 0, at);
}

/** The row of these bytes. */
export function decodeRow(table: Table, bytes: Uint8Array): Row {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const row = { ...emptyRows[table] } as unknown as Row; // keeps the order of the fields; each gets a value of its own
  const { numbers, others } = fieldsOf[table];
  let at = 0;
  for (const name of numbers) {
    row[name] = view.getFloat64(at, true);
    at += 8;
  }
  for (const name of others) {
    const head = view.getUint32(at, true);
    const [length, width] = [Math.floor(head / widths), head % widths];
    at += 4;
    const isText = typeof row[name] === "string";
    row[name] = isText
      ? Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString()
      : readList(view, { at, length, width });
    at += length * (bytesOf[width] ?? 1);
  }
  return row;
}

function reserve(bytes: number): void {
  if (bytes <= space.byteLength) return;
  const larger = new Uint8Array(2 * bytes);
  larger.set(new Uint8Array(space.buffer));
  space = new DataView(larger.buffer);
}

function writeText(at: number, text: string): number {
  const bytes = Buffer.from(text);
  reserve(at + 4 + bytes.length);
  space.setUint32(at, bytes.length * widths + byte, true);
  new Uint8Array(space.buffer).set(bytes, at + 4);
  return at + 4 + bytes.length;
}

function writeList(start: number, list: readonly number[]): number {
  const width = widthOf(list);
  reserve(start + 4 + 8 * list.length);
  space.setUint32(start, list.length * widths + width, true);
  let at = start + 4;
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index] ?? 0;
    if (width === byte) space.setUint8(at, item);
    else if (width === short) space.setUint16(at, item, true);
    else if (width === whole) space.setUint32(at, item, true);
    else if (width === single) space.setFloat32(at, item, true);
    else space.setFloat64(at, item, true);
    at += bytesOf[width];
  }
  return at;
}

function widthOf(list: readonly number[]): 0 | 1 | 2 | 3 | 4 {
  let most = 0;
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index] ?? 0;
    const isWhole = item >= 0 && item <= 0xffff_ffff && Math.floor(item) === item && !Object.is(item, -0);
    if (!isWhole) return everyIsSingle(list) ? single : double;
    if (item > most) most = item;
  }
  return most < 256 ? byte : most < 65_536 ? short : whole;
}

function everyIsSingle(list: readonly number[]): boolean {
  for (let index = 0; index < list.length; index += 1) if (Math.fround(list[index] ?? 0) !== list[index]) return false;
  return true;
}

function readList(view: DataView, { at, length, width }: { at: number; length: number; width: number }): number[] {
  const list = new Array<number>(length); // Array.from takes ten times as long
  if (width === byte) for (let index = 0; index < length; index += 1) list[index] = view.getUint8(at + index);
  else if (width === short)
    for (let index = 0; index < length; index += 1) list[index] = view.getUint16(at + 2 * index, true);
  else if (width === whole)
    for (let index = 0; index < length; index += 1) list[index] = view.getUint32(at + 4 * index, true);
  else if (width === single)
    for (let index = 0; index < length; index += 1) list[index] = view.getFloat32(at + 4 * index, true);
  else for (let index = 0; index < length; index += 1) list[index] = view.getFloat64(at + 8 * index, true);
  return list;
}
