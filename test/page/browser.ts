import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import type { Bin } from '../helpers/bin.ts';

/** Debian's Chromium, or the one that `CHROMIUM` names. */
export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';
export const hasBrowser = existsSync(CHROMIUM);

/** A real browser without a window; it looks nothing up by itself. */
export async function openBrowser(bin: Bin): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  bin.add(() => browser.close());
  return browser;
}

/** What went wrong inside a page: exceptions and refusals by its policy. */
export function troubles(page: Page): string[] {
  const seen: string[] = [];
  page.on('pageerror', (error) => seen.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/the server responded with a status/.test(message.text()))
      seen.push(message.text());
  });
  return seen;
}

/** An authenticator in the browser that verifies its user, as a laptop's fingerprint reader does. Gives a switch for "the person is there". */
export async function authenticator(page: Page): Promise<{ present(is: boolean): Promise<void> }> {
  const wire = await page.context().newCDPSession(page);
  await wire.send('WebAuthn.enable');
  const { authenticatorId } = await wire.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return {
    present: async (isUserVerified) => {
      await wire.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified });
    },
  };
}
