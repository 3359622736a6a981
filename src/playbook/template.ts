// Templates
//
// Reads and writes texts with slots; the grammar is told beside `Template` in contracts/playbook.ts. Owns: the grammar. Does not own: what a
// slot stands for (render.ts). One pass from left to right that never goes back, so that a hostile text costs no more than its length.
//
// Invariants:
//   T1. Reading what was written gives the same parts, whatever is in the literal ones.
//   T2. A text that is no template is a SlotError and nothing else.

import { SlotError } from "./slot-error.ts";
import { countArguments, type Transform, transformNames } from "./transforms.ts";

/** A place to be filled: a parameter's name, or `steps`, a step's key and the way into what it gave back. */
export interface Slot {
  readonly reference: readonly string[];
  readonly transforms: readonly Transform[];
}

/** A literal text or a slot. */
export type Part = string | Slot;

/** The parts of `text`; two literal ones are never neighbours. @throws SlotError for what is no template. */
export function parseTemplate(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (let open = text.indexOf("{{"); open !== -1; open = text.indexOf("{{", from)) {
    pushPart(parts, text.slice(from, open));
    const reader = new SlotReader(text, open + 2);
    pushPart(parts, reader.read());
    from = reader.at;
  }
  pushPart(parts, text.slice(from));
  return parts;
}

/** The text whose parts these are. */
export function printTemplate(parts: readonly Part[]): string {
  return parts
    .map((part, index) => (typeof part === "string" ? escapeBraces(part, index < parts.length - 1) : print(part)))
    .join("");
}

/** A way into JSON as slots write it: `a.b.0`, with quotes around what is no plain word. */
export function printPath(path: readonly string[]): string {
  return path.map((each) => (/^[\w$-]+$/.test(each) ? each : JSON.stringify(each))).join(".");
}

/** The way that `printPath` wrote. @throws SlotError for what is none. */
export function parsePath(text: string): string[] {
  return new SlotReader(text, 0).readPath();
}

function pushPart(parts: Part[], part: Part): void {
  const last = parts.at(-1);
  if (part === "") return;
  if (typeof part === "string" && typeof last === "string") parts[parts.length - 1] = last + part;
  else parts.push(part);
}

/** A brace at the end would be read with those of the slot after it. */
function escapeBraces(text: string, isFollowed: boolean): string {
  const escaped = text.replaceAll("{{", '{{"{{"}}');
  return isFollowed && escaped.endsWith("{") ? `${escaped.slice(0, -1)}{{"{"}}` : escaped;
}

function print({ reference, transforms }: Slot): string {
  const steps = transforms.map(({ name, arguments: texts }) =>
    texts.length === 0 ? name : `${name}(${texts.map((text) => JSON.stringify(text)).join(",")})`,
  );
  return `{{${[printPath(reference), ...steps].join(" | ")}}}`;
}

/** Reads one slot, from behind its braces to behind those that close it. */
class SlotReader {
  readonly #text: string;
  readonly #from: number;
  at: number;

  constructor(text: string, from: number) {
    this.#text = text;
    this.#from = from;
    this.at = from;
  }

  read(): Part {
    this.#skip();
    if (this.#text[this.at] === '"') {
      const literal = this.#readQuoted();
      this.#close();
      return literal;
    }
    const reference = this.#readSegments();
    const transforms: Transform[] = [];
    for (this.#skip(); this.#text[this.at] === "|"; this.#skip()) {
      this.at += 1;
      transforms.push(this.#readTransform());
    }
    this.#close();
    return { reference, transforms };
  }

  readPath(): string[] {
    const path = this.#readSegments();
    if (this.at < this.#text.length) this.#fail("is no path");
    return path;
  }

  #readSegments(): string[] {
    const segments = [this.#readSegment()];
    while (this.#text[this.at] === ".") {
      this.at += 1;
      segments.push(this.#readSegment());
    }
    return segments;
  }

  #readSegment(): string {
    if (this.#text[this.at] === '"') return this.#readQuoted();
    return this.#readWord() ?? this.#fail("names nothing");
  }

  #readTransform(): Transform {
    this.#skip();
    const word = this.#readWord();
    const name = transformNames.find((each) => each === word) ?? this.#fail(`has an unknown transform ${word ?? ""}`);
    const texts: string[] = [];
    for (let index = 0; index < countArguments(name); index++) {
      this.#expect(index === 0 ? "(" : ",", `${name} needs ${countArguments(name)} quoted texts`);
      this.#skip();
      texts.push(this.#readQuoted());
    }
    if (texts.length > 0) this.#expect(")", `${name} is not closed`);
    return { name, arguments: texts };
  }

  #readWord(): string | undefined {
    const word = /[\w$-]+/y;
    word.lastIndex = this.at;
    const found = word.exec(this.#text)?.[0];
    this.at += found?.length ?? 0;
    return found;
  }

  /** No expression: one over a long text runs out of the engine's stack. */
  #readQuoted(): string {
    if (this.#text[this.at] !== '"') return this.#fail("needs a quoted text");
    const from = this.at;
    do {
      this.at += this.#text[this.at] === "\\" ? 2 : 1;
    } while (this.at < this.#text.length && this.#text[this.at] !== '"');
    this.at += 1;
    try {
      return String(JSON.parse(this.#text.slice(from, this.at)));
    } catch {
      return this.#fail("has a quoted text that is none"); // the parser's own words name a place in it
    }
  }

  #close(): void {
    this.#expect("}", "is not closed");
    if (this.#text[this.at] !== "}") this.#fail("is not closed");
    this.at += 1;
  }

  #expect(sign: string, otherwise: string): void {
    this.#skip();
    if (this.#text[this.at] !== sign) this.#fail(otherwise);
    this.at += 1;
  }

  #skip(): void {
    while (this.#text[this.at] === " ") this.at += 1;
  }

  #fail(why: string): never {
    throw new SlotError(this.#text.slice(this.#from, this.#from + 100), why);
  }
}
