/** Which servers a dial accepts, and that it says at once why not. */
import assert from "node:assert/strict";
import { createHash, randomBytes, X509Certificate } from "node:crypto";
import { it } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { QpqError } from "quicproquo-proto";
import { closeCodes, type Connection, type ConnectionClosed } from "../src/port.ts";
import type { Trust } from "../src/quic/index.ts";
import { makeCertificate, makeSigned } from "./certificate.ts";
import { dial, startListener, trusted } from "./quic-pair.ts";
import { assertError, refused } from "./refused-dial.ts";
import { type Chunk, earlyServer, noting, sessionOf } from "./sessions.ts";
import { closed, roundTrip } from "./stream-io.ts";

function pinOf(certificate: Uint8Array): Buffer {
  const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(key).digest();
}

const pinned: Trust = { pins: [randomBytes(32), pinOf(trusted.certificate)] };

it("takes certificates and keys as PEM too", async (test) => {
  const pem = (bytes: Uint8Array, label: string) =>
    `-----BEGIN ${label}-----\n${Buffer.from(bytes).toString("base64")}\n-----END ${label}-----\n`;
  const certificate = pem(trusted.certificate, "CERTIFICATE");
  const listener = await startListener(test, { certificate, privateKey: pem(trusted.privateKey, "PRIVATE KEY") });
  const client = await dial(test, listener, { trust: { caCertificate: Buffer.from(certificate) } });
  assert.equal(await roundTrip(client, "pem"), "pem");
});

it("refuses a server whose certificate is another than the trusted one", async (test) => {
  const listener = await startListener(test);
  const other = await makeCertificate();
  const error = await refused(test, listener, { trust: { caCertificate: other.certificate } });
  assertError(error, "E041_CERTIFICATE", /not the trusted one/);
});

it("refuses a server whose certificate is for another name", async (test) => {
  const listener = await startListener(test);
  const error = await refused(test, listener, { serverName: "elsewhere.example" });
  assertError(error, "E041_CERTIFICATE", /not for this server name/);
});

it("refuses a server whose certificate has expired", async (test) => {
  const old = await makeCertificate({ notBefore: new Date("2020-01-01"), notAfter: new Date("2020-02-01") });
  const listener = await startListener(test, { certificate: old.certificate, privateKey: old.privateKey });
  const error = await refused(test, listener, { trust: { caCertificate: old.certificate } });
  assertError(error, "E041_CERTIFICATE", /not valid now/);
});

it("refuses a server whose certificate is not valid yet", async (test) => {
  const young = await makeCertificate({
    notBefore: new Date(Date.now() + 3_600_000),
    notAfter: new Date(Date.now() + 7_200_000),
  });
  const listener = await startListener(test, { certificate: young.certificate, privateKey: young.privateKey });
  const error = await refused(test, listener, { trust: { caCertificate: young.certificate } });
  assertError(error, "E041_CERTIFICATE", /not valid now/);
});

it("refuses an address in place of a server name", async (test) => {
  const listener = await startListener(test);
  assertError(await refused(test, listener, { serverName: "127.0.0.1" }), "E041_CERTIFICATE", /must be a DNS name/);
});

it("trusts what the one certificate has signed", async (test) => {
  const { authority, server } = await makeSigned();
  const listener = await startListener(test, server);
  const client = await dial(test, listener, { trust: { caCertificate: authority } });
  assert.equal(await roundTrip(client, "signed"), "signed");
  const self = await startListener(test);
  assertError(
    await refused(test, self, { trust: { caCertificate: authority } }),
    "E041_CERTIFICATE",
    /not the trusted/,
  );
});

it("trusts the authorities of the system, and only those", async (test) => {
  const { authority, server } = await makeSigned();
  const listener = await startListener(test, server);
  const trust = { systemRoots: true } as const;
  assertError(await refused(test, listener, { trust }), "E041_CERTIFICATE", /not the trusted/);
  const before = getCACertificates("default");
  const pem = new X509Certificate(authority).toString();
  setDefaultCACertificates([...before, pem]);
  test.after(() => setDefaultCACertificates(before));
  assert.equal(await roundTrip(await dial(test, listener, { trust }), "known"), "known");
  setDefaultCACertificates(before);
  assertError(await refused(test, listener, { trust }), "E041_CERTIFICATE", /not the trusted/);
  setDefaultCACertificates([...before, pem]);
  const error = await refused(test, listener, { trust, serverName: "elsewhere.example" });
  assertError(error, "E041_CERTIFICATE", /not for this server name/);
});

it("trusts a pinned key, whatever name and dates its certificate has", async (test) => {
  const old = await makeCertificate({
    name: "elsewhere.example",
    notAfter: new Date("2020-02-01"),
    notBefore: new Date("2020-01-01"),
  });
  const listener = await startListener(test, old);
  const client = await dial(test, listener, { trust: { pins: [pinOf(old.certificate)] } });
  assert.equal(await roundTrip(client, "by its key"), "by its key");
});

it("refuses a key that is not pinned before it sends anything, and tells the server", async (test) => {
  const told = Promise.withResolvers<ConnectionClosed>();
  const streams: number[] = [];
  const listener = await startListener(test, {
    onConnection: (connection: Connection) => {
      connection.onStream = (stream) => void streams.push(stream.id);
      void closed(connection).then(told.resolve);
    },
  });
  const error = await refused(test, listener, { trust: { pins: [randomBytes(32)] } });
  assertError(error, "E041_CERTIFICATE", /not one of the pinned/);
  assert.equal((await told.promise).code, closeCodes.certificateRefused);
  assert.deepEqual(streams, []);
});

it("sends early data to a pinned key with a session of its own, and to no other key", async (test) => {
  const heard: Chunk[] = [];
  const options = { ...earlyServer(), onConnection: noting(heard) };
  const listener = await startListener(test, options);
  const session = await sessionOf(test, listener, { trust: pinned });
  const client = await dial(test, listener, { trust: pinned, session, earlyData: true });
  assert.equal(await roundTrip(client, "early"), "early");
  assert.deepEqual(heard.at(-1), { text: "early", early: true });
  const other = await makeCertificate();
  const impostor = await startListener(test, { ...options, ...other, ticketKey: randomBytes(48) });
  heard.length = 0;
  const deceived = await dial(test, impostor, { trust: pinned, session, earlyData: true });
  const over = closed(deceived);
  deceived.openStream().write(Buffer.from("for the real one"));
  const { error, code } = await over;
  assert.deepEqual([error?.code, code], ["E041_CERTIFICATE", closeCodes.certificateRefused]);
  assert.deepEqual(heard, []);
});

it("makes a full handshake with a session that was checked against other pins, or none", async (test) => {
  const listener = await startListener(test, earlyServer());
  const byCertificate = await sessionOf(test, listener);
  const byOtherPins = await sessionOf(test, listener, { trust: { pins: [pinOf(trusted.certificate)] } });
  for (const session of [byCertificate, byOtherPins]) {
    const client = await dial(test, listener, { trust: pinned, session, earlyData: true });
    assert.deepEqual([client.inEarlyData, client.info.resumed], [false, false]);
  }
});

it("refuses pins that are none", async (test) => {
  const listener = await startListener(test);
  const many = Array.from({ length: 17 }, () => randomBytes(32));
  for (const pins of [[], [randomBytes(31)], [randomBytes(32), new Uint8Array(33)], many]) {
    await assert.rejects(
      dial(test, listener, { trust: { pins } }),
      (error) => error instanceof QpqError && error.code === "E046_CONFIG",
    );
  }
});
