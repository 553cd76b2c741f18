/**
 * Who may call: API servers that prove by a client certificate that they are one, where that is asked for. A review holds
 * what its writer never showed to the API server, and the answer tells a stranger about the policy.
 *
 * The handshake never fails for a certificate: API servers would see an alert without a word, and with TLS 1.3 only after
 * they have sent their request. It is judged before a byte of the body is read, and whatever is wrong, the answer is one.
 */

import { constants } from 'node:crypto';
import type { ServerOptions as TlsOptions } from 'node:https';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { findChainProblem } from '../certificates/authority.ts';
import { Fault } from '../errors.ts';
import type { Logger } from '../log/logger.ts';
import { boundName } from '../log/logger.ts';
import type { CallerProblem, Recorder } from '../metrics/recorder.ts';
import type { Configuration } from '../policy/configuration.ts';

/** A longer chain than this is not followed. */
const LONGEST_CHAIN = 8;

/** One line a reason in this time, in ms: who calls may call often. */
const LOG_MS = 60_000;

/** Of the server, and of each certificate that is swapped in; `callers` is PEM, absent where nobody is asked. */
export function toTlsOptions({ cert, key }: Pick<TlsOptions, 'cert' | 'key'>, callers: string | undefined): TlsOptions {
  // With TLS 1.2 a handshake that is made anew costs the server more than the client, and may bring another certificate,
  // while Node keeps the verdict on the first. No API server makes one.
  const own = { cert, key, minVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_RENEGOTIATION } as const;
  if (callers === undefined) return own;
  return {
    ...own,
    ca: callers,
    requestCert: true,
    rejectUnauthorized: false,
    // A resumed session would bring the verdict of its first handshake, and with TLS 1.3 Node calls one authorized that has
    // no certificate at all.
    secureOptions: own.secureOptions | constants.SSL_OP_NO_TICKET,
  };
}

type GateOptions = {
  /** PEM: whose leaves are believed now. */
  readonly bundle: () => string;
  /** Undefined where the configuration in force does not ask. */
  readonly settings: () => Configuration['callerAuthentication'];
  readonly recorder: Pick<Recorder, 'unauthenticatedCall'>;
  readonly log: Logger;
  /** In ms since the epoch. */
  readonly now: () => number;
};

/** Why a request on this connection is refused; undefined if it may go on. */
export type Gate = (socket: Socket) => Fault | undefined;

export function createGate({ bundle, settings, recorder, log, now }: GateOptions): Gate {
  /** The bundle that a connection's certificate was found to be of: a CA may be taken out while it stands. */
  const trusted = new WeakMap<Socket, string>();
  const lines = new Map<CallerProblem, { readonly at: number; readonly calls: number }>();

  function judge(socket: Socket, names: readonly string[]): CallerProblem | undefined {
    const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
    if (!(socket instanceof TLSSocket) || certificate === undefined) return 'no_certificate';
    const isInItsTime = certificate.validFromDate.getTime() <= now() && certificate.validToDate.getTime() > now();
    if (!isInItsTime) return 'expired';
    if (!socket.authorized) return 'untrusted';
    const current = bundle();
    if (trusted.get(socket) !== current) {
      if (findChainProblem(readChain(certificate), current) !== undefined) return 'untrusted';
      trusted.set(socket, current);
    }
    const name = readName(socket);
    return name !== undefined && names.includes(name) ? undefined : 'name';
  }

  function tell(socket: Socket, reason: CallerProblem, isRefused: boolean): void {
    recorder.unauthenticatedCall({ reason, decision: isRefused ? 'refuse' : 'would_refuse' });
    const before = lines.get(reason);
    const calls = (before?.calls ?? 0) + 1;
    if (before !== undefined && now() - before.at < LOG_MS) {
      lines.set(reason, { at: before.at, calls });
      return;
    }
    lines.set(reason, { at: now(), calls: 0 });
    const name = socket instanceof TLSSocket ? readName(socket) : undefined;
    const caller = { address: socket.remoteAddress ?? null, name: name === undefined ? null : boundName(name) };
    const what = isRefused ? 'refused' : 'let through, since callerAuthentication.enforce is false';
    log.warn({ reason, calls, ...caller }, `a caller without the certificate of an API server was ${what}`);
  }

  return (socket) => {
    const wanted = settings();
    if (wanted === undefined) return undefined;
    const reason = judge(socket, wanted.names);
    if (reason === undefined) return undefined;
    tell(socket, reason, wanted.enforce);
    return wanted.enforce ? new Fault('CURFEW_E_CALLER') : undefined;
  };
}

/** PEM: the certificate and those that were sent with it. */
function readChain(certificate: NonNullable<ReturnType<TLSSocket['getPeerX509Certificate']>>): string {
  const chain = [certificate.toString()];
  let issuer = certificate.issuerCertificate;
  while (issuer !== undefined && chain.length < LONGEST_CHAIN) {
    chain.push(issuer.toString());
    issuer = issuer.issuerCertificate;
  }
  return chain.join('');
}

/** The common name, if there is one alone. */
function readName(socket: TLSSocket): string | undefined {
  const { subject } = socket.getPeerCertificate();
  const name: unknown = subject?.CN;
  return typeof name === 'string' ? name : undefined;
}
