/** A human at the page, without a browser: the same requests that its script sends. */
export interface Hand {
  get(path: string): Promise<{ status: number; body: Record<string, unknown> }>;
  post(path: string, body: object): Promise<{ status: number; body: Record<string, unknown> }>;
}

export function handAt(address: string, token?: string): Hand {
  const { origin } = new URL(address);
  const auth: Record<string, string> = token === undefined ? {} : { Authorization: `Session ${token}` };
  const answered = async (response: Response) => ({
    status: response.status,
    body: (await response.json()) as Record<string, unknown>,
  });
  const signal = (): AbortSignal => AbortSignal.timeout(10_000);
  return {
    get: async (path) => answered(await fetch(`${origin}${path}`, { headers: auth, signal: signal() })),
    post: async (path, body) =>
      answered(
        await fetch(`${origin}${path}`, {
          method: 'POST',
          headers: { ...auth, Origin: origin, 'Content-Type': 'application/json' },
          body: JSON.stringify(body),
          signal: signal(),
        }),
      ),
  };
}

/** Signs in with the secret; gives the hand of whoever is signed in. */
export async function signedIn(address: string, secret: string): Promise<Hand> {
  const { status, body } = await handAt(address).post('/api/sign-in/secret', { secret });
  if (status !== 200) throw new Error(`the sign-in was refused: ${JSON.stringify(body)}`);
  return handAt(address, String(body.token));
}

/** Approves the plan of the address as the page's form does. */
export async function approveAt(address: string, secret: string, approver = 'Ada Example'): Promise<void> {
  const hand = await signedIn(address, secret);
  const id = address.split('/').at(-1) as string;
  const { body } = await hand.get('/api/state');
  const view = (body.approvals as { approval_id: string; plan: { digest: string; target: string } }[]).find(
    (one) => one.approval_id === id,
  );
  const decision = { digest: view?.plan.digest, target: view?.plan.target, decision: 'approve', approver, secret };
  const decided = await hand.post(`/api/approvals/${id}/decision`, decision);
  if (decided.status !== 200) throw new Error(`the decision was refused: ${JSON.stringify(decided.body)}`);
}
