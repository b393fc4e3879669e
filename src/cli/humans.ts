import { dirname } from 'node:path';
import { PasskeyFile } from '../adapters/passkeys/index.ts';
import type { Config } from '../config.ts';
import { forbidden, invalidInput } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Humans } from '../ports/humans.ts';
import { approverSecrets, secretId, whichSecret } from './approver-secret.ts';
import { Attempts } from './attempts.ts';

/** The approver's secret and the passkeys, from the files that the configuration names. Wrong secrets are counted across processes and ways. */
export function createHumans(config: Pick<Config, 'data_dir' | 'secret_file' | 'passkeys_file'>, clock: Clock): Humans {
  // Beside the secret too: whoever names another data folder must not begin with a clean count.
  const [own, ...others] = [...new Set([config.data_dir, dirname(config.secret_file)])].map(
    (folder) => new Attempts(folder, clock),
  ) as [Attempts, ...Attempts[]];
  const everywhere = [own, ...others];
  const mayTry = async (): Promise<void> => {
    for (const attempts of everywhere) await attempts.mayTry();
  };
  const file = new PasskeyFile(config.passkeys_file);
  return {
    mayTry,
    bySecret: async (secret) => {
      await mayTry();
      if (secret === '') {
        throw invalidInput(
          'no secret was given.',
          "give the approver's secret at the prompt, on the page, or by --secret-stdin.",
        );
      }
      // Counted before it is checked, and looked at again: guesses that are made at once must not all pass the look at the count.
      await own.within(await own.failed());
      for (const attempts of others) {
        // A secret that another account keeps may lie in a folder that this one cannot write.
        const mark = await attempts.failed().catch(() => null);
        if (mark !== null) await attempts.within(mark);
      }
      const known = await whichSecret(secret, config.secret_file);
      if (known === null) {
        throw forbidden(
          "the approver's secret is wrong; nothing was written.",
          'try again; after 5 wrong ones there is a pause.',
        );
      }
      for (const attempts of everywhere) await attempts.succeeded().catch(() => undefined);
      return { person: known.person, id: known.id };
    },
    secretId: () => secretId(config.secret_file),
    named: async () => (await approverSecrets(config.secret_file)).flatMap(({ person }) => person ?? []),
    passkeys: () => file.all(),
    addPasskey: (passkey) => file.add(passkey),
    usedPasskey: (id, counter) => file.used(id, counter),
  };
}
