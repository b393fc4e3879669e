import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import type { Bin } from '../../helpers/bin.ts';

/** Writes a chart whose templates are the given files (path below the chart -> text or objects); gives its folder. */
export async function writeChart(
  bin: Bin,
  chart: { name: string; version: string; appVersion?: string },
  files: Record<string, string | object | object[]>,
): Promise<string> {
  const dir = join(await bin.folder(), chart.name);
  await mkdir(join(dir, 'templates'), { recursive: true });
  await writeFile(
    join(dir, 'Chart.yaml'),
    stringify({
      apiVersion: 'v2',
      name: chart.name,
      version: chart.version,
      appVersion: chart.appVersion ?? chart.version,
    }),
  );
  for (const [path, content] of Object.entries(files)) {
    const file = join(dir, path);
    await mkdir(dirname(file), { recursive: true });
    const documents =
      typeof content === 'string'
        ? content
        : (Array.isArray(content) ? content : [content]).map((one) => stringify(one)).join('---\n');
    await writeFile(file, documents);
  }
  return dir;
}
