/** Sessions of an honest client: every method that is served, and what it can do with the answers. */
import { type Step, stepsIn } from "quicproquo-rpc/fuzz";

export const scenarios: readonly (readonly Step[])[] = [
  // keys
  stepsIn(`left health
    left uploadKeyPackage 0 1
    left uploadKeyPackage 0 3
    left fetchKeyPackage 0
    left fetchKeyPackage 0
    left uploadHybridKey 1
    left fetchHybridKey 1
    left fetchHybridKeys 0
    left resolveUser`),
  // messages: removed by their Finish, kept, held, acknowledged; repeats; a wrong token
  stepsIn(`left enqueue 0 1
    left enqueue 0 1
    left enqueue 0 2
    left enqueueUnknown 0 3
    left peek 0 0
    left fetchHeld 0 0
    left fetch 0 0
    left finish 5
    left batchEnqueue 0 3
    left fetchKeeping 0 0
    left ack 0 2
    left ack 1 9
    left enqueue 3 1
    left fetch 3 0`),
  // parked calls: woken, canceled, ended with the session
  stepsIn(`left fetchWait 0 0
    left fetchWait 1 1
    left enqueue 0 1
    left fetchWait 2 0
    left cancel 3
    left batchEnqueue 0 2
    left fetchWait 2 0`),
  // the commits of a group
  stepsIn(`left submitCommit 0 0
    left submitCommit 0 1
    left submitCommit 0 1
    left submitCommit 0 5
    left submitCommit 1 0
    left fetch 0 0
    left fetch 1 0`),
  // sessions, subscriptions, pushes
  stepsIn(`left openSession
    left inbox 0 0
    left inbox 1 0
    left subscribe 0 0
    left send 0 0
    left enqueue 0 1
    left enqueue 0 4
    left subscribeSlowly 1 1
    left enqueue 1 1
    left enqueue 1 2
    left enqueue 1 3
    left ackInbox 0 2
    left subscribe 0 1
    left dropInbox 0
    left dropSession 0
    left enqueue 1 4
    left disposeAnswer 7`),
];
