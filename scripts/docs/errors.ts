/** The page of errors: from the one table of codes, what to do about each, and the doctor's findings. */
import { type ErrorCode, errorTable } from "quicproquo-proto";
import { findingTexts } from "../../services/server/src/ops/doctor/finding.ts";
import { errorSteps } from "./error-steps.ts";
import { madeBy } from "./made-by.ts";

export function errorsPage(): string {
  const codes = Object.keys(errorTable) as ErrorCode[];
  return `# Errors

${madeBy("`schemas/src/errors.ts`, `scripts/docs/error-steps.ts` and `services/server/src/ops/doctor/finding.ts`")}

An error begins with its code, wherever it is seen: on the command line, in a log, in \`code\` of a metric, in the reason of an
RPC exception. Codes are never used again for something else. Its kind tells what a program should do:

| kind | RPC exception | a program |
|---|---|---|
| invalid, denied, notFound, conflict | failed | does not repeat the call |
| limited | overloaded | waits \`retryAfterMs\`, then repeats |
| unavailable | disconnected | reconnects, repeats with the same idempotency key |
| unimplemented | unimplemented | talks to an older server |
| internal | failed | reports the reference, a number that the server's log has beside the cause |

Exit codes of \`qpq\` and \`qpq-server\`: 0 ok, 1 failed, 2 usage, 3 unreachable, 4 not allowed, 5 timed out.

| code | kind | meaning | next |
|---|---|---|---|
${codes.map((code) => `| \`${code}\` | ${errorTable[code].kind} | ${errorTable[code].text} | ${errorSteps[code]} |`).join("\n")}

## What the doctor finds

\`qpq-server doctor\` says with each of these the command that comes next, made for the machine it runs on.

| code | meaning |
|---|---|
${Object.entries(findingTexts)
  .map(([code, text]) => `| \`${code}\` | ${text} |`)
  .join("\n")}
`;
}
