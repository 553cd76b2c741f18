/** What the chart renders, judged by Curfew's own rules, as strict as they go and without an exemption. */

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CHECKS } from '../../src/checks/registry.ts';
import { asAdmitted } from '../../src/engine/as-admitted.ts';
import { isRead, judge } from '../../src/engine/evaluate.ts';
import { toExampleSubject } from '../../src/engine/example-subject.ts';
import { mutate } from '../../src/engine/mutate.ts';
import type { CheckReport } from '../../src/manifests/check-report.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import { asString, isObject, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { findKind } from '../../src/objects/kinds.ts';
import type { Subject } from '../../src/objects/subject.ts';
import { type Lookup, type ServiceAccountView, toServiceAccountView } from '../../src/objects/views.ts';
import { runWith } from '../unit/cli/run-command.ts';
import { configure, contextOf } from '../unit/judging.ts';
import { CHART, find, findHelms, parse, render } from './rendering.ts';

const CASES = [undefined, ...readdirSync(join(CHART, 'ci'))];
const LEVELS = { enforce: 'restricted', warn: 'restricted', audit: 'restricted', mutate: 'restricted' } as const;
/** In its own namespace Curfew judges nothing: here nothing is spared, templates included. */
const SCOPE = { ceiling: 'enforce', mayMutate: true, mayInject: true, isDryRun: false } as const;

/** What a value asks for and a check refuses: it is what the comment on that value says, and nothing comes with it. */
const ASKED_FOR: Readonly<Record<string, readonly string[]>> = {
  'secret-index-values.yaml': [
    'ClusterRole curfew: rbac-secret-read list secrets',
    'ClusterRole curfew: rbac-secret-read watch secrets',
  ],
  // Policies alone, and the CronJob that looks at what is there.
  'native-values.yaml': ['ClusterRole curfew-audit: rbac-secret-read list secrets'],
  'tasks-values.yaml': [
    'ClusterRole curfew-audit: rbac-secret-read list secrets',
    'ClusterRole curfew-cleanup: rbac-secret-read list secrets',
  ],
};

beforeAll(async () => {
  await findHelms();
});

describe.each(CASES.map((file) => ({ name: file ?? 'default values', file })))('With $name', ({ file }) => {
  it('no check finds anything that was not asked for, and no mutation has anything to do', async () => {
    const objects = parse(await render('helm', file));
    const subjects = subjectsOf(objects);
    const wanted = ['Pod', 'ClusterRole', file === 'native-values.yaml' ? 'CronJob' : 'Deployment'];
    expect(subjects.map(({ kind }) => kind)).toEqual(expect.arrayContaining(wanted));
    expect(subjects.flatMap((subject) => complaintsOf(subject, objects))).toEqual(ASKED_FOR[file ?? ''] ?? []);
  });
});

/** What `serviceAccount.create: false` leaves to others. */
const OTHERS_ACCOUNT =
  '{apiVersion: v1, kind: ServiceAccount, metadata: {name: curfew-own, namespace: curfew-system, annotations: {curfew.dev/api-access: is it}}}';

describe.each(CASES.map((file) => ({ name: file ?? 'default values', file })))(
  'Piped into curfew check, $name',
  ({ file }) => {
    it('nothing is denied at restricted that was not asked for', async () => {
      const { code, out } = await runWith(
        { input: `${await render('helm', file)}\n---\n${OTHERS_ACCOUNT}` },
        ...['check', '--level', 'restricted', '--output', 'json', '-'],
      );
      const { findings, undecided }: CheckReport = JSON.parse(out);
      const denied = findings.filter((finding) => finding.denied).map(({ check, object }) => `${object.kind} ${check}`);
      const asked = (ASKED_FOR[file ?? ''] ?? []).map(() => 'ClusterRole rbac-secret-read');
      expect({ code, denied, unknown: undecided.filter(({ couldDeny }) => couldDeny) }).toEqual({
        code: asked.length === 0 ? 0 : 1,
        denied: asked,
        unknown: [],
      });
    });
  },
);

describe('It would be noticed', () => {
  it.each<[string, string, (object: JsonObject) => JsonObject, string]>([
    [
      'that the service account says no longer why',
      'ServiceAccount',
      (object) => ({ ...object, metadata: { name: 'curfew', namespace: 'curfew-system' } }),
      'Pod curfew-0: pod-automount',
    ],
    [
      'that the role has a wildcard',
      'ClusterRole',
      (object) => ({ ...object, rules: [{ apiGroups: [''], resources: ['namespaces'], verbs: ['*'] }] }),
      'ClusterRole curfew: rbac-wildcard',
    ],
    [
      'that the pod has the token of a year',
      'Deployment',
      (object) =>
        withPodSpec(object, { automountServiceAccountToken: true, volumes: [], containers: [{ name: 'curfew' }] }),
      'Pod curfew-0: short-lived-api-token',
    ],
  ])('%s', async (_what, kind, change, complaint) => {
    const objects = parse(await render('helm', undefined)).map((object) =>
      member(object, 'kind') === kind ? change(object) : object,
    );
    const complaints = subjectsOf(objects).flatMap((subject) => complaintsOf(subject, objects));
    expect(complaints.join('\n')).toContain(complaint);
  });
});

/** Each object that a rule can read, and the pod of the Deployment's template as the API server would show it. */
function subjectsOf(objects: readonly JsonObject[]): readonly Subject[] {
  const template = valueAt(find(objects, 'Deployment'), ['spec', 'template']);
  const metadata = toObject(member(template, 'metadata'));
  const pod: JsonObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    ...toObject(template),
    metadata: { ...metadata, name: 'curfew-0', namespace: 'curfew-system' },
  };
  return [...objects, pod].filter(isOfReadKind).map((object) => {
    return asAdmitted(toExampleSubject({ subject: { object } }), accountOf(objects));
  });
}

function isOfReadKind(object: JsonObject): boolean {
  return findKind(asString(member(object, 'apiVersion')) ?? '', asString(member(object, 'kind')) ?? '') !== undefined;
}

/** `KIND NAME: RULE KEY` for each finding, each answer that could not be given, and each change. */
function complaintsOf(subject: Subject, objects: readonly JsonObject[]): readonly string[] {
  const options = {
    configuration: configure(),
    scope: SCOPE,
    levels: { ...LEVELS, mutateByLabel: false, notes: [] },
    context: contextOf(subject, { serviceAccount: accountOf(objects) }),
  };
  const { results, undecided } = judge(subject, { ...options, checks: CHECKS });
  const denied = results.filter(({ effect }) => effect === 'deny');
  const applied = mutate(subject, {
    ...options,
    configuration: configure({ mutateMode: 'apply' }),
    mutations: MUTATIONS.filter(({ reads }) => isRead(reads, subject)),
  });
  return [
    ...denied.flatMap(({ check, findings }) => findings.map(({ key }) => `${check.id} ${key}`)),
    ...undecided.map(({ check, outcome }) => `${check.id} cannot tell: ${outcome.detail}`),
    ...applied.results.map(({ mutation, decision }) => `${mutation.id} ${decision}`),
  ].map((complaint) => `${subject.kind} ${subject.name}: ${complaint}`);
}

/** The chart's own account. One that somebody else made is for them to document. */
function accountOf(objects: readonly JsonObject[]): Lookup<ServiceAccountView> {
  const metadata = {
    name: 'curfew-own',
    namespace: 'curfew-system',
    annotations: { 'curfew.dev/api-access': 'is it' },
  };
  const value = toServiceAccountView(find(objects, 'ServiceAccount') ?? { metadata });
  return value === undefined ? { state: 'absent' } : { state: 'found', value };
}

function withPodSpec(deployment: JsonObject, fields: JsonObject): JsonObject {
  const spec = toObject(member(deployment, 'spec'));
  const template = toObject(member(spec, 'template'));
  const podSpec = { ...toObject(member(template, 'spec')), ...fields };
  return { ...deployment, spec: { ...spec, template: { ...template, spec: podSpec } } };
}

function toObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}
