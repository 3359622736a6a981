import { readFileSync } from "node:fs";
import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "@nats-io/transport-node";
import { AionisError } from "../../src/contracts/failures.ts";
import type { NatsCredentials } from "./options.ts";

/** @throws AionisError `INPUT_INVALID` when the seed or the file cannot be read. */
export function toAuthenticator(credentials: NatsCredentials): Authenticator {
  if ("token" in credentials) return tokenAuthenticator(credentials.token);
  if ("user" in credentials) return usernamePasswordAuthenticator(credentials.user, credentials.password);
  if ("credsFile" in credentials) return fromFile(credentials.credsFile);
  const { nkeySeed } = credentials;
  return tried(
    () => nkeyAuthenticator(Buffer.from(nkeySeed)),
    "The NKey seed cannot be read; a user's begins with SU.",
  );
}

function fromFile(path: string): Authenticator {
  const why = `The credentials file ${path} cannot be read; it holds a user's JWT and seed, as the tool nsc writes them.`;
  const read = (): Authenticator => tried(() => credsAuthenticator(readFileSync(path)), why);
  let last = read();
  return (nonce) => {
    try {
      last = read();
    } catch {
      // It is being replaced. What it held before counts until then; an error here would end the client.
    }
    return last(nonce);
  };
}

/** An authenticator that has signed something. What the libraries say of one that cannot may hold the secret, so it is left out. */
function tried(make: () => Authenticator, why: string): Authenticator {
  try {
    const authenticator = make();
    authenticator("a nonce");
    return authenticator;
  } catch {
    throw new AionisError("INPUT_INVALID", why);
  }
}
