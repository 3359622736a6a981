/** What one question or one run may cost, whatever the number of lessons; and what a lesson keeps. Each list lives in one row. */
export const lessonBounds = {
  /** Characters of a goal, a title or a text that are kept; of a name, a tool, a check or an error; of a path. */
  goalChars: 400,
  textChars: 2_000,
  lineChars: 200,
  pathChars: 240,
  /** Characters of a question that are read. */
  questionChars: 4_000,
  /** The newest goals of a lesson. */
  goals: 4,
  files: 24,
  steps: 16,
  checks: 8,
  errors: 8,
  tools: 12,
  links: 16,
  /** The newest pieces of evidence of a lesson, and those that a change lists. */
  evidence: 32,
  /** Different words of a lesson, counted over all its fields. */
  lessonWords: 400,
  /** The newest lessons kept for a word. */
  wordLessons: 500,
  /** Words of one question that are looked up, and how many of them, the rarest, have their lessons read. */
  lookups: 100,
  queryWords: 28,
  /** Lessons that are compared in full with a question, and with a run. */
  compared: 48,
  comparedRuns: 16,
  /** Lessons that one answer and one page list at most. */
  ranked: 50,
  page: 100,
  /** Lessons that one page looks at before it is handed over as it is. */
  pageScan: 2_000,
};
