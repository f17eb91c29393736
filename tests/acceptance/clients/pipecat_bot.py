"""Pipecat: a pipeline with the processor between context and a scripted model."""

import asyncio
import json
import os

from kb_client import KnowledgeBase
from pipecat.frames.frames import LLMContextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameProcessor
from pipecat.tests.utils import run_test
from pipecat_kb import Grounding

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]
QUERY = "how do i reset my router"


def check(name, ok, found=""):
    print(json.dumps({"check": name, "ok": bool(ok), "found": str(found)[:200]}))


class Model(FrameProcessor):
    """Keeps the contexts that it is asked with."""

    def __init__(self):
        super().__init__()
        self.asked = []

    async def process_frame(self, frame, direction):
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            self.asked.append(list(frame.context.messages))
        await self.push_frame(frame, direction)


class Counting(KnowledgeBase):
    asked = 0

    async def ask_async(self, query, session=None):
        self.asked += 1
        return await super().ask_async(query, session)


async def turn(state, kb, grounded):
    model = Model()
    context = LLMContext([{"role": "user", "content": QUERY}])
    await run_test(
        Pipeline([Grounding(kb), model]),
        frames_to_send=[LLMContextFrame(context=context)],
        expected_down_frames=[LLMContextFrame],
    )
    check(f"{state}: one model call", len(model.asked) == 1, len(model.asked))
    check(f"{state}: one knowledge call", kb.asked == 1, kb.asked)
    said = model.asked[0]
    check(f"{state}: facts", (len(said) == 2) == grounded, said[0])
    check(f"{state}: the question is last", said[-1]["content"] == QUERY)
    check(f"{state}: the shared context is as it was", len(context.messages) == 1)


async def main():
    live = Counting(f"{URL}/kb", TOKEN, "support", timeout_s=3.0)
    await turn("live", live, True)
    await turn("dead", Counting("http://127.0.0.1:9/kb", TOKEN, "support"), False)


asyncio.run(main())
