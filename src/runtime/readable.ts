import { isUnreadable } from "../contracts/failures.ts";

/**
 * What `read` makes of `items`, up to the first that cannot be read any more: the next page begins with that one, and fails for it.
 * @throws AionisError `JOURNAL_DAMAGED`, `TASK_UNFOLDABLE` when it is the first item.
 */
export function takeReadable<Item, Value>(items: readonly Item[], read: (item: Item) => Value): Value[] {
  const values: Value[] = [];
  for (const item of items) {
    try {
      values.push(read(item));
    } catch (error) {
      if (values.length > 0 && isUnreadable(error)) break;
      throw error;
    }
  }
  return values;
}
