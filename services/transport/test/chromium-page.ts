/** What a page in a real browser finds out about the WebSocket transport. Runs there; nothing here may need Node. */
import { QpqError } from "quicproquo-proto";
import { closeCodes, type ByteStream, type Connection, type ConnectionClosed } from "../src/port.ts";
import { dialWebSocket } from "../src/websocket/browser.ts";

/** Ports of servers that the page's origin may use, may not use, that close on the first byte, and that never answer. */
export type PagePorts = {
  readonly echo: number;
  readonly strict: number;
  readonly closing: number;
  readonly silent: number;
};

export type PageCheck = (ports: PagePorts) => Promise<void>;

const host = "localhost";
const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export const pageChecks: Readonly<Record<string, PageCheck>> = {
  "answers what was sent, and ends both sides": async ({ echo }) => {
    const stream = (await dialWebSocket({ host, port: echo })).openStream();
    const over = new Promise((resolve) => {
      stream.onClose = resolve;
    });
    const answer = readAll(stream);
    stream.write(encode("hello"));
    stream.end();
    equal(new TextDecoder().decode(await answer), "hello");
    equal(await over, undefined);
  },

  "carries 8 MiB both ways at once, tells a writer that is too fast to stop, and when to go on": async ({ echo }) => {
    const stream = (await dialWebSocket({ host, port: echo })).openStream();
    const sent = new Uint8Array(8 * 1024 * 1024).map((_, i) => (i * 2_654_435_761) >>> 24);
    const answer = readAll(stream);
    let stops = 0;
    for (let at = 0; at < sent.length; at += 65_536) {
      if (stream.write(sent.subarray(at, at + 65_536))) continue;
      stops += 1;
      await new Promise<void>((resolve) => {
        stream.onDrain = resolve;
      });
    }
    stream.end();
    equal(await hash(await answer), await hash(sent));
    equal(stops > 0, true);
  },

  "tells the server's close code and reason": async ({ closing }) => {
    const connection = await dialWebSocket({ host, port: closing });
    const over = closed(connection);
    connection.openStream().write(encode("x"));
    const { code, reason, byPeer } = await over;
    equal([code, reason, byPeer].join(), `${closeCodes.overloaded},come back later,true`);
  },

  "is refused by a server that does not allow the page's origin": async ({ strict }) => {
    equal(await codeOf(dialWebSocket({ host, port: strict })), "E040_CONNECT_FAILED");
  },

  "gives up a server that never answers at its deadline": async ({ silent }) => {
    const limits = { handshakeMsMax: 200 };
    equal(await codeOf(dialWebSocket({ host, port: silent, limits })), "E040_CONNECT_FAILED");
  },

  "ends a dial that is aborted": async ({ silent }) => {
    const controller = new AbortController();
    const dialled = codeOf(dialWebSocket({ host, port: silent, signal: controller.signal }));
    controller.abort();
    equal(await dialled, "E040_CONNECT_FAILED");
  },

  "keeps what comes while the reader pauses, in order": async ({ echo }) => {
    const connection = await dialWebSocket({ host, port: echo });
    const stream = connection.openStream();
    stream.pause();
    for (let i = 0; i < 100; i++) stream.write(encode(`message ${i} `));
    stream.end();
    const answer = readAll(stream);
    await dialAndAsk(echo); // by now the answers are here
    stream.resume();
    equal(new TextDecoder().decode(await answer).endsWith("message 98 message 99 "), true);
  },

  "resets the stream when a paused reader would cost more than the limit": async ({ echo }) => {
    const connection = await dialWebSocket({ host, port: echo, limits: { heldBytesMax: 65_536 } });
    const stream = connection.openStream();
    stream.pause();
    const over = new Promise<QpqError | undefined>((resolve) => {
      stream.onClose = resolve;
    });
    stream.write(new Uint8Array(262_144));
    const error = await over;
    equal(error?.code, "E049_STREAM_RESET");
    equal(error?.fields["code"], closeCodes.overloaded);
  },

  "hands what a callback throws to the page's error event, and ends only that connection": async ({ echo }) => {
    const doomed = await dialWebSocket({ host, port: echo });
    const told = new Promise<string>((resolve) => {
      page.addEventListener("error", ({ message }) => resolve(message), { once: true });
    });
    const over = closed(doomed);
    const stream = doomed.openStream();
    stream.onData = () => {
      throw new Error("planted");
    };
    stream.write(encode("x"));
    equal((await over).code, closeCodes.internal);
    equal((await told).includes("planted"), true);
    await dialAndAsk(echo);
  },
};

/** Of a page's global object what Node's types lack. */
const page = globalThis as unknown as {
  addEventListener(name: "error", listener: (event: { message: string }) => void, options: { once: true }): void;
};

/** Answers "ok" or what went wrong, for each check. */
export async function runPageChecks(ports: PagePorts): Promise<Record<string, string>> {
  const results: Record<string, string> = {};
  for (const [name, check] of Object.entries(pageChecks)) {
    results[name] = await check(ports).then(
      () => "ok",
      (error: unknown) => String(error),
    );
  }
  return results;
}

function equal(actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${String(actual)} in place of ${String(expected)}`);
}

async function dialAndAsk(port: number): Promise<void> {
  const stream = (await dialWebSocket({ host, port })).openStream();
  const answer = readAll(stream);
  stream.write(encode("x"));
  stream.end();
  equal((await answer).length, 1);
}

function closed(connection: Connection): Promise<ConnectionClosed> {
  return new Promise((resolve) => {
    connection.onClose = resolve;
  });
}

function codeOf(dialling: Promise<Connection>): Promise<string> {
  return dialling.then(
    () => "open",
    (error: unknown) => (error instanceof QpqError ? error.code : String(error)),
  );
}

function readAll(stream: ByteStream): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    stream.onData = (chunk) => void chunks.push(chunk);
    stream.onEnd = () => void new Blob(chunks as Uint8Array<ArrayBuffer>[]).bytes().then(resolve);
  });
}

async function hash(bytes: Uint8Array): Promise<string> {
  return String(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>)));
}
