import type { RankedLessons } from "../learning/index.ts";
import type { Recalled } from "../recall/index.ts";

/** Files that only much work touches are no answer to a question that shares nothing with what is known. */
export function keepGroundedFiles(recalled: Recalled): Recalled {
  return recalled.isGrounded ? recalled : { ...recalled, files: [], confidence: 0 };
}

/** The same for lessons, of which something is always the nearest. */
export function keepGroundedLessons(ranked: RankedLessons): RankedLessons {
  return ranked.isGrounded ? ranked : { ...ranked, lessons: [], confidence: 0, sure: false };
}
