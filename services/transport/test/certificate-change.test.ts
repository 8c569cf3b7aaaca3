/** Listeners that are given another certificate while they run. */
import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { QpqError } from "quicproquo-proto";
import type { Connection, Listener } from "../src/port.ts";
import type { CertificatePair } from "../src/trust.ts";
import { makeCertificate, type TestCertificate } from "./certificate.ts";
import * as quic from "./quic-pair.ts";
import { earlyServer, sessionOf } from "./sessions.ts";
import { roundTrip } from "./stream-io.ts";
import * as webSocket from "./websocket-pair.ts";

type Changing = Listener & { setCertificate(pair: CertificatePair): void };

const transports: {
  readonly name: string;
  readonly start: (test: TestContext) => Promise<Changing>;
  readonly dial: (test: TestContext, to: Changing, trusted: TestCertificate) => Promise<Connection>;
}[] = [
  {
    name: "QUIC",
    start: (test) => quic.startListener(test),
    dial: (test, to, { certificate }) => quic.dial(test, to, { trust: { caCertificate: certificate } }),
  },
  {
    name: "WebSocket",
    start: (test) => webSocket.startListener(test, quic.trusted),
    dial: (test, to, { certificate }) => webSocket.dial(test, to, { trust: { caCertificate: certificate } }),
  },
];

const refusedBy = (code: string) => (error: unknown) => error instanceof QpqError && error.code === code;

for (const { name, start, dial } of transports) {
  describe(`a ${name} listener`, () => {
    it("shows a new certificate to who comes from then on, and keeps who is there", async (test) => {
      const listener = await start(test);
      const before = await dial(test, listener, quic.trusted);
      const next = await makeCertificate();
      listener.setCertificate(next);
      const after = await dial(test, listener, next);
      await assert.rejects(dial(test, listener, quic.trusted), refusedBy("E041_CERTIFICATE"));
      assert.equal(await roundTrip(before, "there all along"), "there all along");
      assert.equal(await roundTrip(after, "come later"), "come later");
    });

    it("refuses a pair that it cannot use, and goes on with the one it has", async (test) => {
      const listener = await start(test);
      const other = await makeCertificate();
      const rubbish = Buffer.from("no certificate");
      for (const pair of [
        { ...other, privateKey: quic.trusted.privateKey },
        { ...other, certificate: rubbish },
        { ...other, privateKey: rubbish },
      ]) {
        assert.throws(() => listener.setCertificate(pair), refusedBy("E046_CONFIG"));
      }
      assert.equal(await roundTrip(await dial(test, listener, quic.trusted), "as before"), "as before");
    });
  });
}

it("resumes sessions of the certificate before: the ticket key is the one it had last", async (test) => {
  const listener = await quic.startListener(test, earlyServer());
  listener.setTicketKey(new Uint8Array(48).fill(7));
  const session = await sessionOf(test, listener);
  listener.setCertificate(await makeCertificate());
  assert.equal((await quic.dial(test, listener, { session })).info.resumed, true);
});
