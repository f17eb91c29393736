"""Grounds every turn of a Pipecat bot: put `Grounding()` between user aggregator and model.

    pipeline = Pipeline([transport.input(), stt, context_aggregator.user(), Grounding(), llm, …])

The facts go into a copy of the context for this one request, before the last words of the user;
the shared context stays as it is. After a tool call the model is asked from below, and the facts
are not there again.

Beside it goes `kb_client.py`; nothing else of kbserver is needed.
"""

from __future__ import annotations

import uuid
from typing import Any

from kb_client import KnowledgeBase
from pipecat.frames.frames import Frame, LLMContextFrame
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

INTRODUCTION = (
    "Facts from the knowledge base for the user's next words. Use them if they fit, and do not "
    "invent others:"
)


class Grounding(FrameProcessor):
    """Adds facts to each request to the model; all other frames pass."""

    def __init__(
        self, kb: KnowledgeBase | None = None, *, session: str | None = None
    ) -> None:
        """Take a knowledge base; without one that of KB_URL, KB_TOKEN and KB_LABEL.

        Args:
            session: names the call; None: one for each processor.
        """
        super().__init__()
        self._kb = kb or KnowledgeBase()
        self._session = session or f"pipecat-{uuid.uuid4().hex}"

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Pass a frame on; a context on its way to the model as a copy with facts."""
        await super().process_frame(frame, direction)
        if (
            isinstance(frame, LLMContextFrame)
            and direction is FrameDirection.DOWNSTREAM
        ):
            frame = await self._grounded(frame)
        await self.push_frame(frame, direction)

    async def _grounded(self, frame: LLMContextFrame) -> LLMContextFrame:
        context = frame.context
        messages = list(context.messages)
        place = _last_of_user(messages)
        if place is None:
            return frame
        answer = await self._kb.ask_async(_text(messages[place]), self._session)
        if not answer.context:
            return frame
        said: Any = {
            "role": "system",
            "content": f"{INTRODUCTION}\n{answer.context}",
        }
        messages.insert(place, said)
        copied = LLMContext(messages, context.tools, context.tool_choice)
        grounded = LLMContextFrame(context=copied)
        if hasattr(frame, "speculation"):
            grounded.speculation = frame.speculation
        return grounded


def _last_of_user(messages: list[Any]) -> int | None:
    """Return the place of the last message if it is the user's."""
    if not messages or not isinstance(messages[-1], dict):
        return None
    if messages[-1].get("role") != "user" or not _text(messages[-1]).strip():
        return None
    return len(messages) - 1


def _text(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        parts = [part.get("text") for part in content if isinstance(part, dict)]
        return " ".join(part for part in parts if isinstance(part, str))
    return ""
