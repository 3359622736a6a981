// What a run must not touch: the machine's clock, timers and randomness. While a run is under way each of them throws.

const forbidden: [object, string][] = [
  [Date, "now"],
  [Math, "random"],
  [performance, "now"],
  [process, "hrtime"],
  [globalThis, "setTimeout"],
  [globalThis, "setInterval"],
  [globalThis, "setImmediate"],
];

/** Replaces them until the returned function is called. */
export function takeAmbientAway(): () => void {
  const kept = forbidden.map(
    ([owner, name]) => Object.getOwnPropertyDescriptor(owner, name) ?? Reflect.get(owner, name),
  );
  for (const [owner, name] of forbidden) {
    const value = (): never => {
      throw new Error(`${name} was used within a simulation`);
    };
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
  }
  return () => {
    forbidden.forEach(([owner, name], index) => {
      const before = kept[index] as PropertyDescriptor | ((...args: unknown[]) => unknown);
      if (typeof before === "function")
        Reflect.deleteProperty(owner, name); // it was inherited
      else Object.defineProperty(owner, name, before);
    });
  };
}
