"""The keys of `kbserver.toml`: what each means, what it may be, and its default."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from kbserver.errors import SettingsError
from kbserver.labels import LabelPattern
from kbserver.settings.doors import DoorsSettings, check_door_names
from kbserver.settings.follow import FollowSettings
from kbserver.urls import PYAI_BASE, origin_problem, url_problem

PREFIX = "KBSERVER_"
DEFAULT_STORE = Path("store")
DEFAULT_MODEL = "all-MiniLM-L6-v2"
DEFAULT_LANGUAGE = "english"
ENGINE_TIMEOUT_MS = 300
"""Omni's hard limit for one call: connecting, TLS and reading the answer are inside it."""

# Header-safe, and nothing that a label pattern reads.
_LABEL_PREFIX = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FILLED_IN = frozenset({"type", "kb_endpoint", "kb_token"})  # in a configure frame


def _url_path(path: str) -> str:
    if not path.startswith("/") or "?" in path or "#" in path:
        raise ValueError("must start with / and hold no query or fragment")
    return path.rstrip("/") or "/"


UrlPath = Annotated[str, AfterValidator(_url_path)]
"""Path of a URL of our own, without a slash at its end: a request may have one all the same."""
Positive = Annotated[int, Field(gt=0)]
RecordMode: TypeAlias = Literal["off", "facts", "words"]
"""What is recorded of a turn: nothing, what it did, or that and what the caller said."""

Role: TypeAlias = Literal["view", "judge", "publish"]
"""What may be done in the console: read; judge and write, too; or change what callers get, too."""

Mask: TypeAlias = Literal["email", "phone", "card", "digits"]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class TurnSettings(BaseModel):
    """What may differ from route to route.

    At the top of the file these are the defaults of every route.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    top_k: Annotated[int, Field(ge=1, le=50)] = 3
    """Passages in one answer, at most."""
    min_score: Share | None = None
    """Hits below this score are not spoken.

    None: the score that `kbserver calibrate` stored with the corpus, else a low default.
    """
    max_context_bytes: Annotated[int, Field(ge=100, le=6000)] = 2600
    """UTF-8 bytes of `context`, at most.

    `results` repeats the passages, and Omni cuts the body at about 6 KB.
    """
    deadline_ms: Annotated[int, Field(ge=10, le=10_000)] = 150
    """Budget of a turn inside the server; the engine's own limit of 300 ms includes the network."""
    fallback: str = ""
    """Text answered when there is no hit; empty: an honest empty grounding."""
    arms: Literal["hybrid", "lexical", "dense"] = "hybrid"
    gate: bool = True
    """Answer greetings, thanks and the like with an empty grounding at once."""
    fillers: bool = True
    """Drop fillers, repetitions and false starts from the query."""
    numbers: bool = True
    """Match spoken numbers, times, prices and spelled codes with their written forms."""
    misheard: bool = True
    """Look up words that sound or look like words of the corpus."""
    follow_up: bool = True
    """Carry the previous question over to an elliptical one ("and how much is that")."""
    shared_label: bool = False
    """Many calls use the same session label: no follow-up memory."""
    speakable: bool = True
    """Write numbers, prices, units and dates in `context` as they are said."""


class RouteSettings(TurnSettings):
    """One `[[routes]]` table: which labels it answers, and from what."""

    label: str
    """Pattern: `support`, `billing-*`, `hotel-{id}`, `*` for every label and for none."""
    corpora: tuple[str, ...] = ()
    scope: dict[str, str] = Field(default_factory=dict)
    """Metadata filter; values may hold the pattern's parameters: `{ folder = "hotels/{id}" }`."""
    handler: str | None = None
    """Own Python handler, `package.module:function`."""
    record: RecordMode | None = None
    """What is recorded of this route's turns; None: what `[record]` says."""

    @model_validator(mode="after")
    def _checked(self) -> Self:
        try:
            known = LabelPattern(self.label).parameters
        except SettingsError as exc:
            raise ValueError(str(exc)) from None
        for key, template in self.scope.items():
            try:
                template.format_map(dict.fromkeys(known, ""))
            except (KeyError, ValueError, IndexError, AttributeError):
                have = ", ".join(known) or "none"
                raise ValueError(
                    f"scope.{key} = {template!r}: the label {self.label!r} "
                    f"has these parameters: {have}"
                ) from None
        if not self.corpora and not self.handler:
            raise ValueError(f"the route {self.label!r} needs `corpora` or a `handler`")
        return self


class StaticToken(NamedTuple):
    """A static bearer token, and what it is good for."""

    value: str
    labels: Sequence[str] = ("*",)
    """Patterns."""
    doors: tuple[str, ...] | None = None
    """None: all of them."""


class SecretSettings(BaseModel):
    """A bearer token, and where it is written down."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: ClassVar[str]
    """Of the file, for messages."""

    value: SecretStr | None = None
    env: str | None = None
    """Name of the environment variable that holds the token."""
    file: Path | None = None
    """File that holds the token."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        sources = [self.value, self.env, self.file]
        if sources.count(None) != len(sources) - 1:
            raise ValueError("a token needs exactly one of `env`, `file` or `value`")
        return self

    def secret(self) -> str:
        """Return the token itself.

        Raises:
            SettingsError: the variable is not set, or the file cannot be read or is empty.
        """
        if self.value is not None:
            return self.value.get_secret_value()
        if self.env is not None:
            token = os.environ.get(self.env, "").strip()
            if not token:
                raise SettingsError(
                    f"{self.table} env = {self.env!r}: that variable is not set; "
                    "export it or remove the table"
                )
            return token
        try:
            token = Path(str(self.file)).read_text(encoding="utf-8").strip()
        except OSError as exc:
            raise SettingsError(
                f"{self.table} file = {str(self.file)!r}: {exc.strerror}; "
                "create it or remove the table"
            ) from exc
        if not token:
            raise SettingsError(
                f"{self.table} file = {str(self.file)!r} is empty; write the token into it"
            )
        return token


class TokenSettings(SecretSettings):
    """One `[[tokens]]` table: a static bearer token and the labels it is good for."""

    table = "[[tokens]]"

    labels: tuple[str, ...] = ("*",)
    doors: tuple[str, ...] | None = None
    """Doors it is good for: `["mcp"]`; None: all of them."""

    @field_validator("doors")
    @classmethod
    def _known_doors(cls, doors: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if doors is None:
            return None
        return check_door_names(doors)


class MetricsTokenSettings(SecretSettings):
    """The key `token` of `[metrics]`: it opens `/metrics` and no document."""

    table = "[metrics] token"


class MetricsSettings(BaseModel):
    """The `[metrics]` table: how Prometheus gets at `/metrics`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    token: MetricsTokenSettings | None = None
    """Good for `/metrics` alone."""
    listen: str | None = None
    """`HOST:PORT` of a listener that serves no turns: there `/metrics` needs no other token."""

    @field_validator("listen")
    @classmethod
    def _an_address(cls, listen: str | None) -> str | None:
        if listen is not None:
            host, _, port = listen.rpartition(":")
            if not host or not port.isascii() or not port.isdigit():
                raise ValueError("write it as HOST:PORT, like 127.0.0.1:9464")
            if len(port) > len("65535") or not 0 < int(port) < 65536:
                raise ValueError("the port must be from 1 to 65535")
        return listen

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port of the listener; None without one."""
        if self.listen is None:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)


class SessionSettings(BaseModel):
    """The `[session]` table: `POST /session` for browser clients. Off without it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    allowed_origins: tuple[str, ...]
    """Pages that may ask, exactly as a browser sends them: `https://www.example.com`."""
    kb_endpoint: str
    """Public URL of our own `POST /kb`, for the engine."""
    path: UrlPath = "/session"
    label_prefix: str = "web"
    """Session labels are this, a hyphen and 128 random bits: route them as `web-*`."""
    base: str = PYAI_BASE
    connect_ttl_s: Annotated[int, Field(ge=1, le=600)] = 60
    """How long a page has to open its connection; Omni takes 1 to 600."""
    token_ttl_s: Positive = 3600
    """How long the `kb_token` is good for: longer than any call."""
    max_turns: Positive | None = None
    per_client_per_minute: Positive = 10
    total_per_minute: Positive = 300
    configure: dict[str, Any] = Field(default_factory=dict)
    """The rest of the frame: `persona`, `voice_id`, `greeting`, `language`, …"""

    @field_validator("allowed_origins")
    @classmethod
    def _origins_of_pages(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        if not origins:
            raise ValueError(
                "is empty; name the pages that may ask, https://www.example.com"
            )
        for origin in origins:
            problem = origin_problem(origin)
            if problem:
                raise ValueError(problem)
        return origins

    @field_validator("label_prefix")
    @classmethod
    def _plain_prefix(cls, prefix: str) -> str:
        if not _LABEL_PREFIX.fullmatch(prefix):
            raise ValueError(
                "use 1 to 64 letters, digits, dots, hyphens and underscores, "
                "and begin with a letter or a digit"
            )
        return prefix

    @field_validator("configure")
    @classmethod
    def _rest_of_the_frame(cls, configure: dict[str, Any]) -> dict[str, Any]:
        for key in sorted(_FILLED_IN.intersection(configure)):
            raise ValueError(
                f"holds {key!r}, which the server fills in itself; remove it"
            )
        return configure

    @model_validator(mode="after")
    def _public_urls(self) -> Self:
        # Not of the fields: a message repeats a field's text, which may hold credentials.
        for key in ("kb_endpoint", "base"):
            problem = url_problem(getattr(self, key))
            if problem:
                raise ValueError(f"{key} {problem}")
        return self


class RecordSettings(BaseModel):
    """The `[record]` table: what is kept of every turn, and for how long."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: RecordMode = "facts"
    keep_days: Positive = 30
    words_keep_days: Positive = 14
    """Of callers' words and the embeddings of their queries."""
    max_mb: Positive = 512
    """Of the file; the oldest turns go first."""
    mask: tuple[Mask, ...] = ("email", "phone", "card", "digits")
    """What is taken out of callers' words before they are stored."""
    mask_with: str | None = None
    """Own code that takes out more, `package.module:function`: text in, text out."""
    folder: Path | None = None
    """Where the file is; None: `.record` in the store."""
    otlp: str | None = None
    """Base URL of a receiver of OpenTelemetry traces (OTLP/HTTP): `http://127.0.0.1:4318`."""

    @field_validator("otlp")
    @classmethod
    def _a_url(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must be an http or https URL, like http://127.0.0.1:4318")
        return url

    @field_validator("mask_with")
    @classmethod
    def _named(cls, target: str | None) -> str | None:
        if target is not None and not all(target.partition(":")):
            raise ValueError("write it as package.module:function")
        return target


class ConsoleTokenSettings(SecretSettings):
    """One `[[console.tokens]]` table: a token of the console, never one of the endpoint."""

    table = "[[console.tokens]]"

    labels: tuple[str, ...] = ("*",)
    role: Role = "view"

    @model_validator(mode="after")
    def _publishes_for_all(self) -> Self:
        if self.role == "publish" and self.labels != ("*",):
            raise ValueError(
                "a token with the role publish changes what every caller of a corpus gets, so "
                "it cannot be bound to `labels`; give it the role judge"
            )
        return self


class ConsoleSettings(BaseModel):
    """The `[console]` table: where `kbserver console` listens, and which tokens open it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    """Any other needs `tls_certificate`, or `trusted_proxies` of this table."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8090
    root_path: str = ""
    """Path below which a proxy shows it, `/console`."""
    hosts: tuple[str, ...] = ()
    """Names under which browsers may ask for it, beside `host` and this machine."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks of proxies with TLS; requests of any other peer are refused."""
    tokens: tuple[ConsoleTokenSettings, ...] = ()

    @field_validator("root_path")
    @classmethod
    def _below(cls, path: str) -> str:
        return _url_path(path).removesuffix("/") if path else ""

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ipaddress.ip_network(network, strict=False)
        return networks


class Settings(BaseSettings, TurnSettings):
    """Everything the server reads at its start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True
    )

    store: Path = DEFAULT_STORE
    models: Path | None = None
    """Where models exported for ONNX Runtime are kept; None: the user's own cache folder."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080
    path: UrlPath = "/kb"
    """URL path of the endpoint."""
    open: bool = False
    """Serve without any token."""
    kb_token: SecretStr | None = Field(
        default=None, validation_alias="KB_TOKEN", repr=False
    )
    """Token(s) from the environment, several separated by commas while one is rotated out."""
    tokens: tuple[TokenSettings, ...] = ()
    signing_key: SecretStr | None = Field(default=None, repr=False)
    """Key(s) of signed tokens, from the variable `KBSERVER_SIGNING_KEY`.

    `kbserver token --new-key` makes one.
    """
    signing_key_files: tuple[Path, ...] = ()
    revoked_tokens: Path | None = None
    """File with the `jti` of revoked tokens, one a line; read again when it changes.

    None: with `[follow]` the list of the object store.
    """
    replicas: Positive = 1
    """Servers behind one address: each grants its share of what is limited by count."""
    session: SessionSettings | None = None
    pyai_api_key: SecretStr | None = Field(
        default=None, validation_alias="PYAI_API_KEY", repr=False
    )
    """For `POST /session` alone; from the environment."""
    routes: tuple[RouteSettings, ...] = ()
    record: RecordSettings = RecordSettings()
    console: ConsoleSettings = ConsoleSettings()
    kb_console_token: SecretStr | None = Field(
        default=None, validation_alias="KB_CONSOLE_TOKEN", repr=False
    )
    """Token of the console with the role publish; from the environment."""
    doors: DoorsSettings = DoorsSettings()
    """Other wires than Omni's."""
    metrics: MetricsSettings = MetricsSettings()
    follow: FollowSettings | None = None
    """Take generations from an object store."""
    max_body_bytes: Positive = 64 * 1024
    max_concurrent_turns: Positive = 256
    """Turns in work at once; more are refused with 503."""
    keep_alive_s: Positive = 120
    """Seconds for which idle connections stay open.

    The next turn comes seconds later, and must not pay for a new handshake.
    """
    embed_threads: Annotated[int, Field(ge=0)] = 0
    """Threads that embed queries; 0: one a core."""
    precision: Literal["auto", "fp32", "int8"] = "auto"
    """Of the weights that embed queries.

    auto: int8 where the model and the processor gain by it, else fp32.
    """
    backend: Literal["auto", "onnx", "torch"] = "auto"
    reload_s: Annotated[float, Field(ge=0.0)] = 0.25
    """How often the store is looked at for new generations, in seconds; 0: never."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    """Serve https by itself; behind a proxy that does, leave both out."""
    trusted_proxies: tuple[str, ...] = ("127.0.0.1", "::1")
    """Peers whose forwarded headers are believed."""
    access_log: bool = False
    """Log a line for every request, and one for every turn."""
    log_format: Literal["text", "json"] = "text"
    """Of the lines on stderr; json: an object a line."""
    debug: bool = False
    """Let the header `x-kbserver-debug: 1` add the trace to an answer."""

    @model_validator(mode="after")
    def _certified(self) -> Self:
        if self.tls_key is not None and self.tls_certificate is None:
            raise ValueError(
                "tls_key is set without tls_certificate; "
                "name both, or neither behind a proxy with TLS"
            )
        return self

    @model_validator(mode="after")
    def _apart(self) -> Self:
        address = self.metrics.address
        if address is not None and address[1] == self.port:
            raise ValueError(
                f"[metrics] listen has the port {self.port} of the turns, and a listener of "
                "the metrics serves no turns; give it another port"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the arguments over the environment, and nothing else."""
        return (init_settings, env_settings)

    def turn_settings(self, route: RouteSettings | None = None) -> TurnSettings:
        """Return what holds for one route: its own values over the file's."""
        names = TurnSettings.model_fields
        values = {name: getattr(self, name) for name in names}
        if route is not None:
            values |= {
                name: getattr(route, name)
                for name in route.model_fields_set
                if name in names
            }
        return TurnSettings(**values)

    @property
    def records(self) -> bool:
        """Whether anything is recorded of any turn."""
        modes = [self.record.mode, *(route.record for route in self.routes)]
        return any(mode not in (None, "off") for mode in modes)

    @property
    def record_folder(self) -> Path:
        """Where the record of turns is kept."""
        return self.record.folder or self.store / ".record"

    @property
    def follow_folder(self) -> Path:
        """Where what came from an object store is kept beside its corpora."""
        return self.store / ".follow"

    def share_of(self, limit: int) -> int:
        """Return what one of the replicas grants of a limit by count, at least 1."""
        return -(-limit // self.replicas)

    def static_tokens(self) -> list[StaticToken]:
        """Return every static token, those of `KB_TOKEN` first."""
        from_env = ""
        if self.kb_token:
            from_env = self.kb_token.get_secret_value()
        everywhere = [
            StaticToken(token.strip()) for token in from_env.split(",") if token.strip()
        ]
        return everywhere + [
            StaticToken(token.secret(), token.labels, token.doors)
            for token in self.tokens
        ]
