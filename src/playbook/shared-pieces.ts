// Shared pieces
//
// What several lists of pieces have in common, in order. Owns: which pieces belong together. Does not own: what becomes of what differs.
// Beginnings and ends first, then pieces that stand once in every list (patience diff), then, where little is left, the longest common
// sequence. So that long texts cost little more than their length.

/** A stretch of pieces that all lists have, or one in which they differ; in either the pieces of each list. */
export interface Stretch {
  readonly isShared: boolean;
  readonly lists: readonly (readonly string[])[];
}

const tableCells = 2_500; // of one longest common sequence
const depthMax = 12;

/** Cuts `lists` into stretches, shared and different ones by turns. */
export function findShared(lists: readonly (readonly string[])[]): Stretch[] {
  const stretches: Stretch[] = [];
  let at = lists.map(() => 0);
  const push = (isShared: boolean, to: readonly number[]): void => {
    const cut = lists.map((list, index) => list.slice(at[index], to[index]));
    at = [...to];
    if (cut.every((pieces) => pieces.length === 0)) return;
    const last = stretches.at(-1);
    if (last?.isShared !== isShared) stretches.push({ isShared, lists: cut });
    else
      stretches[stretches.length - 1] = {
        isShared,
        lists: last.lists.map((each, index) => [...each, ...(cut[index] ?? [])]),
      };
  };
  const matches = matchAll(lists);
  for (let first = 0; first < matches.length; ) {
    let next = first + 1;
    while (follows(matches[next - 1] ?? [], matches[next])) next += 1;
    push(false, matches[first] ?? []);
    push(
      true,
      (matches[next - 1] ?? []).map((each) => each + 1),
    );
    first = next;
  }
  push(
    false,
    lists.map((list) => list.length),
  );
  return stretches;
}

/** Whether a match stands right behind the one before it in every list. */
function follows(before: readonly number[], after: readonly number[] | undefined): boolean {
  return after?.every((each, index) => each === (before[index] ?? 0) + 1) ?? false;
}

/** One range of each list. */
interface Window {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** The places of each shared piece in every list, growing in all of them. */
function matchAll(lists: readonly (readonly string[])[]): number[][] {
  return matchWithin(lists, { from: lists.map(() => 0), to: lists.map((list) => list.length) }, 0);
}

function matchWithin(lists: readonly (readonly string[])[], window: Window, depth: number): number[][] {
  const before: number[][] = [];
  const after: number[][] = [];
  const from = [...window.from];
  const to = [...window.to];
  const isSame = (at: readonly number[]): boolean =>
    lists.every((list, index) => list[at[index] ?? -1] === lists[0]?.[at[0] ?? -1]);
  const isOpen = (): boolean => from.every((each, index) => each < (to[index] ?? 0));
  while (isOpen() && isSame(from)) {
    before.push([...from]);
    for (const index of from.keys()) from[index] = (from[index] ?? 0) + 1;
  }
  while (isOpen() && isSame(to.map((each) => each - 1))) {
    for (const index of to.keys()) to[index] = (to[index] ?? 0) - 1;
    after.push([...to]);
  }
  const middle = isOpen() && depth < depthMax ? matchMiddle(lists, { from, to }, depth) : [];
  return [...before, ...middle, ...after.reverse()];
}

function matchMiddle(lists: readonly (readonly string[])[], { from, to }: Window, depth: number): number[][] {
  const anchors = findAnchors(lists, { from, to });
  if (anchors.length === 0) return matchLittle(lists, { from, to });
  const matches: number[][] = [];
  let last: readonly number[] = from;
  for (const anchor of anchors) {
    matches.push(...matchWithin(lists, { from: last, to: anchor }, depth + 1), anchor);
    last = anchor.map((each) => each + 1);
  }
  return [...matches, ...matchWithin(lists, { from: last, to }, depth + 1)];
}

/** Pieces that stand exactly once in every list, as many as stand in the same order in all of them. */
function findAnchors(lists: readonly (readonly string[])[], { from, to }: Window): number[][] {
  const [first = new Map<string, number>(), ...others] = lists.map((list, index) =>
    findSingle(list, from[index] ?? 0, to[index] ?? 0),
  );
  let anchors: number[][] = [];
  for (const [piece, at] of first) {
    const places = others.map((single) => single.get(piece) ?? -1);
    if (!places.includes(-1)) anchors.push([at, ...places]);
  }
  anchors.sort((left, right) => (left[0] ?? 0) - (right[0] ?? 0));
  for (const index of others.keys()) anchors = keepGrowing(anchors, index + 1);
  return anchors;
}

/** Where the pieces that say something and stand once within the range stand. */
function findSingle(list: readonly string[], from: number, to: number): Map<string, number> {
  const single = new Map<string, number>();
  const repeated = new Set<string>();
  for (let at = from; at < to; at++) {
    const piece = list[at] ?? "";
    if (single.has(piece)) repeated.add(piece);
    single.set(piece, at);
  }
  for (const piece of repeated) single.delete(piece);
  for (const piece of single.keys()) if (!/[\p{L}\p{N}]/u.test(piece)) single.delete(piece);
  return single;
}

/** The longest part of `anchors` whose places in the list of that index grow (patience sorting). */
function keepGrowing(anchors: readonly number[][], index: number): number[][] {
  const tops: number[] = []; // for each length, the anchor that ends a growing sequence of it lowest
  const before: number[] = [];
  const placeOf = (anchor: number): number => anchors[anchor]?.[index] ?? 0;
  for (const anchor of anchors.keys()) {
    let [low, high] = [0, tops.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (placeOf(tops[middle] ?? 0) < placeOf(anchor)) low = middle + 1;
      else high = middle;
    }
    before.push(low === 0 ? -1 : (tops[low - 1] ?? -1));
    tops[low] = anchor;
  }
  const kept: number[][] = [];
  for (let anchor = tops.at(-1) ?? -1; anchor !== -1; anchor = before[anchor] ?? -1) kept.push(anchors[anchor] ?? []);
  return kept.reverse();
}

/** The longest common sequence, list by list, while its table stays small. */
function matchLittle(lists: readonly (readonly string[])[], { from, to }: Window): number[][] {
  const cut = lists.map((list, index) => list.slice(from[index], to[index]));
  const [first = [], ...others] = cut;
  let matches = first.map((_, at) => [at]);
  for (const other of others) {
    if (matches.length * other.length > tableCells) return [];
    const pairs = matchTwo(
      matches.map(([at = 0]) => first[at] ?? ""),
      other,
    );
    matches = pairs.map(([left, right]) => [...(matches[left] ?? []), right]);
  }
  return matches.map((places) => places.map((place, index) => place + (from[index] ?? 0)));
}

/** The longest common sequence of two lists as pairs of places. */
function matchTwo(left: readonly string[], right: readonly string[]): [number, number][] {
  const width = right.length + 1;
  const lengths = new Uint16Array((left.length + 1) * width);
  const lengthAt = (row: number, column: number): number => lengths[row * width + column] ?? 0;
  for (let row = left.length - 1; row >= 0; row--) {
    for (let column = right.length - 1; column >= 0; column--) {
      const isSame = left[row] === right[column];
      lengths[row * width + column] = isSame
        ? lengthAt(row + 1, column + 1) + 1
        : Math.max(lengthAt(row + 1, column), lengthAt(row, column + 1));
    }
  }
  const pairs: [number, number][] = [];
  for (let row = 0, column = 0; row < left.length && column < right.length; ) {
    if (left[row] === right[column]) pairs.push([row++, column++]);
    else if (lengthAt(row + 1, column) >= lengthAt(row, column + 1)) row += 1;
    else column += 1;
  }
  return pairs;
}
