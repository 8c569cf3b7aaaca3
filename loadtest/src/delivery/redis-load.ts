/**
 * Callers of XADD, each message to the stream of its inbox: what a delivery service on Redis alone would do. With `equal` it
 * keeps what our enqueue promises as well, as near as a script comes: a message once a key, a depth, seqs without gaps.
 */
import { Redis } from "ioredis";
import { inboxCount, queueDepthMax, Workload } from "../workload.ts";
import { several } from "./callers.ts";
import { type BrokerTask, serveBroker, tlsOf } from "./target.ts";

export type RedisTask = BrokerTask & { readonly equal?: boolean };

type Scripted = Redis & {
  /** Answers the id of the message, the first one's when it is sent again. */
  enqueueOnce(stream: string, once: string, depthMax: number, lifeSecs: number, payload: Buffer): Promise<string>;
};

/** `0-*`: the next number behind `0-`, so that numbers have no gaps. */
const enqueueOnce = `
  local before = redis.call('GET', KEYS[2])
  if before then return before end
  if redis.call('XLEN', KEYS[1]) >= tonumber(ARGV[1]) then return redis.error_reply('FULL') end
  local id = redis.call('XADD', KEYS[1], '0-*', 'p', ARGV[3])
  redis.call('SET', KEYS[2], id, 'EX', ARGV[2])
  return id`;
/** As long as our server knows a key. */
const lifeSecs = 7 * 86_400;

serveBroker(async (task: RedisTask) => {
  const { port, connections, equal = false } = task;
  const tls = tlsOf(task);
  const clients = await several(connections, async () => {
    const options = { host: "127.0.0.1", port, enableAutoPipelining: true, lazyConnect: true };
    const client = new Redis({ ...options, ...(tls !== undefined && { tls }) });
    client.defineCommand("enqueueOnce", { numberOfKeys: 2, lua: enqueueOnce });
    await client.connect();
    return client as Scripted;
  });
  const [first] = clients as [Scripted, ...Scripted[]];
  const keys = new Workload();
  let count = 0;
  return {
    send(caller, payload) {
      const client = clients[caller % connections] as Scripted;
      const stream = `s:${count++ % inboxCount}`;
      if (!equal) return client.xadd(stream, "*", "p", payload);
      const once = `d:${Buffer.from(keys.next().idempotencyKey).toString("base64")}`;
      return client.enqueueOnce(stream, once, queueDepthMax, lifeSecs, payload);
    },
    async stored() {
      const lengths = await Promise.all(Array.from({ length: inboxCount }, (_, i) => first.xlen(`s:${i}`)));
      return lengths.reduce((sum, length) => sum + length, 0);
    },
    // at once and not by a thread of Redis, which would go on in the window of another
    clear: () => first.flushall("SYNC"),
    socket: first.stream,
  };
});
