/** What calls work with: of the whole front-end (CallParts), and of one RPC session (SessionScope). */
import type { Access } from "../access/access.ts";
import type { LeaseBook } from "../delivery/lease-book.ts";
import type { PushBudget } from "../delivery/push-budget.ts";
import type { Clock } from "../store/port.ts";
import type { EarlyDataGate } from "./early-data.ts";
import type { InterfaceParts } from "./interface-server.ts";
import type { Domains } from "./methods.ts";
import type { Origin } from "./origin.ts";

export type CallParts = InterfaceParts & {
  readonly domains: Domains;
  readonly access: Access;
  readonly clock: Clock;
};

/** What the calls of one RPC session share. */
export type SessionScope = {
  readonly origin: Origin;
  readonly leases: LeaseBook;
  readonly pushBudget: PushBudget;
  readonly earlyData: EarlyDataGate;
  /** Ends the RPC session: it can no longer be told what it must know. */
  readonly abandon: () => void;
};
