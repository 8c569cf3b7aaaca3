/** A broker as its load program sees it: what a caller sends, what is kept, how the way there is encrypted. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { TLSSocket } from "node:tls";
import { payloadBytes } from "../workload.ts";
import { serveCallers } from "./callers.ts";

export type BrokerTask = {
  readonly port: number;
  /** PEM; undefined: plain TCP. */
  readonly certificateFile?: string | undefined;
  readonly connections: number;
};

export type BrokerClient = {
  /** Resolves when the broker has acknowledged it. `caller` says by which connection. */
  send(caller: number, payload: Buffer): Promise<unknown>;
  /** Messages that it keeps. */
  stored(): Promise<number>;
  /** Removes them. */
  clear(): Promise<unknown>;
  /** Of one of its connections. */
  readonly socket: object;
};

/** The certificate is localhost's. */
export function tlsOf({ certificateFile }: BrokerTask): { ca: string; servername: string } | undefined {
  if (certificateFile === undefined) return undefined;
  return { ca: readFileSync(certificateFile, "utf8"), servername: "localhost" };
}

export function serveBroker<Task>(connect: (task: Task) => Promise<BrokerClient>): void {
  let broker: BrokerClient;
  let payload = randomBytes(payloadBytes);
  let sent = 0;
  serveCallers(
    async (task: Task) => {
      broker = await connect(task);
      return (caller) => {
        sent++;
        return broker.send(caller, payload);
      };
    },
    {
      /** From now on payloads are that long, and what was sent before is gone. */
      begin: async (next: { readonly payloadBytes: number }) => {
        await broker.clear();
        payload = randomBytes(next.payloadBytes);
        sent = 0;
      },
      /** How many were begun since then. */
      sent: () => sent,
      stored: () => broker.stored(),
      encryption: () => encryptionOf(broker.socket),
    },
  );
}

function encryptionOf(socket: object): string {
  if (!(socket instanceof TLSSocket)) return "none";
  return `${socket.getProtocol()} ${socket.getCipher().standardName}`;
}
