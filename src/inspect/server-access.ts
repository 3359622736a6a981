// Access
//
// Who may look: programs and pages of this machine that know the token. Owns the decision for one request; it answers nothing itself.
//
// Invariants:
//   A1. The Host is loopback's name with our port. A page of somebody else's whose name suddenly means 127.0.0.1 asks for its own name.
//   A2. A WebSocket that a page opens comes from our own page: its Origin, which browsers always send and pages cannot choose, is ours.
//   A3. Tokens are compared in a time that says nothing of where they differ.

import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** A refusal: the status, and a sentence for a person. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly detail: string;
}

export interface Access {
  /** Nothing when the request may be answered. */
  refuse(request: IncomingMessage): Refusal | undefined;
  /** Keeps the token for the page's own requests, out of scripts' reach and off its address. */
  readonly cookie: string;
}

/** `port` is the one that is listened on. */
export function createAccess({ token, port }: { token: string; port: number }): Access {
  const hosts = ["127.0.0.1", "localhost"].flatMap((name) => [`${name}:${port}`, ...(port === 80 ? [name] : [])]);
  const origins = hosts.map((host) => `http://${host}`);
  const name = `aionis_inspect_${port}`; // cookies are shared by all ports of a host

  return {
    cookie: `${name}=${token}; Path=/; HttpOnly; SameSite=Strict`,
    refuse({ headers, url }) {
      const { host = "", origin } = headers;
      if (!hosts.includes(host.toLowerCase()))
        return { status: 403, detail: `This server is ${hosts[0]}, and was asked as somebody else.` }; // A1
      if (origin !== undefined && !origins.includes(origin))
        return { status: 403, detail: "A page of another origin may not look in here." }; // A2
      const given = readTarget(url).query.get("token") ?? readCookie(headers.cookie, name);
      if (given !== undefined && isSame(given, token)) return undefined;
      const detail = given === undefined ? "The address lacks its token" : "The token is not that of this start";
      return { status: 401, detail: `${detail}: open the address that was printed when the inspector started.` };
    },
  };
}

/** What a request asks for. A target that is no path is one that nobody serves. */
export function readTarget(target = "/"): { path: string; query: URLSearchParams } {
  const [path = "", ...query] = target.split("?");
  return { path, query: new URLSearchParams(query.join("?")) };
}

function readCookie(header: string | undefined, name: string): string | undefined {
  const cookies = (header ?? "").split(";").map((cookie) => cookie.trim());
  return cookies.find((cookie) => cookie.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** A3: digests, for the comparison wants equal lengths. */
function isSame(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}
