import { MINUTE } from '../domain/instant.ts';
import type { Passkey } from '../domain/passkey.ts';
import { oneLine } from '../domain/text.ts';
import { timedOut } from '../errors.ts';
import { Enrolment } from '../page/enrolment.ts';
import { openPage, type PageParts } from './approval-page.ts';
import { print } from './output.ts';

const WAIT_MS = 10 * MINUTE;

/**
 * Shows the page on which a browser makes a passkey, and waits until it has. Whoever calls this has proven to be the human already: the address
 * holds the ticket. Errors: `TIMEOUT`.
 */
export async function enrolPasskey(parts: PageParts, person: string): Promise<Passkey> {
  const enrolment = new Enrolment(oneLine(person, 100), parts.clock);
  const page = await openPage(parts, enrolment);
  let timer: NodeJS.Timeout | undefined;
  try {
    print(`Open this address in a browser on this machine, within 10 minutes, and follow it:`);
    print(`  ${page.origin}/enrol#${enrolment.ticket}`);
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(timedOut('no passkey was made within 10 minutes.', 'run `incident-mcp passkey add` again.')),
        WAIT_MS,
      );
    });
    const made = await Promise.race([enrolment.enrolled, late]);
    print(`The passkey of ${made.person} is enrolled, in ${parts.config.passkeys_file}.`);
    return made;
  } finally {
    clearTimeout(timer);
    await page.close();
  }
}
