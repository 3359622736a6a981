// Synthetic episodes for measuring sizes: words and files as frequent as Zipf's law has them, each file with words of its own, and a few
// files that are worked on at a time.

import { createSeededRandom } from "../../src/kernel/seeded-random.ts";
import type { RecallEpisode } from "../../src/recall/index.ts";

const vocabulary = 30_000;
const filesMax = 12_000;

/** Episodes without end, the same for the same seed. */
export function createEpisodes(seed: number): () => RecallEpisode {
  const random = createSeededRandom(seed);
  const uniform = (): number => random.u32() / 2 ** 32;
  const zipf = (count: number): number => Math.floor(count ** uniform()) - 1; // density as 1 / rank
  const word = (rank: number): string => `w${(rank * 7_919).toString(36)}x`;
  const path = (file: number): string =>
    `src/${word(file % 40)}/${word(file % 700)}-${word(file)}.${file % 3 === 0 ? "test." : ""}ts`;
  let at = 1.6e9;
  let focus = 0;
  return () => {
    at += Math.floor(uniform() * 20_000);
    if (uniform() < 0.2) focus = zipf(filesMax);
    const files = Array.from({ length: 1 + zipf(8) }, () => (uniform() < 0.6 ? focus + zipf(6) : zipf(filesMax)));
    const own = files.flatMap((file) => [word(file), word(5_000 + ((file * 31) % 20_000))]);
    const others = Array.from({ length: 18 }, () => word(zipf(vocabulary)));
    const words = [...own.slice(0, 3), ...others.slice(0, 4)].join(" ");
    return { goal: `fix: ${words} — ${others.slice(4).join(" ")}`, at, files: [...new Set(files.map(path))] };
  };
}
