/** What the server said when it refused. */
export class Refused extends Error {
  readonly code: string;
  constructor(code: string, text: string) {
    super(text);
    this.code = code;
  }
}

const KEY = 'session';
const DEADLINE_MS = 30_000;

/** The sign-in of this tab; it ends with the tab. */
export const session = {
  get: (): string | null => sessionStorage.getItem(KEY),
  set: (token: string): void => sessionStorage.setItem(KEY, token),
  end: (): void => sessionStorage.removeItem(KEY),
};

const headers = (): Record<string, string> => {
  const token = session.get();
  return token === null ? {} : { Authorization: `Session ${token}` };
};

async function answer<T>(response: Response): Promise<T> {
  const body = (await response.json().catch(() => ({}))) as { code?: string; message?: string; next?: string };
  if (response.ok) return body as T;
  throw new Refused(
    body.code ?? String(response.status),
    `${body.message ?? 'it did not work.'} ${body.next ?? ''}`.trim(),
  );
}

export const get = async <T>(path: string): Promise<T> =>
  answer<T>(await fetch(path, { headers: headers(), signal: AbortSignal.timeout(DEADLINE_MS) }));

export const post = async <T>(path: string, body: object): Promise<T> =>
  answer<T>(
    await fetch(path, {
      method: 'POST',
      headers: { ...headers(), 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(DEADLINE_MS),
    }),
  );

/** Calls back after every change of the record, until the server ends the answer. */
export async function follow(changed: () => void): Promise<void> {
  const response = await fetch('/api/watch', { headers: headers() });
  if (!response.ok || !response.body) return;
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    if (new TextDecoder().decode(value).includes('"changed"')) changed();
  }
}
