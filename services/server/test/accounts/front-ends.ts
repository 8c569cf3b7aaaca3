/** Front-ends over one store in memory, and people who register and log in at them. */
import type { LimitName } from "quicproquo-proto";
import { SessionTokens } from "../../src/access/session-tokens.ts";
import { Accounts } from "../../src/accounts/accounts.ts";
import { LocalRates } from "../../src/store/local-rates.ts";
import type { Store } from "../../src/store/index.ts";
import {
  type LoginFinish,
  newIdentity,
  type TestIdentity,
  TestLogin,
  TestRegistration,
} from "../../testing/opaque-client.ts";
import { testOpaqueSetup } from "../../testing/opaque-setup.ts";
import { limits as defaultLimits, memoryStore } from "../access/accounts.ts";

export const here = "192.0.2.1";

type Settings = Partial<Record<LimitName, number>>;

export class Place {
  nowMs = 1_700_000_000_000;
  readonly clock = (): number => this.nowMs;
  readonly store: Store = memoryStore(this.clock);
  readonly rates = new LocalRates(this.clock);
  /** ms that calls were held up for. */
  delays: number[] = [];
  readonly #limits: Record<LimitName, number>;
  readonly tokens: SessionTokens;

  constructor(settings: Settings = { loginAttemptsPerMinute: 1_000_000, loginAddressAttemptsPerMinute: 1_000_000 }) {
    this.#limits = { ...defaultLimits, ...settings };
    this.tokens = this.#newTokens();
  }

  frontEnd({ opaqueSetup = testOpaqueSetup, allowUnprovenIdentity = false } = {}): Accounts {
    return new Accounts({
      store: this.store.accounts,
      tokens: this.#newTokens(),
      rates: this.rates,
      limits: this.#limits,
      clock: this.clock,
      opaqueSetup,
      allowUnprovenIdentity,
      pause: async (ms) => void this.delays.push(ms),
    });
  }

  #newTokens(): SessionTokens {
    return new SessionTokens({ store: this.store.accounts, limits: this.#limits, clock: this.clock, now: this.clock });
  }
}

type Person = { readonly username: string; readonly password: string; readonly identity: TestIdentity };

export function newPerson(username: string, password = "correct horse"): Person {
  return { username, password, identity: newIdentity() };
}

export async function register(
  accounts: Accounts,
  { username, password, identity }: Person,
  host = here,
): Promise<void> {
  const registration = new TestRegistration(password);
  const response = await accounts.registerStart({ username, request: registration.request }, host);
  await accounts.registerFinish({ username, ...registration.finish(username, response, identity) }, host);
}

/** The first half, and what the client makes of it. */
export async function beginLogin(accounts: Accounts, { username, password, identity }: Person, host = here) {
  const login = new TestLogin(password);
  const started = await accounts.loginStart({ username, request: login.request }, host);
  return { ...started, finish: login.finish(username, started.response, identity) };
}

/** A token. Throws also where the client sees by itself that the password is wrong. */
export async function login(accounts: Accounts, person: Person, finishAt = accounts): Promise<Uint8Array> {
  const { loginId, finish } = await beginLogin(accounts, person);
  if (finish === undefined) throw new Error("the client refuses: another password");
  const { username } = person;
  return (await finishAt.loginFinish({ username, loginId, ...(finish as LoginFinish) }, here)).sessionToken;
}
