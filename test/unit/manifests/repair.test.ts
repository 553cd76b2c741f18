import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { checkManifests } from '../../../src/manifests/check-manifests.ts';
import { readManifests } from '../../../src/manifests/read-manifests.ts';
import { repairText } from '../../../src/manifests/repair.ts';
import type { JsonObject } from '../../../src/objects/json.ts';
import { fc } from '../../properties.ts';
import { configure } from '../judging.ts';

const HOW = {
  configuration: configure(),
  cluster: { apiAudiences: ['https://kubernetes.default.svc'], issuers: ['https://kubernetes.default.svc'] },
  now: 0,
  release: 'curfew',
  level: 'restricted',
  namespace: 'default',
} as const;

function repair(text: string, keys: JsonObject = {}) {
  const { objects } = checkManifests([{ file: 'a.yaml', text }], { ...HOW, configuration: configure(keys) });
  const { text: repaired, written } = repairText(text, objects);
  return { text: repaired, written: written.length };
}

const ACCOUNT = 'apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: web, namespace: default}\n';
const PODS = `apiVersion: v1   # the core
kind: Pod
metadata:
  name: web
spec:
  # who it is
  serviceAccountName: web
  containers:
    - name:   app
      image: "x"
  volumes:
    - name: t
      projected:
        sources:
          - serviceAccountToken: {path: token, audience: vault, expirationSeconds: 86400} # a day
          - serviceAccountToken:
              path: api
              expirationSeconds: 3607
`;

describe('A repair', () => {
  it('changes the characters of values, and adds lines; all else stays', () => {
    const text = `# a file\n---\n${ACCOUNT}---\n${PODS}`;
    expect(repair(text)).toEqual({
      written: 4,
      text: text
        .replace('ServiceAccount\n', 'ServiceAccount\nautomountServiceAccountToken: false\n')
        .replace('  # who it is\n', '  # who it is\n  automountServiceAccountToken: false\n')
        .replace('86400}', '3600}')
        .replace('3607', '3600'),
    });
  });

  it.each<[string, string, string]>([
    [
      'a template in braces',
      '{apiVersion: batch/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {serviceAccountName: web, containers: [{name: a}]}}}}',
      'spec: {automountServiceAccountToken: false, serviceAccountName',
    ],
    [
      'JSON on one line',
      '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},"spec":{"serviceAccountName":"web","containers":[{"name":"a"}]}}',
      '"spec":{"automountServiceAccountToken": false, "serviceAccountName"',
    ],
    [
      'JSON that is indented',
      JSON.stringify(
        {
          apiVersion: 'v1',
          kind: 'Pod',
          metadata: { name: 'a' },
          spec: { serviceAccountName: 'web', containers: [{ name: 'a' }] },
        },
        undefined,
        2,
      ),
      '"spec": {\n    "automountServiceAccountToken": false,\n    "serviceAccountName"',
    ],
    [
      'an object that is nothing but its kind',
      'apiVersion: v1\nkind: ServiceAccount\n',
      'automountServiceAccountToken: false\napiVersion: v1\nkind: ServiceAccount\n',
    ],
    [
      'an object in an array, behind what is none',
      `[null, {"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"web"}}, {"kind":"List"}]`,
      'null, {"apiVersion":"v1","kind":"ServiceAccount","automountServiceAccountToken": false, "metadata"',
    ],
    [
      'an object in a list, behind a dash',
      'apiVersion: v1\nkind: List\nitems:\n- metadata: {name: web}\n  apiVersion: v1\n  kind: ServiceAccount\n',
      '- automountServiceAccountToken: false\n  metadata: {name: web}\n',
    ],
    [
      'a field that is there and empty',
      `${ACCOUNT}automountServiceAccountToken:\n`,
      'automountServiceAccountToken: false\n',
    ],
    [
      'a field of null',
      `${ACCOUNT}automountServiceAccountToken: null # why\n`,
      'automountServiceAccountToken: false # why\n',
    ],
    [
      'carriage returns',
      ACCOUNT.replaceAll('\n', '\r\n'),
      'kind: ServiceAccount\r\nautomountServiceAccountToken: false\r\n',
    ],
  ])('reaches %s', (_what, text, part) => {
    const { text: repaired } = repair(
      text.includes('ServiceAccount\n') || text.includes('\r') ? text : `${text}\n---\n${ACCOUNT}`,
    );
    expect(repaired).toContain(part);
    expect(repair(repaired).written).toBe(0);
  });

  it.each([
    ['YAML', 'serviceAccountToken: {expirationSeconds: 900}'],
    ['JSON', '"serviceAccountToken": {"expirationSeconds": 900}'],
  ])('reaches braces with nothing in them, and leaves %s what it is', (form, part) => {
    const keys = { checks: { 'token-lifetime': { audiences: { '': 900 } } } };
    const sources = [{ serviceAccountToken: {} }];
    const pod = {
      ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a' } },
      spec: {
        automountServiceAccountToken: false,
        containers: [{ name: 'a' }],
        volumes: [{ name: 't', projected: { sources } }],
      },
    };
    const text = form === 'YAML' ? stringify(pod) : JSON.stringify(pod, undefined, 1);
    const { text: repaired } = repair(text, keys);
    expect(repaired).toBe(text.replace(/"?serviceAccountToken"?: \{\}/, part));
    expect(repair(repaired, keys).written).toBe(0);
    if (form === 'JSON') expect(JSON.parse(repaired)).toMatchObject(JSON.parse(text));
  });

  it('is not written where an author said true, behind an alias, or through an anchor', () => {
    const explicit = `${ACCOUNT}automountServiceAccountToken: true\n`;
    expect(repair(explicit)).toEqual({ written: 0, text: explicit });
    const shared = PODS.replace('expirationSeconds: 3607', 'expirationSeconds: &s 3607');
    expect(repair(shared).text).toContain('&s 3607');
    const alias = `apiVersion: v1\nkind: List\nitems:\n- &a {apiVersion: v1, kind: ServiceAccount, metadata: {name: b}}\n- *a\n`;
    expect(repair(alias)).toMatchObject({ written: 1 });
  });

  it('makes valid YAML in which nothing else has changed, whatever the layout', () => {
    const indent = fc.integer({ min: 1, max: 6 });
    const comment = fc.constantFrom('', ' # c', '   #c: {');
    fc.assert(
      fc.property(indent, comment, fc.boolean(), fc.boolean(), (width, note, isCrlf, isDashed) => {
        const step = ' '.repeat(width);
        const dash = isDashed ? '' : step;
        const lines = [
          `apiVersion: apps/v1${note}`,
          'kind: Deployment',
          `metadata: {name: web}${note}`,
          'spec:',
          `${step}template:${note}`,
          `${step}${step}spec:`,
          ...(note === '' ? [] : [`${step}${step}${step}# why`]),
          `${step}${step}${step}serviceAccountName: web${note}`,
          `${step}${step}${step}containers:`,
          `${step}${step}${step}${dash}- name: app${note}`,
          '---',
          ...ACCOUNT.split('\n'),
        ];
        const text = lines.join(isCrlf ? '\r\n' : '\n');
        const { text: repaired, written } = repair(text);
        expect(written).toBe(2);
        const before = readManifests(text, 'a').manifests.map(({ object }) => object);
        const after = readManifests(repaired, 'a').manifests.map(({ object }) => JSON.stringify(object));
        expect(after).toHaveLength(before.length);
        const removed = after.map((json) => json.replace('"automountServiceAccountToken":false,', ''));
        expect(removed).toEqual(before.map((object) => JSON.stringify(object)));
      }),
    );
  });
});
