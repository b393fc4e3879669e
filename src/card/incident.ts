import { el, hour } from '../page/client/dom.ts';
import type { IncidentShown } from './model.ts';

const rows = (title: string, lines: readonly string[]): HTMLElement | null =>
  lines.length === 0
    ? null
    : el('section', {}, el('h4', {}, title), el('ul', { class: 'rows' }, ...lines.map((line) => el('li', {}, line))));

/** An incident as it was when the tool answered; newest events first. */
export function incidentPanel(incident: IncidentShown, asOf: Date): HTMLElement {
  const { timeline, eventsTotal } = incident;
  const events = timeline
    .toReversed()
    .map((event) =>
      el(
        'li',
        { 'data-actor': event.actor },
        el('time', { datetime: event.at }, hour(event.at)),
        el('span', { class: 'kind' }, event.kind),
        el('span', { class: 'who' }, event.who),
        el('span', { class: 'what' }, event.message),
      ),
    );
  return el(
    'section',
    { class: 'panel incident', 'aria-label': incident.id },
    el('h3', {}, `${incident.id} ${incident.title}${incident.drill ? ' (drill)' : ''}`),
    el('p', { class: 'state' }, incident.state),
    incident.brief === null ? null : el('p', { class: 'said' }, incident.brief),
    rows('Approvals', incident.approvals),
    rows('Action items', incident.actionItems),
    events.length > 0 &&
      el(
        'section',
        {},
        el('h4', {}, eventsTotal > events.length ? `Timeline (${events.length} of ${eventsTotal} events)` : 'Timeline'),
        el('ol', { class: 'timeline', reversed: true }, ...events),
      ),
    el('p', { class: 'fresh' }, `As of ${hour(asOf.toISOString())}.`),
  );
}
