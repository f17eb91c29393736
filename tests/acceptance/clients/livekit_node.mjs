// @livekit/agents in Node: the node of a real agent's class, with a context of its own.
import http from 'node:http';
import { llm, voice } from '@livekit/agents';
import { grounded, KnowledgeBase } from './livekit_kb.mjs';

const check = (check, ok, found = '') =>
  console.log(JSON.stringify({ check, ok: Boolean(ok), found: String(found).slice(0, 200) }));
const { URL: url, TOKEN: token } = process.env;

let seen;
class Base extends voice.Agent {
  async llmNode(chatCtx) {
    seen = chatCtx;
    return null;
  }
}
let asked = 0;
const slow = http.createServer(() => {}).listen(0);
const addresses = {
  live: `${url}/kb`,
  dead: 'http://127.0.0.1:9/kb',
  slow: `http://127.0.0.1:${slow.address().port}/kb`,
};
for (const [state, address] of Object.entries(addresses)) {
  const timeoutMs = state === 'live' ? 3000 : 300;
  const kb = new KnowledgeBase({ url: address, token, label: 'support', timeoutMs });
  const context = kb.context.bind(kb);
  asked = 0;
  kb.context = (...words) => (asked++, context(...words));
  const Assistant = grounded(Base, kb);
  const agent = new Assistant({ instructions: 'be kind' });
  const chatCtx = llm.ChatContext.empty();
  chatCtx.addMessage({ role: 'user', content: 'how do i reset my router' });
  await agent.llmNode(chatCtx, {}, {});
  await agent.llmNode(chatCtx, {}, {});
  const roles = seen.items.map((item) => item.role).join(',');
  check(`${state}: facts`, roles === (state === 'live' ? 'system,user' : 'user'), roles);
  check(`${state}: the steps of a turn ask once`, state !== 'live' || asked === 1, asked);
  check(`${state}: the history has none`, chatCtx.items.length === 1);
}
process.exit(0);
