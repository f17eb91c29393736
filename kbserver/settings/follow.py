"""The `[follow]` table: an object store from which a server takes its generations."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kbserver.urls import object_store_problem


class FollowSettings(BaseModel):
    """The `[follow]` table. Off without it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str
    """`s3://bucket/prefix`, `gs://…`, `az://…` or `file:///folder`."""
    every_s: Annotated[float, Field(ge=0.1, le=3600)] = 2.0
    """How often it is looked at, in seconds."""
    corpora: tuple[str, ...] = ()
    """The only corpora that are taken; (): all of them."""
    keep: Annotated[int, Field(ge=1)] = 2
    """Generations kept in the store of this machine, the live one counted."""
    trust_model: str | None = None
    """An embedding model that this machine may fetch and run though it does not know it."""

    @model_validator(mode="after")
    def _a_place(self) -> FollowSettings:
        # Not of the field: a message repeats a field's text, which may hold credentials.
        problem = object_store_problem(self.url)
        if problem is not None:
            raise ValueError(f"url {problem}")
        return self
