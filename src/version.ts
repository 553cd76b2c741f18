import packageJson from '../package.json' with { type: 'json' };

/** The one version of package, image and chart. */
export const VERSION: string = packageJson.version;
