/** How long a test waits for what must come, in milliseconds. It only tells what hangs from what is slow. */
export const patienceMs = 100_000;
