/**
 * Who may call what, as docs/wire.md (Transport, Methods, Meaning, Login) has it, cell by cell; written from there, not
 * from the server's own table. Each column is one call:
 *
 * | column | the call comes |
 * |---|---|
 * | none | without a token |
 * | unknown, expired, revoked | with 32 bytes that nobody was given; with a token whose 24 h are over; with one that was revoked a moment ago |
 * | own | with the session token of an identity, naming that identity where a key is named |
 * | other's | with the same, naming somebody else's key |
 * | device, owner's | with the token of a listed device, naming the device's key; naming the key of the identity that lists it |
 * | static | with the static token, naming the identity |
 * | sealed | with the delivery token of the identity that it names |
 * | version | as own, with version 2 in its Auth, and then in its parameters where they have one |
 * | early | as own, in 0-RTT data: runs at once, or waits for the handshake |
 *
 * A cell is ok, or the code by its first four characters. `-`: the call has no such thing.
 */
const text = `
method               | none | unknown | expired | revoked | own  | other's | device | owner's | static | sealed | version | early
uploadKeyPackage     | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | E002    | waits
fetchKeyPackage      | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | E002    | waits
enqueue              | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | ok     | E002    | runs
fetch                | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | E002    | waits
fetchWait            | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | E002    | waits
health               | ok   | -       | -       | -       | -    | -       | -      | -       | -      | -      | -       | runs
uploadHybridKey      | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | E002    | waits
fetchHybridKey       | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | E002    | runs
opaqueRegisterStart  | ok   | -       | -       | -       | -    | -       | -      | -       | -      | -      | -       | waits
opaqueRegisterFinish | ok   | -       | -       | -       | -    | -       | -      | -       | -      | -      | -       | waits
opaqueLoginStart     | ok   | -       | -       | -       | -    | -       | -      | -       | -      | -      | -       | waits
opaqueLoginFinish    | E064 | -       | -       | -       | -    | -       | -      | -       | -      | -      | -       | waits
publishEndpoint      | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | E002    | waits
resolveEndpoint      | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | E002    | runs
peek                 | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | E002    | runs
ack                  | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | E002    | waits
fetchHybridKeys      | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | E002    | runs
batchEnqueue         | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | E002    | waits
createChannel        | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | E006   | E005   | E002    | waits
resolveUser          | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | E002    | runs
resolveIdentity      | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | E002    | runs
uploadBlob           | E003 | E005    | E005    | E005    | ok   | -       | ok     | -       | E006   | E005   | E002    | waits
downloadBlob         | E003 | E005    | E005    | E005    | E026 | -       | E026   | -       | E026   | E005   | E002    | waits
deleteAccount        | E003 | E005    | E005    | E005    | ok   | -       | E006   | -       | E006   | E005   | E002    | waits
registerDevice       | E003 | E005    | E005    | E005    | ok   | -       | E006   | -       | E006   | E005   | E002    | waits
listDevices          | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | E002    | waits
revokeDevice         | E003 | E005    | E005    | E005    | ok   | -       | E006   | -       | E006   | E005   | E002    | waits
openSession          | E003 | E005    | E005    | E005    | ok   | -       | ok     | -       | ok     | E005   | E002    | waits
submitCommit         | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | E002    | waits
publishDeliveryToken | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | E002    | waits
setBlocked           | E003 | E005    | E005    | E005    | ok   | -       | E006   | -       | E006   | E005   | E002    | waits
renewToken           | E003 | E005    | E005    | E005    | ok   | -       | ok     | -       | E006   | E005   | E002    | waits
revokeTokens         | E003 | E005    | E005    | E005    | ok   | -       | ok     | -       | E006   | E005   | E002    | waits
Session.inbox        | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | -       | waits
Session.send         | E003 | E005    | E005    | E005    | ok   | ok      | ok     | ok      | ok     | E005   | -       | waits
Inbox.subscribe      | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | -       | waits
Inbox.ack            | E003 | E005    | E005    | E005    | ok   | E006    | ok     | E006    | ok     | E005   | -       | waits
`;

const [head = [], ...lines] = text
  .trim()
  .split("\n")
  .map((line) => line.split("|").map((cell) => cell.trim()));

/** In the order in which they are tried: who ends tokens or accounts comes behind the others. */
const columns = head.slice(1);

export type Row = { readonly method: string; readonly expected: Readonly<Record<string, string>> };

export const rows: readonly Row[] = lines.map(([method = "", ...cells]) => ({
  method,
  expected: Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? ""])),
}));
