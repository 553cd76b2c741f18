/** CycloneDX's own JSON schema, which its library for JavaScript ships. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Ajv } from 'ajv';

const require = createRequire(import.meta.url);
const LIBRARY = dirname(require.resolve('@cyclonedx/cyclonedx-library/package.json'));
const SCHEMA = 'bom-1.6.SNAPSHOT.schema.json';
/** Schemas that the first one refers to: the ids of SPDX licences, and signatures. */
const OTHERS = ['spdx.SNAPSHOT.schema.json', 'jsf-0.82.SNAPSHOT.schema.json'];

/** What is wrong with a document, a line each. Formats of texts, such as that of a URL, are not looked at. */
export function findSchemaProblems(document: unknown): readonly string[] {
  const read = (name: string) => JSON.parse(readFileSync(join(LIBRARY, 'res', 'schema', name), 'utf8'));
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  // Under the name by which the first one asks for them, which is not the id that they have.
  for (const name of OTHERS) ajv.addSchema(read(name), `http://cyclonedx.org/schema/${name}`);
  const validate = ajv.compile(read(SCHEMA));
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
