import { join } from "node:path";
import { expect, it } from "vitest";
import { echo, serve, soon, text, toText } from "../../conformance/transport/fabric.ts";
import { makeCertificates, toTlsConfig } from "../../support/certificates.ts";
import { describeNats } from "../../support/nats.ts";
import { tempFolder } from "../../support/store.ts";
import { setup } from "./support.ts";

describeNats("connecting to NATS with TLS", (binary) => {
  /** A server with TLS, and paths of certificates. */
  async function setupTls({ verify = true, skip }: { verify?: boolean; skip: (why: string) => never }) {
    const folder = tempFolder();
    try {
      makeCertificates(folder);
    } catch (error) {
      skip(`openssl makes no certificates here: ${String(error)}`);
    }
    const { server, connect } = await setup({ binary, config: toTlsConfig(folder, { verify }) });
    const file = (name: string): string => join(folder, name);
    const of = (name: string) => ({ cert: file(`${name}.pem`), key: file(`${name}.key`) });
    const servers = `tls://localhost:${server.port}`;
    return { server, connect, servers, file, of, ca: file("ca.pem") };
  }

  it("carries messages between two that trust each other, also where only the server asks for TLS", async ({
    skip,
  }) => {
    const { server, connect, servers, of, ca } = await setupTls({ skip });
    const tls = { ca, ...of("client") };

    const alice = await connect("alice", { servers, tls });
    const bob = await connect("bob", { servers: `localhost:${server.port}`, tls });
    await serve(alice, "work", echo);

    expect(toText(await bob.request("work", text("private"), soon))).toBe("private");
  });

  it("needs no certificate of its own where the server wants none", async ({ skip }) => {
    const { connect, servers, ca } = await setupTls({ skip, verify: false });

    await connect("alice", { servers, tls: { ca } });
  });

  it("is told TRANSPORT_DENIED at once of a server that it cannot trust", async ({ skip }) => {
    const { connect, servers, file, of } = await setupTls({ skip });

    for (const tls of [{}, { ca: file("other.pem") }, { ca: file("other.pem"), ...of("client") }]) {
      await expect(connect("alice", { servers, tls })).rejects.toMatchObject({
        code: "TRANSPORT_DENIED",
        detail: expect.stringMatching(/^The certificate of the NATS server at localhost:\d+ cannot be trusted \(\w+\)/),
      });
    }
  });

  it("is told TRANSPORT_DENIED at once of a server that does not trust it", async ({ skip }) => {
    const { connect, servers, of, ca } = await setupTls({ skip });
    const startedAt = performance.now();

    for (const tls of [{ ca }, { ca, ...of("stranger") }]) {
      await expect(connect("alice", { servers, tls })).rejects.toMatchObject({
        code: "TRANSPORT_DENIED",
        detail: expect.stringMatching(/^The NATS server at localhost:\d+ wants a certificate that it trusts \(\S+\)/),
      });
    }
    expect(performance.now() - startedAt).toBeLessThan(2_000); // the client would run out of time each time
  });

  it("refuses files that hold no certificates with INPUT_INVALID, and does not repeat what they hold", async ({
    skip,
  }) => {
    const { connect, servers, file, of, ca } = await setupTls({ skip });
    const garbage = file("garbage.pem");
    const bad = [
      { ca: file("missing.pem") },
      { ca: garbage },
      { ca, cert: of("client").cert },
      { ca, key: of("client").key },
      { ca, cert: garbage, key: garbage },
      { ca, cert: of("client").cert, key: of("stranger").key },
    ];

    for (const tls of bad) {
      await expect(connect("alice", { servers, tls }), JSON.stringify(tls)).rejects.toMatchObject({
        code: "INPUT_INVALID",
        detail: expect.not.stringContaining("s3cret"),
      });
    }
  });

  it("is told TRANSPORT_INCOMPATIBLE when it asks for TLS and the server has none", async () => {
    const { server, connect } = await setup({ binary });

    await expect(connect("alice", { servers: server.url.replace("nats:", "tls:") })).rejects.toMatchObject({
      code: "TRANSPORT_INCOMPATIBLE",
    });
  });
});
