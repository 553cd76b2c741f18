import { X509Certificate } from 'node:crypto';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { findBundleProblem, judgeAuthority, judgeServing } from '../../src/certificates/authority.ts';
import {
  type CertificateAuthority,
  issueCertificateAuthority,
  issueServingCertificate,
  type ServingCertificate,
} from '../../src/certificates/issue.ts';
import { createSelfMadeSource } from '../../src/certificates/self-made.ts';
import { createSigningSource } from '../../src/certificates/signing.ts';
import { createFakeClock, eventually } from './fake-clock.ts';
import { DAY, issuePair } from './issued-pair.ts';
import { createLineLog } from './line-log.ts';

const HOUR = 3600_000;
const SKEW = 600_000;

describe('issue', () => {
  it('makes an EC CA with SHA-256 that may sign leaves only', async () => {
    const now = Date.UTC(2026, 0, 1);
    const { ca } = await issuePair(now);
    const certificate = new X509Certificate(ca.cert);
    expect(certificate.ca).toBe(true);
    expect(certificate.publicKey.asymmetricKeyType).toBe('ec');
    expect(certificate.signatureAlgorithm).toBe('ecdsa-with-SHA256');
    expect(certificate.validFromDate).toEqual(new Date(now - SKEW));
    expect([ca.notBefore, ca.notAfter]).toEqual([now - SKEW, now + 10 * DAY]);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
  });

  it('makes a leaf with real names, which never outlives its CA', async () => {
    const now = Date.UTC(2026, 0, 1);
    const { ca, leaf } = await issuePair(now, 100 * DAY);
    const certificate = new X509Certificate(leaf.cert);
    expect(certificate.subjectAltName).toBe(
      'DNS:curfew.curfew-system.svc, DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1',
    );
    expect(certificate.ca).toBe(false);
    expect(certificate.validToDate.getTime()).toBe(ca.notAfter);
    expect(leaf.notAfter).toBe(ca.notAfter);
    expect(leaf.caBundle).toBe(ca.cert);
    expect(certificate.checkIssued(new X509Certificate(ca.cert))).toBe(true);
    expect(certificate.verify(new X509Certificate(ca.cert).publicKey)).toBe(true);
    expect(certificate.signatureAlgorithm).toBe('ecdsa-with-SHA256');
  });

  it('refuses names that are none', async () => {
    const now = Date.now();
    const { ca } = await issuePair(now);
    const request = { ca, dnsNames: [], ipAddresses: [], notBefore: now, notAfter: now + DAY };
    await expect(issueServingCertificate(request)).rejects.toThrow('needs a name or an address');
    await expect(issueServingCertificate({ ...request, dnsNames: ['a, CN=b'] })).rejects.toThrow('is no DNS name');
    await expect(issueServingCertificate({ ...request, ipAddresses: ['1.2.3'] })).rejects.toThrow('is no IP address');
    await expect(issueServingCertificate({ ...request, dnsNames: ['a'], notAfter: now - DAY })).rejects.toThrow(
      'must begin before it ends',
    );
    await expect(
      issueCertificateAuthority({ commonName: 'a, O=b', notBefore: now, notAfter: now + DAY }),
    ).rejects.toThrow('plain common name');
  });

  it('is what a TLS client accepts, by name and by address', async () => {
    const { leaf, ca } = await issuePair(Date.now());
    const server = createServer({ cert: leaf.cert, key: leaf.key }).listen(0, '127.0.0.1');
    await eventually(() => server.listening);
    const { port } = server.address() as AddressInfo;
    const handshake = (servername: string) => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const socket = connectTls({ port, host: '127.0.0.1', ca: ca.cert, servername, minVersion: 'TLSv1.2' });
      socket.on('secureConnect', () => resolve('accepted')).on('error', (error) => resolve(error.message));
      return promise.finally(() => socket.destroy());
    };
    expect(await handshake('curfew.curfew-system.svc')).toBe('accepted');
    expect(await handshake('')).toBe('accepted');
    expect(await handshake('other.svc')).toMatch(/does not match certificate/);
    server.close();
  });
});

describe('judge', () => {
  it('says why a pair cannot be used', async () => {
    const now = Date.UTC(2026, 0, 1);
    const { ca, leaf } = await issuePair(now);
    const other = await issuePair(now);
    expect(judgeAuthority(ca.cert, ca.key, now)).toEqual({ state: 'good', pair: ca });
    const reason = (cert: string, key: string, at = now) => {
      const judged = judgeAuthority(cert, key, at);
      return judged.state === 'bad' ? judged.reason : 'good';
    };
    expect(reason('x', ca.key)).toBe('the certificate is no PEM certificate');
    expect(reason(ca.cert, 'x')).toBe('the key is no PEM private key (or has a passphrase)');
    expect(reason(ca.cert, other.ca.key)).toBe('the key does not belong to the certificate');
    expect(reason(leaf.cert, leaf.key)).toBe('the certificate is no CA');
    expect(reason(ca.cert, ca.key, ca.notAfter)).toBe('the certificate ended at 2026-01-11T00:00:00.000Z');
    expect(judgeServing(leaf.cert, leaf.key, now).state).toBe('good');
    expect(findBundleProblem(ca.cert + other.ca.cert)).toBeUndefined();
    expect(findBundleProblem('')).toBe('it holds no PEM certificate');
    expect(findBundleProblem(ca.cert.replace(/\n[^-]/, '\n-'))).toBeDefined();
  });
});

describe('self-made source', () => {
  it('renews the leaf after two thirds of its life, and the CA after two thirds of its own', async () => {
    const clock = createFakeClock();
    const log = createLineLog();
    const source = await createSelfMadeSource({
      dnsNames: ['a'],
      ipAddresses: [],
      leafLifetimeMs: 30 * DAY,
      authorityLifetimeMs: 60 * DAY,
      checkIntervalMs: HOUR,
      clock,
      log,
    });
    const first = source.current();
    expect(first.notAfter).toBe(clock.now() + 30 * DAY);
    const seen: ServingCertificate[] = [];
    const forget = source.onChange((certificate) => seen.push(certificate));
    source.start();
    await eventually(() => clock.sleepers() === 1);
    clock.advance(19 * DAY);
    await eventually(() => clock.sleepers() === 1);
    expect(source.current()).toBe(first);
    clock.advance(DAY);
    await eventually(() => seen.length === 1);
    expect(source.current()).toBe(seen[0]);
    expect(seen[0]?.caBundle).toBe(first.caBundle);
    expect(seen[0]?.key).not.toBe(first.key);
    // As after a long suspend: the wall clock jumps, one short sleep ends.
    await eventually(() => clock.sleepers() === 1);
    clock.advance(21 * DAY);
    await eventually(() => seen.length === 2);
    expect(seen[1]?.caBundle).not.toBe(first.caBundle);
    forget();
    await source.stop();
    expect(clock.sleepers()).toBe(0);
  });
});

describe('signing source', () => {
  it('keeps its certificate while the CA cannot be had, says so once, and follows a new CA', async () => {
    const clock = createFakeClock();
    const log = createLineLog();
    const { ca } = await issuePair(clock.now());
    const other = await issuePair(clock.now());
    const alone = (signing: CertificateAuthority) => ({ signing, previous: [] });
    let authorities = async () => alone(ca);
    const names = { dnsNames: ['a'], ipAddresses: [] };
    const source = await createSigningSource({ authorities: () => authorities(), ...names, clock, log });
    const first = source.current();
    source.start();
    authorities = () => Promise.reject(new Error('Secret x/y: reading: HTTP 403 Forbidden.'));
    for (let count = 0; count < 3; count += 1) {
      await eventually(() => clock.sleepers() === 1);
      clock.advance(10_000);
    }
    await eventually(() => clock.sleepers() === 1);
    expect(source.current()).toBe(first);
    expect(log.lines).toEqual([
      'serving certificate not checked, will try again: Secret x/y: reading: HTTP 403 Forbidden.',
    ]);
    authorities = async () => alone(other.ca);
    clock.advance(10_000);
    await eventually(() => source.current() !== first);
    expect(source.current().caBundle?.trim()).toBe(other.ca.cert.trim());
    await source.stop();
  });
});
