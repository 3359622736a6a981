// Checkout
//
// Lets a question about a piece of work bring along what a checkout of this machine holds: `context.repo` is a folder here, and what is sent
// is `context.tree`, the paths that can matter for its words. Owns: the lists of files, for a short while. The cut is a coarse one, which
// leaves out what shares no word with the question; which of the rest matters is for the runtime to rank.

import { limits } from "../src/contracts/limits.ts";
import type { OperationInput, OperationOutput } from "../src/contracts/operations/index.ts";
import type { Clock } from "../src/kernel/clock.ts";
import type { CallOptions, Client } from "./client.ts";

type QuestionName = "taskStart" | "planningContext" | "actionRetrieval";
type Context = NonNullable<OperationInput<"taskStart">["context"]>;

type LocalContext = Context & { repo?: string | undefined };

/** A question, with the folder of a checkout of this machine whose tracked files count too. */
export type LocalQuestion<Name extends QuestionName> = Omit<OperationInput<Name>, "context"> & {
  context?: LocalContext;
};

/**
 * Beside the operation's input they take `context.repo`.
 * @throws AionisError what the operation fails with; `INPUT_INVALID` with a fact `reason`, or `GIT_UNUSABLE`, for a folder without a readable repository.
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

/** The client's questions, for folders too. */
export function createLocalQuestions(client: Pick<Client, QuestionName>, clock: Pick<Clock, "mono">): LocalQuestions {
  const checkouts = new Map<string, { readAt: number; checkout: Promise<Checkout> }>();

  function open(folder: string): Promise<Checkout> {
    const known = checkouts.get(folder);
    if (known !== undefined && clock.mono() - known.readAt < keptMs) return known.checkout;
    const checkout = readCheckout(folder);
    checkouts.delete(folder); // so that it is the newest
    checkouts.set(folder, { readAt: clock.mono(), checkout });
    const [oldest] = checkouts.keys();
    if (checkouts.size > checkoutsMax && oldest !== undefined) checkouts.delete(oldest);
    checkout.catch(() => checkouts.delete(folder)); // whoever asked is told, and the next one tries again
    return checkout;
  }

  async function fill<Input extends { query: string; context?: LocalContext }>(
    input: Input,
  ): Promise<Input & { context: Context }> {
    const { repo, ...context } = input.context ?? {};
    if (repo === undefined) return { ...input, context };
    const found = (await open(repo)).find(`${input.query}\n${context.error ?? ""}`);
    const tree = [...new Set([...(context.tree ?? []), ...found])].slice(0, limits.treeFiles);
    return { ...input, context: { ...context, tree } };
  }

  return {
    taskStart: async (input, options) => client.taskStart(await fill(input), options),
    planningContext: async (input, options) => client.planningContext(await fill(input), options),
    actionRetrieval: async (input, options) => client.actionRetrieval(await fill(input), options),
  };
}

async function readCheckout(folder: string): Promise<Checkout> {
  const { listFilesAt } = await import("../src/import/index.ts"); // with git's processes; most programs never need it
  const { files } = await listFilesAt({ folder, commit: "HEAD", filesMax });
  return new Checkout(files);
}

/** Paths by the beginnings of their words. */
class Checkout {
  readonly #files: readonly string[];
  readonly #filesByStem = new Map<string, number[]>();

  constructor(files: readonly string[]) {
    this.#files = files;
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
