"""The operator's settings: where to listen, what clients may change, and how much they may ask for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

from handrail import ConfigurationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from handrail_server._bodies import Role
from handrail_server._fields import Part
from handrail_server._mistakes import mistakes
from handrail_server._operator_file import OperatorFile
from handrail_server._parameters import CANNOT, EVERY, USUAL, refused, unknown

Sign = Literal["text", "refusal", "guardrails", "error"]
Positive = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Settings):
    """How much is too much."""

    body_bytes: Count = Field(4 * 2**20, description="Largest body of a request; a larger one gets status 413.")
    body_seconds: Positive = Field(30.0, description="How long a client may take to send it, in seconds.")
    values: Count = Field(
        100_000, description="Most keys and values in the JSON of a body; one with more gets status 400."
    )
    head_seconds: Positive = Field(15.0, description="How long a client may take to send the head of a request.")
    idle_seconds: Positive = Field(75.0, description="How long a connection is kept between two requests.")
    head_bytes: Count = Field(64 * 2**10, description="Largest head of a request; a larger one gets status 431.")
    connections: Count | None = Field(
        None,
        description="Connections at once; with one more, the one that has waited longest without a request is closed. "
        "By default three quarters of the process's file descriptors.",
    )
    messages: Count = Field(1000, description="Most messages of a request, those of its thread included.")
    concurrency: Count = Field(512, description="Requests at once; one more gets 503 with Retry-After.")
    concurrency_per_key: Count | None = Field(None, description="The same for each API key, with status 429.")
    request_seconds: Positive = Field(600.0, description="How long an answer may take in all, in seconds.")
    configurations: Count = Field(64, description="Configurations, and combinations of them, kept loaded.")
    threads: Count = Field(1000, description="Threads kept in memory; the one not used for longest goes first.")
    thread_messages: Count = Field(200, description="Messages kept of a thread; the oldest go first.")
    thread_bytes: Count = Field(64 * 2**20, description="Size of all threads in memory.")
    thread_seconds: Count = Field(30 * 86400, description="After which time without use Redis drops a thread.")
    store_seconds: Positive = Field(1.5, description="How long the store of threads may take; then 503.")


class ParameterEdits(_Settings):
    """The usual parameters, and some more or fewer."""

    add: tuple[str, ...] = Field((), description="Further parameters that may be set; '*' for all there are.")
    remove: tuple[str, ...] = Field((), description="Parameters that may not be set.")

    @field_validator("add")
    @classmethod
    def _can_be_added(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return _that_reach_the_model(names)

    @field_validator("remove")
    @classmethod
    def _can_be_removed(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if why := unknown(names):
            raise ValueError(why)
        return names


class Policy(_Settings):
    """What a client may change."""

    rails: bool = Field(default=False, description="Whether 'options.rails' may choose which rails run.")
    parameters: tuple[str, ...] | Literal["*"] | ParameterEdits = Field(
        ParameterEdits(),
        description="Parameters of the model that may be set: a list of all, '*', or a mapping with 'add' and 'remove' "
        "that changes the usual list. What is named here reaches the model.",
    )
    models: tuple[str, ...] = Field((), description="Models that may be asked for beside the configured one.")
    context: bool = Field(
        default=True, description="Whether 'context' may set variables; never those that rails judge."
    )
    log: tuple[str, ...] = Field(("activated_rails",), description="Parts of 'options.log' that may be asked for.")
    reasons: bool = Field(
        default=False,
        description="Whether clients are told a rail's own reason and category. Both are a plugin's words, and may say "
        "what was found.",
    )
    combinations: tuple[tuple[str, ...], ...] = Field(
        (), description="Configurations that 'config_ids' may combine: each combination a list, in its order."
    )
    parts: tuple[Part, ...] = Field(
        get_args(Part),
        min_length=1,
        description="Parts of which messages of users and tools may be made. Rails read text; the rest goes to the "
        "model unread.",
    )
    message_fields: tuple[str, ...] = Field(
        (),
        description="Further fields of the messages of users and tools, such as 'name', that go to the model unread.",
    )
    prefill: bool = Field(default=False, description="Whether the last message may be the assistant's.")
    roles: tuple[Role, ...] = Field(
        get_args(Role),
        min_length=1,
        description="Roles of the messages that may be sent. With [user], a client cannot put words into the mouth of "
        "the assistant, of a tool or of the system; threads keep what was said.",
    )

    @field_validator("parameters")
    @classmethod
    def _reach_the_model(cls, chosen: object) -> object:
        return _that_reach_the_model(chosen) if isinstance(chosen, tuple) else chosen

    def allows(self, parameter: str) -> bool:
        """Return whether a client may set a parameter of the model, which then reaches it."""
        chosen = self.parameters
        if parameter in CANNOT:
            return False
        if isinstance(chosen, ParameterEdits):
            added = parameter in USUAL or parameter in chosen.add or EVERY in chosen.add
            return added and parameter not in chosen.remove
        return parameter in chosen or EVERY in chosen


def _that_reach_the_model(names: tuple[str, ...]) -> tuple[str, ...]:
    if why := refused(names):
        raise ValueError(why)
    return names


class ServerSettings(_Settings):
    """Everything that an operator decides. A settings file in YAML has the same keys."""

    config: Path = Field(description="A folder of configurations, or one configuration.")
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 for any free one.")
    workers: Count = Field(1, description="Processes.")
    default_config_id: str | None = Field(None, description="The configuration of requests that name none.")
    auto_reload: bool = Field(default=False, description="Whether a changed configuration is loaded again.")
    prefix: str = Field("", description="Path below which everything is served, such as '/guard'.")
    api_key_env: str | None = Field(None, description="Environment variable with the API keys, comma-separated.")
    keys: Path | None = Field(
        None, description="A file with the keys of tenants: their configurations, limits and labels."
    )
    prices: Path | None = Field(
        None, description="A YAML file with 'prices', for every configuration; it wins over what one says itself."
    )
    insecure: bool = Field(
        default=False, description="Whether the server may be reached from other machines without a key."
    )
    store: str = Field("memory", description="Where threads are kept: 'memory', or 'redis://HOST:PORT/DB'.")
    cors_origins: tuple[str, ...] = Field((), description="Origins whose pages may ask; none by default.")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="Names by which the server may be addressed; on a loopback address only its own by default."
    )
    playground: bool | None = Field(None, description="Whether '/' is a page; by default on a loopback address.")
    keep_alive_seconds: Positive = Field(10.0, description="A held stream sends a comment after this time.")
    drain_seconds: float = Field(20.0, ge=0, description="How long streams may go on after SIGTERM, in seconds.")
    block_as: tuple[Sign, ...] = Field(
        ("text", "refusal", "guardrails"),
        min_length=1,
        description="How a client is told of a block, beside the reason for which the answer ended: the refusal as "
        "text, the protocol's own refusal, the object 'guardrails'. 'error' stands alone, for an error in place of "
        "all that.",
    )
    retractions: bool = Field(
        default=True,
        description="Whether a stream whose text must be withdrawn ends with an error, which every client notices; if "
        "not, configurations with 'stream_first' are refused when they are loaded.",
    )
    limits: Limits = Field(Limits(), description="How much is too much.")
    policy: Policy = Field(Policy(), description="What a client may change.")

    @field_validator("block_as")
    @classmethod
    def _an_error_stands_alone(cls, signs: tuple[Sign, ...]) -> tuple[Sign, ...]:
        if "error" in signs and len(set(signs)) > 1:
            raise ValueError("'error' cannot be combined with other signs")
        return signs

    @field_validator("prefix")
    @classmethod
    def _sound_prefix(cls, prefix: str) -> str:
        stripped = prefix.strip("/")
        if any(mark in stripped for mark in "{}?#"):
            raise ValueError("a path without {, }, ? and # is needed")
        return f"/{stripped}" if stripped else ""

    @property
    def on_loopback(self) -> bool:
        """True if only this machine can reach the server."""
        try:
            return self.host == "localhost" or ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def has_playground(self) -> bool:
        """True if the page, and the traces it shows, are served."""
        return self.on_loopback if self.playground is None else self.playground

    def check_keys(self) -> None:
        """Refuse to serve other machines without asking them for a key.

        Raises:
            ConfigurationError: no key is asked for, and nobody has said that none should be.
        """
        if not (self.on_loopback or self.insecure or self.api_key_env or self.keys):
            raise ConfigurationError(
                f"host {self.host!r} can be reached from other machines, and no API key is asked for; set --keys or "
                "--api-key-env, or --insecure if something else guards it"
            )

    def api_keys(self) -> tuple[str, ...]:
        """Read the API keys of the variable, if one is named.

        Raises:
            ConfigurationError: the variable is named and holds no key.
        """
        if self.api_key_env is None:
            return ()
        keys = os.environ.get(self.api_key_env, "").replace("\n", ",").split(",")
        found = tuple(key.strip() for key in keys if key.strip())
        if not found:
            raise ConfigurationError(
                f"--api-key-env names {self.api_key_env!r}, which holds no key; set it to one or more keys, "
                "separated by commas"
            )
        return found

    @classmethod
    def read(cls, file: Path | None, defaults: Mapping[str, Any] | None = None, /, **given: Any) -> Self:
        """Read a settings file, and put what the command line gives over it, and what is the default below it.

        Raises:
            ConfigurationError: the file cannot be read, or a value is wrong; a line for each problem.
        """
        said = {name: value for name, value in given.items() if value is not None}
        found = OperatorFile.read(file) if file is not None else None
        values = {**(defaults or {}), **_values(found), **said}
        try:
            return cls.model_validate(values)
        except ValidationError as exc:
            problems = mistakes(exc, cls, found, "settings")
            raise ConfigurationError("\n".join(problems), problems=problems) from None


def _values(file: OperatorFile | None) -> Mapping[str, Any]:
    if file is None or file.values is None:
        return {}
    if not isinstance(file.values, dict):
        raise ConfigurationError(f"{file.path}: settings must be a mapping, not {type(file.values).__name__}")
    paths = {name: value for name in ("config", "keys") if isinstance(value := file.values.get(name), str)}
    return {**file.values, **{name: file.path.parent / value for name, value in paths.items()}}
