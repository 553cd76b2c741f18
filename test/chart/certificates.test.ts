/** Where the certificate comes from, and who tells the API server whom to trust: what the chart renders for each. */

import { beforeAll, describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { asArray, asString, type JsonObject, member, valueAt } from '../../src/objects/json.ts';
import { issuePair } from '../server/issued-pair.ts';
import { argumentsOf, configurationOf, find, findHelms, parse, render } from './rendering.ts';

beforeAll(async () => {
  await findHelms();
});

const CERT_MANAGER = ['certificates.mode=certManager'];
const PROVIDED = ['certificates.mode=provided', 'certificates.provided.existingSecret=serving'];
const BY_CHART = 'webhook.publishedBy=chart';

const renderObjects = async (settings: readonly string[]) => parse(await render('helm', undefined, settings));
const named = (objects: readonly JsonObject[], kind: string, name: string) =>
  objects.find((object) => member(object, 'kind') === kind && valueAt(object, ['metadata', 'name']) === name);
const webhooksOf = (objects: readonly JsonObject[]) =>
  ['ValidatingWebhookConfiguration', 'MutatingWebhookConfiguration'].map((kind) => find(objects, kind));
const bundlesOf = (objects: readonly JsonObject[]) =>
  webhooksOf(objects).flatMap((configuration) =>
    asArray(member(configuration, 'webhooks')).map((webhook) => valueAt(webhook, ['clientConfig', 'caBundle'])),
  );
const mountedSecret = (objects: readonly JsonObject[]) =>
  asArray(valueAt(find(objects, 'Deployment'), ['spec', 'template', 'spec', 'volumes']))
    .filter((volume) => member(volume, 'name') === 'tls')
    .map((volume) => valueAt(volume, ['secret', 'secretName']));

describe('A CA of its own', () => {
  it('lives as long as the values say', async () => {
    const lifetimes = ['certificateLifetime=48h', 'authorityLifetime=1000h'].map((each) => `certificates.own.${each}`);
    expect(argumentsOf(await renderObjects(lifetimes)).join(' ')).toContain(
      '--certificate-secret curfew-system/curfew-tls --certificate-owner curfew --certificate-lifetime 48h --authority-lifetime 1000h',
    );
    expect(argumentsOf(await renderObjects(PROVIDED)).join(' ')).not.toContain('lifetime');
  });
});

describe('A certificate of cert-manager', () => {
  it('is issued by a CA that the chart has made, for the name that the API server calls', async () => {
    const objects = await renderObjects(CERT_MANAGER);
    expect(valueAt(named(objects, 'Issuer', 'curfew-self-signed'), ['spec'])).toEqual({ selfSigned: {} });
    expect(valueAt(named(objects, 'Certificate', 'curfew-ca'), ['spec'])).toMatchObject({
      isCA: true,
      secretName: 'curfew-ca',
      issuerRef: { name: 'curfew-self-signed', kind: 'Issuer', group: 'cert-manager.io' },
    });
    expect(valueAt(named(objects, 'Issuer', 'curfew-ca'), ['spec'])).toEqual({ ca: { secretName: 'curfew-ca' } });
    expect(valueAt(named(objects, 'Certificate', 'curfew-serving'), ['spec'])).toEqual({
      secretName: 'curfew-serving',
      dnsNames: ['curfew.curfew-system.svc'],
      duration: '2160h',
      renewBefore: '720h',
      usages: ['digital signature', 'server auth'],
      privateKey: { algorithm: 'ECDSA', size: 256, rotationPolicy: 'Always' },
      issuerRef: { name: 'curfew-ca', kind: 'Issuer', group: 'cert-manager.io' },
    });
    expect(mountedSecret(objects)).toEqual(['curfew-serving']);
    expect(configurationOf(objects)['tls']).toEqual({
      certFile: '/etc/curfew/tls/tls.crt',
      keyFile: '/etc/curfew/tls/tls.key',
      caFile: '/etc/curfew/tls/ca.crt',
      source: 'cert-manager',
    });
  });

  it('is issued by an issuer of one’s own, and then the chart makes none', async () => {
    const own = ['issuerRef.name=corporate', 'issuerRef.kind=AWSPCAClusterIssuer', 'issuerRef.group=awspca.example'];
    const objects = await renderObjects([...CERT_MANAGER, ...own.map((each) => `certificates.certManager.${each}`)]);
    expect(objects.filter((object) => member(object, 'kind') === 'Issuer')).toEqual([]);
    const certificates = objects.filter((object) => member(object, 'kind') === 'Certificate');
    expect(certificates.map((certificate) => valueAt(certificate, ['spec', 'issuerRef']))).toEqual([
      { name: 'corporate', kind: 'AWSPCAClusterIssuer', group: 'awspca.example' },
    ]);
  });

  it('is nowhere in the other modes', async () => {
    for (const settings of [[], PROVIDED]) {
      expect(JSON.stringify(await renderObjects(settings))).not.toContain('cert-manager.io');
    }
  });
});

describe('Rules and CA bundle', () => {
  it('are published by the server, whoever makes the certificate', async () => {
    for (const settings of [[], CERT_MANAGER, PROVIDED]) {
      const objects = await renderObjects(settings);
      expect(argumentsOf(objects).join(' ')).toContain('--publish-webhooks curfew');
      expect(JSON.stringify(webhooksOf(objects))).not.toContain('"rules"');
      expect(bundlesOf(objects).every((bundle) => bundle === undefined)).toBe(true);
    }
  });

  it('are the chart’s and the injector’s where the server has no right to write them', async () => {
    const objects = await renderObjects([...CERT_MANAGER, BY_CHART]);
    expect(argumentsOf(objects).join(' ')).toContain('--compare-webhooks curfew');
    expect(argumentsOf(objects).join(' ')).not.toContain('--publish-webhooks');
    for (const configuration of webhooksOf(objects)) {
      expect(valueAt(configuration, ['metadata', 'annotations'])).toMatchObject({
        'cert-manager.io/inject-ca-from': 'curfew-system/curfew-serving',
        'admissions.enforcer/disabled': 'true',
      });
    }
    expect(bundlesOf(objects).every((bundle) => bundle === undefined)).toBe(true);
    expect(JSON.stringify(find(objects, 'ClusterRole'))).not.toContain('patch');
  });

  it('are the chart’s alone where the CA is a value; the server compares its certificate with that one', async () => {
    const { ca } = await issuePair(Date.now());
    const bundle = `${ca.cert}${(await issuePair(Date.now())).ca.cert}`;
    const objects = await renderObjects([...PROVIDED, BY_CHART, `webhook.caBundle=${bundle}`]);
    for (const stored of bundlesOf(objects))
      expect(Buffer.from(asString(stored) ?? '', 'base64').toString()).toBe(bundle);
    expect(configurationOf(objects)['tls']).toMatchObject({
      caFile: '/etc/curfew/config/webhook-ca.crt',
      source: 'secret',
    });
    const data = member(find(objects, 'ConfigMap'), 'data');
    expect(asString(member(data, 'webhook-ca.crt'))?.trim()).toBe(bundle.trim());
    expect(parseYaml(asString(member(data, 'configuration.yaml')) ?? '')).toMatchObject({
      kind: 'CurfewConfiguration',
    });
  });
});

describe('Callers that prove themselves', () => {
  it('are asked for where a CA is given, and pods are replaced for it', async () => {
    const { ca } = await issuePair(Date.now());
    const settings = [`callerAuthentication.ca=${ca.cert}`, 'callerAuthentication.enforce=false'];
    const [without, objects] = [await renderObjects([]), await renderObjects(settings)];
    expect(configurationOf(objects)['callerAuthentication']).toEqual({
      caFile: '/etc/curfew/config/callers-ca.crt',
      names: ['kube-apiserver'],
      enforce: false,
    });
    expect(asString(valueAt(find(objects, 'ConfigMap'), ['data', 'callers-ca.crt']))?.trim()).toBe(ca.cert.trim());
    expect(configurationOf(without)['callerAuthentication']).toBeUndefined();
    const template = (rendered: readonly JsonObject[]) => valueAt(find(rendered, 'Deployment'), ['spec', 'template']);
    expect(template(objects)).not.toEqual(template(without));
  });
});
