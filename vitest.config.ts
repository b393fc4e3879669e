import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Tests against a real cluster, and those that load the machine, are asked for by name.
    exclude: [
      'test/cluster/**',
      ...(process.env.INCIDENT_MCP_SUITE === 'chaos' ? [] : ['test/chaos/**']),
      'node_modules/**',
      'dist/**',
    ],
    globalSetup: ['test/global-setup.ts'],
    pool: 'forks',
    // Most tests start processes of their own: more files at once only make each other wait.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
