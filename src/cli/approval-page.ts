import { readFile } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import type { Approval } from '../domain/approval.ts';
import { clockOf, stateLine } from '../domain/response-clock.ts';
import type { Warn } from '../mcp/gate/deps.ts';
import { responseRules } from '../mcp/incidents.ts';
import type { Asset, PageDeps } from '../page/deps.ts';
import type { Enrolment } from '../page/enrolment.ts';
import type { Page } from '../page/server.ts';
import type { Clock } from '../ports/clock.ts';
import type { Humans } from '../ports/humans.ts';
import type { Store } from '../ports/store.ts';

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** The build puts the page's files beside the program. */
async function asset(name: string): Promise<Asset | null> {
  const type = TYPES[extname(name)];
  const body = await readFile(join(dirname(fileURLToPath(import.meta.url)), 'page', name)).catch(() => null);
  return body === null || type === undefined ? null : { body, type };
}

export interface PageParts {
  config: Config;
  store: Store;
  clock: Clock;
  humans: Humans;
  warn: Warn;
}

/** Starts the page at once, for the commands that are about it. */
export async function openPage(parts: PageParts, enrolment: Enrolment | null = null): Promise<Page> {
  // Loaded when a human way is needed, and only then.
  const { startPage } = await import('../page/server.ts');
  const { store, clock, humans, warn, config } = parts;
  const deps: PageDeps = {
    store,
    clock,
    humans,
    warn,
    asset,
    stateLine: (incident) => {
      const now = clock.now();
      return stateLine(incident, clockOf(incident, responseRules({ config }), now), now);
    },
  };
  return startPage(deps, enrolment ? 0 : config.approval.page.port, enrolment);
}

/** The page of a server: started when the first plan waits that it may decide. */
export class LazyPage {
  readonly #parts: PageParts;
  #page: Promise<Page> | null = null;

  constructor(parts: PageParts) {
    this.#parts = parts;
  }

  /** Where a human decides this plan; null where policy takes no word from the page, it is off, nobody could sign in, or it cannot start. */
  async address(approval: Pick<Approval, 'approval_id' | 'ways' | 'proven_names'>): Promise<string | null> {
    const { config, warn } = this.#parts;
    if (config.approval.page.enabled === 'off') return null;
    const bySecret = approval.ways.includes('page_secret') && (await this.#secret(approval.proven_names === true));
    const byPasskey = approval.ways.includes('passkey') && (await this.#passkeys()) > 0;
    if (!bySecret && !byPasskey) return null;
    this.#page ??= openPage(this.#parts);
    try {
      return `${(await this.#page).origin}/approvals/${approval.approval_id}`;
    } catch (error) {
      // The other ways still work; the next plan tries again.
      this.#page = null;
      warn('the approval page did not start', { error: String(error) });
      return null;
    }
  }

  async close(): Promise<void> {
    await (await this.#page?.catch(() => null))?.close();
  }

  /** Whether a secret could decide: where names must be proven, one that belongs to a person. */
  async #secret(proven: boolean): Promise<boolean> {
    const { humans } = this.#parts;
    if (!proven) return (await humans.secretId()) !== null;
    return humans.named().then(
      (names) => names.length > 0,
      () => false,
    );
  }

  async #passkeys(): Promise<number> {
    return this.#parts.humans.passkeys().then(
      (all) => all.length,
      () => 0,
    );
  }
}
