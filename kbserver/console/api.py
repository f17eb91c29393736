"""The JSON API: every resource by `GET`, every action by its method, and a document of it all."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version

from kbserver.console.resources import (
    Action,
    Asked,
    Json,
    Parameter,
    Resource,
)
from kbserver.record.export import write_rows

ROOT = "/api/v1"
FORMATS = ("json", "jsonl", "csv")
FORMAT = Parameter("format", "json (the default), jsonl: a row a line, or csv")

_NAMED = re.compile(r"\{(\w+)(?::\w+)?\}")
_MEDIA_TYPES = {
    "json": "application/json",
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
}


def answer(resource: Resource, asked: Asked) -> tuple[bytes, str]:
    """Return a resource in the format that was asked for, and its media type.

    Raises:
        InvalidRequest: a parameter is unknown or cannot be used.
    """
    _check_names(resource, asked)
    form = asked.text("format") or "json"
    formats = FORMATS if resource.rows else FORMATS[:1]
    if form not in formats:
        raise asked.wrong("format", f"is {form[:40]!r}, wanted {' or '.join(formats)}")
    found = resource.read(asked)
    if form == "json" or resource.rows is None:
        return written(found), _MEDIA_TYPES["json"]
    rows = found[resource.rows]
    if form == "jsonl":
        return b"".join(written(row) for row in rows), _MEDIA_TYPES[form]
    if resource.flat is not None:
        rows = [resource.flat(row) for row in rows]
    columns = list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO(newline="")
    write_rows(rows, stream, columns)
    return stream.getvalue().encode("utf-8", "replace"), _MEDIA_TYPES[form]


def written(value: object) -> bytes:
    """Return a value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace") + b"\n"


def document(resources: Sequence[Resource], actions: Sequence[Action]) -> Json:
    """Return the OpenAPI document of the API."""
    paths: dict[str, Json] = {}
    for resource in resources:
        given = [*resource.parameters]
        if resource.rows is not None:
            given.append(FORMAT)
        operation = _operation(resource.path, resource.meaning, "get")
        operation["parameters"] = _in_path(resource.path) + _in_query(given)
        paths.setdefault(_plain(resource.path), {})["get"] = operation
    for action in actions:
        method = action.method.lower()
        operation = _operation(action.path, action.meaning, method)
        operation["description"] = f"Needs the role `{action.role}`."
        operation["parameters"] = _in_path(action.path)
        if action.parameters:
            operation["requestBody"] = _body(action.parameters)
        paths.setdefault(_plain(action.path), {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kbserver console",
            "version": version("kbserver"),
            "description": "What was recorded of turns, what the store holds, and what can be "
            "done about it. Times are seconds since 1970, UTC.",
        },
        "servers": [{"url": "."}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {"Error": _ERROR},
        },
    }


_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "code": {"type": "string"},
                "param": {"type": ["string", "null"]},
            },
        }
    },
}


def _operation(path: str, meaning: str, method: str) -> Json:
    name = _NAMED.sub(r"\1", path).strip("/").replace("/", "_")
    return {
        "operationId": f"{method}_{name}",
        "summary": meaning,
        "responses": {
            "200": {
                "description": "The answer.",
                "content": {"application/json": {"schema": {"type": "object"}}},
            },
            "default": {
                "description": "What is wrong, and what to do.",
                "content": {
                    "application/json": {
                        "schema": {"$ref": "#/components/schemas/Error"}
                    }
                },
            },
        },
    }


def _in_path(path: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _NAMED.findall(path)
    ]


def _in_query(parameters: Sequence[Parameter]) -> list[Json]:
    return [
        {
            "name": one.name,
            "in": "query",
            "required": one.required,
            "description": one.meaning,
            "schema": {"type": one.kind},
        }
        for one in parameters
    ]


def _body(parameters: Sequence[Parameter]) -> Json:
    properties = {
        one.name: {"type": one.kind, "description": one.meaning} for one in parameters
    }
    schema: Mapping[str, object] = {
        "type": "object",
        "properties": properties,
        "required": [one.name for one in parameters if one.required],
    }
    return {"content": {"application/json": {"schema": schema}}}


def _plain(path: str) -> str:
    """Return a path as OpenAPI writes it, without converters."""
    return "/" + _NAMED.sub(r"{\1}", path)


def _check_names(resource: Resource, asked: Asked) -> None:
    known = {one.name for one in (*resource.parameters, FORMAT)}
    known |= set(_NAMED.findall(resource.path))
    for name in asked.values:
        if name not in known:
            listed = ", ".join(sorted(known))
            raise asked.wrong(name[:40], f"is no parameter here; there are: {listed}")
