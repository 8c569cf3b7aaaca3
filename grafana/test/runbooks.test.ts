/** Every alert has a page that says what to look at, what to do and when it is over, in commands and queries that work. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { sharedPostgres } from "../../services/server/testing/postgres.ts";
import { RedisProcess } from "../../services/server/testing/redis.ts";
import { alertsOf, ruleGroups } from "../src/rules/rule-groups.ts";
import { runbookOf } from "../src/rules/rule.ts";
import { errorsOf, metricsOf, unknownOf } from "./promql.ts";
import { type Operated, startOperated } from "./rig.ts";
import { Runbook, runbookNames } from "./runbook.ts";

const alerts = alertsOf(ruleGroups());
const names = [...new Set(alerts.map(({ alert }) => alert))];

const started = new AsyncDisposableStack();
let operated: Operated;

before(async () => {
  const redis = started.use(await RedisProcess.start());
  const { url: databaseUrl } = await (await sharedPostgres()).createDatabase();
  operated = started.use(await startOperated({ cluster: { databaseUrl, redisUrl: redis.url } }));
});
after(() => started.disposeAsync());

test("every alert has a page that it names, and every page an alert", () => {
  assert.deepEqual(runbookNames().sort(), [...names].sort());
  for (const { alert, annotations } of alerts) assert.equal(annotations.runbook, runbookOf(alert));
});

test("every page has its parts, and queries that are PromQL of metrics that there are", () => {
  for (const name of names) {
    const page = new Runbook(name);
    assert.equal(page.title, name);
    for (const part of ["Look", "Mend", "Over when"] as const)
      assert.ok(page.part(part).length > 40, `${name}: ${part}`);
    assert.ok(page.commands("Look").length > 0, `${name}: commands to look`);
    assert.ok(page.commands("Over when").length > 0, `${name}: commands that tell that it is over`);
    for (const query of page.queries) {
      assert.deepEqual(errorsOf(query), [], name);
      assert.ok(metricsOf(query).length > 0, name);
      assert.deepEqual(unknownOf(query), [], name);
    }
  }
});

for (const name of names) {
  test(`the commands of ${name} do well at a server that lacks nothing`, async () => {
    const { desk } = operated;
    for (const commands of new Runbook(name).commands()) {
      const { status, words } = await desk.run(commands);
      assert.equal(status, 0, `${commands}\n${words}`);
    }
  });
}
