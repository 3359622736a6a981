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
  /** The newest episodes kept for a word. */
  wordEpisodes: 500,
  /** The strongest files kept for a word. */
  wordFiles: 100,
  /** The newest paths kept for a word. */
  wordPaths: 500,
  /** Folders with a weight of their own kept for a word. */
  wordFolders: 24,
  /** The newest files kept for a folder. */
  folderFiles: 12,
  /** Files kept in the lists of the most frequent and the most active ones. */
  topFiles: 24,
};
