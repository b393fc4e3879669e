import { post, session } from './api.ts';
import { el, field, message } from './dom.ts';
import { assertion, known } from './passkeys.ts';

/** The form that comes first: nothing is shown without it. */
export function signIn(done: () => void): HTMLElement {
  const said = message();
  const secret = el('input', { type: 'password', autocomplete: 'current-password', required: true });
  const attempt = async (take: () => Promise<{ token: string }>): Promise<void> => {
    said.say('');
    try {
      session.set((await take()).token);
      done();
    } catch (error) {
      said.say(error instanceof Error ? error.message : 'it did not work.', true);
      secret.value = '';
      secret.focus();
    }
  };
  const form = el(
    'form',
    {
      class: 'panel',
      submit: (event) => {
        event.preventDefault();
        void attempt(() => post('/api/sign-in/secret', { secret: secret.value }));
      },
    },
    el('h2', {}, 'Sign in to see the plans'),
    el('p', {}, 'Signing in shows them for 15 minutes. It approves nothing: every approval asks again.'),
    field("Approver's secret", secret),
    el(
      'div',
      { class: 'buttons' },
      el('button', { type: 'submit' }, 'Sign in with the secret'),
      known() &&
        el(
          'button',
          {
            type: 'button',
            class: 'quiet',
            click: () =>
              void attempt(async () =>
                post('/api/sign-in/passkey', { passkey: await assertion('/api/sign-in/options', {}) }),
              ),
          },
          'Sign in with a passkey',
        ),
    ),
    said.element,
  );
  queueMicrotask(() => secret.focus());
  return form;
}
