import type { NewEvent } from '../../../src/domain/timeline.ts';

export const note = (message: string, more: Partial<NewEvent> = {}): NewEvent => ({
  kind: 'note',
  message,
  actor: { type: 'assistant', name: 'test 1.0' },
  ...more,
});

export const declaration = (id: string, title = 'Analysis engine fails'): NewEvent => ({
  kind: 'declared',
  message: `Declared: ${title}`,
  actor: { type: 'assistant', name: 'test 1.0' },
  change: {
    declared: {
      id,
      title,
      severity: 'SEV2',
      environment: 'prod',
      summary: null,
      components: ['pulsestream-core'],
      drill: false,
      declared_at: '2026-03-01T14:20:00.000Z',
      detected_at: '2026-03-01T14:18:00.000Z',
      detected_by: { source: 'grafana', reference: null },
      impact_started_at: null,
    },
  },
});
