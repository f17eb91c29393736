"""The `[doors.NAME]` tables: other wires than Omni's, each off without its table."""

from __future__ import annotations

import os
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

from kbserver.errors import SettingsError
from kbserver.urls import origin_problem


class DoorSettings(BaseModel):
    """One `[doors.NAME]` table; what it leaves out has the door's own default."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    deadline_ms: Annotated[int, Field(ge=10, le=10_000)] | None = None
    """Budget of a turn through this door, in place of the route's."""
    top_k: Annotated[int, Field(ge=1, le=50)] | None = None
    """Passages in one answer of this door, in place of the route's; a caller may ask for fewer."""


class McpSettings(DoorSettings):
    """`[doors.mcp]`: the Model Context Protocol at `/LABEL/mcp`."""

    allowed_origins: tuple[str, ...] = ()
    """Pages that may ask, beside those of this machine; other clients send no origin."""

    @field_validator("allowed_origins")
    @classmethod
    def _origins_of_pages(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            problem = origin_problem(origin)
            if problem:
                raise ValueError(problem)
        return origins


class ToolSettings(DoorSettings):
    """`[doors.tool]`: server tools of voice platforms at `/tool/LABEL`."""

    secret_env: str | None = None
    """Name of the variable with the secret(s) of signed calls, several separated by commas."""
    labels: tuple[str, ...] = ("*",)
    """Label patterns that a signed call may ask; a bearer token has its own."""

    def secrets(self) -> tuple[str, ...]:
        """Return the secrets of signed calls; () if none are taken.

        Raises:
            SettingsError: the variable is not set.
        """
        if self.secret_env is None:
            return ()
        text = os.environ.get(self.secret_env, "")
        secrets = tuple(part.strip() for part in text.split(",") if part.strip())
        if not secrets:
            raise SettingsError(
                f"[doors.tool] secret_env = {self.secret_env!r}: that variable is not set; "
                "export it or remove the line"
            )
        return secrets


class DoorsSettings(BaseModel):
    """The `[doors]` tables."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    vapi: DoorSettings | None = None
    """A Vapi custom knowledge base at `/vapi/LABEL`."""
    dify: DoorSettings | None = None
    """Dify's external knowledge at `/dify/retrieval`."""
    openai: DoorSettings | None = None
    """OpenAI's vector store search at `/v1/vector_stores/LABEL/search`."""
    tool: ToolSettings | None = None
    search: DoorSettings | None = None
    """Vertex AI's "your search API" at `/search/LABEL`."""
    mcp: McpSettings | None = None


DOOR_NAMES = ("omni", *DoorsSettings.model_fields)
"""What a token may be limited to."""


def check_door_names(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names as they are.

    Raises:
        ValueError: one is no door's, or there is none.
    """
    if not names:
        raise ValueError(f"is empty; name some of {', '.join(DOOR_NAMES)}")
    for name in names:
        if name not in DOOR_NAMES:
            raise ValueError(
                f"{name!r} is no door; the doors are {', '.join(DOOR_NAMES)}"
            )
    return names
