/** What the doctor says of one thing it has looked at, and the table of what it can find. */

/** A code is never used again for something else: scripts wait for it. */
export const findingTexts = {
  D01_SETTINGS: "a start refuses the settings",
  D02_PRODUCTION: "this is not fit for production",
  D03_CERTIFICATE: "a start refuses the certificate",
  D04_CERTIFICATE_ENDS: "the certificate expires soon",
  D05_FILE_MODE: "others can read what is secret",
  D06_PORT_TAKEN: "the port is taken by something that does not answer as this server",
  D07_UDP_BLOCKED: "datagrams of this machine to itself are lost",
  D08_SOCKET_BUFFERS: "the kernel gives smaller socket buffers than the server asks for",
  D09_CLOCK: "this machine's clock is off",
  D10_DISK_SPACE: "the disk is nearly full",
  D11_DATA_FOLDER: "the data folder cannot be written",
  D12_STORE_FILE: "the store file cannot be used",
  D13_DATABASE_AWAY: "the database cannot be reached",
  D14_DATABASE_REFUSES: "the database refuses",
  D15_DATABASE_TABLES: "the database's tables are of another version",
  D16_STANDBYS: "no synchronous standby: a failover may lose acknowledged messages",
  D17_COMMITS_WAIT: "commits wait for a synchronous standby that is not there",
  D18_NOT_DURABLE: "the database does not keep what it has committed",
  D19_CONNECTIONS: "the database admits fewer connections than the servers need",
  D20_REDIS_AWAY: "Redis cannot be reached: readers of other front-ends are told late",
  D21_REDIS_VERSION: "Redis is older than 7.0",
  D22_OPAQUE_SETUP: "there is no OPAQUE setup: nobody can log in",
} as const;

export type FindingCode = keyof typeof findingTexts;

export type Finding = {
  /** What was looked at. */
  readonly check: string;
  /** `error`: it does not work, or what was promised is in danger. `warning`: it works, and not as well as it could. */
  readonly level: "ok" | "warning" | "error";
  /** Of everything that is not ok. */
  readonly code?: FindingCode;
  /** Facts. Never a secret. */
  readonly text: string;
  /** A command that mends it or tells more. */
  readonly next?: string;
};

export function ok(check: string, text: string): Finding {
  return { check, level: "ok", text };
}

type Told = { readonly text?: string; readonly next: string };

export function warning(check: string, code: FindingCode, { text, next }: Told): Finding {
  return { check, level: "warning", code, text: text ?? findingTexts[code], next };
}

export function failing(check: string, code: FindingCode, told: Told): Finding {
  return { ...warning(check, code, told), level: "error" };
}
