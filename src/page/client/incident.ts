import type { IncidentView } from '../view.ts';
import { el, hour } from './dom.ts';

/** An open incident with its newest events first. */
export function incidentPanel(incident: IncidentView): HTMLElement {
  const events = incident.timeline
    .toReversed()
    .map((event) =>
      el(
        'li',
        { 'data-actor': event.actor.type },
        el('time', { datetime: event.occurred_at }, hour(event.occurred_at)),
        el('span', { class: 'kind' }, event.kind.replaceAll('_', ' ')),
        el(
          'span',
          { class: 'who' },
          event.actor.type === 'system' ? 'server' : `${event.actor.type} ${event.actor.name}`,
        ),
        el('span', { class: 'what' }, event.message),
      ),
    );
  return el(
    'section',
    { class: 'panel incident', 'aria-label': incident.id },
    el('h3', {}, `${incident.id} ${incident.title}${incident.drill ? ' (drill)' : ''}`),
    el('p', { class: 'state' }, incident.state),
    el('ol', { class: 'timeline', reversed: true }, ...events),
  );
}
