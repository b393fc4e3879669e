import { CALM } from './calm.ts';
import { ENVIRONMENT, type PlatformFacts, SCALED_DOWN, type Scenario } from './types.ts';

const MINUTE = 60;

/** Nothing writes to the database any more: the workloads that can be scaled are at zero. */
const quiet = (platform: PlatformFacts): boolean => SCALED_DOWN.every((service) => platform.desired[service] === 0);

export const databaseOutage: Scenario = {
  ...CALM,
  name: 'database-outage',
  cause:
    'The volume of postgres is full of write-ahead log, so the database cannot start; everything that needs it is down. ' +
    'The reconnecting platform writes faster than the log can be archived: the load has to stop first.',
  severity: 'SEV1',
  onset: 9 * MINUTE,
  rightMove: { tool: 'scale_down', arguments: { environment: ENVIRONMENT } },
  faultOf: ({ service }, platform) =>
    service === 'postgres' && !platform.readySinceStart.postgres && !quiet(platform) ? 'disk-full' : null,
  // Scaled down is recovered here: the bleeding has stopped. Bringing the platform back is a later, calmer step.
  recovered: (platform) => (quiet(platform) && platform.ready.postgres > 0) || !platform.impaired,
};
