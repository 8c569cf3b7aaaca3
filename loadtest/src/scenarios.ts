/** Every scenario of `npm run bench`, by its name. */
import type { Scenario } from "./scenario.ts";
import { accountsScenario } from "./scenarios/accounts.ts";
import { crowdScenario } from "./scenarios/crowd.ts";
import { deliveryScenario } from "./scenarios/delivery.ts";
import { encodingsScenario } from "./scenarios/encodings.ts";
import { growthScenario } from "./scenarios/growth.ts";
import { messageLogScenario } from "./scenarios/message-log.ts";
import { mlsScenario } from "./scenarios/mls.ts";
import { observeScenario } from "./scenarios/observe.ts";
import { peersScenario } from "./scenarios/peers.ts";
import { planScenario } from "./scenarios/plan.ts";
import { processesScenario } from "./scenarios/processes.ts";
import { profileScenario } from "./scenarios/profile.ts";
import { pushLatencyScenario } from "./scenarios/push-latency.ts";
import { rpcScenario } from "./scenarios/rpc.ts";
import { soakScenario } from "./scenarios/soak.ts";
import { storeScenario } from "./scenarios/store.ts";
import { stormScenario } from "./scenarios/storm.ts";
import { transportScenario } from "./scenarios/transport.ts";
import { waitingScenario } from "./scenarios/waiting.ts";

export const scenarios: Readonly<Record<string, Scenario>> = {
  accounts: accountsScenario,
  crowd: crowdScenario,
  delivery: deliveryScenario,
  encodings: encodingsScenario,
  growth: growthScenario,
  "message-log": messageLogScenario,
  mls: mlsScenario,
  observe: observeScenario,
  peers: peersScenario,
  plan: planScenario,
  processes: processesScenario,
  profile: profileScenario,
  "push-latency": pushLatencyScenario,
  rpc: rpcScenario,
  soak: soakScenario,
  store: storeScenario,
  storm: stormScenario,
  transport: transportScenario,
  waiting: waitingScenario,
};
