"""`POST /feedback`: how a call ended, told by the client or a tool with the call's own token."""

from __future__ import annotations

from typing import get_args

from pydantic import BaseModel, ConfigDict, Field, StrictStr, ValidationError

from kbserver.endpoint.doors.base import checked_label
from kbserver.errors import InvalidRequest
from kbserver.notes import Ending

PATH = "/feedback"

_LONGEST_ID = 20
_VERDICTS = ", ".join(get_args(Ending))
_EXAMPLE = 'send {"session_label": "call-42", "verdict": "handed_over"}'


class Feedback(BaseModel):
    """What a client says of a call, or of one turn of it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    label: StrictStr = Field(validation_alias="session_label", min_length=1)
    verdict: Ending
    turn: StrictStr | None = Field(default=None, max_length=_LONGEST_ID)
    """As the answer's header `x-kbserver-turn` named it."""


def parse(body: bytes) -> Feedback:
    """Read one request.

    Raises:
        InvalidRequest: no JSON object, a field is missing or wrong, or the label is over the
            limits.
    """
    try:
        said = Feedback.model_validate_json(body)
    except ValidationError as exc:
        raise _complaint(exc) from None
    checked_label(said.label, "session_label")
    return said


def _complaint(exc: ValidationError) -> InvalidRequest:
    error = exc.errors(include_url=False, include_context=False, include_input=False)[0]
    if not error["loc"]:
        message = f"the body is no JSON object of feedback; {_EXAMPLE}"
        return InvalidRequest(message, code="invalid_body")
    field = str(error["loc"][0])
    if error["type"] == "missing":
        message = f"the field {field!r} is missing; {_EXAMPLE}"
        return InvalidRequest(message, code="missing_field", param=field)
    wanted = {
        "verdict": f"one of {_VERDICTS}",
        "turn": "the id that the header x-kbserver-turn of an answer named",
    }.get(field, "a text that is not empty")
    message = f"the field {field!r} must be {wanted}"
    return InvalidRequest(message, code="invalid_field", param=field)
