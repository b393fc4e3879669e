import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { tools } from '../../tools/index.ts';
import { ROOT, textOf } from '../architecture/sources.ts';

it('docs/tools.md is what the definitions give', () => {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/tools-doc.mjs', '--check'], {
    cwd: ROOT,
    encoding: 'utf8',
    timeout: 30_000,
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
});

it('docs/tools.md has a section for every tool', () => {
  const sections = [...textOf('docs/tools.md').matchAll(/^## (\w+)$/gm)].map((match) => match[1]);
  expect(sections).toEqual(tools.map((tool) => tool.name));
});
