import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The build that the tests run: `dist` of this checkout, or the folder in `INCIDENT_MCP_TEST_DIST` (an installed package, say). */
const folder = process.env.INCIDENT_MCP_TEST_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));

export const TESTED = { cli: resolve(folder, 'cli.js'), sandbox: resolve(folder, 'sandbox.js') } as const;
