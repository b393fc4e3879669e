import packageJson from '../../package.json' with { type: 'json' };

/** The package's version; the bundle inlines it. */
export const VERSION: string = packageJson.version;
