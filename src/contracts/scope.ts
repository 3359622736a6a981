import { z } from "zod";
import { AionisError } from "./failures.ts";
import { word } from "./ids.ts";
import { limits } from "./limits.ts";

const part = word(limits.scopePartChars).refine((text) => !text.includes("/"), {
  error: "a tenant or project holds no slash",
});

/** Tenant and project. Nothing of one scope is visible in another (I11). */
export const Scope = z.strictObject({ tenant: part, project: part });
export type Scope = z.infer<typeof Scope>;

/** @throws AionisError `INPUT_INVALID` when `name` is not `tenant/project`. */
export function fromScopeName(name: string): Scope {
  const slash = name.indexOf("/");
  const parsed = Scope.safeParse({ tenant: name.slice(0, Math.max(slash, 0)), project: name.slice(slash + 1) });
  if (!parsed.success) {
    throw new AionisError("INPUT_INVALID", `The scope is "${name.slice(0, 80)}"; write it as "tenant/project".`);
  }
  return parsed.data;
}
