// Words that hold a sentence together and say nothing of what it is about. They are rare among lessons in another language, so that rarity
// alone would take them for telling. English ones beyond those of goals.ts; Japanese ones are told by their script.

import { readGoal } from "./goals.ts";

const lists = `
again although always another any anybody anyone anything because been being below between both cannot could did does doing done during
each either else ever every everybody everyone everything few from further had having he her hers him himself his however i if instead
itself let many maybe me might mine much must my myself neither never nobody none nor nothing often once one ones onto otherwise ought ours
ourselves own perhaps please quite rather really same say says shall she since some somebody someone something sometimes somewhere soon
still such than them themselves though through thus too toward two under unless until upon us very was were where whether while who whole
whom whose within without yet you your yours yourself

aber alle alles als also am an auch auf aus bei beim bin bis bitte da damit dann das dass dem den denn der des die dies diese dieser doch dort
durch ein eine einem einen einer eines er es etwas für gegen gibt hat hatte haben hier hinter ich ihm ihn ihr ihre im immer in ins ist ja je
jede jeden jeder jedes kann kein keine können man mehr mein mit muss müssen nach neben nicht nichts noch nun nur ob oder ohne schon sehr
sein seine seit sich sie sind so soll sollen sonst über um und uns unser unter viele vom von vor während war waren warum was weil wenn wer
werden wie wieder wir wird wo wurde wurden zu zum zur zwei zwischen

a al algo algunos ante antes aquí así aunque cada como con contra cual cuando de del desde después donde dos durante el ella ellos en entre
era es esa ese eso esta está están este esto estos fue ha han hasta hay la las le les lo los más me mi mientras muy nada ni no nos nosotros
o otra otro para pero poco por porque que qué quien se sea ser si sí sin sobre solo son su sus también tan tiene toda todas todo todos tras
tu un una uno unos usamos y ya

afin ai alors après au aucun aussi autre aux avant avec car ce cela celle ces cet cette chaque comme dans depuis des deux doit donc dont du
elle elles en encore entre est et été être eux fait faut il ils je jusque la le les leur leurs lors lui ma mais mes moi moins mon même ne ni
nos notre nous on ont ou où par parce pas pendant peu peut plus pour pourquoi puis quand que quel quelle qui quoi sa sans se selon ses
si son sont sous sur ta tant tous tout toute toutes très trop tu un une vers vos votre vous y

без бы был была были было быть в вам вас во вот все всё всех вы где да для до его ее её если есть еще ещё же за здесь и из или им их к как
какой когда кто ли между меня мне много может мы на над надо нам нас не него нее нет ни них но ну нужно о об один она они оно от очень
перед по под после потому почему при про раз с сам свой себя со так также такой там то тоже только тот тут ты у уже хотя чего чем через
что чтобы это этого этой этом эту я
`;
/** Read at the first question: most processes never ask one. */
let words: ReadonlySet<string> | undefined;
const hiragana = /^[\p{Script=Hiragana}ー]+$/u;

/** Whether `word`, as goals have it, only holds a sentence together. */
export function isFunctionWord(word: string): boolean {
  words ??= readLists();
  return words.has(word) || hiragana.test(word);
}

function readLists(): ReadonlySet<string> {
  const all = lists.split(/\s+/).filter((word) => word !== "");
  return new Set(all.flatMap((word) => [...readGoal(word).words.keys()]));
}
