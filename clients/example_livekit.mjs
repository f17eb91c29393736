// Ask a grounded LiveKit agent in Node, without a key: its model reads its facts out.
//
//     KB_TOKEN=… KB_LABEL=support node example_livekit.mjs "when are you open"
//
// For a voice, give your own `voice.AgentSession` the class `Assistant`, its stt, llm and tts.
import { llm, voice } from '@livekit/agents';
import { grounded, KnowledgeBase } from './livekit_kb.mjs';

// Stands in for an agent with a model.
class ReadsOut extends voice.Agent {
  async llmNode(chatCtx) {
    const [first] = chatCtx.items;
    return first.role === 'system' ? first.textContent : 'I do not know.';
  }
}

class Assistant extends grounded(ReadsOut, new KnowledgeBase({ timeoutMs: 2000 })) {}

const agent = new Assistant({ instructions: 'Answer in one sentence.' });
const queries = process.argv.slice(2);
for (const query of queries.length ? queries : ['what are your opening hours']) {
  const chatCtx = llm.ChatContext.empty();
  chatCtx.addMessage({ role: 'user', content: query });
  console.log(`${query}\n${await agent.llmNode(chatCtx, {}, {})}\n`);
}
process.exit(0);
