import { PasskeyFile } from '../adapters/passkeys/index.ts';
import type { Config } from '../config.ts';
import { forbidden, invalidInput } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Humans } from '../ports/humans.ts';
import { checkSecret, secretId } from './approver-secret.ts';
import { Attempts } from './attempts.ts';

/** The approver's secret and the passkeys, from the files that the configuration names. Wrong secrets are counted across processes and ways. */
export function createHumans(config: Pick<Config, 'data_dir' | 'secret_file' | 'passkeys_file'>, clock: Clock): Humans {
  const attempts = new Attempts(config.data_dir, clock);
  const file = new PasskeyFile(config.passkeys_file);
  return {
    mayTry: () => attempts.mayTry(),
    bySecret: async (secret) => {
      await attempts.mayTry();
      if (secret === '') {
        throw invalidInput(
          'no secret was given.',
          "give the approver's secret at the prompt, on the page, or by --secret-stdin.",
        );
      }
      // Counted before it is checked: guesses that are made at once must not all pass the look at the count.
      await attempts.failed();
      if (!(await checkSecret(secret, config.secret_file))) {
        throw forbidden(
          "the approver's secret is wrong; nothing was written.",
          'try again; after 5 wrong ones there is a pause.',
        );
      }
      await attempts.succeeded();
    },
    secretId: () => secretId(config.secret_file),
    passkeys: () => file.all(),
    addPasskey: (passkey) => file.add(passkey),
    usedPasskey: (id, counter) => file.used(id, counter),
  };
}
