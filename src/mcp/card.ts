import type { Tool } from '@modelcontextprotocol/server';
import type { ClientSays } from './request.ts';
import type { ResourceEntry } from './resources.ts';
import { type AnyTool, gatedTools } from './tool.ts';

/**
 * The card in the chat: one HTML file that hosts of MCP Apps show beside a tool's result. Source: SEP-1865, revision 2026-01-26. It is
 * only named to clients that say they can show it; all others get what they got before, byte for byte.
 */
export const CARD_URI = 'ui://incident-mcp/card';
const CARD_TYPE = 'text/html;profile=mcp-app';
const EXTENSION = 'io.modelcontextprotocol/ui';

/** Nothing is loaded from anywhere and nothing is connected to; the card draws its own border. */
const NO_DOMAINS = { connectDomains: [], resourceDomains: [], frameDomains: [], baseUriDomains: [] };
const CARD_META = { ui: { csp: NO_DOMAINS, prefersBorder: false } };

export const cardEntry = (): ResourceEntry => ({
  uri: CARD_URI,
  name: 'card',
  title: 'Card in the chat',
  description: 'Shows plans and incidents. It approves nothing: its buttons lead to the approval page and to the form.',
  mimeType: CARD_TYPE,
  _meta: CARD_META,
});

export const cardText = (html: string) => ({ uri: CARD_URI, mimeType: CARD_TYPE, text: html, _meta: CARD_META });

/** Whether the client says that it shows apps of this type. Its word is enough: a card is a picture of a result and no right. */
export function showsCards(client: ClientSays | undefined): boolean {
  const settings = client?.extensions?.[EXTENSION];
  const types =
    typeof settings === 'object' && settings !== null && 'mimeTypes' in settings ? settings.mimeTypes : null;
  return Array.isArray(types) && types.includes(CARD_TYPE);
}

/** Whether the tool's results are shown in the card: all that a human must approve, and what says so of itself. */
export const hasCard = (tool: AnyTool): boolean => tool.card === true || gatedTools([tool]).length > 0;

/** The definition for a client that shows cards. */
export const withCard = (wire: Tool): Tool => ({ ...wire, _meta: { ui: { resourceUri: CARD_URI } } });
