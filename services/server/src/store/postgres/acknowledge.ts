/** Removes what readers have acknowledged: a batch of acks is one statement, answered after its commit. */
import type { AckRequest } from "../packing/codec.ts";
import type { Statement } from "./connector.ts";
import type { Link } from "./link.ts";
import { byteaArray, int8Array } from "./parameters.ts";
import { queryRepeatedly } from "./tries.ts";

/** Migration 1 has the function. It answers the store's epoch. */
const acknowledgeStatement: Statement = { name: "acknowledge", text: "SELECT acknowledge($1, $2, $3)" };

/** In the order of the requests: false where its epoch is not the store's. */
export async function acknowledge(link: Link, requests: readonly AckRequest[]): Promise<boolean[]> {
  const values = [
    byteaArray(requests.map(({ inbox }) => inbox)),
    int8Array(requests.map(({ upTo }) => upTo)),
    int8Array(requests.map(({ storeEpoch }) => storeEpoch)),
  ];
  // an ack that was carried out changes nothing the second time
  const [[epoch] = []] = await queryRepeatedly(link, { statement: acknowledgeStatement, values });
  const current = BigInt(epoch as string);
  return requests.map(({ storeEpoch }) => storeEpoch === 0n || storeEpoch === current);
}
