/**
 * One connection to one Redis node, for commands and for what it pushes (RESP3). The only file that knows the driver.
 *
 * Nothing is queued, repeated or resubscribed here: a connection that is lost is over, and another one is made by
 * node-link.ts. One that owes an answer and is silent for commandMsMax is given up, with all its commands. That time is
 * counted in ticks of our own, for a loop that stood still has heard nothing either.
 */
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { Redis } from "ioredis";
import { QpqError } from "quicproquo-proto";
import type { RedisAddress, RedisHost } from "./address.ts";

export type ConnectionLimits = {
  /** Until the node answers commands. */
  readonly connectMsMax: number;
  /** Of a node that owes an answer. */
  readonly commandMsMax: number;
};

export type Command = readonly [name: string, ...words: readonly (string | number | Buffer)[]];

/** A peer that vanished: the socket is not waited for. */
const disconnectMs = 50;

const silentTicksMax = 4;

export class RedisConnection {
  readonly #redis: Redis;
  readonly #lost = Promise.withResolvers<void>();
  readonly #ticking: ReturnType<typeof setInterval>;
  #isLost = false;
  /** What rejects the commands that wait for their answer. */
  readonly #unanswered = new Set<(error: Error) => void>();
  #silentTicks = 0;

  private constructor(redis: Redis, { commandMsMax }: ConnectionLimits) {
    this.#redis = redis;
    this.#ticking = setInterval(() => this.#tick(), commandMsMax / silentTicksMax);
    redis.on("end", () => this.#onEnd());
  }

  /** Rejects with the driver's errors; never with the password. */
  static async open(
    address: RedisAddress,
    host: RedisHost,
    limits: ConnectionLimits,
    signal: AbortSignal,
  ): Promise<RedisConnection> {
    const redis = new Redis({
      host: host.host,
      port: host.port,
      db: address.database,
      ...(address.user !== undefined && { username: address.user }),
      ...(address.password !== undefined && { password: address.password }),
      ...(address.isTls && { tls: await tlsOptionsOf(address) }),
      protocol: 3,
      connectionName: "qpq-server",
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResubscribe: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
      connectTimeout: limits.connectMsMax,
      disconnectTimeout: disconnectMs,
    });
    // told by the rejection, or by `lost`; the driver prints what nobody listens to
    let reason: unknown;
    redis.on("error", (error: unknown) => {
      reason = error;
    });
    const connection = new RedisConnection(redis, limits);
    // connectTimeout ends when the node has accepted; it may be loading its data, or stand still
    const timer = setTimeout(() => connection.destroy(), limits.connectMsMax);
    const abort = () => connection.destroy();
    signal.addEventListener("abort", abort);
    try {
      if (signal.aborted) abort();
      await Promise.race([redis.connect(), connection.lost]);
      if (connection.isLost) throw new Error("the node does not answer");
      return connection;
    } catch (error) {
      connection.destroy();
      throw reason ?? error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
    }
  }

  /** Resolves when the connection is over, for whatever reason. */
  get lost(): Promise<void> {
    return this.#lost.promise;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Strings are answered as bytes. Rejects with the node's error, or when the connection is lost. */
  async call([name, ...words]: Command): Promise<unknown> {
    return await this.#answered(this.#redis.callBuffer(name, ...words));
  }

  /** Written at once, answered in order; an error of one command stands in its place. */
  async callAll(commands: readonly Command[]): Promise<readonly unknown[]> {
    return await Promise.all(commands.map((command) => this.call(command).catch((error: unknown) => asError(error))));
  }

  /** `channels` are of slots that the node serves. Their messages come from when it resolves. */
  async subscribe(channels: readonly string[]): Promise<void> {
    // one command holds channels of one slot
    await Promise.all(channels.map((channel) => this.#answered(this.#redis.ssubscribe(channel))));
  }

  onMessage(listener: (channel: string, message: Buffer) => void): void {
    this.#redis.on("smessageBuffer", (channel: Buffer, message: Buffer) => listener(channel.toString(), message));
  }

  /** A channel's slot is served by another node now. */
  onMoved(listener: () => void): void {
    this.#redis.on("moved", listener);
  }

  destroy(): void {
    if (this.#isLost) return;
    this.#redis.disconnect(false);
    this.#onEnd();
  }

  /** Rejects at once when the connection is lost, whenever the driver has come to know it. */
  #answered<T>(answer: Promise<T>): Promise<T> {
    if (this.#isLost) {
      answer.catch(() => undefined); // told here
      return Promise.reject(lostError());
    }
    return new Promise((resolve, reject) => {
      this.#unanswered.add(reject);
      const settled = () => {
        this.#unanswered.delete(reject);
        this.#silentTicks = 0;
      };
      answer.then(resolve, reject).finally(settled);
    });
  }

  #tick(): void {
    this.#silentTicks = this.#unanswered.size === 0 ? 0 : this.#silentTicks + 1;
    if (this.#silentTicks > silentTicksMax) this.destroy();
  }

  #onEnd(): void {
    clearInterval(this.#ticking);
    this.#isLost = true;
    for (const reject of this.#unanswered) reject(lostError());
    this.#unanswered.clear();
    this.#lost.resolve();
  }
}

function lostError(): Error {
  return new Error("the connection to Redis is lost");
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

async function tlsOptionsOf({ rootCertificateFile }: RedisAddress): Promise<ConnectionOptions> {
  const ca = rootCertificateFile === undefined ? undefined : await readRoot(rootCertificateFile);
  return { minVersion: "TLSv1.2", ...(ca !== undefined && { ca }) };
}

async function readRoot(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new QpqError("E046_CONFIG", { text: "sslrootcert of the Redis URL cannot be read", cause });
  }
}
