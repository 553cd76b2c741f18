/** Ports for servers that are told theirs before they start, and get it again when they start anew. */

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { member } from '../src/objects/json.ts';

/**
 * Below those that a kernel gives to outgoing connections by itself (32768 and more), or a port that is free now is somebody's
 * by the time its server starts; and below the NodePorts of a cluster (30000 and more).
 */
const PORTS = { from: 12_000, below: 30_000 };
/** Parts of these, of which each process that runs tests at the same time has one: a server that restarts finds its port free. */
const PARTS = 18;
const PART = (PORTS.below - PORTS.from) / PARTS;

const ANY_PART = randomInt(PARTS);
/** By this process. */
const given = new Set<number>();

/** `count` different TCP ports that nobody listens on at this moment, and that nobody gets from here again. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  // All are held until all are known: another process may look in the same part.
  while (held.size < count) {
    const port = choose();
    const server = await hold(port);
    if (server !== undefined) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  return [...held.keys()];
}

function choose(): number {
  if (given.size === PART) throw new Error(`all ${PART} ports of this process were given away`);
  // vitest counts the processes that run at the same time, from 1.
  const part = Number(process.env['VITEST_POOL_ID'] ?? ANY_PART) % PARTS;
  for (;;) {
    const port = PORTS.from + part * PART + randomInt(PART);
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

/** Undefined if somebody has it. */
async function hold(port: number): Promise<Server | undefined> {
  const server = createServer().listen(port);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (member(error, 'code') !== 'EADDRINUSE') throw error;
    return undefined;
  }
}
