/**
 * Every bound of one session, with its default and what happens at it. A peer that stays within them costs at most
 * about callBytesInFlightMax + resultBytesKeptMax + outBytesMax + one message of memory, whatever it sends, and 16 KiB for
 * each call in flight (what small messages share, kept as a whole when all others in it have ended), for the first 16 of
 * them a chunk of the network.
 */
import { defaultMessageLimits, type MessageLimits } from "./message/index.ts";

export type RpcLimits = MessageLimits & {
  /** Calls of the peer whose handler has not ended. Beyond: the call is answered `overloaded`. */
  readonly callsInFlightMax: number;
  /** Bytes of those calls' messages. Beyond: `overloaded`; a single call always may run. */
  readonly callBytesInFlightMax: number;
  /** Calls that wait for a capability that is not there yet. Beyond: `overloaded`. Each is also a call in flight. */
  readonly queuedCallsMax: number;
  /** Calls of the peer it has not finished, answered ones included. Beyond: the session is aborted. */
  readonly answersMax: number;
  /** Bytes of answered results kept because the peer may still pipeline on them. Beyond: the session is aborted. */
  readonly resultBytesKeptMax: number;
  /** Calls of our own without an answer. Beyond: the new call is rejected as `overloaded`. */
  readonly questionsMax: number;
  /** Capabilities the peer holds of us. Beyond: the call or the answer that would add one fails as `overloaded`. */
  readonly exportsMax: number;
  /** Capabilities we hold of the peer. Beyond: the session is aborted. */
  readonly importsMax: number;
  /** Capabilities in one message. Beyond: the session is aborted, or our own call or answer fails. */
  readonly capsPerMessageMax: number;
  /** Pointer steps from a result to the capability a pipelined call is meant for. Beyond: the session is aborted. */
  readonly pipelineDepthMax: number;
  /** Bytes that wait for a peer that does not read. Beyond: its new calls wait, or are answered `overloaded`. */
  readonly outBytesBusy: number;
  /** Beyond: the session is aborted, the peer is too slow to be served. Beyond half of it our own calls are rejected as `overloaded`. */
  readonly outBytesMax: number;
  /** UTF-16 units of an exception's or Abort's reason; longer ones are cut. */
  readonly reasonLengthMax: number;
  /** Bytes thrown away after our Abort, for a peer that has not read it yet. Beyond: the stream is reset. */
  readonly drainBytesMax: number;
};

export const defaultRpcLimits: RpcLimits = {
  ...defaultMessageLimits,
  callsInFlightMax: 4_096,
  // 8 messages of the largest size.
  callBytesInFlightMax: 64 << 20,
  queuedCallsMax: 1_024,
  // A C++ peer finishes a call only when it drops the response: room for many that it keeps.
  answersMax: 65_536,
  resultBytesKeptMax: 16 << 20,
  questionsMax: 65_536,
  exportsMax: 16_384,
  importsMax: 16_384,
  capsPerMessageMax: 1_024,
  pipelineDepthMax: 16,
  outBytesBusy: 4 << 20,
  outBytesMax: 64 << 20,
  reasonLengthMax: 1_024,
  drainBytesMax: 1 << 20,
};
