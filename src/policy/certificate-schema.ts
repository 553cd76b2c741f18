/** The part of the configuration about TLS: the certificate that is served, and those that callers show. */

import { Type } from 'typebox';

const closed = { additionalProperties: false };

/** Who keeps the files of a certificate: files of an administrator, a mounted Secret of theirs, or one of cert-manager. */
const TLS_SOURCES = ['files', 'secret', 'cert-manager'] as const;
export type TlsSource = (typeof TLS_SOURCES)[number];

export const CallerAuthenticationSchema = Type.Object(
  {
    caFile: Type.String({
      minLength: 1,
      description:
        'PEM file of the CA that signs the client certificates of API servers, reloaded on change. Whether there is one is read at the start.',
    }),
    names: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
      minItems: 1,
      maxItems: 20,
      uniqueItems: true,
      description: 'Common names of those certificates, such as kube-apiserver; each is compared as a whole.',
    }),
    enforce: Type.Optional(
      Type.Boolean({
        description: 'Answer others with 401; false: only count them and log them. Default: true.',
      }),
    ),
  },
  {
    ...closed,
    description: 'Answer API servers alone, which their admission configuration gives a client certificate.',
  },
);

export const TlsSchema = Type.Object(
  {
    certFile: Type.String({
      minLength: 1,
      description: 'PEM file of the serving certificate, reloaded on change.',
    }),
    keyFile: Type.String({ minLength: 1, description: 'PEM file of its private key.' }),
    caFile: Type.Optional(Type.String({ minLength: 1, description: 'PEM file of the CA to publish as caBundle.' })),
    source: Type.Optional(
      Type.Enum([...TLS_SOURCES], {
        description: 'Who keeps the files, as metrics and /readyz tell it; the chart sets it. Default: files.',
      }),
    ),
  },
  closed,
);
