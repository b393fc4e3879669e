import { startAuthentication, startRegistration } from '@simplewebauthn/browser';
import { post } from './api.ts';

type AuthenticationOptions = Parameters<typeof startAuthentication>[0]['optionsJSON'];
type RegistrationOptions = Parameters<typeof startRegistration>[0]['optionsJSON'];

/** Whether this browser knows passkeys. */
export const known = (): boolean => typeof PublicKeyCredential === 'function';

/** Asks the server what to sign and the authenticator to sign it. */
export async function assertion(path: string, body: object) {
  return startAuthentication({ optionsJSON: await post<AuthenticationOptions>(path, body) });
}

/** Makes a passkey for the holder of that ticket. */
export async function registration(ticket: string) {
  return startRegistration({ optionsJSON: await post<RegistrationOptions>('/api/enrolment/options', { ticket }) });
}
