/**
 * A real Postgres for tests: one server a test process, started when it is first needed, and a new database of our
 * tables for each test (a copy of a template, some 50 ms). Tests that stop or kill the server start one of their own.
 */
import { Client } from "pg";
import { migratePostgres } from "../src/store/index.ts";
import { type ClusterOptions, PostgresCluster, superuser } from "./postgres-cluster.ts";

export { type ClusterOptions, PostgresCluster } from "./postgres-cluster.ts";

const template = "template_qpq";
let shared: Promise<TestPostgres> | undefined;

/** The server of this test process; it ends with the process. */
export function sharedPostgres(): Promise<TestPostgres> {
  return (shared ??= TestPostgres.start());
}

export class TestPostgres implements AsyncDisposable {
  readonly cluster: PostgresCluster;
  #count = 0;
  #template: Promise<void> | undefined;

  private constructor(cluster: PostgresCluster) {
    this.cluster = cluster;
  }

  static async start(options?: ClusterOptions): Promise<TestPostgres> {
    return new TestPostgres(await PostgresCluster.start(options));
  }

  /** With our tables and nothing in them. */
  async createDatabase(): Promise<TestDatabase> {
    this.#template ??= this.#makeTemplate();
    await this.#template;
    return await this.createEmptyDatabase(template);
  }

  async createEmptyDatabase(from = "template0"): Promise<TestDatabase> {
    const name = `test_${++this.#count}`;
    await this.#admin(`CREATE DATABASE ${name} TEMPLATE ${from}`);
    return new TestDatabase(this.cluster, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }

  async #makeTemplate(): Promise<void> {
    await this.#admin(`CREATE DATABASE ${template} TEMPLATE template0`);
    await migratePostgres({ url: this.cluster.url(template), clock: Date.now });
  }

  async #admin(sql: string): Promise<void> {
    await new TestDatabase(this.cluster, "postgres").query(sql);
  }
}

export class TestDatabase {
  readonly cluster: PostgresCluster;
  readonly name: string;

  constructor(cluster: PostgresCluster, name: string) {
    this.cluster = cluster;
    this.name = name;
  }

  get url(): string {
    return this.cluster.url(this.name);
  }

  /** On a connection of its own, as the superuser. */
  async query(sql: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    const client = new Client({
      host: this.cluster.folder,
      port: this.cluster.port,
      user: superuser,
      database: this.name,
    });
    // it may be killed under it; the query's rejection tells
    client.on("error", () => undefined);
    await client.connect();
    try {
      return (await client.query(sql, [...values])).rows;
    } finally {
      await client.end();
    }
  }
}
