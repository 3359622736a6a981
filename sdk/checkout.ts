// Checkout
//
// Lets a question about a piece of work bring along what a checkout of this machine holds: `context.repo` is a folder here. What is sent is
// `context.tree`, the paths that can matter for its words, and, when the answer names a file that is not there, `context.checkout`: what became of
// the paths that it named. Owns: the lists of files, for a short while, and asking again. The cut is a coarse one, which
// leaves out what shares no word with the question; which of the rest matters is for the runtime to rank.
//
// Invariants:
//   C1. The answer of a question with a folder names no file first that the folder does not hold, whoever the runtime is and however it is reached.
//   C2. At most the paths of one answer are looked for, and at most two answers are made. What is shown is what the runtime made and remembers.

import { isFailure } from "../src/contracts/failures.ts";
import type { CheckoutLook } from "../src/contracts/guidance.ts";
import { limits } from "../src/contracts/limits.ts";
import type { OperationInput, OperationOutput } from "../src/contracts/operations/index.ts";
import type { Place } from "../src/import/index.ts";
import type { Clock } from "../src/kernel/clock.ts";
import type { CallOptions, Client } from "./client.ts";

type QuestionName = "taskStart" | "planningContext" | "actionRetrieval";
type Context = NonNullable<OperationInput<"taskStart">["context"]>;

type LocalContext = Context & { repo?: string | undefined };

/** A question, with the folder of a checkout of this machine whose tracked files count too, and in which the answer is looked for. */
export type LocalQuestion<Name extends QuestionName> = Omit<OperationInput<Name>, "context"> & {
  context?: LocalContext;
};

/**
 * Beside the operation's input they take `context.repo`. In a folder without a repository, or without git, files are looked for by their name
 * alone. @throws AionisError what the operation fails with; `INPUT_INVALID` with a fact `reason` for what is no folder or a damaged repository.
 */
export type LocalQuestions = {
  readonly [Name in QuestionName]: (
    input: LocalQuestion<Name>,
    options?: CallOptions,
  ) => Promise<OperationOutput<Name>>;
};

const keptMs = 30_000;
const checkoutsMax = 8;
const filesMax = 50_000;
const pathsSent = 300;
const filesNamed = 20;
const gitMs = 10_000; // a history that takes longer tells of no move

/** The client's questions, for folders too. */
export function createLocalQuestions(
  client: Pick<Client, QuestionName>,
  clock: Pick<Clock, "mono" | "setTimer">,
): LocalQuestions {
  const checkouts = new Map<string, { readAt: number; checkout: Promise<Checkout> }>();

  function open(folder: string): Promise<Checkout> {
    const known = checkouts.get(folder);
    if (known !== undefined && clock.mono() - known.readAt < keptMs) return known.checkout;
    const checkout = readCheckout(folder, clock);
    checkouts.delete(folder); // so that it is the newest
    checkouts.set(folder, { readAt: clock.mono(), checkout });
    const [oldest] = checkouts.keys();
    if (checkouts.size > checkoutsMax && oldest !== undefined) checkouts.delete(oldest);
    checkout.catch(() => checkouts.delete(folder)); // whoever asked is told, and the next one tries again
    return checkout;
  }

  /** C1. `list` gives an answer that names what the one that is asked for rests on. */
  async function ask<Input extends { query: string; context?: LocalContext }, Output>(
    input: Input,
    answer: (filled: Input & { context: Context }) => Promise<Output>,
    list: (filled: Input & { context: Context }, answered: Promise<Output>) => Promise<Named>,
  ): Promise<Output> {
    const { repo, ...context } = input.context ?? {};
    if (repo === undefined) return await answer({ ...input, context });
    const checkout = await open(repo);
    const found = checkout.find(`${input.query}\n${context.error ?? ""}`);
    const tree = [...new Set([...(context.tree ?? []), ...found])].slice(0, limits.treeFiles);
    const filled = { ...input, context: { ...context, tree } };
    const first = answer(filled);
    const look = await checkout.look(toPaths(await list(filled, first), context));
    if (look.gone.length + look.moved.length === 0) return await first;
    return await answer({ ...filled, context: { ...filled.context, checkout: look } }); // C2
  }

  return {
    taskStart: (input, options) =>
      ask(
        input,
        (filled) => client.taskStart(filled, options),
        (_, answered) => answered,
      ),
    planningContext: (input, options) =>
      ask(
        input,
        (filled) => client.planningContext(filled, options),
        (_, answered) => answered,
      ),
    actionRetrieval: (input, options) =>
      ask(
        input,
        (filled) => client.actionRetrieval(filled, options),
        async (filled, answered) => {
          await answered;
          return await client.taskStart(filled, options); // an action is part of that answer, and rests on what it names
        },
      ),
  };
}

type Named = Pick<OperationOutput<"taskStart">, "firstAction" | "files" | "lessons">;

/** The paths that an answer names, and those that it was asked about. */
function toPaths({ firstAction, files, lessons }: Named, context: Context): string[] {
  const first = firstAction.file === undefined ? [] : [firstAction.file];
  const asked = context.files?.slice(0, filesNamed) ?? [];
  const paths = [...first, ...files.map(({ path }) => path), ...lessons.flatMap((lesson) => lesson.files), ...asked];
  return [...new Set(paths)].slice(0, limits.pathsLooked);
}

/** Without a repository, or without git, a checkout is a folder whose files are looked for by their names. */
async function readCheckout(folder: string, clock: Pick<Clock, "setTimer">): Promise<Checkout> {
  const { listFilesAt, findPlace, lookFor } = await import("../src/import/index.ts"); // with git's processes; most programs never need it
  const files = await listFilesAt({ folder, commit: "HEAD", filesMax }).then(
    (list) => list.files,
    (error: unknown) => {
      const isPlain = isFailure(error, "INPUT_INVALID") && plainReasons.has(String(error.facts?.reason));
      if (isPlain || isFailure(error, "GIT_UNUSABLE")) return undefined;
      throw error;
    },
  );
  const place = await findPlace({ folder, files });
  return new Checkout(files ?? [], place, async (request) => {
    const late = new AbortController();
    const cancel = clock.setTimer(gitMs, () => late.abort());
    try {
      return await lookFor({ ...request, signal: late.signal });
    } finally {
      cancel();
    }
  });
}

const plainReasons = new Set(["notRepository", "noCommits"]);
type LookFor = (request: { place: Place; paths: readonly string[] }) => Promise<CheckoutLook>;

/** Paths by the beginnings of their words. */
class Checkout {
  readonly #files: readonly string[];
  /** What became of `paths`. */
  readonly look: (paths: readonly string[]) => Promise<CheckoutLook>;
  readonly #filesByStem = new Map<string, number[]>();

  constructor(files: readonly string[], place: Place, lookFor: LookFor) {
    this.#files = files;
    this.look = (paths) => lookFor({ place, paths });
    for (const [index, file] of files.entries()) {
      for (const stem of toStems(file)) {
        const known = this.#filesByStem.get(stem);
        if (known === undefined) this.#filesByStem.set(stem, [index]);
        else known.push(index);
      }
    }
  }

  /** The paths that share most with `text`, rare words before common ones. */
  find(text: string): string[] {
    const scores = new Map<number, number>();
    for (const stem of toStems(text.slice(0, limits.queryChars))) {
      const having = this.#filesByStem.get(stem) ?? [];
      const weight = Math.log1p(this.#files.length / having.length);
      for (const index of having) scores.set(index, (scores.get(index) ?? 0) + weight);
    }
    const best = [...scores].sort(([, left], [, right]) => right - left).slice(0, pathsSent);
    return best.map(([index]) => this.#files[index] ?? "");
  }
}

const word = /\p{Lu}+(?!\p{Ll})|\p{Lu}?[\p{Ll}\p{Lo}\p{Lm}\p{M}]+|\p{N}+/gu;
const stemChars = 4;
const wordsMax = 1_000;

/** How the words of a text or path begin: `retries` and `RetryQueue` share one. */
function toStems(text: string): Set<string> {
  const stems = new Set<string>();
  for (const [found] of text.toWellFormed().matchAll(word)) {
    if (stems.size === wordsMax) break;
    if (found.length > 1) stems.add(found.toLowerCase().slice(0, stemChars));
  }
  return stems;
}
