/** What every transport promises of a stream: bytes, ends, resets, limits, back-pressure. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { it } from "node:test";
import { QpqError } from "quicproquo-proto";
import { closeCodes } from "../src/port.ts";
import type { ContractRig } from "./contract-rig.ts";
import { closed, echo, nextStream, readAll, roundTrip, streamClosed, writeAll } from "./stream-io.ts";

export function describeStreams({ start, pair }: ContractRig): void {
  it("answers what was sent", async () => {
    const { dial } = await start(echo);
    assert.equal(await roundTrip(await dial(), "one"), "one");
    assert.equal(await roundTrip(await dial(), "two"), "two");
  });

  it("carries 8 MiB both ways at once and tells a writer that is too fast to stop", { timeout: 30_000 }, async () => {
    const { dial } = await start(echo);
    const client = await dial();
    const stream = client.openStream();
    const sent = randomBytes(8 * 1024 * 1024);
    const answer = readAll(stream);
    const stops = await writeAll(stream, sent);
    const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
    assert.equal(hash(await answer), hash(sent));
    assert.ok(stops > 0, "the writer was never told to stop");
  });

  it("lets one side end while the other goes on", async () => {
    const { client, server } = await pair();
    const stream = client.openStream();
    const answer = readAll(stream);
    const incoming = nextStream(server);
    stream.write(Buffer.from("question"));
    stream.end();
    const other = await incoming;
    assert.equal((await readAll(other)).toString(), "question");
    const ended = streamClosed(other);
    other.write(Buffer.from("a late answer"));
    other.end();
    assert.equal((await answer).toString(), "a late answer");
    assert.equal(await ended, undefined);
  });

  it("ends both sides of a reset stream with its code", async () => {
    const { client, server } = await pair();
    const doomed = client.openStream();
    const here = streamClosed(doomed);
    const incoming = nextStream(server);
    doomed.write(Buffer.from("x"));
    const other = await incoming;
    const there = streamClosed(other);
    other.reset(closeCodes.limitExceeded);
    for (const error of [await here, await there]) {
      assert.ok(error instanceof QpqError);
      assert.equal(error.code, "E049_STREAM_RESET");
      assert.equal(Number(error.fields["code"]), closeCodes.limitExceeded);
    }
  });

  for (const closer of ["client", "server"] as const) {
    it(`takes the ${closer}'s close code and reason to the other side`, async () => {
      const { client, server } = await pair();
      const here = closed(closer === "client" ? client : server);
      const there = closed(closer === "client" ? server : client);
      (closer === "client" ? client : server).close(closeCodes.overloaded, "come\nback later");
      const seen = await there;
      assert.equal(seen.code, closeCodes.overloaded);
      assert.equal(seen.reason, "come?back later");
      assert.equal(seen.byPeer, true);
      assert.equal(seen.error?.code, "E042_CONNECTION_LOST");
      assert.equal((await here).byPeer, false);
    });
  }

  it("holds a sender back while the reader pauses, and loses nothing", { timeout: 30_000 }, async () => {
    const { client, server, fence } = await pair();
    const stream = client.openStream();
    const incoming = nextStream(server);
    const chunk = new Uint8Array(64 * 1024);
    let written = 0;
    let writable = true;
    stream.onDrain = () => {
      writable = true;
    };
    const fill = () => {
      while (writable) {
        writable = stream.write(chunk);
        written += chunk.length; // also the write that answers false is kept
        assert.ok(written < 12 * 1024 * 1024, "the writer was never told to stop");
      }
    };
    fill();
    const other = await incoming;
    other.pause();
    // The network takes some more; then it must be over, however long the reader pauses. Beside our own limits there are
    // a TCP connection's two kernel buffers, on Linux up to 4 and 6 MB, which fill in their own time.
    for (let quiet = 0; quiet < 20; quiet++) {
      const before = written;
      await fence();
      fill();
      if (written !== before) quiet = 0;
    }
    let received = 0;
    const all = new Promise<void>((resolve) => {
      other.onData = (bytes) => {
        received += bytes.length;
        if (received >= written) resolve();
      };
    });
    other.resume();
    await all;
    assert.equal(received, written);
  });

  it("resets a stream whose writer ignores every stop", async () => {
    const { client, server } = await pair({ sendQueueBytesMax: 4 * 1024 * 1024 });
    server.onStream = (stream) => stream.pause();
    const stream = client.openStream();
    const over = streamClosed(stream);
    for (let i = 0; i < 100; i++) stream.write(new Uint8Array(128 * 1024));
    const error = await over;
    assert.ok(error instanceof QpqError && error.code === "E049_STREAM_RESET");
    assert.equal(error.fields["code"], closeCodes.overloaded);
  });

  it("keeps what comes before onData is set", async () => {
    const { client, server, fence } = await pair();
    const stream = client.openStream();
    const incoming = nextStream(server);
    stream.write(Buffer.from("early"));
    stream.end();
    const other = await incoming;
    await fence();
    assert.equal((await readAll(other)).toString(), "early");
  });

  it("hands over chunks that are never written again", async () => {
    const { client, server } = await pair();
    const kept: Uint8Array[] = [];
    const incoming = nextStream(server);
    const stream = client.openStream();
    stream.write(Buffer.from("first "));
    const other = await incoming;
    const done = new Promise<void>((resolve) => {
      other.onData = (chunk) => void kept.push(chunk);
      other.onEnd = resolve;
    });
    for (let i = 0; i < 200; i++) {
      stream.write(Buffer.from(`message ${i} `));
      if (i % 20 === 0) await new Promise(setImmediate);
    }
    stream.end();
    await done;
    const text = Buffer.concat(kept).toString();
    assert.ok(text.endsWith("message 198 message 199 "));
  });

  it("leaves the writer's bytes alone when the reader changes its own", async () => {
    const { dial } = await start((connection) => {
      connection.onStream = (stream) => {
        stream.onData = (chunk) => void chunk.fill(0);
        stream.onEnd = () => stream.end();
      };
    });
    const bytes = Buffer.from("sent to many");
    for (let i = 0; i < 3; i++) {
      const stream = (await dial()).openStream();
      const answered = readAll(stream);
      stream.write(bytes);
      stream.end();
      await answered;
    }
    assert.equal(bytes.toString(), "sent to many");
  });
}
