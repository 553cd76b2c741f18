import { describe, expect, it } from 'vitest';
import { asking, inject } from '../mutations/injecting.ts';

const AZURE = { 'azure.workload.identity/tenant-id': '22222222-2222-4222-8222-222222222222' };

describe('What a scheme can be asked for and Curfew does not do', () => {
  it('is told, and the token is there', () => {
    const onAccount = { 'cloud.google.com/injection-mode': 'gcloud' };
    const { warnings, at } = inject(asking({ gcp: '{preset: gcp, provider: p}' }), { onAccount });
    expect(warnings).toEqual([
      'curfew inject-token: token gcp: annotation cloud.google.com/injection-mode: the command gcloud is not set up; clients read GOOGLE_APPLICATION_CREDENTIALS as in mode direct',
    ]);
    expect(at('spec', 'volumes', 0, 'name')).toBe('gcp-iam-token');
    const direct = { 'cloud.google.com/injection-mode': 'direct' };
    expect(inject(asking({ gcp: '{preset: gcp, provider: p}' }), { onAccount: direct }).warnings).toEqual([]);
  });

  it('is refused where the pod would wait for it', () => {
    const annotations = { 'azure.workload.identity/inject-proxy-sidecar': '' };
    const pod = asking({ azure: '{preset: azure}' }, {}, { annotations });
    expect(inject(pod, { onAccount: AZURE }).denial).toContain(
      'annotation azure.workload.identity/inject-proxy-sidecar: Curfew adds no proxy to pods',
    );
    const elsewhere = { ...AZURE, ...annotations };
    expect(inject(asking({ azure: '{preset: azure}' }), { onAccount: elsewhere }).denial).toBe('');
  });
});

describe('A file that a parameter names', () => {
  const asked = (more: string) => asking({ s: `{preset: stackit, serviceAccountEmail: a@b.example${more}}` });

  it.each(['/token', 'token', '/a/../token', '/a/token/', '//a/token'])('is refused: %s', (file) => {
    expect(inject(asked(`, federatedTokenFile: ${file}`)).denial).toContain(
      `the file of the token is to be "${file}"; allowed: an absolute path in a directory`,
    );
  });

  it('gives way to mountPath and path of the annotation', () => {
    const { at } = inject(asked(', federatedTokenFile: /a/b/c, mountPath: /x, path: y'));
    expect(at('spec', 'containers', 0, 'env', 1)).toEqual({ name: 'STACKIT_FEDERATED_TOKEN_FILE', value: '/x/y' });
  });

  it('cannot be the credential file', () => {
    const fleet = '{preset: gcp-fleet, pool: p, identityProvider: i, path: google-application-credentials.json}';
    expect(inject(asking({ fleet })).denial).toContain(
      'path is "google-application-credentials.json", which is the credential file of preset gcp-fleet',
    );
  });
});
