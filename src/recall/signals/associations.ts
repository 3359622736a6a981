// Words that went with a file before.

import { decay, impact, relative, wordHalfLife } from "../scores.ts";
import { byBest, type SignalGroup } from "./signal.ts";

const scale = 0.8; // no single word makes it certain
const pseudoCounts = 1.5;
const lengthNormal = 0.75;

export const associations: SignalGroup = {
  names: [
    ...["words", "words lift", "words any", "words any sure", "words any young", "words any young sure"],
    ...["word best", "word best young"],
  ],
  measure({ candidates, indexOf, terms, totals, now }) {
    const zeros = (): number[] => candidates.map(() => 0);
    const [bm25, lift, any, young, best, bestYoung] = [zeros(), zeros(), zeros(), zeros(), zeros(), zeros()];
    const meanLength = relative(totals.fileLength, totals.files);
    for (const { row, weight, rarity } of terms) {
      const massNow = row.decayed * decay(now - row.last, wordHalfLife);
      for (let at = 0; at < row.files.length; at += 1) {
        const index = indexOf.get(row.files[at] ?? 0);
        const file = index === undefined ? undefined : candidates[index]?.row;
        if (index === undefined || file === undefined) continue;
        const count = row.masses[at] ?? 0;
        const countNow = (row.massesDecayed[at] ?? 0) * decay(now - (row.changed[at] ?? now), wordHalfLife);
        const usual = file.count / totals.episodes;
        const share = (count + pseudoCounts * usual) / (row.mass + pseudoCounts);
        const sure = Math.min(1, Math.max(0, (count - 0.3) / (row.mass + 1)));
        const sureNow = Math.min(1, Math.max(0, (countNow - 0.3) / (massNow + 1)));
        add(bm25, index, weight * rarity * impact(count, file.length, meanLength, lengthNormal));
        add(lift, index, weight * Math.max(0, Math.log(share / usual)));
        add(any, index, -Math.log1p(-scale * weight * sure));
        add(young, index, -Math.log1p(-scale * weight * sureNow));
        best[index] = Math.max(best[index] ?? 0, weight * sure);
        bestYoung[index] = Math.max(bestYoung[index] ?? 0, weight * sureNow);
      }
    }
    const toShare = (values: readonly number[]): number[] => values.map((value) => 1 - Math.exp(-value));
    const anySure = toShare(any);
    const youngSure = toShare(young);
    return [byBest(bm25), byBest(lift), byBest(anySure), anySure, byBest(youngSure), youngSure, best, bestYoung];
  },
};

function add(values: number[], index: number, value: number): void {
  values[index] = (values[index] ?? 0) + value;
}
