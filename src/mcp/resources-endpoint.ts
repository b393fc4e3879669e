import type { McpServer } from '@modelcontextprotocol/server';
import { CARD_URI, cardEntry, cardText, showsCards } from './card.ts';
import type { ServerDeps } from './deps.ts';
import { asProtocolError, completePrompt, MAX_COMPLETIONS } from './prompts-endpoint.ts';
import { clientSays } from './request.ts';
import { completeResource, listResources, readResource, TEMPLATES } from './resources.ts';

/** Resources with list, templates, read, completion and notices of change, in both generations of the protocol. */
export function serveResources(server: McpServer, deps: ServerDeps): void {
  const low = server.server;
  low.setRequestHandler('resources/list', async (_request, ctx) => ({
    resources: [...(await listResources(deps)), ...(showsCards(clientSays(server, ctx)) ? [cardEntry()] : [])],
  }));
  low.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: TEMPLATES.map((t) => ({ ...t })) }));
  low.setRequestHandler('resources/read', async (request) => {
    try {
      const { uri } = request.params;
      return { contents: [uri === CARD_URI ? cardText(await deps.card()) : await readResource(deps, uri)] };
    } catch (error) {
      throw asProtocolError(error);
    }
  });
  low.setRequestHandler('completion/complete', async (request) => {
    const { ref, argument } = request.params;
    const values =
      ref.type === 'ref/prompt'
        ? await completePrompt(deps, ref.name, argument.name, argument.value)
        : await completeResource(deps, ref.uri, argument.name, argument.value);
    return {
      completion: {
        values: values.slice(0, MAX_COMPLETIONS),
        total: values.length,
        hasMore: values.length > MAX_COMPLETIONS,
      },
    };
  });
  subscribe(server, deps);
}

/**
 * Clients of 2025 subscribe by URI; those of 2026 listen through the serving entry, which filters by itself. A change made by
 * another process on the same data folder is told as well, since the store watches the folder.
 */
function subscribe(server: McpServer, deps: ServerDeps): void {
  const low = server.server;
  const subscribed = new Set<string>();
  low.setRequestHandler('resources/subscribe', (request) => {
    subscribed.add(request.params.uri);
    return {};
  });
  low.setRequestHandler('resources/unsubscribe', (request) => {
    subscribed.delete(request.params.uri);
    return {};
  });
  let known = new Set<string>();
  let stop = (): void => {};
  const tell = async (stream: string): Promise<void> => {
    if (!stream.startsWith('INC-')) return;
    const modern = low.getNegotiatedProtocolVersion()?.startsWith('2026') ?? false;
    for (const uri of [`incident://${stream}`, `incident://${stream}/timeline`, `incident://${stream}/postmortem`]) {
      if (modern || subscribed.has(uri)) await low.sendResourceUpdated({ uri });
    }
    if (known.has(stream)) return;
    known = new Set([...known, stream]);
    await low.sendResourceListChanged();
  };
  // Only a connected instance watches: probes that are built and thrown away must leave nothing behind.
  const connect = server.connect.bind(server);
  server.connect = async (transport) => {
    await connect(transport);
    stop();
    stop = deps.store.watch((stream) => {
      tell(stream).catch((error: unknown) =>
        deps.gate.warn('a notice of change was not sent', { error: String(error) }),
      );
    });
  };
  const closed = low.onclose;
  low.onclose = () => {
    stop();
    closed?.();
  };
}
