/** The bill of materials of the image: the bundle's own, Node and its parts, and the packages of the base. */

import { type OpenImage, withImage } from './image-contents.ts';
import { mustRun } from './run-program.ts';
import { type Component, type Sbom, toSbom } from './sbom.ts';

/** Of the bundle, and in the image beside it. */
export const BUNDLE_SBOM = 'curfew.cdx.json';
const FOLDER = 'curfew';
const NODE = 'nodejs/bin/node';
/** Distroless images have one file a package there, in the form of dpkg's own status file; others have the one file. */
const PACKAGES = /^var\/lib\/dpkg\/(?:status|status\.d\/[^/]+(?<!\.md5sums))$/;
/** What `process.versions` lists beside the libraries that are linked in. */
const NOT_LIBRARIES = new Set(['node', 'modules', 'napi', 'unicode', 'cldr', 'tz']);

/** Describes the archive of an image that the Dockerfile made. Its Node is run, for the versions of what it is made of. */
export async function describeImage(archive: string, name: string): Promise<Sbom> {
  return await withImage(archive, async (image) => {
    const bundle: Sbom = JSON.parse(await image.read(`${FOLDER}/${BUNDLE_SBOM}`));
    const subject: Component = { type: 'container', 'bom-ref': name, name };
    return toSbom(subject, [
      bundle.metadata.component,
      ...bundle.components,
      ...(await describeNode(image)),
      ...(await describeBase(image)),
    ]);
  });
}

async function describeNode(image: OpenImage): Promise<readonly Component[]> {
  const program = await image.extract(NODE);
  const printed = await mustRun(program, ['--print', 'JSON.stringify(process.versions)'], { env: {} });
  const versions: Readonly<Record<string, string>> = JSON.parse(printed);
  const { node = '' } = versions;
  const purl = `pkg:generic/node@${node}`;
  // A version that is empty is of a library that this Node was built without.
  const libraries = Object.entries(versions).filter(([name, text]) => text !== '' && !NOT_LIBRARIES.has(name));
  return [
    {
      type: 'application',
      'bom-ref': purl,
      name: 'node',
      version: node,
      licenses: [{ license: { id: 'MIT' } }],
      cpe: `cpe:2.3:a:nodejs:node.js:${node}:*:*:*:*:*:*:*`,
      purl,
    },
    ...libraries.map(([name, version]): Component => {
      const of = `pkg:generic/${name}@${encodeURIComponent(version)}`;
      return { type: 'library', 'bom-ref': of, name, version, purl: of };
    }),
  ];
}

/** The distribution and its packages, as the image says; none of an image that says nothing. */
async function describeBase(image: OpenImage): Promise<readonly Component[]> {
  const paths = image.files.filter(({ kind, path }) => kind === 'file' && PACKAGES.test(path)).map(({ path }) => path);
  if (paths.length === 0) return [];
  const release = image.files.find(({ kind, path }) => kind === 'file' && /^(etc|usr\/lib)\/os-release$/.test(path));
  const { ID: id = 'debian', VERSION_ID: version = '' } = toFields(
    release === undefined ? '' : await image.read(release.path),
    '=',
  );
  const distribution: Component = { type: 'operating-system', 'bom-ref': `${id}-${version}`, name: id, version };
  const stanzas = (await Promise.all(paths.map(async (path) => await image.read(path)))).flatMap((text) =>
    text.split(/\n{2,}/),
  );
  const packages = stanzas.flatMap((stanza): readonly Component[] => {
    const { Package: name, Version: of, Architecture: arch } = toFields(stanza, ':');
    if (name === undefined || of === undefined || arch === undefined) return [];
    const purl = `pkg:deb/${id}/${name}@${encodeURIComponent(of)}?arch=${arch}&distro=${id}-${version}`;
    return [{ type: 'library', 'bom-ref': purl, name, version: of, purl }];
  });
  return [distribution, ...packages];
}

/** `KEY=value` or `Key: value`, one a line; lines that go on are left out. */
function toFields(text: string, separator: '=' | ':'): Readonly<Record<string, string | undefined>> {
  const lines = text.split('\n').filter((line) => /^\w/.test(line) && line.includes(separator));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf(separator);
      return [
        line.slice(0, at),
        line
          .slice(at + 1)
          .trim()
          .replaceAll('"', ''),
      ];
    }),
  );
}
