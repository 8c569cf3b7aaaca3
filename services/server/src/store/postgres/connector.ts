/**
 * Connects to the host that takes writes, and sets the session up. The only file that knows the driver.
 *
 * Of several hosts the one that served last is tried first; one that is a standby, or not there, is passed over. Who
 * wants to try again, and when, is the caller's affair (link.ts).
 */
import { readFile } from "node:fs/promises";
import type { ConnectionOptions } from "node:tls";
import { Client } from "pg";
import { QpqError } from "quicproquo-proto";
import type { DatabaseAddress, DatabaseHost } from "./address.ts";
import { causeOf, failureOf, unavailable } from "./failure.ts";
import { checkSchema } from "./schema.ts";

export type ConnectorOptions = {
  readonly address: DatabaseAddress;
  /** Asked at each connect, so that it may change. Only SCRAM is spoken: it shows the password to nobody. */
  readonly password?: (() => Promise<string>) | undefined;
  /** For each host. */
  readonly connectMsMax: number;
  /** Only `migrate` connects to a database of another schema. */
  readonly anySchema?: boolean;
};

/** Values as the driver takes them: a Buffer crosses in binary format, the rest as text. */
export type Value = Buffer | string | number | bigint | boolean;
export type Row = readonly (string | null)[];

/** A statement that the server prepares once a connection. */
export type Statement = { readonly name: string; readonly text: string };

/** TCP's own probes; with Node's 10 of a second each a silent peer is found after 20 s. */
const keepAliveMs = 10_000;

/**
 * A plan is made once, and each look must be a walk down an index whatever the tables' statistics said at that moment.
 * No timeout may cut a statement off: cancelling one that waits for the synchronous standby makes a commit that isn't
 * there yet look like one that is. What the operator set stronger (synchronous_commit = remote_apply) stays.
 */
const sessionSetUp = `
  SET statement_timeout = 0; SET lock_timeout = 0; SET idle_session_timeout = 0;
  SET idle_in_transaction_session_timeout = 0; SET client_min_messages = warning;
  SET default_transaction_isolation = 'read committed'; SET bytea_output = 'hex';
  SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET jit = off;
  SELECT set_config('synchronous_commit', 'on', false)
  WHERE current_setting('synchronous_commit') IN ('off', 'local', 'remote_write');
  SELECT current_setting('transaction_read_only'), pg_backend_pid()`;

const endMsMax = 1_000;

const asText = { getTypeParser: () => (text: string) => text };

export class Session {
  readonly host: DatabaseHost;
  readonly #client: Client;
  #pid = 0;
  #warnings = 0;

  constructor(client: Client, host: DatabaseHost) {
    this.#client = client;
    this.host = host;
    client.on("notice", ({ code }) => {
      if (code === "01000") this.#warnings++;
    });
  }

  get backendPid(): number {
    return this.#pid;
  }

  /** Warnings so far: the server says so when a commit did not wait for the synchronous standby. */
  get warnings(): number {
    return this.#warnings;
  }

  /** At once when the connection is lost, or has been; the driver's word for it. */
  onLost(listener: (error: unknown) => void): void {
    this.#client.on("error", listener);
    this.#client.on("end", () => listener(new Error("the connection has ended")));
  }

  /** One at a time. Rejects with the driver's errors. */
  async query({ name, text }: Statement, values: readonly Value[]): Promise<Row[]> {
    const query = { name, text, values: [...values], rowMode: "array" as const, types: asText };
    return (await this.#client.query<string[]>(query as never)).rows;
  }

  /** Statements without parameters, in one transaction unless they say otherwise. Answers the last one's rows. */
  async run(text: string): Promise<Row[]> {
    const query = { text, rowMode: "array" as const, types: asText };
    const results: unknown = await this.#client.query<string[]>(query as never);
    // the driver answers a list when there were several statements
    return ([results].flat().at(-1) as { rows: Row[] }).rows;
  }

  /** Throws when the host takes no writes. */
  async setUp(): Promise<void> {
    const [[readOnly, pid] = []] = await this.run(sessionSetUp);
    if (readOnly !== "off") throw new Error(`${this.host.host} takes no writes`);
    this.#pid = Number(pid);
  }

  /** With a word to the server; one that does not hear it is not waited for. */
  async end(): Promise<void> {
    const timer = setTimeout(() => this.destroy(), endMsMax);
    await this.#client.end();
    clearTimeout(timer);
  }

  /** Without a word to the server: a statement under way is not cancelled by it. */
  destroy(): void {
    this.#client.connection.stream.destroy();
  }
}

export class Connector {
  readonly #options: ConnectorOptions;
  /** Index of the host that served last. */
  #served = 0;
  #connected = Promise.withResolvers<void>();
  #refusal: string | undefined;
  #isSilent = false;

  constructor(options: ConnectorOptions) {
    this.#options = options;
  }

  /** E020_STORE_UNAVAILABLE when no host takes writes, E037_STORE_SCHEMA, E046_CONFIG. */
  async connect(): Promise<Session> {
    const { hosts } = this.#options.address;
    const reasons: string[] = [];
    for (let i = 0; i < hosts.length; i++) {
      const index = (this.#served + i) % hosts.length;
      try {
        const session = await this.connectTo(hosts[index] as DatabaseHost);
        this.#served = index;
        this.#refusal = undefined;
        this.#isSilent = false;
        this.#connected.resolve();
        this.#connected = Promise.withResolvers();
        return session;
      } catch (error) {
        this.#refusal = causeOf(error).message;
        if (error instanceof QpqError) throw error;
        reasons.push(this.#refusal);
      }
    }
    throw unavailable(undefined, new Error(reasons.join("; ")));
  }

  /** Why the last host that was tried did not do; undefined when it did. */
  get refusal(): string | undefined {
    return this.#refusal;
  }

  /**
   * A statement got no answer, its server none to whoever asked after it, and nothing has been heard since: other
   * connections, on which nothing was asked, only look as if they were there.
   */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** A statement was answered. */
  heard(): void {
    this.#isSilent = false;
  }

  /** See isSilent. */
  heardNothing(): void {
    this.#isSilent = true;
  }

  /** Resolves when somebody has connected: then others need not wait until they try again. */
  get connected(): Promise<void> {
    return this.#connected.promise;
  }

  /** One host, whether it was served by before or not. Rejects with the driver's error too. */
  async connectTo(host: DatabaseHost): Promise<Session> {
    const { address, password, connectMsMax, anySchema = false } = this.#options;
    const client = new Client({
      host: host.host,
      port: host.port,
      user: address.user,
      database: address.database,
      password: password ?? noPassword,
      ssl: await tlsOptionsOf(address),
      application_name: "qpq-server",
      keepAlive: true,
      keepAliveInitialDelayMillis: keepAliveMs,
      connectionTimeoutMillis: connectMsMax,
    });
    // until it is set up; the driver throws what nobody listens to
    client.on("error", () => undefined);
    const session = new Session(client, host);
    // who may not be the server does not get to see it; the driver asks for the password first, and sends it later
    for (const question of ["authenticationCleartextPassword", "authenticationMD5Password"]) {
      client.connection.on(question, () => session.destroy());
    }
    // connectionTimeoutMillis ends with the handshake
    const timer = setTimeout(() => session.destroy(), connectMsMax);
    try {
      await client.connect();
      await session.setUp();
      if (!anySchema) await checkSchema(session);
      return session;
    } catch (error) {
      session.destroy();
      // 42P01: there is no table to read the version from
      throw failureOf(error).error.code === "E037_STORE_SCHEMA" ? failureOf(error).error : error;
    } finally {
      clearTimeout(timer);
    }
  }
}

async function noPassword(): Promise<string> {
  // as if a wrong one had been given (invalid_password)
  throw Object.assign(new Error("the database asks for a password, and none was given"), { code: "28P01" });
}

async function tlsOptionsOf({ tlsMode, rootCertificateFile }: DatabaseAddress): Promise<ConnectionOptions | false> {
  if (tlsMode === "disable") return false;
  if (tlsMode === "require") return { rejectUnauthorized: false };
  return {
    minVersion: "TLSv1.2",
    ...(rootCertificateFile !== undefined && { ca: await readRoot(rootCertificateFile) }),
    ...(tlsMode === "verify-ca" && { checkServerIdentity: () => undefined }),
  };
}

async function readRoot(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw new QpqError("E046_CONFIG", { text: "sslrootcert of the database URL cannot be read", cause });
  }
}
