// mcp-remote: a program that speaks over its standard streams for clients that start programs.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const check = (check, ok, found = '') =>
  console.log(JSON.stringify({ check, ok: Boolean(ok), found: String(found).slice(0, 200) }));
const { URL: url, TOKEN: token } = process.env;
const home = dirname(fileURLToPath(import.meta.url));

const transport = new StdioClientTransport({
  command: process.execPath,
  args: [
    join(home, 'node_modules/mcp-remote/dist/proxy.js'),
    `${url}/support/mcp`,
    '--allow-http',
    '--header',
    'Authorization:${KB_AUTH}',
  ],
  env: { ...process.env, KB_AUTH: `Bearer ${token}`, MCP_REMOTE_CONFIG_DIR: home },
  stderr: 'ignore',
});
const client = new Client({ name: 'acceptance', version: '1' });
await client.connect(transport);
const { tools } = await client.listTools();
check('tools', tools.length === 3, tools.map((tool) => tool.name));
const said = await client.callTool({
  name: 'lookup',
  arguments: { query: 'how do i reset my router' },
});
check('lookup', said.content[0].text.includes('seconds'), said.content[0].text);
await client.close();
process.exit(0);
