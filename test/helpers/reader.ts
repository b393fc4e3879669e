import { Client as SecondClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as SecondStdio } from '@modelcontextprotocol/client/stdio';
import { Client as FirstClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as FirstStdio } from '@modelcontextprotocol/sdk/client/stdio.js';
import {
  ResourceListChangedNotificationSchema,
  ResourceUpdatedNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import type { Bin } from './bin.ts';
import type { Home } from './home.ts';

/** A client that reads resources and is told when they change. */
export interface Reader {
  uris(): Promise<string[]>;
  read(uri: string): Promise<string>;
  /** Asks to be told of changes of these resources and, in the second generation, of the list. */
  follow(...uris: string[]): Promise<void>;
  /** URIs of notices of change, in the order in which they came. */
  updated: string[];
  /** How often the list was said to have changed. */
  listChanges(): number;
}

interface Contents {
  contents: { uri: string; text?: string }[];
}
const textOf = (read: unknown): string => (read as Contents).contents.map((part) => part.text ?? '').join('');

/** Starts a server and connects a reader of that generation. */
export async function connectReader(bin: Bin, home: Home, generation: 'first' | 'second'): Promise<Reader> {
  const server = {
    command: process.execPath,
    args: home.serve(),
    env: home.env,
    cwd: home.dir,
    stderr: 'inherit' as const,
  };
  const updated: string[] = [];
  let changes = 0;
  const told = { updated, listChanges: () => changes };
  const info = { name: 'reader', version: '1.0.0' };
  if (generation === 'first') {
    const client = new FirstClient(info);
    client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => void updated.push(params.uri));
    client.setNotificationHandler(ResourceListChangedNotificationSchema, () => {
      changes += 1;
    });
    await client.connect(new FirstStdio(server));
    bin.add(() => client.close());
    return {
      ...told,
      uris: async () => (await client.listResources()).resources.map((r) => r.uri),
      read: async (uri) => textOf(await client.readResource({ uri })),
      follow: async (...uris) => {
        for (const uri of uris) await client.subscribeResource({ uri });
      },
    };
  }
  const client = new SecondClient(info, { versionNegotiation: { mode: { pin: '2026-07-28' } } });
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => void updated.push(params.uri));
  client.setNotificationHandler('notifications/resources/list_changed', () => {
    changes += 1;
  });
  await client.connect(new SecondStdio(server));
  bin.add(() => client.close());
  return {
    ...told,
    uris: async () => (await client.listResources()).resources.map((r) => r.uri),
    read: async (uri) => textOf(await client.readResource({ uri })),
    follow: async (...uris) => {
      await client.listen({ resourcesListChanged: true, resourceSubscriptions: uris });
    },
  };
}
