/** Tells the audit log of calls: how logins and registrations end, and what is refused for a token or by a limit. */
import { type ErrorCode, QpqError } from "quicproquo-proto";
import { networkOf } from "../accounts/network.ts";
import type { Accounts } from "../accounts/accounts.ts";
import type { Audit, AuditEntry } from "../observe/audit.ts";
import type { AuditIds } from "../observe/audit-id.ts";
import type { Observer } from "../observe/observer.ts";

/** Of Accounts what calls use. */
export type AccountCalls = Pick<Accounts, "registerStart" | "registerFinish" | "loginStart" | "loginFinish">;

const accountMethods = [
  "opaqueRegisterStart",
  "opaqueRegisterFinish",
  "opaqueLoginStart",
  "opaqueLoginFinish",
] as const;
type AccountMethod = (typeof accountMethods)[number];

export function auditedAccounts(accounts: AccountCalls, audit: Audit, idOf: AuditIds): AccountCalls {
  const tell = async <R>({ method, username, host }: Call, run: () => Promise<R>, ends: Ends<R>): Promise<R> => {
    const who = { user: idOf(username), network: networkOf(host) };
    try {
      const result = await run();
      if (ends.done !== undefined) audit.write({ event: ends.done(result), ...who });
      return result;
    } catch (error) {
      if (error instanceof QpqError) refuse(audit, { ...who, method }, { error, event: ends.refused });
      throw error;
    }
  };
  return {
    registerStart: (start, host) =>
      tell({ method: "opaqueRegisterStart", ...start, host }, () => accounts.registerStart(start, host), {}),
    registerFinish: (finish, host) =>
      tell({ method: "opaqueRegisterFinish", ...finish, host }, () => accounts.registerFinish(finish, host), {
        done: (put) => (put === "created" ? "registered" : "password_changed"),
        refused: "registration_failed",
      }),
    loginStart: (start, host) =>
      tell({ method: "opaqueLoginStart", ...start, host }, () => accounts.loginStart(start, host), {}),
    loginFinish: (finish, host) =>
      tell({ method: "opaqueLoginFinish", ...finish, host }, () => accounts.loginFinish(finish, host), {
        done: () => "login",
        refused: "login_failed",
      }),
  };
}

type Call = { readonly method: AccountMethod; readonly username: string; readonly host: string };

/** What a call is told as. Without it: a first half, of which only limits are told. */
type Ends<R> = {
  readonly done?: (result: R) => AuditEntry["event"];
  readonly refused?: AuditEntry["event"];
};

function refuse(
  audit: Audit,
  who: Pick<AuditEntry, "user" | "network" | "method">,
  { error: { code, kind, fields }, event }: { error: QpqError; event: AuditEntry["event"] | undefined },
): void {
  if (code === "E018_RATE_LIMIT") audit.write({ event: "limited", ...who, code, limit: String(fields["limit"]) });
  else if (event !== undefined && kind !== "unavailable") audit.write({ event, ...who, code });
}

/** Refusals of the other methods; a caller who was let in and asks for what isn't there is none. */
const refusals: ReadonlySet<ErrorCode | "ok" | "canceled"> = new Set<ErrorCode>([
  "E003_UNAUTHENTICATED",
  "E004_BAD_TOKEN",
  "E005_SESSION_EXPIRED",
  "E006_FORBIDDEN",
  "E018_RATE_LIMIT",
  "E022_CHANNEL_ACCESS_DENIED",
]);

/** The observer that tells the audit log too. */
export function auditedObserver(observer: Observer, audit: Audit): Observer {
  return {
    messagesDelivered: (count) => observer.messagesDelivered(count),
    backgroundFailed: (work, code) => observer.backgroundFailed(work, code),
    callEnded(observation) {
      observer.callEnded(observation);
      const { code, method } = observation;
      if (!refusals.has(code) || (accountMethods as readonly string[]).includes(method)) return;
      audit.write({ event: code === "E018_RATE_LIMIT" ? "limited" : "refused", method, code: code as ErrorCode });
    },
  };
}
