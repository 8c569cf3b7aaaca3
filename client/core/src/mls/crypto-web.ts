/**
 * The MLS suite 0x0001 on WebCrypto, for a browser: ts-mls's own provider. It is slower than node:crypto's (it waits at
 * every hash) and speaks the same bytes; a test lets groups of both kinds talk.
 */
import { suiteName } from "./suite-name.ts";
import { type CiphersuiteImpl, getCiphersuiteFromName, getCiphersuiteImpl } from "./ts-mls.ts";

export const mlsCrypto: CiphersuiteImpl = await getCiphersuiteImpl(getCiphersuiteFromName(suiteName));

/** Nothing is cached here: WebCrypto keys live as long as the call that imported them. */
export function wipeKeyCache(): void {}
