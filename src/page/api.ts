import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from '@simplewebauthn/server';
import { z } from 'zod';
import { isOpen } from '../domain/incident.ts';
import { toInstant } from '../domain/instant.ts';
import { oneLine } from '../domain/text.ts';
import { forbidden, invalidInput, notFound } from '../errors.ts';
import { currentApproval } from '../mcp/gate/decide.ts';
import { assertionSchema, bodyOf, registrationSchema } from './body.ts';
import type { Challenges } from './challenges.ts';
import { askPasskey, decideOnPage, decisionSchema, optionsSchema } from './decide.ts';
import type { PageDeps } from './deps.ts';
import type { Enrolment } from './enrolment.ts';
import { SESSION_MS, type Session, type Sessions } from './sessions.ts';
import { approvalView, incidentView, type PageState } from './view.ts';
import { assertionOptions, checkAssertion, checkRegistration, registrationOptions } from './webauthn.ts';

const SHOWN_APPROVALS = 20;
const SHOWN_INCIDENTS = 5;
const SHOWN_EVENTS = 60;

/** What an API call needs beside its request. */
export interface ApiContext {
  deps: PageDeps;
  sessions: Sessions;
  challenges: Challenges;
  enrolment: Enrolment | null;
  /** Our own, such as `http://localhost:40123`. */
  origin: string;
}

const ID = /^\/api\/approvals\/(APR-[0-9A-Z]{10})\/(options|decision)$/;

/** Answers `/api/...` with a value for JSON. Errors: typed ones, with the code of the contract. */
export async function api(path: string, request: IncomingMessage, context: ApiContext): Promise<unknown> {
  const { deps, sessions, challenges, origin } = context;
  if (request.method === 'GET') {
    if (path === '/api/enrolment') return context.enrolment?.view() ?? { open: false };
    const session = sessions.of(request.headers.authorization);
    if (path === '/api/state') return state(deps, session);
    throw notFound('there is no such page.', 'go back to the start.');
  }
  if (request.method !== 'POST') throw invalidInput('only GET and POST are answered.', 'reload the page.');
  const decided = ID.exec(path);
  if (decided) {
    const id = decided[1] as string;
    const session = sessions.of(request.headers.authorization);
    if (decided[2] === 'options') return askPasskey(deps, challenges, id, await bodyOf(request, optionsSchema));
    const body = await bodyOf(request, decisionSchema);
    return approvalView(await decideOnPage(deps, challenges, session, id, body, origin));
  }
  switch (path) {
    case '/api/sign-in/secret': {
      const { secret } = await bodyOf(request, z.strictObject({ secret: z.string().max(1_000) }));
      return began(sessions.begin((await deps.humans.bySecret(secret)).person));
    }
    case '/api/sign-in/options': {
      await bodyOf(request, z.strictObject({}));
      const passkeys = await deps.humans.passkeys();
      if (passkeys.length === 0) throw forbidden('no passkey is enrolled.', 'sign in with the secret.');
      return assertionOptions(challenges.give({ kind: 'sign_in' }), passkeys);
    }
    case '/api/sign-in/passkey': {
      const { passkey } = await bodyOf(request, z.strictObject({ passkey: assertionSchema }));
      const taken = challenges.take(passkey.response.clientDataJSON, (purpose) => purpose.kind === 'sign_in');
      const checked = await checkAssertion(
        passkey as AuthenticationResponseJSON,
        { ...taken, origin },
        await deps.humans.passkeys(),
      );
      await deps.humans.usedPasskey(checked.passkey.id, checked.counter);
      return began(sessions.begin(checked.passkey.person));
    }
    case '/api/sign-out': {
      await bodyOf(request, z.strictObject({}));
      sessions.end(request.headers.authorization);
      return { signed_out: true };
    }
    case '/api/enrolment/options': {
      const { ticket } = await bodyOf(request, z.strictObject({ ticket: z.string().max(100) }));
      const person = enrolmentOf(context).person(ticket);
      return registrationOptions(challenges.give({ kind: 'enrol' }), person, await deps.humans.passkeys());
    }
    case '/api/enrolment': {
      const body = await bodyOf(request, z.strictObject({ ticket: z.string().max(100), passkey: registrationSchema }));
      const { person } = await enrolmentOf(context).use(body.ticket, async (invited) => {
        const { challenge } = challenges.take(
          body.passkey.response.clientDataJSON,
          (purpose) => purpose.kind === 'enrol',
        );
        const made = await checkRegistration(
          body.passkey as RegistrationResponseJSON,
          { challenge, origin },
          oneLine(invited, 100),
          deps.clock.now(),
        );
        await deps.humans.addPasskey(made);
        return made;
      });
      return { enrolled: person };
    }
    default:
      throw notFound('there is no such page.', 'go back to the start.');
  }
}

function enrolmentOf(context: ApiContext): Enrolment {
  if (!context.enrolment) throw forbidden('no passkey is being enrolled.', 'run `incident-mcp passkey add` first.');
  return context.enrolment;
}

const began = ({ token, expires_at }: { token: string; expires_at: Date }) => ({
  token,
  expires_at: toInstant(expires_at),
  lifetime_ms: SESSION_MS,
});

async function state(deps: PageDeps, session: Session): Promise<PageState> {
  const newest = await deps.store.approvals({ limit: SHOWN_APPROVALS });
  const approvals = await Promise.all(newest.map(({ approval_id }) => currentApproval(deps, approval_id)));
  const incidents = (await deps.store.incidents()).filter(isOpen).slice(0, SHOWN_INCIDENTS);
  return {
    now: toInstant(deps.clock.now()),
    person: session.person,
    session_expires_at: toInstant(session.expires_at),
    // A damaged file of passkeys must not hide the plans: the other ways still work.
    passkeys: await deps.humans.passkeys().then(
      (all) => all.length > 0,
      () => false,
    ),
    approvals: approvals.map(approvalView),
    incidents: await Promise.all(
      incidents.map(async (incident) => {
        const { seq } = await deps.store.head(incident.id);
        const events = await deps.store.timeline(incident.id, { since_seq: Math.max(0, seq - SHOWN_EVENTS) });
        return incidentView(incident, deps.stateLine(incident), events);
      }),
    ),
  };
}

/** Tells a browser about every change of the record, one line of JSON each, until it goes away or its sign-in is over. */
export function watch(request: IncomingMessage, response: ServerResponse, context: ApiContext): void {
  const session = context.sessions.of(request.headers.authorization);
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  const say = (what: object): void => {
    // Signing out in another window ends this one too.
    if (context.sessions.has(request.headers.authorization)) response.write(`${JSON.stringify(what)}\n`);
    else response.end();
  };
  say({ hello: true });
  const stop = context.deps.store.watch((stream) => say({ changed: stream }));
  const beat = setInterval(() => say({ beat: true }), 15_000);
  const over = setTimeout(
    () => response.end(),
    Math.max(0, session.expires_at.getTime() - context.deps.clock.now().getTime()),
  );
  response.on('close', () => {
    stop();
    clearInterval(beat);
    clearTimeout(over);
  });
}
