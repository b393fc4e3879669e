import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { TESTED } from './helpers/dist.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['src', 'tools', 'prompts', 'scripts'];

/** Milliseconds of the newest change below a folder; 0 where there is none. */
function newest(folder: string): number {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return Math.max(0, ...entries.filter((e) => e.isFile()).map((e) => statSync(`${e.parentPath}/${e.name}`).mtimeMs));
}

const changed = (file: string): number => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** Builds `dist` once for the whole run, unless it is newer than all that goes into it or another build is to be tested. */
export default function setup(): void {
  if (process.env.INCIDENT_MCP_SKIP_BUILD || process.env.INCIDENT_MCP_TEST_DIST) return;
  const built = Math.min(changed(TESTED.cli), changed(TESTED.sandbox));
  if (built > Math.max(...SOURCES.map((folder) => newest(`${ROOT}${folder}`)))) return;
  const { status, stderr } = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: ROOT, encoding: 'utf8' });
  if (status !== 0) throw new Error(`the build failed:\n${stderr}`);
}
