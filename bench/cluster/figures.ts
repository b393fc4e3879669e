import { least, median, type Series } from './measure.ts';
import type { MemoryFigure } from './starts.ts';
import { NAMES } from './subjects.ts';

/** A figure that was promised: pure, from what was measured. */
export interface Figure {
  figure: string;
  measured: string;
  limit: string;
  /** null where it could not be measured. */
  met: boolean | null;
}

const KB = 1_024;
const TEXT_LIMIT = 8 * KB;
const MEMORY_LIMIT_MB = 60;
const BYTES_SHARE = 0.05;

export const ms = (value: number): string =>
  Number.isNaN(value)
    ? 'none'
    : value < 10
      ? `${value.toFixed(1)} ms`
      : `${Math.round(value).toLocaleString('en-US')} ms`;
export const bytes = (value: number): string => `${Math.round(value).toLocaleString('en-US')} B`;

export const medianMs = (series: Series | undefined): number => median((series?.samples ?? []).map((one) => one.ms));
export const leastMs = (series: Series | undefined): number => least((series?.samples ?? []).map((one) => one.ms));
export const medianBytes = (series: Series | undefined): number =>
  median((series?.samples ?? []).map((one) => one.bytes));
export const medianWhole = (series: Series | undefined): number =>
  median((series?.samples ?? []).map((one) => one.whole));

const judged = (measured: number, met: boolean): boolean | null => (Number.isNaN(measured) ? null : met);

/** `ours` may take `factor` times as long as `theirs`. */
function within(all: Map<string, Series>, ours: string, theirs: string, factor: number): Figure {
  const [mine, yours] = [medianMs(all.get(ours)), medianMs(all.get(theirs))];
  const ratio = mine / yours;
  return {
    figure: `${ours} : ${theirs}`,
    measured: `${ms(mine)} : ${ms(yours)} = ${ratio.toFixed(2)}`,
    limit: factor === 1 ? '< 1' : `<= ${factor}`,
    met: judged(ratio, factor === 1 ? ratio < 1 : ratio <= factor),
  };
}

function share(all: Map<string, Series>, ours: string, theirs: string): Figure {
  const [mine, yours] = [medianBytes(all.get(ours)), medianBytes(all.get(theirs))];
  const ratio = mine / yours;
  return {
    figure: `text of ${ours} : ${theirs}`,
    measured: `${bytes(mine)} : ${bytes(yours)} = ${(ratio * 100).toFixed(2)} %`,
    limit: `<= ${BYTES_SHARE * 100} %`,
    met: judged(ratio, ratio <= BYTES_SHARE),
  };
}

const small = (all: Map<string, Series>, name: string): Figure => {
  const measured = medianBytes(all.get(name));
  return {
    figure: `text of ${name}`,
    measured: bytes(measured),
    limit: '<= 8 KB',
    met: judged(measured, measured <= TEXT_LIMIT),
  };
};

/** What each of our reads is set against: the calls by which the same is learnt there, each by itself. */
const PAIRS: readonly (readonly [string, readonly string[]])[] = [
  [NAMES.health, [NAMES.fluxPods, NAMES.fluxDeployments]],
  [NAMES.whole, [NAMES.fluxPods, NAMES.fluxDeployments]],
  [NAMES.component, [NAMES.fluxEvents]],
  [NAMES.deploys, [NAMES.fluxSecrets]],
  [NAMES.deploysLong, [NAMES.fluxSecrets]],
];

export function figuresOf(all: Map<string, Series>, memory: readonly MemoryFigure[]): Figure[] {
  const times = (ours: string): Figure => {
    const [mine, theirs] = [medianMs(all.get(ours)), medianMs(all.get(NAMES.helmHistory))];
    const factor = theirs / mine;
    return {
      figure: `${ours}: times faster than ${NAMES.helmHistory}`,
      measured: `${ms(theirs)} : ${ms(mine)} = ${factor.toFixed(1)}`,
      limit: '>= 20',
      met: judged(factor, factor >= 20),
    };
  };
  const health = [NAMES.health, NAMES.whole];
  return [
    ...health.map((name) => within(all, name, NAMES.kubectlPods, 0.5)),
    ...memory
      .filter(({ name }) => health.includes(name as (typeof health)[number]))
      .map(({ name, growth_mb }): Figure => {
        return {
          figure: `peak memory growth, ${name}`,
          measured: growth_mb === null ? 'unknown (needs /proc)' : `${growth_mb.toFixed(0)} MB`,
          limit: `< ${MEMORY_LIMIT_MB} MB`,
          met: growth_mb === null ? null : growth_mb < MEMORY_LIMIT_MB,
        };
      }),
    ...[...health, NAMES.component, NAMES.deploys, NAMES.deploysLong, NAMES.fleet, NAMES.severity].map((name) =>
      small(all, name),
    ),
    times(NAMES.deploys),
    times(NAMES.deploysLong),
    within(all, NAMES.plan, NAMES.helmPlan, 1.5),
    ...PAIRS.flatMap(([ours, theirs]) => theirs.map((one) => within(all, ours, one, 1))),
    ...PAIRS.flatMap(([ours, theirs]) => theirs.map((one) => share(all, ours, one))),
    ...health.map((name) => within(all, name, NAMES.containersPods, 1.2)),
  ];
}
