// Cues: what the words around a value say about it. A brief that changes something names the old and the new in a hundred ways, but by few words.

/** Whether a value is what was or what is to be. */
export type Role = "old" | "new";

const oldBefore =
  /(?:\b(?:from|was|were|is now|still(?: says?)?|instead of|rather than|replace[sd]?|rename[sd]?|remove[sd]?|drop|old|former(?:ly)?|currently|forbid(?:s|den)?|deprecated|retire|move|of)|not)[\s:"'`(]*$/i;
const newBefore =
  /(?:\b(?:to|into|becomes?|become|by|with|as|use|write|new|now|called|named?|titled?|says?|set|be)|->|=>|→)[\s:"'`(]*$/i;
const oldAfter =
  /^["'`)]*\s*(?:->|=>|→|to\b|becomes?\b|is now\b|has to\b|should\b|must\b|will\b|belongs\b|goes\b|gets\b|with\b|by\b|is (?:out of|no longer|deprecated|unsupported|obsolete|forbidden|gone|a bad)\b)/i;
const newAfter = /^["'`)]*\s*(?:instead\b|rather\b|\(was\b|, not\b)/i;

/** Which of the two the words around the place from `from` to `to` say, if any. */
export function roleAt(text: string, from: number, to: number): Role | undefined {
  const before = text.slice(Math.max(0, from - 40), from);
  const after = text.slice(to, to + 30);
  if (newAfter.test(after)) return "new";
  if (/(?:instead of|rather than|\bwas)[\s:"'`(]*$/i.test(before)) return "old";
  if (oldAfter.test(after)) return "old";
  if (newBefore.test(before)) return "new";
  return oldBefore.test(before) ? "old" : undefined;
}

const plainWords = new Set(
  (
    "a an the this that these those it its we our us you your i my they their them he she of to in on at by for from with without into onto over " +
    "under as and or nor but so if when while until till than then is are was were be been being am do does did done has have had having will would " +
    "shall should can could may might must not no yes all any each every some other others another same like please kindly there here where which who " +
    "whom whose what how why also too only just now today still yet again once more most less everywhere anywhere somewhere already soon first last " +
    "next new old add adds added make makes made change changes changed update updates updated set sets use uses used using need needs needed want " +
    "wants wanted create creates created put puts move moves moved turn turns turned get gets got go goes give gives gave take takes took let lets " +
    "say says said name names named call calls called become becomes became replace replaces replaced rename renames renamed remove removes removed " +
    "instead rather about after before up down out off through between since because thanks hi hello hey today tomorrow tell tells mind minds follow " +
    "follows included includes include including such way well one two three both whole part place places wherever place way work works run runs ran " +
    "regenerate convert migrate write writes fix fixes mend edit bump raise lower increase reduce delete introduce extract switch upgrade point points " +
    "record note list register check build ship release prepare extend adjust ensure keep store handle pin retire clean import export load read print " +
    "show shows belong belongs ask asks look looks start starts stop stops try replace everybody everyone nobody somebody thing things own " +
    "very much many few such least most right left main good bad big small empty early late again there always never often ever back"
  ).split(" "),
);

const naming = /\b(?:default|called|named|titled|labelled|tagged)(?:\s+(?:is|to|value))?\s*[:=]?\s*["'`(]*$/i;

/** Whether the words before `from` say that a value comes: `default unknown`, `called tern`. */
export function isNamedAt(text: string, from: number): boolean {
  return naming.test(text.slice(Math.max(0, from - 40), from));
}

/** Whether it is a word of the language rather than one of the work. */
export function isPlainWord(text: string): boolean {
  return plainWords.has(text.toLowerCase());
}

const kindWords = new Set(
  (
    "service file page folder directory function method class module package library variable constant field column table key value flag job step " +
    "version number line test check link header title heading label button component endpoint route setting option argument parameter property user " +
    "team project repository branch tag release section entry record decision document config configuration timeout limit port host domain url path " +
    "script command image container migration schema index report dependency feature symbol text string message translation owner"
  ).split(" "),
);

/** Whether it says what kind of thing is named, and names none. */
export function isKindWord(text: string): boolean {
  return kindWords.has(text.toLowerCase());
}

/** Whether the word before `from` says what kind of thing is named there: `the table orders`. */
export function followsKind(text: string, from: number): boolean {
  const before = /(\p{L}+) (?:(?:of|for) )?(?:the )?$/u.exec(text.slice(Math.max(0, from - 30), from))?.[1];
  return before !== undefined && isKindWord(before);
}
