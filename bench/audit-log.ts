/**
 * Writes the audit log of an API server to standard output, always the same, until it has so many MB.
 *
 *     node bench/audit-log.ts usual 1000     2,000 accounts that do what controllers do, with people and nodes among them
 *     node bench/audit-log.ts endless 1000   everything is new in each line: accounts, pods, URLs, verbs, user agents, audiences
 */

import { once } from 'node:events';

const [shape, megabytes] = [process.argv[2], Number(process.argv[3])];
if ((shape !== 'usual' && shape !== 'endless') || !(megabytes > 0)) {
  console.error('usage: node bench/audit-log.ts usual|endless MEGABYTES');
  process.exit(2);
}

const RESOURCES = ['pods', 'configmaps', 'secrets', 'services', 'endpoints', 'events', 'nodes', 'leases'];
const VERBS = ['get', 'list', 'watch', 'update', 'patch', 'create'];
const START = Date.UTC(2026, 10, 26);

/** @param line - from 0 */
function usual(line: number): object {
  const account = line % 2_000;
  const [resource, verb] = [RESOURCES[line % 8], VERBS[(line >> 3) % 6]];
  return {
    username: account < 1_990 ? `system:serviceaccount:team-${account % 100}:app-${account}` : `person-${account}`,
    pod: `app-${account}-${line % 7}`,
    verb,
    requestURI: `/api/v1/namespaces/team-${account % 100}/${resource}/name-${line % 50}?timeout=10s`,
    objectRef: { resource, namespace: `team-${account % 100}`, name: `name-${line % 50}`, apiVersion: 'v1' },
  };
}

/** As if everybody were out to fill the memory of whoever reads the log. */
function endless(line: number): object {
  const isPath = line % 3 === 0;
  const isToken = line % 3 === 1;
  return {
    // Each account comes back, and does something else then.
    username: `system:serviceaccount:team-${line % 997}:app-${line % 20_000}`,
    pod: `pod-${line}`,
    verb: isPath ? `verb-${line}` : isToken ? 'create' : 'get',
    requestURI: `/made-up/${line}/${'x'.repeat(500)}?timeout=10s`,
    ...(isPath
      ? {}
      : isToken
        ? {
            objectRef: { resource: 'serviceaccounts', subresource: 'token', namespace: 'shop', name: `a-${line}` },
            requestObject: { spec: { audiences: [`audience-${line}-${'x'.repeat(500)}`] } },
          }
        : { objectRef: { resource: `kind-${line}`, namespace: `space-${line}`, name: `name-${line}` } }),
  };
}

function toLine(line: number): string {
  const { username, pod, ...request } = (shape === 'usual' ? usual(line) : endless(line)) as Record<string, unknown>;
  const at = new Date(START + line * 10).toISOString();
  const name = 'authentication.kubernetes.io';
  return `${JSON.stringify({
    kind: 'Event',
    apiVersion: 'audit.k8s.io/v1',
    level: 'Metadata',
    auditID: `8e1b1c5e-0000-4000-8000-${String(line).padStart(12, '0')}`,
    stage: 'ResponseComplete',
    ...request,
    user: {
      username,
      groups: ['system:serviceaccounts', 'system:authenticated'],
      extra: { [`${name}/credential-id`]: [`JTI=${line}`], [`${name}/pod-name`]: [pod] },
    },
    sourceIPs: ['10.0.0.1'],
    userAgent: `client-${line}/v1 (linux/amd64)`,
    responseStatus: { metadata: {}, code: 200 },
    requestReceivedTimestamp: at,
    stageTimestamp: at,
    annotations: { 'authorization.k8s.io/decision': 'allow', 'authorization.k8s.io/reason': 'RBAC: allowed by …' },
  })}\n`;
}

let written = 0;
for (let line = 0; written < megabytes * 1_000_000; ) {
  const lines: string[] = [];
  for (let count = 0; count < 200; count += 1, line += 1) lines.push(toLine(line));
  const chunk = Buffer.from(lines.join(''));
  written += chunk.length;
  if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
}
