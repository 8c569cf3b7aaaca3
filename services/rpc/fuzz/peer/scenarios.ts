/** Sessions that use the features one by one, as two honest sides do. */
import { type Step, stepsIn } from "../recorder.ts";

/** Capabilities and calls are numbered as the left side gets them: 0 is the bootstrap capability, call 0 the first call. */
export const scenarios: readonly (readonly Step[])[] = [
  // calls and errors
  stepsIn(`left bootstrap
    left echo 0 3
    left echoLarge 0 2
    left echoItems 0 3
    left fail 0 2
    left missing 0
    left refuseToFill 0
    left passNoCapability 0`),
  // objects in results; held answers
  stepsIn(`left bootstrap
    left login 0 2
    left take 0
    left whoami 1
    left loginHeld 0 1
    left take 2
    left finish 2
    left whoami 2
    left drop 1
    left drop 2`),
  // pipelining: on a pending answer, deep, on a failure, after the answer
  stepsIn(`left bootstrap
    left slowLogin 0 1
    left pipeline 0
    left whoami 1
    left whoami 1
    left pipelineDeep 0 1
    left whoami 2
    left openGate 0
    left missing 0
    left pipeline 5
    left whoami 3
    left pipeline 0
    left whoami 4`),
  // callbacks, kept capabilities
  stepsIn(`left bootstrap
    left watch 0 3
    left keep 0 0
    left notifyKept 0 5
    left dropKept 0
    left many 0 1`),
  // own objects that come back, with calls before and after: embargo and Disembargo
  stepsIn(`left bootstrap
    left slowReflect 0 0
    left pipeline 0
    left notify 1 1
    left notify 1 2
    left openGate 0
    left notify 1 3
    left take 0
    left notify 2 4
    left disposeAnswer 0`),
  // promises passed on: of one answer into another call, of a call behind a call
  stepsIn(`left bootstrap
    left slowLogin 0 1
    left pipeline 0
    left reflect 0 1
    left promiseReflect 0 0
    left pipeline 2
    left whoami 2
    left openGate 0
    left promiseReflect 0 1
    left take 1`),
  // calls passed through: the left side's object is called by the right one
  stepsIn(`left bootstrap
    right bootstrap
    left tailEcho 0 2
    left tailEcho 0 1
    left reflectPeer 0
    left take 2
    left echo 1 2
    right reflect 0 1
    right pipeline 0
    right echo 1 2`),
  // cancellation, before and after the answer, by signal, with calls pipelined
  stepsIn(`left bootstrap
    left never 0
    left cancel 0
    left slowLogin 0 1
    left pipeline 1
    left whoami 1
    left cancel 1
    left cancel 2
    left abortSignal 0 1
    left abortSignal 0 0
    left echoHeld 0 2
    left disposeAnswer 5
    left openGate 0`),
  // both sides at once, and the end
  stepsIn(`left bootstrap
    right bootstrap
    left watch 0 3
    right watch 0 3
    left slowReflect 0 1
    right slowLogin 0 1
    right pipeline 1
    right whoami 1
    right openOwnGate
    left openOwnGate
    left serveOwn
    left echo 2 1
    left wait
    left close`),
];
