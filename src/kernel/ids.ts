import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

/** Makes ids: a prefix, then 20 characters of which the first ten are the time, so that ids sort by age. */
export interface Ids {
  /** A new id such as `task_01jx3k8m2d7q9v5c4b6n`. Ids of one generator grow strictly. */
  next<Prefix extends string>(prefix: Prefix): `${Prefix}_${string}`;
}

const alphabet = [..."0123456789abcdefghjkmnpqrstvwxyz"]; // Crockford's base 32 in lower case: it sorts as it counts
const pairs = alphabet.flatMap((first) => alphabet.map((second) => first + second));
const timeChars = 10; // 50 bits of milliseconds
const randomChars = 10; // 50 bits, counted on within a millisecond
const randomMax = 2 ** 50;

/** Ids from `clock` and `random`. A clock that jumps back does not make ids go back. */
export function createIds(clock: Pick<Clock, "now">, random: Pick<Random, "u32">): Ids {
  let lastTime = 0;
  let timeText = toBase32(0, timeChars);
  let counter = 0;

  return {
    next(prefix) {
      const time = clock.now();
      if (time > lastTime || counter + 1 >= randomMax) {
        lastTime = Math.max(time, lastTime + 1);
        timeText = toBase32(lastTime, timeChars);
        counter = (random.u32() % 2 ** 17) * 2 ** 32 + random.u32(); // 49 bits: room to count on
      } else {
        counter += 1;
      }
      return `${prefix}_${timeText}${toBase32(counter, randomChars)}`;
    },
  };
}

/** `chars` is even: two of them are looked up at a time. */
function toBase32(value: number, chars: number): string {
  let text = "";
  let rest = value;
  for (let index = 0; index < chars; index += 2) {
    text = `${pairs[rest % pairs.length]}${text}`;
    rest = Math.floor(rest / pairs.length);
  }
  return text;
}
