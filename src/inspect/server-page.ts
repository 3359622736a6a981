// The page's files, and the headers under which a browser gets them.

import type { OutgoingHttpHeaders } from "node:http";
import { AionisError } from "../contracts/failures.ts";
import { readPageTexts } from "./page-texts.ts";

/** Where the page shows the stream on request, unless another place is given. */
export const statelyUrlDefault = "https://stately.ai/inspect";

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  svg: "image/svg+xml",
};

export interface PageFile {
  readonly type: string;
  readonly text: string;
}

/** The page's files by their paths on the server. */
export function readPage(statelyUrl: URL): ReadonlyMap<string, PageFile> {
  return new Map(
    Object.entries(readPageTexts()).map(([file, text]) => {
      const type = types[file.split(".").at(-1) ?? ""] ?? "";
      const path = file === "index.html" ? "/" : `/${file}`;
      return [path, { type, text: text.replace("{{statelyUrl}}", () => escapeAttribute(statelyUrl.href)) }];
    }),
  );
}

/** Nothing of anybody else's is loaded but the inspector that a person asks for, and nobody else shows the page in a frame. */
export function toPageHeaders({ port, statelyUrl }: { port: number; statelyUrl: URL }): OutgoingHttpHeaders {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ws://127.0.0.1:${port} ws://localhost:${port}`,
    `frame-src ${statelyUrl.origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer", // the first address holds the token
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
  };
}

/** @throws AionisError `INPUT_INVALID` for what is neither https nor on this machine: what is shown there could be read on the way. */
export function readStatelyUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isLocal = url?.protocol === "http:" && ["127.0.0.1", "localhost"].includes(url.hostname);
  if (url !== undefined && (url.protocol === "https:" || isLocal)) return url;
  throw new AionisError(
    "INPUT_INVALID",
    `The inspector's address is "${text}": it must be https, or http on this machine.`,
  );
}

function escapeAttribute(text: string): string {
  return text.replace(/[&"'<>]/g, (char) => `&#${char.charCodeAt(0)};`);
}
