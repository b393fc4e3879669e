import type { Notice } from '../../../src/ports/notifier.ts';

export const notice = (over: Partial<Notice> = {}): Notice => ({
  incident_id: 'INC-0007',
  key: 'INC-0007/E1',
  kind: 'declared',
  severity: 'SEV2',
  environment: 'prod',
  title: 'Analysis engine fails',
  text: 'Error rate 43 %.',
  head_hash: 'ab'.repeat(32),
  cycle: 1,
  ...over,
});
