import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { Passkey } from '../../domain/passkey.ts';
import { notConfigured } from '../../errors.ts';

const base64url = z.string().regex(/^[\w-]{1,4096}$/);
const passkeySchema = z.strictObject({
  id: base64url,
  public_key: base64url,
  person: z.string().min(1).max(100),
  transports: z.array(z.string().max(40)).max(10),
  counter: z.int().min(0),
  added_at: z.string(),
});
const fileSchema = z.strictObject({ version: z.literal(1), passkeys: z.array(passkeySchema).max(100) });

/** The passkeys that may approve: one JSON file in the user's configuration folder, beside the secret's hash. It holds public keys only. */
export class PasskeyFile {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Errors: `NOT_CONFIGURED` where it is damaged or cannot be read: then nobody can approve by passkey, rather than anybody. */
  async all(): Promise<Passkey[]> {
    let text: string;
    try {
      text = await readFile(this.#file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#damaged((error as NodeJS.ErrnoException).code ?? 'unreadable');
    }
    try {
      return fileSchema.parse(JSON.parse(text)).passkeys;
    } catch {
      throw this.#damaged('not what it should be');
    }
  }

  async add(passkey: Passkey): Promise<void> {
    const others = (await this.all()).filter((one) => one.id !== passkey.id);
    await this.#write([...others, passkey]);
  }

  async remove(id: string): Promise<void> {
    await this.#write((await this.all()).filter((one) => one.id !== id));
  }

  async used(id: string, counter: number): Promise<void> {
    const all = await this.all();
    if (!all.some((one) => one.id === id && one.counter !== counter)) return;
    await this.#write(all.map((one) => (one.id === id ? { ...one, counter } : one)));
  }

  async #write(passkeys: readonly Passkey[]): Promise<void> {
    await mkdir(dirname(this.#file), { recursive: true, mode: 0o700 });
    const fresh = `${this.#file}.${randomBytes(6).toString('hex')}`;
    try {
      const handle = await open(fresh, 'wx', 0o600);
      try {
        await handle.writeFile(`${JSON.stringify({ version: 1, passkeys }, null, 2)}\n`);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(fresh, this.#file);
    } finally {
      await rm(fresh, { force: true });
    }
  }

  #damaged(why: string) {
    return notConfigured(
      `the passkeys in ${this.#file} cannot be used: ${why}.`,
      'move the file away and enrol again with `incident-mcp passkey add`.',
    );
  }
}
