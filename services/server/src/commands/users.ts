/**
 * `qpq-server users`: who has an account, and who may use it. Works while servers run: they ask their store for each token
 * they know every few seconds, so what is done here holds everywhere within 5 s, and for logins at once.
 */
import { parseUsername, QpqError, type Username } from "quicproquo-proto";
import { loadConfig, type ServerConfig } from "../config.ts";
import type { AuditEntry } from "../observe/audit.ts";
import { auditIds } from "../observe/audit-id.ts";
import { knownOpaqueSetup } from "../secrets.ts";
import type { Account, AccountStore } from "../store/port.ts";
import { auditCommand } from "./admin-audit.ts";
import { openAccountStore } from "./account-store.ts";
import type { OwnOptions } from "./own-options.ts";
import type { OwnCommand, OwnProgram } from "./program.ts";

const usage =
  "say which: qpq-server users list [--after NAME] [--limit N] | disable NAME | enable NAME | revoke NAME | delete NAME; each takes --json";

/**
 * E048_USAGE, E065_USERNAME, E075_ACCOUNT_NOT_FOUND; E046_CONFIG, E036_STORE_LOCKED, E037_STORE_SCHEMA,
 * E020_STORE_UNAVAILABLE. What it resolves for is durable.
 */
export const users: OwnCommand = { options: { json: "switch", after: "value", limit: "value" }, run };

async function run({ words, options, sources, print }: OwnProgram): Promise<void> {
  const [name = "", ...operands] = words;
  const act = Object.hasOwn(acts, name) ? acts[name as keyof typeof acts] : undefined;
  const isList = name === "list";
  if ((act === undefined && !isList) || operands.length !== (isList ? 0 : 1)) {
    throw new QpqError("E048_USAGE", { text: usage });
  }
  const query = isList ? queryOf(options) : undefined;
  const username = isList ? undefined : parseUsername(operands[0] ?? "");
  const config = loadConfig(sources);
  await using stack = new AsyncDisposableStack();
  const store = await openAccountStore(config, `qpq-server users ${words.join(" ")} --data-dir ${config.dataDir}`);
  stack.defer(() => store.close());
  const isJson = options["json"] === true;
  if (query !== undefined) return await list({ ...query, isJson, config, print, accounts: store.accounts });
  // before the act: it isn't done where it would leave no trace
  const audit = auditCommand(config, "users");
  const done = await perform(act as Act, { accounts: store.accounts, username: username as Username });
  const { event, tokens: count } = done;
  const user = idsOf(config)?.(done.username);
  // who must be kept out now isn't let in because a log would lack an id
  const reason = user === undefined ? "QPQ_OPAQUE_SETUP_FILE, which ids of users are made with, is not set" : undefined;
  audit({ event, user, count, reason });
  print(isJson ? `${JSON.stringify(done)}\n` : `${done.username}: ${describe[done.event]}\n`);
}

type Done = { readonly event: keyof typeof describe; readonly username: string; readonly tokens?: number };
type Act = (accounts: AccountStore, account: Account) => Promise<Omit<Done, "username">>;

const acts = {
  async disable(accounts, { username, identity }) {
    await accounts.setDisabled({ username, disabled: true });
    // from here on there are no new ones, and those of before don't come back when it is enabled again
    const tokens = await accounts.revokeTokens({ identity, actsFor: undefined });
    return { event: "user_disabled", tokens };
  },
  async enable(accounts, { username }) {
    await accounts.setDisabled({ username, disabled: false });
    return { event: "user_enabled" };
  },
  async revoke(accounts, { identity }) {
    const tokens = await accounts.revokeTokens({ identity, actsFor: undefined });
    return { event: "user_tokens_revoked", tokens };
  },
  async delete(accounts, { identity }) {
    await accounts.deleteAccount(identity);
    return { event: "user_deleted" };
  },
} as const satisfies Record<string, Act>;

const describe = {
  user_disabled: "disabled; nobody logs in as them, and who was logged in is logged out within 5 s",
  user_enabled: "enabled; they may log in",
  user_tokens_revoked: "logged out everywhere within 5 s; they may log in again",
  user_deleted: "deleted, with all that was theirs",
} as const satisfies Partial<Record<AuditEntry["event"], string>>;

async function perform(
  act: Act,
  { accounts, username }: { readonly accounts: AccountStore; readonly username: Username },
): Promise<Done> {
  const account = await accounts.accountOf(username);
  if (account === undefined) {
    throw new QpqError("E075_ACCOUNT_NOT_FOUND", {
      text: `nobody is called ${username}; run: qpq-server users list`,
    });
  }
  const { event, ...counted } = await act(accounts, account);
  return { event, username, ...counted };
}

type Query = { readonly after: string; readonly limit: number };

const limitMax = 1_000;

/** E048_USAGE. */
function queryOf({ after = "", limit = "100" }: OwnOptions): Query {
  const count = Number(limit);
  if (!Number.isInteger(count) || count < 1 || count > limitMax) {
    throw new QpqError("E048_USAGE", { text: `--limit is a whole number from 1 to ${limitMax}` });
  }
  return { after: String(after), limit: count };
}

type Listing = Query & {
  readonly isJson: boolean;
  readonly config: ServerConfig;
  readonly print: (text: string) => void;
  readonly accounts: AccountStore;
};

/** Neither passwords nor what is made of them. */
async function list({ after, limit, isJson, config, print, accounts }: Listing): Promise<void> {
  // one more than is told, to know whether there are more
  const found = await accounts.listAccounts({ afterUsername: after, limit: limit + 1 });
  const idOf = idsOf(config);
  const rows = found.slice(0, limit).map(({ username, identity, createdAtMs, disabled }) => ({
    username,
    identityKey: Buffer.from(identity).toString("hex"),
    createdAt: new Date(createdAtMs).toISOString(),
    disabled,
    auditId: idOf?.(username) ?? null,
  }));
  const next = found.length > limit ? (rows.at(-1)?.username ?? null) : null;
  if (isJson) return print(`${JSON.stringify({ users: rows, next })}\n`);
  if (rows.length === 0) return print(after === "" ? "nobody has an account yet\n" : `nobody behind ${after}\n`);
  const width = Math.max(4, ...rows.map(({ username }) => username.length));
  const line = (cells: readonly [name: string, state: string, date: string, id: string, key: string]): string =>
    `${[cells[0].padEnd(width), cells[1].padEnd(8), cells[2].padEnd(10), cells[3].padEnd(16), cells[4]].join("  ")}\n`;
  print(line(["name", "state", "since", "audit id", "identity key"]));
  for (const { username, disabled, createdAt, auditId, identityKey } of rows) {
    print(line([username, disabled ? "disabled" : "enabled", createdAt.slice(0, 10), auditId ?? "", identityKey]));
  }
  if (next !== null) print(`\nmore: qpq-server users list --after ${next}\n`);
}

/** undefined: the OPAQUE setup, which they are made with, is not known here. */
function idsOf(config: ServerConfig): ReturnType<typeof auditIds> | undefined {
  const setup = knownOpaqueSetup(config);
  return setup === undefined ? undefined : auditIds(setup);
}
