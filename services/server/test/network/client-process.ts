/** A client as a process of its own, so that it can stand in another network: does what `client.ts` orders over IPC. */
import { createHash } from "node:crypto";
import { QpqError } from "quicproquo-proto";
import { RawClient, type RawOptions, type ServerKeys } from "../e2e/raw-client.ts";
import { type ExchangeOrder, type ExchangeReport, exchange, type ListenOrder, listen } from "./exchange.ts";

export type DialOrder = { readonly server: ServerKeys; readonly options: RawOptions; readonly dials: number };
export type DialReport = { readonly outcome: string; readonly tookMs: number };
export type SendOrder = {
  readonly server: ServerKeys;
  readonly options: RawOptions;
  readonly recipientKey: Uint8Array;
  readonly payload: Uint8Array;
};

/** What can be ordered. */
export type Orders = {
  /** All at once; the outcome is "connected" or the error's code. */
  readonly dial: (order: DialOrder) => Promise<readonly DialReport[]>;
  /** The payload to the server and back: SHA-256 of what came, in hex. */
  readonly carry: (order: SendOrder) => Promise<string>;
  readonly send: (order: SendOrder) => Promise<void>;
  readonly exchange: (order: ExchangeOrder) => Promise<ExchangeReport>;
  /** The seq of the one message that is waited for. */
  readonly listen: (order: ListenOrder) => Promise<number | undefined>;
  /** Over TCP. */
  readonly get: (url: string) => Promise<string>;
};

export type ToClient = { readonly order: keyof Orders; readonly argument: unknown } | { readonly order: "proceed" };
export type FromClient =
  | { readonly event: "halfway" }
  | { readonly event: "done"; readonly result: unknown }
  | { readonly event: "failed"; readonly code: string | undefined; readonly text: string };

const proceed = Promise.withResolvers<void>();

const orders: Orders = {
  dial: async ({ server, options, dials }) => {
    return await Promise.all(Array.from({ length: dials }, () => dialOnce(server, options)));
  },

  carry: async ({ server, options, recipientKey, payload }) => {
    using client = await RawClient.connect(server, options);
    await client.call("enqueue", { recipientKey, payload });
    const { payloads } = await client.call("fetch", { recipientKey });
    return createHash("sha256")
      .update(payloads[0]?.data ?? "")
      .digest("hex");
  },

  send: async ({ server, options, recipientKey, payload }) => {
    using client = await RawClient.connect(server, options);
    await client.call("enqueue", { recipientKey, payload });
  },

  exchange: async (order) => await exchange(order, halfway),

  listen: async (order) => await listen(order, halfway),

  get: async (url) => await (await fetch(url)).text(),
};

function halfway(): Promise<void> {
  tell({ event: "halfway" });
  return proceed.promise;
}

async function dialOnce(server: ServerKeys, options: RawOptions): Promise<DialReport> {
  const begunAtMs = performance.now();
  const outcome = await RawClient.connect(server, options).then(
    (client) => {
      client.close();
      return "connected";
    },
    (error: unknown) => (error instanceof QpqError ? error.code : String(error)),
  );
  return { outcome, tookMs: performance.now() - begunAtMs };
}

function tell(message: FromClient): void {
  process.send?.(message);
}

process.on("message", (message: ToClient) => {
  if (message.order === "proceed") return proceed.resolve();
  const run = orders[message.order] as (argument: unknown) => Promise<unknown>;
  run(message.argument).then(
    (result) => tell({ event: "done", result }),
    (error: unknown) => {
      const code = error instanceof QpqError ? error.code : undefined;
      tell({ event: "failed", code, text: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    },
  );
});
process.on("disconnect", () => process.exit());
