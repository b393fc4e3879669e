import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { checkSecret } from '../../src/cli/approver-secret.ts';
import { Bin } from '../helpers/bin.ts';
import { atTerminal, hasTerminal } from './at-terminal.ts';
import { declare, makeDesk, SECRET } from './desk.ts';

const bin = new Bin();
afterEach(() => bin.empty());

describe.skipIf(!hasTerminal)('at a terminal', () => {
  it('init asks, asks again where an answer cannot be used, and never shows the secret', async () => {
    const desk = await makeDesk(bin);
    const { code, shown } = await atTerminal(
      desk,
      ['init', '--environment', 'live'],
      [
        ['Kube context', 'eu-1'],
        ['Helm releases', 'core'],
        ['Helm releases', 'core/core-live'],
        ['Prometheus', ''],
        ['Alertmanager', 'http://127.0.0.1:9093'],
        ['Protected', 'no'],
        ["Approver's secret", 'short'],
        ["Approver's secret", SECRET],
        ['Once more', 'something else'],
        ["Approver's secret", SECRET],
        ['Once more', SECRET],
        ['Enrol one now in a browser?', ''],
      ],
    );
    expect(code, shown).toBe(0);
    expect(shown).not.toContain('Name of the environment');
    expect(shown).toContain('NAME/NAMESPACE');
    expect(shown).not.toContain(SECRET);
    expect(parse(await readFile(join(desk.folder, 'config.yaml'), 'utf8'))).toEqual({
      environments: {
        live: { context: 'eu-1', protected: false, releases: [{ name: 'core', namespace: 'core-live' }] },
      },
      signals: { alertmanager: { url: 'http://127.0.0.1:9093' } },
    });
    expect(await checkSecret(SECRET, join(desk.folder, 'approver.hash'))).toBe(true);
  });

  it('init writes nothing when the secret fails three times', async () => {
    const desk = await makeDesk(bin);
    const secrets = [1, 2, 3].map(() => ["Approver's secret", 'short'] as const);
    const questions = ['Name of', 'Kube', 'Helm', 'Prometheus', 'Alertmanager', 'Protected'];
    const { code } = await atTerminal(desk, ['init'], [...questions.map((q) => [q, ''] as const), ...secrets]);
    expect(code).toBe(2);
    expect(await readdir(desk.folder)).toEqual([]);
  });

  it.each([
    ['Ctrl+C', '\u0003'],
    ['Ctrl+D', '\u0004'],
  ])('%s at a question ends it without a trace and without a file', async (_what, key) => {
    const desk = await makeDesk(bin);
    const { code, shown } = await atTerminal(desk, ['init', '--environment', 'live'], [['Kube context', key]]);
    expect(code).toBe(1);
    expect(shown).toContain('nothing was written');
    expect(shown).not.toMatch(/AbortError|at .*node:/);
    expect(await readdir(desk.folder)).toEqual([]);
  });

  it('ack asks for name and secret, and shows no secret', async () => {
    const desk = await makeDesk(bin);
    await desk.setSecret();
    const store = await desk.store();
    const id = await declare(store);
    const { code, shown } = await atTerminal(
      desk,
      ['ack', '--commander'],
      [
        ["Approver's secret", SECRET],
        ['Your name', 'Ada'],
      ],
    );
    expect(code, shown).toBe(0);
    expect(shown).not.toContain(SECRET);
    expect((await store.incident(id))?.roles.commander).toMatchObject({ person: 'Ada', known_by: 'terminal' });
  });
});
