/** What a transport promises beyond that whose connections carry many streams at once. */
import assert from "node:assert/strict";
import { it } from "node:test";
import { QpqError } from "quicproquo-proto";
import { closeCodes } from "../src/port.ts";
import type { ContractRig } from "./contract-rig.ts";
import { echo, nextStream, readAll, roundTrip, streamClosed } from "./stream-io.ts";

export function describeManyStreams({ start, pair }: ContractRig): void {
  it("answers what was sent, stream by stream", async () => {
    const { dial } = await start(echo);
    const client = await dial();
    assert.equal(await roundTrip(client, "one"), "one");
    assert.equal(await roundTrip(client, "two"), "two");
  });

  it("leaves other streams alone when one is reset", async () => {
    const { client, server } = await pair();
    const doomed = client.openStream();
    const over = streamClosed(doomed);
    const incoming = nextStream(server);
    doomed.write(Buffer.from("x"));
    const other = await incoming;
    echo(server);
    other.reset(closeCodes.limitExceeded);
    await over;
    assert.equal(await roundTrip(client, "still here"), "still here");
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
}
