// TLS
//
// Tries a program's certificates on a server before the client is let near it. A server that refuses a certificate says so after the
// handshake (TLS 1.3), which the client does not hear: it would only run out of time.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createConnection, isIP, type Socket } from "node:net";
import { connect, createSecureContext, type TLSSocket } from "node:tls";
import { AionisError } from "../../src/contracts/failures.ts";
import type { Clock } from "../../src/kernel/clock.ts";
import type { FoundServer } from "./addresses.ts";
import type { TlsFiles } from "./options.ts";

interface Certificates {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

const consentMs = 500; // a server that refuses a certificate does so at once

/**
 * Settles when both sides trust each other.
 * @throws AionisError `TRANSPORT_DENIED` when one does not, `TRANSPORT_UNREACHABLE` when the server hangs up or is silent,
 *   `INPUT_INVALID` for files that hold no certificates.
 */
export async function tryTls(
  server: FoundServer,
  files: TlsFiles,
  { timeoutMs, clock }: { timeoutMs: number; clock: Pick<Clock, "setTimer"> },
): Promise<void> {
  const certificates = readCertificates(files);
  const { host, port, text } = server;
  const trial = Promise.withResolvers<void>();
  const lose = (why: unknown): void => trial.reject(toLoss(text, String(why)));
  let cancelTimer = clock.setTimer(timeoutMs, () => lose(`silent for ${timeoutMs} ms`));
  const socket = createConnection({ host, port });
  untilGreeted(socket).then(() => {
    const secure = shake(socket, host, certificates);
    const end = (why: string): void => (server.wantsCertificate ? trial.reject(toRefusal(text, why)) : lose(why));
    secure.on("error", (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
    secure.on("close", () => end("it hung up"));
    secure.on("secureConnect", () => {
      if (!secure.authorized) return trial.reject(toDistrust(text, String(secure.authorizationError)));
      if (!server.wantsCertificate) return trial.resolve();
      cancelTimer();
      cancelTimer = clock.setTimer(consentMs, trial.resolve);
      secure.on("session", () => trial.resolve()); // a server that gives any does so once it has accepted the certificate
    });
  }, lose);
  try {
    await trial.promise;
  } finally {
    cancelTimer();
    socket.destroy();
  }
}

/** Distrust is looked at by the caller: only then it can be told from what else breaks a handshake. */
function shake(socket: Socket, host: string, certificates: Certificates): TLSSocket {
  const name = isIP(host) === 0 ? { servername: host } : {}; // as the client does it
  return connect({ socket, ...name, ...certificates, rejectUnauthorized: false });
}

/** Nothing of what follows the greeting may be read here. */
function untilGreeted(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    let heard = "";
    const hear = (chunk: Buffer): void => {
      heard += chunk.toString("latin1");
      if (!heard.endsWith("\r\n")) return;
      socket.off("data", hear);
      resolve();
    };
    socket
      .on("data", hear)
      .on("error", reject)
      .on("close", () => reject(new Error("it hung up")));
  });
}

function toLoss(text: string, why: string): AionisError {
  return new AionisError("TRANSPORT_UNREACHABLE", `The NATS server at ${text} breaks TLS off: ${why}.`);
}

/** A server that asks for certificates and hangs up has not trusted what it saw. */
function toRefusal(text: string, why: string): AionisError {
  const detail = `The NATS server at ${text} wants a certificate that it trusts (${why}). Give it one, with its key.`;
  return new AionisError("TRANSPORT_DENIED", detail);
}

function toDistrust(text: string, why: string): AionisError {
  const detail = `The certificate of the NATS server at ${text} cannot be trusted (${why}). Give the authority that vouches for it, and the name that it is for.`;
  return new AionisError("TRANSPORT_DENIED", detail);
}

function readCertificates({ ca, cert, key }: TlsFiles): Certificates {
  if ((cert === undefined) !== (key === undefined))
    throw new AionisError("INPUT_INVALID", "A certificate and its key belong together: give both, or none.");
  const authority = ca === undefined ? {} : { ca: tried(() => readFileSync(ca), `${ca} cannot be read`) };
  if (authority.ca !== undefined) tried(() => new X509Certificate(authority.ca), `${ca} holds no certificate (PEM)`);
  if (cert === undefined || key === undefined) return authority;
  const why = `${cert} and ${key} are not a certificate and its key (PEM)`;
  const own = tried(() => {
    const files = { cert: readFileSync(cert), key: readFileSync(key) };
    createSecureContext(files);
    return files;
  }, why);
  return { ...authority, ...own };
}

/** Of what went wrong only the code is told: nothing of a key. */
function tried<Value>(make: () => Value, why: string): Value {
  try {
    return make();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new AionisError("INPUT_INVALID", `${why}: ${code}.`);
  }
}
