import { post } from './api.ts';
import { el, message } from './dom.ts';
import { known, registration } from './passkeys.ts';

/** Enrols a passkey for whoever `incident-mcp passkey add` invited; the ticket is in the address's fragment, which no server sees. */
export function enrol(ticket: string): HTMLElement {
  const said = message();
  const start = async (): Promise<void> => {
    said.say('Follow your browser …');
    try {
      const passkey = await registration(ticket);
      const { enrolled } = await post<{ enrolled: string }>('/api/enrolment', { ticket, passkey });
      said.say(`The passkey of ${enrolled} is enrolled. You can close this page.`);
    } catch (error) {
      said.say(error instanceof Error ? error.message : 'it did not work.', true);
    }
  };
  const button = el('button', { type: 'button', class: 'go', click: () => void start() }, 'Make a passkey');
  queueMicrotask(() => button.focus());
  return el(
    'section',
    { class: 'panel' },
    el('h2', {}, 'Enrol a passkey'),
    el(
      'p',
      {},
      'It will approve changes to production in your name. Your authenticator will ask for a PIN, a finger or your face.',
    ),
    known() ? button : el('p', { class: 'message bad' }, 'This browser knows no passkeys.'),
    said.element,
  );
}
