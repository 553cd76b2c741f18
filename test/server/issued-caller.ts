/** Client certificates, good ones and others, for tests. */

import { generate } from 'selfsigned';
import type { CertificateAuthority } from '../../src/certificates/issue.ts';

export type Caller = { readonly cert: string; readonly key: string };

type CallerRequest = {
  /** Signs itself without one. */
  readonly ca: Pick<CertificateAuthority, 'cert' | 'key'> | undefined;
  readonly names: readonly string[];
  readonly usage?: 'clientAuth' | 'serverAuth';
  /** In ms since the epoch; for an hour from now by default. */
  readonly notBefore?: number;
  readonly notAfter?: number;
};

export async function issueCaller({ ca, names, usage = 'clientAuth', ...dates }: CallerRequest): Promise<Caller> {
  const { notBefore = Date.now() - 60_000, notAfter = Date.now() + 3_600_000 } = dates;
  const made = await generate(
    names.map((value) => ({ name: 'commonName', value })),
    {
      keyType: 'ec',
      curve: 'P-256',
      algorithm: 'sha256',
      ...(ca === undefined ? {} : { ca: { cert: ca.cert, key: ca.key } }),
      notBeforeDate: new Date(notBefore),
      notAfterDate: new Date(notAfter),
      extensions: [
        { name: 'basicConstraints', cA: false, critical: true },
        { name: 'keyUsage', digitalSignature: true, critical: true },
        usage === 'serverAuth' ? { name: 'extKeyUsage', serverAuth: true } : { name: 'extKeyUsage', clientAuth: true },
      ],
    },
  );
  return { cert: made.cert, key: made.private };
}
