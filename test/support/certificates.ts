import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Writes certificates into `folder`, each as `<name>.pem` with `<name>.key`: `server` (for localhost) and `client` of the authority
 * `ca`, and `stranger` of the authority `other`. `garbage.pem` is no certificate.
 * @throws Error where there is no openssl that can.
 */
export function makeCertificates(folder: string): void {
  const openssl = (...argv: string[]): void => void execFileSync("openssl", argv, { cwd: folder, stdio: "ignore" });
  const make = (name: string, ...argv: string[]): void => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${name}.key`];
    openssl("req", "-x509", ...key, "-days", "2", "-out", `${name}.pem`, "-subj", `/CN=${name}`, ...argv);
  };
  const by = (authority: string): string[] => ["-CA", `${authority}.pem`, "-CAkey", `${authority}.key`];
  const extensions = ["subjectAltName=DNS:localhost", "basicConstraints=critical,CA:FALSE"];
  const limits = extensions.flatMap((extension) => ["-addext", extension]);

  make("ca");
  make("other");
  make("server", ...by("ca"), ...limits);
  make("client", ...by("ca"), ...limits);
  make("stranger", ...by("other"), ...limits);
  writeFileSync(join(folder, "garbage.pem"), "s3cret");
}

/** The lines of a nats-server's configuration with which it speaks TLS as `server`. */
export function toTlsConfig(folder: string, { verify }: { verify: boolean }): string {
  const file = (name: string): string => JSON.stringify(join(folder, name));
  return `tls { cert_file: ${file("server.pem")}, key_file: ${file("server.key")}, ca_file: ${file("ca.pem")}, verify: ${verify} }`;
}
