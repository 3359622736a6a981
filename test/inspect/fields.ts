// Fields of schemas, for tests of what leaves of them.

import fc from "fast-check";
import type { z } from "zod";
import { isSensitive } from "../../src/contracts/sensitive.ts";

/** Makes any value, or one that throws where it can: not made before it is used, because fast-check looks into what it makes. */
export const anyValue: fc.Arbitrary<() => unknown> = fc.oneof(
  fc
    .anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, withSparseArray: true })
    .map((value) => () => value),
  fc.constantFrom<() => unknown>(
    () => ({
      get facts() {
        return raise();
      },
      get states() {
        return raise();
      },
    }),
    () => new Proxy({}, { get: raise, has: raise, ownKeys: raise, getOwnPropertyDescriptor: raise }),
    () => new Proxy([], { get: raise }),
    () => new Proxy([], { get: (_, key) => (key === "length" ? Number.MAX_VALUE : raise()) }),
    () => {
      const { proxy, revoke } = Proxy.revocable([], {});
      revoke();
      return proxy;
    },
    () => raise,
    () => new Date(Number.NaN),
    () => Array.from({ length: 100_000 }, () => "x"),
    () => "\ud800".repeat(10_000),
  ),
);

function raise(): never {
  throw new Error("run");
}

type Schema = z.core.$ZodType;

/** The paths of a schema's fields; of a sensitive one only its own. */
export function pathsOf(schema: Schema, path = ""): { path: string; isSensitive: boolean }[] {
  if (isSensitive(schema)) return [{ path, isSensitive: true }];
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "optional":
    case "default":
    case "nullable":
      return pathsOf(def.innerType, path);
    case "array":
      return pathsOf(def.element, `${path}[]`);
    case "union":
      return def.options.flatMap((option) => pathsOf(option, path));
    case "object":
      return Object.entries(def.shape).flatMap(([key, field]) => pathsOf(field, path === "" ? key : `${path}.${key}`));
    default:
      return [{ path, isSensitive: false }];
  }
}

/** Values of a schema in which `secret` stands in every sensitive field, and in a field that the schema does not name. */
export function withSecret(schema: Schema, secret: string): fc.Arbitrary<unknown> {
  if (isSensitive(schema)) {
    return fc.constantFrom<unknown>(secret, [secret], { [secret]: 1 }, { a: { b: [`x${secret}y`] } });
  }
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "string":
    case "template_literal":
      return fc.string({ maxLength: 20 });
    case "number":
      return fc.nat();
    case "boolean":
      return fc.boolean();
    case "literal":
      return fc.constantFrom(...def.values);
    case "enum":
      return fc.constantFrom(...Object.values(def.entries));
    case "optional":
    case "default":
      return withSecret(def.innerType, secret); // there, or the secret would not be
    case "nullable":
      return fc.option(withSecret(def.innerType, secret));
    case "array":
      return fc.array(withSecret(def.element, secret), { minLength: 1, maxLength: 12 });
    case "union":
      return fc.oneof(...def.options.map((option) => withSecret(option, secret)));
    case "object": {
      const fields = Object.entries(def.shape).map(([key, field]) => [key, withSecret(field, secret)] as const);
      return fc.record({ ...Object.fromEntries(fields), unnamed: fc.constant(secret), [secret]: fc.nat() });
    }
    default:
      throw new Error(`a ${def.type} is neither sensitive nor one of the shapes that are shown`);
  }
}

/** The fields that hold something. */
export function withoutNulls(fields: object): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
