/** The scenarios of `qpq bench`, as data: who does what, how often, for how long. Flags change what is named here. */
import type { ActionName } from "./actions.ts";
import type { Spacing } from "./schedule.ts";

export type LoadScenario = {
  readonly doc: string;
  readonly action: ActionName;
  readonly users: number;
  /** That users share; 0 = the action makes its own. */
  readonly connections: number;
  /** See rate.ts. */
  readonly rate: string;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly spacing: Spacing;
  /** Of the action, where it is not named here. */
  readonly payloadBytes?: number;
  readonly recipients?: number;
};

const brief = { seconds: 10, warmUpSeconds: 2, spacing: "poisson" } as const;

export const loads = {
  handshake: {
    ...brief,
    doc: "new connections, each with a full handshake",
    action: "handshake",
    users: 1,
    connections: 0,
    rate: "50",
  },
  resume: { ...brief, doc: "new connections by a ticket", action: "resume", users: 20, connections: 0, rate: "100" },
  "resume-early": {
    ...brief,
    doc: "the same, with the first call in early data",
    action: "resume-early",
    users: 20,
    connections: 0,
    rate: "100",
  },
  enqueue: {
    ...brief,
    doc: "durable messages into 1,000 inboxes over 8 connections",
    action: "enqueue",
    users: 1_000,
    connections: 8,
    rate: "500",
  },
  push: {
    ...brief,
    doc: "messages pushed to 100 users who subscribe and acknowledge",
    action: "push",
    users: 100,
    connections: 8,
    rate: "500",
  },
  "ping-pong": {
    ...brief,
    doc: "50 pairs of users: one writes, the other answers",
    action: "ping-pong",
    users: 50,
    connections: 8,
    rate: "200",
  },
  "fan-out": {
    ...brief,
    doc: "one message to 100 inboxes in one call",
    action: "fan-out",
    users: 8,
    connections: 8,
    rate: "20",
  },
  "group-chat": {
    ...brief,
    doc: "10 MLS groups of 4: encrypt, send, receive, decrypt",
    action: "group-message",
    users: 10,
    connections: 0,
    rate: "20",
  },
  "idle-waiters": {
    ...brief,
    doc: "1,000 users parked in fetchWait, of whom some are woken",
    action: "fetch-wait",
    users: 1_000,
    connections: 50,
    rate: "100",
  },
  "reconnect-storm": {
    doc: "200 users come back within a second, each once",
    action: "reconnect",
    users: 200,
    connections: 0,
    rate: "0^200",
    seconds: 5,
    warmUpSeconds: 0,
    spacing: "even",
  },
  blob: { ...brief, doc: "files of 64 KiB up and down again", action: "blob", users: 1, connections: 0, rate: "5" },
  soak: {
    doc: "half an hour of messages that are pushed, read and acknowledged",
    action: "push",
    users: 500,
    connections: 32,
    rate: "200",
    seconds: 1_800,
    warmUpSeconds: 10,
    spacing: "poisson",
  },
} as const satisfies Record<string, LoadScenario>;

export type LoadName = keyof typeof loads;
