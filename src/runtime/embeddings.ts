// Embeddings
//
// Asks the user's provider how near lessons are to a question, as one more signal beside the words. Owns: a bounded cache of vectors, and
// doing without them when the provider fails or is slow. Nothing needs it.

import { limits } from "../contracts/limits.ts";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";

/** Gives a vector for each text, all of one length. */
export type Embedding = (texts: readonly string[]) => Promise<readonly (readonly number[])[]>;

export interface Embeddings {
  /** How near each text is to `query`, 0 to 1, by its id; nothing for those that no vector could be had for. */
  compare(query: string, texts: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, number>>;
}

const waitMs = 1_000;
const textChars = 2_000;

export function createEmbeddings(embed: Embedding, { clock, logger }: { clock: Clock; logger: Logger }): Embeddings {
  const vectors = new Map<string, readonly number[]>();

  async function ask(texts: readonly string[]): Promise<void> {
    const unknown = [...new Set(texts)].filter((text) => !vectors.has(text));
    if (unknown.length === 0) return;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      cancel = clock.setTimer(waitMs, () => reject(new Error(`no answer within ${waitMs} ms`)));
    });
    const found = await Promise.race([embed(unknown), late]).finally(() => cancel());
    for (const [index, text] of unknown.entries()) {
      const vector = found[index];
      if (vector !== undefined) keep(text, vector);
    }
  }

  function keep(text: string, vector: readonly number[]): void {
    vectors.set(text, vector);
    if (vectors.size > limits.vectors) for (const oldest of vectors.keys()) return void vectors.delete(oldest);
  }

  return {
    async compare(query, texts) {
      const cut = new Map([...texts].map(([id, text]) => [id, text.slice(0, textChars)]));
      const asked = query.slice(0, textChars);
      try {
        await ask([asked, ...cut.values()]);
      } catch (error) {
        logger.log("warn", "the embedding provider failed; answers go without it", { error: String(error) });
      }
      const own = vectors.get(asked);
      const near = [...cut].map(([id, text]) => [id, toCosine(own, vectors.get(text))] as const);
      return new Map(near.flatMap(([id, value]) => (value === undefined ? [] : [[id, value] as const])));
    },
  };
}

/** Cosine cut at 0: opposite is no nearer than unrelated. Nothing for vectors that cannot be compared. */
function toCosine(left: readonly number[] | undefined, right: readonly number[] | undefined): number | undefined {
  if (left === undefined || right === undefined || left.length !== right.length) return undefined;
  let product = 0;
  let squares = 0;
  let others = 0;
  for (let at = 0; at < left.length; at += 1) {
    product += (left[at] ?? 0) * (right[at] ?? 0);
    squares += (left[at] ?? 0) ** 2;
    others += (right[at] ?? 0) ** 2;
  }
  const norm = Math.sqrt(squares * others);
  return norm > 0 && Number.isFinite(product / norm) ? Math.max(0, product / norm) : undefined;
}
