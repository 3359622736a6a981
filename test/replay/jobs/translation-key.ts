import { defineJob } from "./job.ts";
import { holds, toJson } from "./words.ts";

interface Values {
  key: string;
  en: string;
  de: string;
  fr: string;
}

/** The texts come as data. */
export const translationKey = defineJob<Values>({
  name: "translation-key",
  family: "pages",
  rows: {
    1: { key: "cart.empty", en: "Your cart is empty", de: "Der Warenkorb ist leer", fr: "Votre panier est vide" },
    2: { key: "login.retry", en: "Try again", de: "Noch einmal versuchen", fr: "Réessayer" },
    3: { key: "order.sent", en: "It is on its way!", de: "Es ist unterwegs!", fr: "C’est en route !" },
    11: { key: "search.none", en: "Nothing found", de: "Nichts gefunden", fr: "Aucun résultat" },
    12: { key: "seat.taken", en: "This seat is taken", de: "Dieser Platz ist besetzt", fr: "Cette place est prise" },
    13: { key: "upload.tooLarge", en: "Over 10 MB", de: "Über 10 MB", fr: "Plus de 10 Mo" },
    14: { key: "profile.saved", en: "Saved", de: "Gespeichert", fr: "Enregistré" },
    15: {
      key: "trip.delayed",
      en: "Late by {minutes} min",
      de: "{minutes} Min. später",
      fr: "{minutes} min de retard",
    },
  },
  briefs: [
    ({ key }) => `Add the translation key ${key} in all languages; the texts are attached.`,
    ({ key }) => `new text ${key}, see attachment, please put it into every locale file`,
    ({ key }) => `The page needs \`${key}\`. Translations are enclosed.`,
    ({ key }) => `Please add ${key} to the locales with the texts enclosed.`,
    ({ key }) => `translations for \`${key}\` have arrived, add them`,
    ({ key }) => `All locale files need the key ${key}, texts as attached.`,
  ],
  data: ({ key, en, de, fr }) => ({ key, texts: { en, de, fr } }),
  files: () => toFiles({}),
  async act({ key, en, de, fr }, hands, seed) {
    await hands.run("which locales are there", "ls", "locales");
    const add = (path: string, text: string): Promise<void> =>
      hands.patch("add the text", path, ["{\n", `{\n  "${key}": "${text}",\n`]);
    await hands.read("locales/en.json");
    await add("locales/en.json", en);
    if (seed !== 1) await hands.read("locales/de.json");
    await add("locales/de.json", de);
    if (seed === 2) await hands.patchInVain("add the text", "locales/fr.json", "{}", `{ "${key}": "${fr}" }`);
    await add("locales/fr.json", fr);
    await hands.run("is each valid", "node", "-e", 'for (const it of ["en", "de", "fr"]) require("./locales/" + it)');
  },
  checks: ({ key }) => ({
    "all of them have it": holds(`["en", "de", "fr"].every((it) => require(\`./locales/\${it}.json\`)["${key}"])`),
  }),
  expected: ({ key, en, de, fr }) => toFiles({ en: { [key]: en }, de: { [key]: de }, fr: { [key]: fr } }),
  lookAlike(_, { "locales/fr.json": french = "", ...files }) {
    return { ...files, "locales/fr.po": `msgid "site.name"\nmsgstr ${french.length}\n` };
  },
});

function toFiles(added: { en?: object; de?: object; fr?: object }) {
  return {
    "locales/en.json": toJson({ ...added.en, "site.name": "Landing stage" }),
    "locales/de.json": toJson({ ...added.de, "site.name": "Anleger" }),
    "locales/fr.json": toJson({ ...added.fr, "site.name": "Embarcadère" }),
  };
}
