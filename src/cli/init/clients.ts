/** Clients whose entry `init` can write. */
export const CLIENTS = ['claude-desktop', 'claude-code', 'vscode', 'cursor'] as const;
export type Client = (typeof CLIENTS)[number];

export interface ClientForm {
  title: string;
  /** The object of the file that holds the servers. */
  key: 'mcpServers' | 'servers';
  /** Whether an entry names its transport. */
  typed: boolean;
  /** Where the client looks, for people. */
  place: string;
}

/** Source: the clients' own documentation of their MCP configuration files. */
export const CLIENT_FORMS: Readonly<Record<Client, ClientForm>> = {
  'claude-desktop': {
    title: 'Claude Desktop',
    key: 'mcpServers',
    typed: false,
    place:
      'claude_desktop_config.json (macOS: ~/Library/Application Support/Claude, Windows: %APPDATA%\\Claude); restart it afterwards',
  },
  'claude-code': {
    title: 'Claude Code',
    key: 'mcpServers',
    typed: true,
    place: '.mcp.json of the project',
  },
  vscode: {
    title: 'VS Code',
    key: 'servers',
    typed: true,
    place: '.vscode/mcp.json, or "MCP: Open User Configuration"',
  },
  cursor: { title: 'Cursor', key: 'mcpServers', typed: false, place: '~/.cursor/mcp.json, or .cursor/mcp.json' },
};
