// Fair queue
//
// Items that wait for a turn, in one line a party, and the parties in turn by what they cost (deficit round robin with fresh parties first).
// Owns: the order, the bounds, and how much each party has waiting and in hand. Does not own: when an item is taken, and what a refused
// one is told.
//
// Invariants:
//   Q1. What was added is taken once or forgotten once, and never both.
//   Q2. The items of one party are taken in the order in which they were added; one that is put back comes next.
//   Q3. What waits is bounded in items, and what waits or is in hand in bytes. A party may have as much as is still free for the others,
//       so that one party alone fills half, and there is always room for a party that has nothing yet.
//   Q4. Between two items of a party that may go, each other party takes less than `quantum` and one item more.
//   Q5. A party that had nothing waiting goes before those that have waited in turn, for one quantum.
//   Q6. A party that may not go now is passed over until it is woken. It holds up nobody.
//   Q7. What was forgotten stands in its line no longer than there is as much that waits: a party that nobody takes from grows no line.

/** One item in line, or taken from it. */
export interface Lot<Item> {
  readonly party: Party<Item>;
  readonly item: Item;
  readonly bytes: number;
  isWaiting: boolean;
}

/** A party and what it has here. It is known for as long as it has anything waiting or in hand. */
export interface Party<Item> {
  readonly name: string;
  readonly line: Fifo<Lot<Item>>;
  /** Items waiting. */
  waiting: number;
  /** Bytes waiting and in hand. */
  bytes: number;
  /** Items and answers in hand. */
  inHand: number;
  /** Bytes of answers in hand. */
  owed: number;
  credit: number;
  place: "none" | "fresh" | "turns";
}

export interface FairQueueOptions<Item> {
  itemsMax: number;
  bytesMax: number;
  /** Whether a party may have a turn now; every party if absent. After a change, wake the party (Q6). */
  mayGo?: (party: Party<Item>) => boolean;
}

/** What an item costs beside its bytes, so that many small ones do not pass for nothing. */
const itemCost = 1_024;

/** So many forgotten items of a party may stand in its line, beside as many as wait. */
const forgottenMax = 64;

/** What a party may take in one turn: a few small items. */
export const quantum = 8 * 1_024;

export class FairQueue<Item> {
  readonly #options: FairQueueOptions<Item>;
  readonly #parties = new Map<string, Party<Item>>();
  readonly #fresh = new Fifo<Party<Item>>();
  readonly #turns = new Fifo<Party<Item>>();
  #items = 0;
  #bytes = 0;
  #owed = 0;

  constructor(options: FairQueueOptions<Item>) {
    this.#options = options;
  }

  /** Items waiting. */
  get items(): number {
    return this.#items;
  }

  /** Bytes waiting and in hand. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Bytes of answers in hand. */
  get owed(): number {
    return this.#owed;
  }

  /** Parties that have anything waiting or in hand. */
  get parties(): number {
    return this.#parties.size;
  }

  /** The party of this name, made if it has nothing here yet. */
  party(name: string): Party<Item> {
    const known = this.#parties.get(name);
    if (known !== undefined) return known;
    const party: Party<Item> = {
      ...{
        name,
        line: new Fifo<Lot<Item>>(),
        waiting: 0,
        bytes: 0,
        inHand: 0,
        owed: 0,
        credit: quantum,
        place: "none",
      },
    };
    this.#parties.set(name, party);
    return party;
  }

  /** Lets go of a party that has nothing here. */
  leave(party: Party<Item>): void {
    if (party.waiting === 0 && party.inHand === 0 && party.place === "none") this.#parties.delete(party.name);
  }

  /** Whether one more item of so many bytes may wait (Q3). */
  hasRoom(party: Party<Item>, bytes: number): boolean {
    return party.waiting < this.#options.itemsMax - this.#items && this.hasBytes(party, bytes);
  }

  /** The same for one that goes at once. */
  hasBytes(party: Party<Item>, bytes: number): boolean {
    return party.bytes + bytes <= this.#options.bytesMax - this.#bytes;
  }

  /** How many items may be taken, at most, before one more of this party is. */
  itemsBefore(party: Party<Item>): number {
    const parties = this.#fresh.length + this.#turns.length + (party.place === "none" ? 1 : 0);
    return Math.min(this.#items, (party.waiting + 1) * parties);
  }

  /** Whether there is room is the caller's to ask. */
  add(party: Party<Item>, item: Item, bytes: number): Lot<Item> {
    const lot: Lot<Item> = { party, item, bytes, isWaiting: true };
    party.line.push(lot);
    this.#count(lot, 1);
    this.#enter(party);
    return lot;
  }

  /** Puts back what was taken, as the next of its party (Q2). */
  putBack(lot: Lot<Item>): void {
    lot.isWaiting = true;
    lot.party.line.unshift(lot);
    this.#count(lot, 1);
    this.#enter(lot.party);
  }

  /** The next item; undefined when none waits whose party may go. Its bytes are counted until they are held and released, or not at all. */
  take(): Lot<Item> | undefined {
    for (let inDebt = 0; ; ) {
      const line = this.#fresh.length > 0 ? this.#fresh : this.#turns;
      const party = line.first;
      if (party === undefined) return undefined;
      const lot = firstOf(party);
      if (lot === undefined || this.#options.mayGo?.(party) === false) {
        line.shift();
        this.#rest(party, line);
      } else if (party.credit <= 0) {
        line.shift();
        party.credit += quantum;
        this.#turns.push(party);
        party.place = "turns";
        inDebt += 1;
        if (inDebt > this.#turns.length) inDebt = this.#skipRounds();
      } else {
        party.line.shift();
        party.credit -= itemCost + lot.bytes;
        this.#forget(lot);
        return lot;
      }
    }
  }

  /** Takes an item out of its line, wherever it stands. Does nothing to one that waits no more. */
  forget(lot: Lot<Item>): void {
    if (!lot.isWaiting) return;
    this.#forget(lot);
    clear(lot.party);
    if (lot.party.waiting === 0) this.leave(lot.party);
  }

  /** Counts bytes that a party has in hand, of its calls that are worked on. */
  hold(party: Party<Item>, bytes: number): void {
    party.inHand += 1;
    party.bytes += bytes;
    this.#bytes += bytes;
  }

  release(party: Party<Item>, bytes: number): void {
    party.inHand -= 1;
    party.bytes -= bytes;
    this.#bytes -= bytes;
    this.leave(party);
  }

  /** Counts an answer that is in hand: until it is gone, what else the party asks can be made to wait by `mayGo`. */
  owe(party: Party<Item>, bytes: number): void {
    party.inHand += 1;
    party.owed += bytes;
    this.#owed += bytes;
  }

  settle(party: Party<Item>, bytes: number): void {
    party.inHand -= 1;
    party.owed -= bytes;
    this.#owed -= bytes;
    this.wake(party);
    this.leave(party);
  }

  /** Takes out every item that `isOver` says is waited for by nobody; the caller tells them. */
  sweep(isOver: (item: Item) => boolean): void {
    for (const party of this.#parties.values()) {
      for (const lot of party.line) if (lot.isWaiting && isOver(lot.item)) this.#forget(lot);
      clear(party);
      this.leave(party);
    }
  }

  /** Puts on a party's account what its items turned out to cost more, such as a large answer. */
  charge(party: Party<Item>, cost: number): void {
    if (party.place !== "none") party.credit -= cost; // with nothing in line it takes nobody's turn
  }

  /** Takes a party into account again that could not go (Q6). */
  wake(party: Party<Item>): void {
    if (party.waiting > 0) this.#enter(party);
  }

  #count({ party, bytes }: Lot<Item>, sign: 1 | -1): void {
    party.waiting += sign;
    party.bytes += sign * bytes;
    this.#items += sign;
    this.#bytes += sign * bytes;
  }

  #forget(lot: Lot<Item>): void {
    lot.isWaiting = false;
    this.#count(lot, -1);
  }

  #enter(party: Party<Item>): void {
    if (party.place !== "none") return;
    party.place = "fresh"; // Q5
    this.#fresh.push(party);
  }

  /** A fresh party that has run out stays for one round of turns: else each next item of its would be fresh again. */
  #rest(party: Party<Item>, line: Fifo<Party<Item>>): void {
    party.place = line === this.#fresh && this.#turns.length > 0 ? "turns" : "none";
    if (party.place === "turns") this.#turns.push(party);
    else if (party.waiting === 0 && party.credit > 0) party.credit = quantum;
    this.leave(party);
  }

  /** All are in debt: as many rounds pass at once as the first of them needs to be out of it. */
  #skipRounds(): 0 {
    let most = Number.NEGATIVE_INFINITY;
    for (const { credit } of this.#turns) most = Math.max(most, credit);
    const rounds = most > 0 ? 0 : Math.floor(-most / quantum) + 1;
    for (const party of this.#turns) party.credit += rounds * quantum;
    return 0;
  }
}

/** The first that still waits; what was forgotten is passed over. */
function firstOf<Item>({ line }: Party<Item>): Lot<Item> | undefined {
  while (line.first?.isWaiting === false) line.shift();
  return line.first;
}

/** Lets go of what was forgotten once it is most of the line (Q7). */
function clear<Item>({ line, waiting }: Party<Item>): void {
  if (line.length > 2 * waiting + forgottenMax) line.keep((lot) => lot.isWaiting);
}

/** First in, first out, at the same cost whatever its length. */
export class Fifo<Value> {
  #values: (Value | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#values.length - this.#head;
  }

  get first(): Value | undefined {
    return this.#values[this.#head];
  }

  push(value: Value): void {
    this.#values.push(value);
  }

  unshift(value: Value): void {
    if (this.#head === 0) {
      this.#values.unshift(value);
    } else {
      this.#head -= 1;
      this.#values[this.#head] = value;
    }
  }

  shift(): void {
    this.#values[this.#head] = undefined; // the item must not live on
    this.#head += 1;
    if (this.#head === this.#values.length) {
      this.#values.length = 0;
      this.#head = 0;
    } else if (this.#head >= 64 && this.#head * 2 >= this.#values.length) {
      this.#values = this.#values.slice(this.#head);
      this.#head = 0;
    }
  }

  /** Takes out all that `isKept` does not hold for. The order stays. */
  keep(isKept: (value: Value) => boolean): void {
    this.#values = [...this].filter(isKept);
    this.#head = 0;
  }

  *[Symbol.iterator](): Generator<Value> {
    for (let index = this.#head; index < this.#values.length; index += 1) yield this.#values[index] as Value; // within the length
  }
}
