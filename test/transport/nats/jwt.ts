import { nkeys } from "@nats-io/transport-node";

/** An account of an operator of its own: what the server must know, and credentials files of new users. */
export function makeJwtAccount(): { config: string; makeCredentials(): string } {
  const [operator, account] = [nkeys.createOperator(), nkeys.createAccount()];
  const operatorJwt = sign(operator, operator.getPublicKey(), { type: "operator", version: 2 });
  const accountJwt = sign(operator, account.getPublicKey(), {
    type: "account",
    version: 2,
    limits: { conn: -1, subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true },
  });
  return {
    config: `operator: ${operatorJwt}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${accountJwt} }`,
    makeCredentials: () => {
      const user = nkeys.createUser();
      const userJwt = sign(account, user.getPublicKey(), { type: "user", version: 2, subs: -1, data: -1, payload: -1 });
      return [
        "-----BEGIN NATS USER JWT-----",
        userJwt,
        "------END NATS USER JWT------",
        "",
        "-----BEGIN USER NKEY SEED-----",
        Buffer.from(user.getSeed()).toString(),
        "------END USER NKEY SEED------",
        "",
      ].join("\n");
    },
  };
}

function sign(issuer: ReturnType<typeof nkeys.createUser>, subject: string, nats: Record<string, unknown>): string {
  const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = {
    jti: subject,
    iat: Math.floor(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    sub: subject,
    name: subject,
    nats,
  };
  const text = `${encode({ typ: "JWT", alg: "ed25519-nkey" })}.${encode(claims)}`;
  return `${text}.${Buffer.from(issuer.sign(Buffer.from(text))).toString("base64url")}`;
}
