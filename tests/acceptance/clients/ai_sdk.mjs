// @ai-sdk/mcp.
import { createMCPClient } from '@ai-sdk/mcp';

const check = (check, ok, found = '') =>
  console.log(JSON.stringify({ check, ok: Boolean(ok), found: String(found).slice(0, 200) }));
const { URL: url, TOKEN: token } = process.env;

const asked = [];
const connected = (token) =>
  createMCPClient({
    transport: {
      type: 'http',
      url: `${url}/support/mcp`,
      headers: { Authorization: `Bearer ${token}` },
      fetch: (address, init) => {
        asked.push(new Headers(init?.headers).get('mcp-protocol-version'));
        return fetch(address, init);
      },
    },
  });

const client = await connected(token);
const tools = await client.tools();
const names = Object.keys(tools).sort();
check('tools', String(names) === 'fetch,lookup,search', names);
const call = (name, args) => tools[name].execute(args, { toolCallId: '1', messages: [] });
const before = asked.length;
const said = await call('lookup', { query: 'how do i reset my router' });
check('lookup', said.content[0].text.includes('seconds'), said.content[0].text);
check('a lookup is one request', asked.length === before + 1, asked.length - before);
const found = await call('search', { query: 'reset my router' });
const read = await call('fetch', { id: found.structuredContent.results[0].id });
check('search and fetch', read.structuredContent.text.includes('ten seconds'));
check('speaks 2026-07-28', asked.at(-1) === '2026-07-28', asked);
await client.close();
try {
  await (await connected('wrong')).tools();
  check('a wrong token', false);
} catch (error) {
  const says = error.message;
  check('a wrong token is refused with our sentence', says.includes('known'), says);
}
process.exit(0);
