import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Authorities, keepPrevious, splitBundle, toBundle } from '../../src/certificates/authorities.ts';
import type { CertificateAuthority, ServingCertificate } from '../../src/certificates/issue.ts';
import { createSigningSource } from '../../src/certificates/signing.ts';
import { createFakeClock, eventually } from './fake-clock.ts';
import { DAY, issuePair } from './issued-pair.ts';
import { createLineLog } from './line-log.ts';

describe('a CA that is replaced', () => {
  const names = { dnsNames: ['a'], ipAddresses: [] };
  const issuerOf = ({ cert }: ServingCertificate) => new X509Certificate(cert).issuer;
  const subjectOf = ({ cert }: CertificateAuthority) => new X509Certificate(cert).subject;

  async function replaceAuthority(isBundleKnown: (bundle: string) => boolean) {
    const clock = createFakeClock();
    const [old, next] = [(await issuePair(clock.now())).ca, (await issuePair(clock.now() + 5 * DAY)).ca];
    let authorities: Authorities = { signing: old, previous: [] };
    const asked: (string | undefined)[] = [];
    const source = await createSigningSource({
      authorities: async (_signal, inUse) => {
        asked.push(inUse);
        return authorities;
      },
      isBundleKnown,
      ...names,
      clock,
      log: createLineLog(),
    });
    source.start();
    const look = async (ms = 10_000) => {
      await eventually(() => clock.sleepers() === 1);
      clock.advance(ms);
      await eventually(() => clock.sleepers() === 1);
    };
    authorities = { signing: next, previous: [old.cert] };
    return { source, look, old, next, asked, bundle: toBundle(authorities) };
  }

  it('is published first, and signs once clients know it', async () => {
    let known = '';
    const { source, look, old, next, asked, bundle } = await replaceAuthority((shown) => shown === known);
    await look();
    expect(source.current().caBundle).toBe(bundle);
    expect(issuerOf(source.current())).toBe(subjectOf(old));
    await look();
    expect(issuerOf(source.current())).toBe(subjectOf(old));
    known = bundle;
    await look();
    expect(issuerOf(source.current())).toBe(subjectOf(next));
    expect(source.current().caBundle).toBe(bundle);
    await look();
    expect(asked).toEqual([undefined, old.cert, old.cert, old.cert, next.cert]);
    await source.stop();
  });

  it('signs also where nobody knows it, once the old one has ended', async () => {
    const { source, look, old, next } = await replaceAuthority(() => false);
    // The leaf is renewed by the old one as long as that lives.
    await look(8 * DAY);
    expect(issuerOf(source.current())).toBe(subjectOf(old));
    await look(3 * DAY);
    expect(issuerOf(source.current())).toBe(subjectOf(next));
    await source.stop();
  });

  it('is trusted beside its successor with each certificate once, and no more than four of the old ones', async () => {
    const now = Date.now();
    const made = await Promise.all(Array.from({ length: 6 }, async () => await issuePair(now)));
    const [signing, ...others] = made.map(({ ca }) => ca);
    if (signing === undefined) throw new Error('there are six');
    const certs = others.map(({ cert }) => cert);
    const leaf = made[0]?.leaf.cert;
    const previous = keepPrevious([undefined, 'x', leaf, signing.cert, `${certs[0]}\n`, ...certs], { signing, now });
    expect(previous).toEqual(certs.slice(0, 4).map((cert) => cert.trim()));
    expect(splitBundle(toBundle({ signing, previous }))).toHaveLength(5);
    expect(keepPrevious(certs, { signing, now: now + 11 * DAY })).toEqual([]);
  });
});
