"""Ask a grounded Pipecat pipeline in writing, without a key: its model reads its facts out.

    KB_TOKEN=… KB_LABEL=support python example_pipecat.py "when are you open"

For a voice, put `Grounding()` between your aggregator and your model, and leave `timeout_s` out:
a caller hears a pause.
"""

from __future__ import annotations

import asyncio
import sys

from kb_client import KnowledgeBase
from pipecat.frames.frames import EndFrame, Frame, LLMContextFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.workers.runner import WorkerRunner
from pipecat_kb import Grounding


class ReadsOut(FrameProcessor):
    """Stands in for a model."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Print the question of a context, and the facts before it."""
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            *facts, question = frame.context.messages
            said = "I do not know."
            if facts:
                said = facts[-1]["content"]
            print(f"{question['content']}\n{said}\n")
        await self.push_frame(frame, direction)


async def main() -> None:
    """Ask each question, as the aggregator of a pipeline would."""
    grounding = Grounding(KnowledgeBase(timeout_s=2.0))
    worker = PipelineWorker(Pipeline([grounding, ReadsOut()]))
    for query in sys.argv[1:] or ["what are your opening hours"]:
        context = LLMContext([{"role": "user", "content": query}])
        await worker.queue_frame(LLMContextFrame(context=context))
    await worker.queue_frame(EndFrame())
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await runner.run()


if __name__ == "__main__":
    asyncio.run(main())
