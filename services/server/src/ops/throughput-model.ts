/**
 * How many durable messages a second a machine carries whose cores do nothing else: what its cores have to give, by what
 * a message takes of them. The costs are those of docs/capacity.md, measured with the machine to ourselves.
 */

/** us of CPU, user and system. `docs/capacity.md`, Throughput, has what they were fitted to. */
const costs = {
  /** Of a front-end, for a payload of no bytes. */
  frontEndUs: 17,
  /** Of a datagram there and one back, which the calls under way on a connection share. */
  datagramsUs: 31,
  frontEndUsPerKiB: 14.3,
  /** For each other front-end on the database: it hears of the message, and everybody's batches are smaller. */
  otherFrontEndUs: 19,
  mainThreadShare: 0.87,
  databaseUs: 19.2,
  databaseUsPerKiB: 8.5,
  otherFrontEndDatabaseUs: 5.3,
  /** Postgres stores a payload in chunks beside its row when the row would be too long. */
  chunkUs: 2.5,
  callerUs: 6.4,
  callerDatagramsUs: 25,
  callerUsPerKiB: 9.9,
  otherFrontEndCallerUs: 4,
  /** Of a server of one process on the embedded store, store and all. */
  embeddedUs: 19,
  embeddedUsPerKiB: 15.3,
  /** Of a datagram there and one back. */
  embeddedDatagramsUs: 8,
} as const;

/**
 * Of all cores, what nobody uses while callers, front-end and store wait for each other and for the disk. It is less with
 * each front-end more, which has work meanwhile.
 */
const idleShareOfOne = 0.17;
const idleShareEmbedded = 0.2;
/** Of the one core that a process's main thread can have. */
const mainThreadShareMax = 0.95;
/** Of Postgres 15: TOAST_TUPLE_THRESHOLD less the row's other columns, and TOAST_MAX_CHUNK_SIZE. */
const inRowBytesMax = 1_900;
const chunkBytes = 1_996;

export type ThroughputInput = {
  /** Of one machine that has front-ends and database. */
  readonly cores: number;
  readonly processes: number;
  readonly payloadBytes: number;
  /** Under way on one connection at a time. */
  readonly callsPerConnection: number;
  /** Whether the callers are on the same cores, as in the bench. */
  readonly withCallers: boolean;
  readonly store: "sqlite" | "cluster";
};

export type Throughput = {
  readonly messagesPerSecond: number;
  /** Front-ends on it. */
  readonly processes: number;
  /** What is full then. */
  readonly bound: "cores" | "main threads";
  /** us a message, of all processes together. */
  readonly cpuUs: { readonly frontEnds: number; readonly database: number; readonly callers: number };
};

export function throughputOf(input: ThroughputInput): Throughput {
  const { cores, processes, store } = input;
  const cpuUs = { frontEnds: frontEndsUs(input), database: databaseUs(input), callers: callersUs(input) };
  const idleShare = store === "sqlite" ? idleShareEmbedded : idleShareOfOne / Math.sqrt(processes);
  const byCores = (cores * (1 - idleShare) * 1e6) / (cpuUs.frontEnds + cpuUs.database + cpuUs.callers);
  const byMainThreads = (processes * mainThreadShareMax * 1e6) / (cpuUs.frontEnds * costs.mainThreadShare);
  const messagesPerSecond = Math.min(byCores, byMainThreads);
  return { messagesPerSecond, processes, bound: byCores <= byMainThreads ? "cores" : "main threads", cpuUs };
}

function frontEndsUs({ processes, payloadBytes, callsPerConnection, store }: ThroughputInput): number {
  const kibibytes = payloadBytes / 1_024;
  if (store === "sqlite") {
    return costs.embeddedUs + costs.embeddedDatagramsUs / callsPerConnection + costs.embeddedUsPerKiB * kibibytes;
  }
  const datagrams = costs.datagramsUs / callsPerConnection;
  return costs.frontEndUs + datagrams + costs.frontEndUsPerKiB * kibibytes + costs.otherFrontEndUs * (processes - 1);
}

function databaseUs({ processes, payloadBytes, store }: ThroughputInput): number {
  if (store === "sqlite") return 0;
  const chunks = payloadBytes > inRowBytesMax ? Math.ceil(payloadBytes / chunkBytes) : 0;
  const ofPayload = (costs.databaseUsPerKiB * payloadBytes) / 1_024 + costs.chunkUs * chunks;
  return costs.databaseUs + ofPayload + costs.otherFrontEndDatabaseUs * (processes - 1);
}

function callersUs({ processes, payloadBytes, callsPerConnection, withCallers }: ThroughputInput): number {
  if (!withCallers) return 0;
  const ofPayload = (costs.callerUsPerKiB * payloadBytes) / 1_024;
  const datagrams = costs.callerDatagramsUs / callsPerConnection;
  return costs.callerUs + datagrams + ofPayload + costs.otherFrontEndCallerUs * (processes - 1);
}
