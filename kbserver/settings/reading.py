"""Settings, read once: flag > environment > file > default.

The file is `kbserver.toml`. The environment's names are the file's keys with the prefix `KBSERVER_`
(`KBSERVER_PORT=8080`), except for the bearer token, which is `KB_TOKEN`. An unknown key is an error
that lists the known ones. Secrets never print.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Container, Mapping, Sequence
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_settings.exceptions import SettingsError as NotParsed

from kbserver.errors import SettingsError
from kbserver.settings.model import PREFIX, RouteSettings, Settings

CONFIG_FILE = Path("kbserver.toml")
_FROM_ENVIRONMENT = {"kb_token", "signing_key", "pyai_api_key", "kb_console_token"}
"""Secrets that have no place in a file."""
_SECRET = _FROM_ENVIRONMENT | {"value"}
"""Keys whose values no message repeats."""
_LONGEST_VALUE = 60  # characters of a value that a message repeats


def file_of(config: Path | None = None) -> Path | None:
    """Return the file that settings are read from; None if there is none.

    Args:
        config: as for `read_settings`.
    """
    if config is None and CONFIG_FILE.is_file():
        return CONFIG_FILE
    return config


def read_settings(config: Path | None = None, **flags: Any) -> Settings:
    """Read the settings: flags that are not None, over the environment, over the file.

    Args:
        config: the file; None reads `kbserver.toml` in the working directory if it is there.

    Raises:
        SettingsError: the file is missing or malformed, a key is unknown, or a value does not fit.
    """
    source = file_of(config)
    from_file: dict[str, Any] = {}
    if source is not None:
        from_file = _read_file(source)
    given = {key: value for key, value in flags.items() if value is not None}
    environment = {
        name.upper() for name in os.environ if name.upper().startswith(PREFIX)
    }
    _check_variables(environment)
    try:
        return Settings(**_not_in(environment, from_file) | given)
    except ValidationError as exc:
        raise SettingsError(
            _explain(exc, source, given=given, environment=environment)
        ) from None
    except NotParsed as exc:
        raise SettingsError(
            f"a variable {PREFIX}… cannot be read: {exc}; "
            f"""lists and tables are written as JSON, like {PREFIX}TRUSTED_PROXIES='["10.0.0.1"]'"""
        ) from None


def _check_variables(environment: AbstractSet[str]) -> None:
    """Refuse a variable with our prefix that is no setting, as an unknown key is refused."""
    known = {
        name.upper(): str(field.validation_alias or f"{PREFIX}{name.upper()}")
        for name, field in Settings.model_fields.items()
    }
    for name in sorted(environment):
        if name.split("__")[0] not in known.values():
            hint = ""
            close = difflib.get_close_matches(name.removeprefix(PREFIX), known, n=1)
            if close:
                hint = f"did you mean {known[close[0]]}? "
            listed = ", ".join(sorted(known.values()))
            raise SettingsError(
                f"unknown variable {name}; {hint}known variables: {listed}"
            )


def _not_in(
    environment: AbstractSet[str], values: Mapping[str, Any], prefix: str = PREFIX
) -> dict[str, Any]:
    """Return the file's values without those that a variable gives."""
    kept = {}
    for key, value in values.items():
        name = f"{prefix}{key.upper()}"
        if name in environment:
            continue
        kept[key] = value
        if isinstance(value, dict):
            kept[key] = _not_in(environment, value, f"{name}__")
    return kept


def _read_file(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(
            f"no configuration file {path}; write one (docs/configuration.md) or leave --config out"
        ) from None
    except (OSError, UnicodeDecodeError) as exc:
        reason = str(exc)
        if isinstance(exc, OSError):
            reason = str(exc.strerror)
        raise SettingsError(
            f"cannot read {path}: {reason}; give a TOML file (docs/configuration.md)"
        ) from exc
    except tomllib.TOMLDecodeError as exc:
        raise SettingsError(f"{path} is not valid TOML: {exc}") from exc
    if "signing_key" in values:
        raise SettingsError(
            f"{path}: signing_key is a secret; "
            "put it into KBSERVER_SIGNING_KEY or signing_key_files"
        )
    _place_paths(path, values)
    return values


def _place_paths(path: Path, values: dict[str, Any]) -> None:
    """Take the paths of a file as they are meant: from where the file lies."""
    for key in ("store", "models", "revoked_tokens", "tls_certificate", "tls_key"):
        if isinstance(values.get(key), str):
            values[key] = path.parent / values[key]
    record = values.get("record")
    if isinstance(record, dict) and "folder" in record:
        record["folder"] = _beside(path, record["folder"])
    metrics = values.get("metrics")
    if isinstance(metrics, dict):
        _place_token(path, metrics.get("token"))
    files = values.get("signing_key_files")
    if isinstance(files, list):
        values["signing_key_files"] = [_beside(path, file) for file in files]
    for table in (values, values.get("console")):
        if isinstance(table, dict) and isinstance(table.get("tokens"), list):
            for token in table["tokens"]:
                _place_token(path, token)


def _place_token(path: Path, token: object) -> None:
    """Take the file of a token as it is meant from where the configuration file lies."""
    if isinstance(token, dict) and "file" in token:
        token["file"] = _beside(path, token["file"])


def _beside(path: Path, file: object) -> object:
    """Return a path as it is meant from where the configuration file lies."""
    if isinstance(file, str):
        return path.parent / file
    return file


def _explain(
    exc: ValidationError,
    source: Path | None = None,
    top: type[BaseModel] | None = None,
    *,
    given: Container[str] = (),
    environment: Container[str] = (),
) -> str:
    """Say for each error where the value came from, what was found and what is wanted."""
    lines = []
    for error in exc.errors(include_url=False, include_context=False):
        location = error["loc"]
        where = _place(location)
        variable = f"{PREFIX}{location[0]}".upper() if location else ""
        if variable in environment:
            where = variable + where.removeprefix(str(location[0]))
        elif source is not None and location and location[0] not in given:
            where = f"{source}: {where}"
        if error["type"] == "extra_forbidden":
            known = _known_keys(location, top or Settings)
            hint = ""
            close = difflib.get_close_matches(str(location[-1]), known, n=1)
            if close:
                hint = f"did you mean {close[0]!r}? "
            lines.append(f"{where}: unknown key; {hint}known keys: {', '.join(known)}")
            continue
        found = error["input"]
        is_secret = bool(_SECRET.intersection(map(str, location)))
        if isinstance(found, str | int | float) and not is_secret:
            shown = repr(found)
            if len(shown) > _LONGEST_VALUE:
                shown = shown[:_LONGEST_VALUE] + "…"
            where += f" = {shown}"
        lines.append(f"{where}: {_wanted(error['type'], error['msg'], location)}")
    return "; ".join(lines)


def _place(location: Sequence[int | str]) -> str:
    """Return `port`, `session.path`; in a repeated table `[[routes]] 2: top_k`, counted from 1."""
    if len(location) > 1 and isinstance(location[1], int):
        table = f"[[{location[0]}]] {location[1] + 1}"
        inside = ".".join(map(str, location[2:]))
        if not inside:
            return table
        return f"{table}: {inside}"
    return ".".join(map(str, location)) or "settings"


def _wanted(kind: str, message: str, location: Sequence[int | str]) -> str:
    if kind == "tuple_type":
        if location[-1] in ("routes", "tokens"):
            return f"must be written as [[{location[-1]}]], in two brackets"
        return 'must be a list: ["…"]'
    if kind == "missing":
        return "is missing"
    return message.removeprefix("Value error, ").replace(
        "Input should be", "must be", 1
    )


def _known_keys(location: tuple[int | str, ...], model: type[BaseModel]) -> list[str]:
    """Return the keys of the table that holds an unknown one."""
    for part in location[:-1]:
        field = model.model_fields.get(str(part))
        if field is not None:  # else it is the number of a repeated table
            model = _table_in(field.annotation) or model
    return sorted(name for name in model.model_fields if name not in _FROM_ENVIRONMENT)


def _table_in(annotation: Any) -> type[BaseModel] | None:
    """Return the table that a key may hold, also as one of several or in place of nothing."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = map(_table_in, get_args(annotation))
    return next(filter(None, found), None)


def route_settings(**values: Any) -> RouteSettings:
    """Check the values of one route that was written in Python.

    Raises:
        SettingsError: a key is unknown or a value does not fit.
    """
    try:
        return RouteSettings(**values)
    except ValidationError as exc:
        raise SettingsError(_explain(exc, top=RouteSettings)) from None
