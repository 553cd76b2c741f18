import { Type } from 'typebox';
import { API_ACCESS_ANNOTATION, findDocumentedAccess, REASON_PLACEHOLDER } from '../objects/api-access.ts';
import { exampleNamespace, exampleServiceAccount } from '../objects/example-objects.ts';
import type { JsonObject } from '../objects/json.ts';
import { isObject, member, stringMembers, toPointer, valueAt } from '../objects/json.ts';
import type { Subject } from '../objects/subject.ts';
import { nameForCommand } from '../objects/text.ts';
import type { Finding } from './define-check.ts';
import { defineCheck } from './define-check.ts';

const FIELD = 'automountServiceAccountToken';

export default defineCheck({
  id: 'service-account-automount',
  since: '0.1',
  levels: { restricted: {} },
  options: Type.Object({}, { additionalProperties: false }),
  defaults: {},
  reads: [{ group: '', resource: 'serviceaccounts', operations: ['CREATE', 'UPDATE'] }],
  needs: [],
  title: 'service accounts that give every pod an API token, without a documented reason',
  why: `A pod that says nothing about it gets a token of its service account, because that is the default of the account too.
Switched off on the account, it is off for every pod that does not ask for it. An account whose pods do call the
Kubernetes API says why, once, and the reason is there for whoever reviews its rights.`,
  fix: describeFix,
  shortFix: () => `set ${FIELD}: false`,
  evaluate(subject, _settings, context) {
    const { object } = subject;
    if (member(object, FIELD) === false) return [];
    const annotations = stringMembers(valueAt(object, ['metadata', 'annotations']));
    const access = findDocumentedAccess({
      serviceAccount: { state: 'found', value: { annotations } },
      namespace: context.namespace,
      acceptFrom: context.acceptApiAccessFrom,
    });
    if (access.state === 'documented') {
      const where =
        access.source === 'Namespace'
          ? `namespace ${subject.namespace}`
          : `service account ${subject.namespace}/${subject.name}`;
      return [{ documented: true, where, reason: access.reason }];
    }
    if (access.state === 'unknown') {
      const detail = `cannot tell whether namespace ${subject.namespace} documents the need of the API: ${access.why}`;
      return [{ undecided: true, needs: 'serviceAccount', detail }];
    }
    return [toFinding(object, access.fault)];
  },
  examples: [
    {
      title: 'A service account that says nothing',
      level: 'restricted',
      subject: { object: exampleServiceAccount() },
      expect: [FIELD],
    },
    {
      title: 'A service account that asks for it',
      level: 'restricted',
      subject: { object: exampleServiceAccount({ [FIELD]: true }) },
      expect: [FIELD],
    },
    {
      title: 'An update that switches it on again',
      level: 'restricted',
      subject: {
        operation: 'UPDATE',
        object: exampleServiceAccount({ [FIELD]: true }),
        oldObject: exampleServiceAccount({ [FIELD]: false }),
      },
      expect: [FIELD],
    },
    {
      title: 'A reason that is still the placeholder of our own message',
      level: 'restricted',
      subject: { object: exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: REASON_PLACEHOLDER }) },
      expect: [FIELD],
    },
    {
      title: 'A service account that switches it off',
      level: 'restricted',
      subject: { object: exampleServiceAccount({ [FIELD]: false }) },
      expect: 'allowed',
    },
    {
      title: 'A service account that says why its pods need the API',
      level: 'restricted',
      subject: { object: exampleServiceAccount({}, { [API_ACCESS_ANNOTATION]: 'lists its own endpoints' }) },
      expect: 'allowed',
    },
    {
      title: 'A service account in a namespace that says why, where the administrator accepts it from namespaces',
      level: 'restricted',
      subject: { object: exampleServiceAccount() },
      context: {
        acceptApiAccessFrom: ['ServiceAccount', 'Namespace'],
        namespace: exampleNamespace({ [API_ACCESS_ANNOTATION]: 'operators only' }),
      },
      expect: 'allowed',
    },
  ],
});

function toFinding(object: JsonObject, fault: string | undefined): Finding {
  const value = member(object, FIELD);
  const seen = value === undefined || value === null ? `${FIELD} is not set` : `${FIELD} is ${JSON.stringify(value)}`;
  const reason = fault === undefined ? 'nothing says why' : fault;
  return {
    path: pathOf(object),
    key: FIELD,
    // Who wrote true meant it: that is for a person to change.
    ...(value === true ? {} : { repair: { path: [FIELD], value: false } }),
    reason: 'undocumented API tokens for its pods',
    detail: `${seen}, so every pod of this account that says nothing gets an API token, and ${reason}.`,
  };
}

/** The field, if it is there; else the object's metadata, where the reason would stand. */
function pathOf(object: JsonObject): string {
  if (member(object, FIELD) !== undefined) return toPointer([FIELD]);
  return isObject(member(object, 'metadata')) ? '/metadata' : '';
}

function describeFix({ name, namespace }: Subject): string {
  const account = `serviceaccount ${nameForCommand(name, 'NAME')} --namespace ${nameForCommand(namespace, 'NAMESPACE')}`;
  return `write ${FIELD}: false; or, if its pods call the Kubernetes API, the annotation ${API_ACCESS_ANNOTATION}: "${REASON_PLACEHOLDER}". Of one that exists: kubectl patch ${account} --patch '{"${FIELD}": false}'`;
}
