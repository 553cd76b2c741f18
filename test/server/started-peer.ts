/** Replicas as each other sees them: what tells and hears, behind a real port for operations. */

import type { Server } from 'node:http';
import type { Replica } from '../../src/kube/replica-index.ts';
import { createPrometheusRecorder } from '../../src/metrics/prometheus.ts';
import type { IndexedObject } from '../../src/objects/changed-view.ts';
import type { Lookup } from '../../src/objects/views.ts';
import { endListening, listen } from '../../src/server/listen.ts';
import { buildOperationsApp } from '../../src/server/operations-app.ts';
import { createPeerCalls } from '../../src/server/peer-calls.ts';
import { createPeers, type Peers } from '../../src/server/peers.ts';
import { sumOf } from '../exposition.ts';
import type { FakeClock } from './fake-clock.ts';
import { createLineLog } from './line-log.ts';

export type Started = {
  readonly replica: Replica;
  readonly peers: Peers;
  readonly changed: IndexedObject[];
  readonly lines: readonly string[];
  told(outcome: string): Promise<number>;
  /** Aborts when it is stopped: what it says to others, it says until then. */
  readonly ending: AbortSignal;
  stop(): Promise<void>;
  readonly server: Server;
};

type Start = {
  readonly number: number;
  /** On which all listen. */
  readonly port: number;
  readonly clock: FakeClock;
  readonly replicas: () => Lookup<readonly Replica[]>;
  readonly isStopping: (pod: string) => boolean;
};

/** With the address 127.0.0.N: all of them listen on one port, as pods do. */
export async function startPeer({ number, port, clock, replicas, isStopping }: Start): Promise<Started> {
  const replica = { pod: `curfew-${number}`, address: `127.0.0.${number}` };
  const recorder = createPrometheusRecorder('test', clock.monotonic);
  const log = createLineLog();
  const changed: IndexedObject[] = [];
  const peers = createPeers({
    self: replica.pod,
    replicas,
    send: createPeerCalls(port),
    onChanged: (one) => changed.push(one),
    isStopping: () => isStopping(replica.pod),
    clock,
    log,
    recorder,
  });
  const server = buildOperationsApp({ readiness: [], notes: [], metrics: recorder, onPeerMessage: peers.heard });
  await listen(server, { host: replica.address, port });
  const ended = new AbortController();
  return {
    replica,
    peers,
    changed,
    lines: log.lines,
    server,
    ending: ended.signal,
    told: async (outcome) => sumOf(await recorder.render(), `curfew_changes_told_total{outcome="${outcome}"}`),
    stop: async () => {
      ended.abort();
      if (server.listening) await endListening(server);
    },
  };
}

/** As if the others among these had just said that they are there. */
export function hearAll(one: Started | undefined, among: readonly (Started | undefined)[]): void {
  for (const other of among) if (one !== other) one?.peers.heard({ from: other?.replica.pod ?? '' });
  one?.peers.missing();
}
