// @modelcontextprotocol/sdk 1.x.
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const check = (check, ok, found = '') =>
  console.log(JSON.stringify({ check, ok: Boolean(ok), found: String(found).slice(0, 200) }));
const { URL: url, TOKEN: token } = process.env;

const connected = async (token) => {
  const client = new Client({ name: 'acceptance', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  const address = new globalThis.URL(`${url}/support/mcp`);
  await client.connect(new StreamableHTTPClientTransport(address, { requestInit }));
  return client;
};

const client = await connected(token);
const { tools } = await client.listTools();
check('tools', tools.length === 3, tools.map((tool) => tool.name));
const call = (name, args) => client.callTool({ name, arguments: args });
const said = await call('lookup', { query: 'how do i reset my router' });
check('lookup', said.content[0].text.includes('seconds'), said.content[0].text);
const found = await call('search', { query: 'reset my router' });
const read = await call('fetch', { id: found.structuredContent.results[0].id });
check('search and fetch', read.structuredContent.text.includes('ten seconds'));
await client.ping();
check('ping', true);
await client.close();
try {
  await connected('wrong');
  check('a wrong token', false);
} catch (error) {
  const says = error.message;
  check('a wrong token is refused with our sentence', says.includes('known'), says);
}
process.exit(0);
