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

/** `count` different TCP ports that nobody listens on at this moment. */
export async function findFreePorts(count: number): Promise<readonly number[]> {
  const held = new Map<number, Server>();
  // All are held until all are known, or the same port could be given twice.
  while (held.size < count) {
    const port = randomInt(PORTS.from, PORTS.below);
    const server = await hold(port);
    if (server !== undefined) held.set(port, server);
  }
  await Promise.all([...held.values()].map((server) => new Promise((resolve) => server.close(resolve))));
  return [...held.keys()];
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
