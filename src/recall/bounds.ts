/** What one question or one episode may cost, whatever the size of the scope. Each list below lives in one row. */
export const bounds = {
  /** Characters of a text that are read. */
  textChars: 20_000,
  /** Letters of one word that count. */
  wordChars: 64,
  /** Different words of one text. */
  textWords: 400,
  /** The last characters of a path that are read. */
  pathChars: 400,
  /** Files of one episode. */
  episodeFiles: 40,
  /** Rows of words read for one question: the rarest. */
  queryWords: 24,
  /** Rows of words looked up to find these. */
  wordLookups: 120,
  /** Files that are compared with each other for one question. */
  compared: 60,
  /** The newest episodes kept for a word; as many as `postingsTail` more wait to be moved there. */
  wordEpisodes: 500,
  postingsTail: 32,
  /** The strongest files kept for a word. */
  wordFiles: 100,
  /** The newest paths kept for a word. */
  wordPaths: 500,
  /** Folders with a weight of their own kept for a word. */
  wordFolders: 24,
  /** The newest files kept for a folder. */
  folderFiles: 12,
  /** The newest episodes kept for a file, and files in hand whose companions are looked for. */
  fileEpisodes: 16,
  filesInHand: 8,
  /** Files of a tree whose words are read; words in more of them than this tell nothing; files compared though no episode touched them. */
  treeFiles: 20_000,
  treeWordFiles: 2_000,
  treeCandidates: 15,
  /** Files kept in the lists of the most frequent and the most active ones. */
  topFiles: 24,
};
