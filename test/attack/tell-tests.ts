import { beforeEach } from 'vitest';
import { tell } from '../helpers/suite-report.ts';

let count = 1;

/** How many tries the present test makes, where it makes more than one. */
export function tries(n: number): void {
  count = n;
}

/** Makes every test of the file a row of the suite's report, whether it holds or not. To be called before other hooks, so that their failures count. */
export function tellTests(suite: string): void {
  beforeEach(({ task, onTestFinished }) => {
    count = 1;
    onTestFinished(() => {
      const held = task.result?.state === 'pass';
      const group = task.suite?.name ? `${task.suite.name}: ` : '';
      tell(suite, { what: `${group}${task.name}`, tried: count, held: held ? count : 0 });
    });
  });
}
