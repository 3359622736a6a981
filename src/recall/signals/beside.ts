// Files that were touched together with those that whoever asks has in hand.

import type { SignalGroup } from "./signal.ts";

export const beside: SignalGroup = {
  names: ["beside files in hand"],
  measure: ({ candidates, beside: shares }) => [candidates.map(({ file }) => Math.min(1, shares.get(file) ?? 0))],
};
