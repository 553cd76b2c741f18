import { expect, it } from 'vitest';
import { CEL_FORMS } from '../../src/checks/cel/registry.ts';
import { CHECKS } from '../../src/checks/registry.ts';
import { CEL_MUTATIONS } from '../../src/mutations/cel/registry.ts';
import { MUTATIONS } from '../../src/mutations/registry.ts';
import type { NativeOptions } from '../../src/native/native-options.ts';
import { renderPolicies } from '../../src/native/render-policies.ts';
import { RENDERED_KEYS, SERVER_KEYS, WRITTEN_KEYS } from '../../src/native/rendered-from.ts';
import { asArray, asString, valueAt } from '../../src/objects/json.ts';
import { EMPTY_CONFIGURATION_FILE, readConfiguration } from '../../src/policy/configuration.ts';
import { ConfigurationSchema } from '../../src/policy/configuration-schema.ts';

const REASON = /^\S.{20,}[^.]$/;

it('Every check and every mutation has a form in CEL, or a reason why it has none', () => {
  expect([...CEL_FORMS.keys()]).toEqual(CHECKS.map(({ id }) => id));
  expect([...CEL_MUTATIONS.keys()]).toEqual(MUTATIONS.map(({ id }) => id));
  const reasons = [...CEL_FORMS.values(), ...CEL_MUTATIONS.values()].flatMap((form) =>
    'without' in form ? [form.without] : [],
  );
  expect(reasons.filter((reason) => !REASON.test(reason))).toEqual([]);
});

it('Every policy has a binding behind it, and keeps to the bounds of the API server', () => {
  const objects = renderAll({});
  const kinds = objects.map(({ kind }) => asString(kind) ?? '');
  expect(objects.length).toBeGreaterThan(80);
  for (const [index, object] of objects.entries()) {
    if (kinds[index]?.endsWith('Binding') === true) continue;
    const name = asString(valueAt(object, ['metadata', 'name'])) ?? '';
    expect([kinds[index + 1], valueAt(objects[index + 1], ['spec', 'policyName'])]).toEqual([
      `${kinds[index]}Binding`,
      name,
    ]);
    expect(asArray(valueAt(object, ['spec', 'auditAnnotations'])).length).toBeLessThanOrEqual(20);
    for (const validation of asArray(valueAt(object, ['spec', 'validations']))) {
      expect((asString(valueAt(validation, ['messageExpression'])) ?? '').length).toBeLessThanOrEqual(5_120);
    }
  }
});

it('Every key of the configuration is written by the chart, rendered, or the server’s alone', () => {
  const keys = Object.keys(ConfigurationSchema.properties).filter((key) => key !== 'apiVersion' && key !== 'kind');
  expect([...WRITTEN_KEYS, ...RENDERED_KEYS, ...SERVER_KEYS].toSorted()).toEqual(keys.toSorted());
});

it('Behind the webhook policies only deny', () => {
  const objects = renderAll({}, { engine: 'both' });
  const actions = objects.flatMap((object) => asArray(valueAt(object, ['spec', 'validationActions'])));
  expect(new Set(actions)).toEqual(new Set(['Deny']));
  expect(objects.filter(({ kind }) => asString(kind)?.startsWith('Mutating') === true)).toEqual([]);
  expect(renderAll({ dryRun: true }, { engine: 'both' })).toEqual([]);
});

it('Policies for kubelets come when they are asked for, beside either engine, and fail open', () => {
  const nodes = (nodeTokens: NativeOptions['nodeTokens'], engine: NativeOptions['engine']) =>
    renderAll({}, { nodeTokens, engine }).filter((object) =>
      asString(valueAt(object, ['metadata', 'name']))?.startsWith('node-'),
    );
  for (const engine of ['native', 'both'] as const) {
    const actionsOf = (mode: NativeOptions['nodeTokens']) =>
      nodes(mode, engine).flatMap((object) => asArray(valueAt(object, ['spec', 'validationActions'])));
    expect(actionsOf('off')).toEqual([]);
    expect(actionsOf('audit')).toEqual(['Audit']);
    expect(actionsOf('enforce')).toEqual(['Deny', 'Audit']);
    const policies = nodes('enforce', engine).map((object) => valueAt(object, ['spec', 'failurePolicy']));
    expect(policies.filter((policy) => policy !== undefined)).toEqual(['Ignore', 'Ignore']);
  }
});

it('Mutations are rendered from Kubernetes 1.36 on, and never with dryRun', () => {
  const isMutating = ({ kind }: { readonly kind?: unknown }) => kind === 'MutatingAdmissionPolicy';
  expect(renderAll({}, { minor: 36 }).filter(isMutating)).toHaveLength(3);
  expect(renderAll({}, { minor: 35 }).filter(isMutating)).toEqual([]);
  expect(renderAll({ dryRun: true }, { minor: 36 }).filter(isMutating)).toEqual([]);
});

it('Policies that judge ask for no function that came after Kubernetes 1.30', () => {
  // `npm run cel-cost` asks the API server's own code; this is what it knows of (apiserver, pkg/cel/environment/base.go).
  const newer =
    /\.(flatten|distinct|sort|sortBy|reverse|slice|first|last|transform\w*|format|\w+Selector)\(|\bsemver\(/;
  const isNewer = (object: object) => newer.test(JSON.stringify(object));
  const objects = renderAll({});
  expect(objects.filter(({ kind }) => kind === 'ValidatingAdmissionPolicy').filter(isNewer)).toEqual([]);
  expect(objects.filter(({ kind }) => kind === 'MutatingAdmissionPolicy').every(isNewer)).toBe(true);
});

it('With dryRun nothing is denied', () => {
  const actions = renderAll({ dryRun: true }).flatMap((object) =>
    asArray(valueAt(object, ['spec', 'validationActions'])),
  );
  expect(actions).toContain('Warn');
  expect(actions).not.toContain('Deny');
});

function renderAll(
  keys: Readonly<Record<string, boolean>>,
  {
    engine = 'native',
    minor = 37,
    nodeTokens = 'off',
  }: Partial<Pick<NativeOptions, 'engine' | 'minor' | 'nodeTokens'>> = {},
) {
  const read = readConfiguration({ ...EMPTY_CONFIGURATION_FILE, ...keys });
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  const cluster = { apiAudiences: ['https://kubernetes.default.svc'], issuers: [] };
  const options = {
    engine,
    nodeTokens,
    configuration: read.configuration,
    cluster,
    ownNamespace: 'curfew-system',
    level: undefined,
    now: 0,
    minor,
  };
  return renderPolicies(options).objects;
}
