/** What every transport promises of its streams: bytes, ends, resets, limits, back-pressure. */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { it } from "node:test";
import { QpqError } from "quicproquo-proto";
import { type ByteStream, type Connection, closeCodes } from "../src/port.ts";
import type { ContractRig } from "./contract-rig.ts";
import { closed, echo, nextStream, readAll, roundTrip, streamClosed, writeAll } from "./stream-io.ts";

export function describeStreams({ start, pair }: ContractRig): void {
  it("answers what was sent, stream by stream", async () => {
    const { dial } = await start(echo);
    const client = await dial();
    assert.equal(await roundTrip(client, "one"), "one");
    assert.equal(await roundTrip(client, "two"), "two");
  });

  it("gives streams the ids of RFC 9000", async () => {
    const { client, server } = await pair();
    const ids = [client.openStream(), client.openStream(), server.openStream(), server.openStream()].map((s) => s.id);
    assert.deepEqual(ids, [0, 4, 1, 5]);
  });

  it("carries streams that the server opens", async () => {
    const { client, server } = await pair();
    echo(client);
    assert.equal(await roundTrip(server, "from the server"), "from the server");
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

  it("ends both sides of a reset stream with its code, and no other stream", async () => {
    const { client, server } = await pair();
    const doomed = client.openStream();
    const here = streamClosed(doomed);
    const incoming = nextStream(server);
    doomed.write(Buffer.from("x"));
    const other = await incoming;
    const there = streamClosed(other);
    echo(server);
    other.reset(closeCodes.limitExceeded);
    for (const error of [await here, await there]) {
      assert.ok(error instanceof QpqError);
      assert.equal(error.code, "E049_STREAM_RESET");
      assert.equal(Number(error.fields["code"]), closeCodes.limitExceeded);
    }
    assert.equal(await roundTrip(client, "still here"), "still here");
  });

  it("gives the credit of reset streams back", async () => {
    const { dial } = await start(echo, { streamsMax: 4 });
    const client = await dial();
    for (let i = 0; i < 20; i++) {
      const stream = client.openStream();
      const over = streamClosed(stream);
      const first = new Promise<void>((resolve) => {
        stream.onData = () => resolve();
      });
      stream.write(Buffer.from("x"));
      await first;
      stream.reset(closeCodes.done);
      await over;
      assert.equal(await roundTrip(client, `after ${i}`), `after ${i}`);
    }
  });

  it("carries many streams at once, each with its own bytes", async () => {
    const { dial } = await start(echo, { streamsMax: 100 });
    const client = await dial();
    const texts = Array.from({ length: 100 }, (_, i) => `stream ${i} `.repeat(50));
    assert.deepEqual(await Promise.all(texts.map((text) => roundTrip(client, text))), texts);
  });

  it("finds streams whose first bytes come in another order than they were opened", async () => {
    const { dial } = await start(echo);
    const client = await dial();
    const streams = Array.from({ length: 10 }, () => client.openStream());
    for (const stream of streams.toReversed()) {
      const answer = readAll(stream);
      stream.write(Buffer.from(`id ${stream.id}`));
      stream.end();
      assert.equal((await answer).toString(), `id ${stream.id}`);
    }
  });

  it("refuses a stream above the peer's limit and allows it again when one is over", async () => {
    const { dial } = await start(echo, { streamsMax: 2 });
    const client = await dial();
    const first = client.openStream();
    client.openStream().write(Buffer.from("x"));
    assert.throws(
      () => client.openStream(),
      (error) => error instanceof QpqError && error.code === "E021_OVERLOADED",
    );
    const over = streamClosed(first);
    first.onData = () => {};
    first.write(Buffer.from("x"));
    first.end();
    await over;
    // The peer's new credit comes in a frame of its own: ask until it is there.
    for (;;) {
      try {
        client.openStream();
        break;
      } catch {
        await new Promise(setImmediate);
      }
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
    const { client, server } = await pair();
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
      }
    };
    fill();
    const other = await incoming;
    other.pause();
    // The network takes some more; then it must be over, however long the reader pauses.
    for (let turns = 0; turns < 20; turns++) {
      await fence(client, server);
      fill();
    }
    assert.ok(written < 4 * 1024 * 1024, `${written} bytes went out to a reader that pauses`);
    const stuck = written;
    await fence(client, server);
    fill();
    assert.equal(written, stuck, "the writer was told to go on while the reader paused");
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
    const { client, server } = await pair();
    const stream = client.openStream();
    const incoming = nextStream(server);
    stream.write(Buffer.from("early"));
    stream.end();
    const other = await incoming;
    await fence(client, server);
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
    const { client, server } = await pair();
    server.onStream = (stream) => {
      stream.onData = (chunk) => void chunk.fill(0);
      stream.onEnd = () => stream.end();
    };
    const bytes = Buffer.from("sent to many");
    for (let i = 0; i < 3; i++) {
      const stream = client.openStream();
      const answered = readAll(stream);
      stream.write(bytes);
      stream.end();
      await answered;
    }
    assert.equal(bytes.toString(), "sent to many");
  });
}

/** Resolves when everything the client sent before has reached the server and its answers have come back. */
async function fence(client: Connection, server: Connection): Promise<void> {
  for (let i = 0; i < 5; i++) {
    const incoming = new Promise<ByteStream>((resolve) => {
      server.onStream = resolve;
    });
    const stream = client.openStream();
    const answer = readAll(stream);
    stream.write(Buffer.from("fence"));
    stream.end();
    const other = await incoming;
    await readAll(other);
    other.end();
    await answer;
  }
}
