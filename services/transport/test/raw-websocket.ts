/** A WebSocket client made of a bare TLS socket, for what the dialer never does. Frames as in RFC 6455 section 5.2. */
import { once } from "node:events";
import type { TestContext } from "node:test";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { trusted } from "./websocket-pair.ts";
import { pemOf } from "../src/trust.ts";

export type Frame = {
  readonly opcode: number;
  readonly payload?: Uint8Array;
  /** Default true: last of its message. */
  readonly fin?: boolean;
  /** Default true, as a client must. */
  readonly masked?: boolean;
  /** Announced length in place of the payload's. */
  readonly length?: number;
};

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export class RawWebSocket {
  readonly socket: TLSSocket;
  /** What came and was not taken yet. */
  #received = Buffer.alloc(0);
  #ended = false;
  #wake: (() => void) | undefined;

  constructor(socket: TLSSocket) {
    this.socket = socket;
    socket.on("error", () => {}); // a reset, which "close" tells as well
    socket.on("data", (chunk: Buffer) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#wake?.();
    });
    socket.on("close", () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  static async openTls(
    test: TestContext,
    to: { readonly port: number },
    options: ConnectionOptions = {},
  ): Promise<RawWebSocket> {
    const socket = connect({
      host: "127.0.0.1",
      port: to.port,
      servername: "localhost",
      ca: pemOf(trusted.certificate, "CERTIFICATE"),
      ALPNProtocols: ["http/1.1"],
      ...options,
    });
    test.after(() => socket.destroy());
    const raw = new RawWebSocket(socket);
    await once(socket, "secureConnect");
    return raw;
  }

  /** Upgraded, nothing sent yet. */
  static async open(test: TestContext, to: { readonly port: number }): Promise<RawWebSocket> {
    const raw = await RawWebSocket.openTls(test, to);
    const answer = await raw.request();
    if (!answer.startsWith("HTTP/1.1 101 ")) throw new Error(answer);
    return raw;
  }

  /** Asks for an upgrade; answers what comes up to the end of the HTTP header. Undefined removes a header. */
  request(headers: Record<string, string | undefined> = {}, target = "/capnp"): Promise<string> {
    const all = {
      Host: "localhost",
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Protocol": "capnp",
      ...headers,
    };
    const lines = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]));
    this.socket.write([`GET ${target} HTTP/1.1`, ...lines, "", ""].join("\r\n"));
    return this.readUntil("\r\n\r\n");
  }

  send(...frames: readonly Frame[]): void {
    this.socket.write(Buffer.concat(frames.map(encode)));
  }

  async readUntil(end: string): Promise<string> {
    const at = await this.#until(() => {
      const found = this.#received.indexOf(end);
      return found < 0 ? undefined : found + end.length;
    });
    return this.#take(at).toString("latin1");
  }

  /** The server's next frame. */
  async frame(): Promise<{ readonly opcode: number; readonly payload: Buffer }> {
    const { opcode, from, to } = await this.#until(() => headerOf(this.#received));
    return { opcode, payload: this.#take(to).subarray(from) };
  }

  /** The status of the server's Close frame, behind whatever else it sends. */
  async closeStatus(): Promise<number> {
    for (;;) {
      const { opcode, payload } = await this.frame();
      if (opcode === opcodes.close) return payload.readUInt16BE();
    }
  }

  /** Resolves when the TCP connection is gone. */
  async gone(): Promise<void> {
    if (!this.#ended) await new Promise((resolve) => this.socket.once("close", resolve));
  }

  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      if (this.#ended)
        throw new Error(`the connection ended behind ${JSON.stringify(this.#received.toString("latin1"))}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.#received.subarray(0, bytes);
    this.#received = this.#received.subarray(bytes);
    return taken;
  }
}

/** Undefined while the frame is not complete. */
function headerOf(bytes: Buffer): { readonly opcode: number; readonly from: number; readonly to: number } | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] ?? 0) & 0x7f;
  const from = short === 127 ? 10 : short === 126 ? 4 : 2;
  if (bytes.length < from) return undefined;
  const length = short === 127 ? Number(bytes.readBigUInt64BE(2)) : short === 126 ? bytes.readUInt16BE(2) : short;
  return bytes.length < from + length ? undefined : { opcode: (bytes[0] ?? 0) & 0x0f, from, to: from + length };
}

function encode({ opcode, payload = new Uint8Array(0), fin = true, masked = true, length }: Frame): Buffer {
  const announced = length ?? payload.length;
  const header = Buffer.alloc(10);
  header[0] = (fin ? 0x80 : 0) | opcode;
  header[1] = (masked ? 0x80 : 0) | 127;
  header.writeBigUInt64BE(BigInt(announced), 2);
  const isControl = opcode >= opcodes.close;
  const head = isControl ? Buffer.from([header[0], (masked ? 0x80 : 0) | announced]) : header;
  const mask = Buffer.alloc(masked ? 4 : 0); // zeros leave the payload as it is
  return Buffer.concat([head, mask, payload]);
}
