import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../src/checks/registry.ts';
import { CHECKS_OF_NEED, EXEMPTION_PRESETS, listPresetChecks } from '../../../src/policy/exemption-presets.ts';
import { configure, judgeWith } from '../judging.ts';
import { admittedPod, subjectOf } from '../subjects.ts';

/** The ids of the catalogue as it is planned: a preset may name one whose check is not written yet. */
const CATALOGUE = [
  ...['long-lived-token-secret', 'embedded-token', 'bootstrap-token-expiration', 'long-lived-token-mount'],
  ...['service-account-secrets', 'year-long-token', 'token-lifetime', 'token-audience', 'pod-automount'],
  ...['service-account-automount', 'default-service-account', 'ephemeral-container-token', 'token-request-lifetime'],
  ...['token-request-audience', 'token-request-binding', 'rbac-wildcard', 'rbac-secret-read', 'rbac-workload-create'],
  ...['rbac-token-request', 'rbac-impersonate', 'rbac-escalate', 'rbac-node-proxy', 'rbac-pod-exec'],
  'rbac-binding-subjects',
];

const NAME = '[a-z0-9]([-a-z0-9]*[a-z0-9])?';

describe('The presets of exemptions', () => {
  it('are off unless somebody names them', () => {
    expect(configure().exemptions).toEqual([]);
  });

  it('have names of their own, in order', () => {
    const names = EXEMPTION_PRESETS.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].toSorted());
  });

  it.each(EXEMPTION_PRESETS.map((preset) => [preset.name, preset] as const))(
    '%s names accounts without patterns, and checks of the catalogue',
    (name, preset) => {
      expect(name).toMatch(/^[a-z0-9-]{1,63}$/);
      expect(new Set(preset.serviceAccounts).size).toBe(preset.serviceAccounts.length);
      for (const account of preset.serviceAccounts) expect(account).toMatch(new RegExp(`^${NAME}/${NAME}$`));
      expect(preset.reason).toMatch(/^[^\s.].*[^\s.]$/);
      const ids = listPresetChecks(preset);
      expect(ids).toContain('pod-automount');
      const known = CHECKS.map(({ id }) => id);
      for (const id of ids) expect(known).toContain(id);
      expect(configure({ exemptions: { presets: [name] } }).exemptions).toMatchObject([
        { name, owner: `preset ${name}`, lastDay: undefined },
      ]);
    },
  );

  it('can be extended by ids of the catalogue alone', () => {
    expect(CATALOGUE).toEqual(expect.arrayContaining(Object.values(CHECKS_OF_NEED).flat()));
  });

  it('work for the accounts they name, and for no others', () => {
    const pod = (namespace: string, serviceAccountName: string) =>
      subjectOf(
        'pods',
        { ...admittedPod(), spec: { ...Object(admittedPod()['spec']), serviceAccountName } },
        { namespace },
      );
    const setting = { configuration: { exemptions: { presets: ['argo-cd'] } } };
    expect([...judgeWith(pod('argocd', 'argocd-server'), setting).verdict.auditAnnotations]).toEqual([
      [
        'exempt',
        'pod-automount by exemption argo-cd (owner preset argo-cd, permanent): Argo CD reads and writes the objects that it deploys',
      ],
    ]);
    expect(judgeWith(pod('argocd', 'argocd-server-2'), setting).judgement.exempted).toEqual([]);
    expect(judgeWith(pod('shop', 'argocd-server'), setting).judgement.exempted).toEqual([]);
  });
});
