"""Who asks: API keys, of which only digests are kept, and the tenants that they belong to."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, TypeAlias

from handrail import ConfigurationError
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from handrail_server._mistakes import mistakes
from handrail_server._operator_file import OperatorFile
from handrail_server._rates import Allowance

_KIND = "sha256:"
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_PREFIX = "hr-"  # tells people, and programs that look for leaked keys, what a key is
_KEY_BYTES = 32

Place: TypeAlias = tuple[int | str, ...]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
Count = Annotated[int, Field(ge=1)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class KeyLimits(_Entry):
    """How much a key may ask for."""

    requests_per_minute: Count | None = None
    tokens_per_minute: Count | None = None
    concurrency: Count | None = None


class KeyEntry(_Entry):
    """A tenant: one key or, while one takes the place of another, several."""

    label: Label
    hashes: Annotated[tuple[str, ...], Field(min_length=1)]
    configurations: tuple[str, ...] | None = None
    limits: KeyLimits = KeyLimits()
    labels: dict[Label, Label] = Field(default_factory=dict)
    metrics: Annotated[bool, Field(strict=True)] = False

    @field_validator("hashes")
    @classmethod
    def _sound(cls, hashes: tuple[str, ...]) -> tuple[str, ...]:
        for value in hashes:
            if not _HASH.fullmatch(value):
                raise ValueError("a hash is 'sha256:' and 64 hexadecimal digits; 'handrail server-key' makes one")
        return hashes


class KeysFile(_Entry):
    """A file with the keys of tenants."""

    keys: Annotated[tuple[KeyEntry, ...], Field(min_length=1)]


@dataclass(frozen=True, slots=True, eq=False)
class Tenant:
    """Who asks.

    Attributes:
        owner: what threads belong to: a label, or the digest of a key that has none; "" where no key is needed.
        label: the name by which rails, logs and metrics know the tenant; "" for one that has none.
        configurations: what may be asked for; None for all.
        requests, tokens: how much a minute; None for as much as there is.
        concurrency: requests at once.
        labels: the operator's own words, for the log.
        may_read_metrics: True if the numbers of all tenants are its business.
    """

    owner: str = ""
    label: str = ""
    configurations: frozenset[str] | None = None
    requests: Allowance | None = None
    tokens: Allowance | None = None
    concurrency: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    may_read_metrics: bool = True

    def may_use(self, name: str) -> bool:
        """Return whether a configuration may be asked for."""
        return self.configurations is None or name in self.configurations


NOBODY = Tenant()


class Keys:
    """The keys that are known. They can be replaced as a whole while requests run."""

    def __init__(self, keys: Iterable[str] = (), entries: Iterable[KeyEntry] = ()) -> None:
        self._plain = {digest: Tenant(digest.hex()) for digest in map(_digest, keys)}
        self._tenants: dict[str, tuple[KeyEntry, Tenant]] = {}
        self._known: Mapping[bytes, Tenant] = {}
        self._needed = False
        self.replace(entries)

    def replace(self, entries: Iterable[KeyEntry]) -> None:
        """Take other entries; what a tenant has used up stays used up."""
        before, self._tenants = self._tenants, {}
        known = dict(self._plain)
        for entry in entries:
            tenant = _tenant(entry, before.get(entry.label))
            self._tenants[entry.label] = entry, tenant
            known |= {bytes.fromhex(value.removeprefix(_KIND)): tenant for value in entry.hashes}
        self._known = known
        self._needed = self._needed or bool(known)  # a server that has asked for keys never stops to

    def tenant(self, authorization: bytes | None) -> Tenant | None:
        """Return who asks; None for a wrong key.

        A digest is looked up as it is: how long that takes says something about the digest of the key that was sent,
        and nothing about another key.
        """
        if not self._needed:
            return NOBODY
        scheme, _, key = (authorization or b"").decode("latin-1").partition(" ")
        return self._known.get(_digest(key.strip())) if scheme.lower() == "bearer" else None


def read_keys(file: Path, configurations: Collection[str]) -> tuple[KeyEntry, ...]:
    """Read a file with keys.

    Raises:
        ConfigurationError: it cannot be read, or an entry is wrong; a line for each problem. No value is shown.
    """
    found = OperatorFile.read(file)
    try:
        entries = KeysFile.model_validate(found.values).keys
    except ValidationError as exc:
        problems = [*mistakes(exc, KeysFile, found, "keys")]
    else:
        problems = [
            f"{found.where(place)}: {'.'.join(map(str, place))}: {problem}"
            for place, problem in _conflicts(entries, configurations)
        ]
        if not problems:
            return entries
    raise ConfigurationError("\n".join(problems), problems=tuple(problems))


def new_key() -> tuple[str, str]:
    """Return a new key, and the hash that stands in the file in its place."""
    key = _PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    return key, _KIND + _digest(key).hex()


def entry_of(label: str, hashed: str) -> str:
    """Return an entry as it stands in the file.

    Raises:
        ConfigurationError: the label is not valid.
    """
    try:
        KeyEntry(label=label, hashes=(hashed,))
    except ValidationError:
        raise ConfigurationError(
            f"{label!r} cannot be a label; use up to 64 letters, digits, dots, hyphens and underscores"
        ) from None
    return f"""keys:
  - label: {label}
    hashes: ["{hashed}"]
    # configurations: [support]                                  # all, unless set
    # limits: {{requests_per_minute: 60, tokens_per_minute: 20000, concurrency: 8}}
    # labels: {{team: support}}                                    # for the log
    # metrics: true                                              # may read /metrics, which names all tenants
"""


def _conflicts(entries: Sequence[KeyEntry], configurations: Collection[str]) -> Iterable[tuple[Place, str]]:
    labels: set[str] = set()
    hashes: set[str] = set()
    for index, entry in enumerate(entries):
        if entry.label in labels:
            yield ("keys", index, "label"), f"{entry.label!r} is set in another entry, too; write both hashes into one"
        if hashes & set(entry.hashes):
            yield ("keys", index, "hashes"), "a hash is set in another entry, too; one key belongs to one tenant"
        labels.add(entry.label)
        hashes |= set(entry.hashes)
        for name in entry.configurations or ():
            if name not in configurations:
                told = f"unknown configuration {name!r}; known: {', '.join(configurations)}"
                yield ("keys", index, "configurations"), told


def _tenant(entry: KeyEntry, before: tuple[KeyEntry, Tenant] | None) -> Tenant:
    old = before[1] if before is not None else NOBODY
    return Tenant(
        owner=f"label {entry.label}",
        label=entry.label,
        configurations=None if entry.configurations is None else frozenset(entry.configurations),
        requests=_allowance(entry.limits.requests_per_minute, old.requests),
        tokens=_allowance(entry.limits.tokens_per_minute, old.tokens),
        concurrency=entry.limits.concurrency,
        labels=entry.labels,
        may_read_metrics=entry.metrics,
    )


def _allowance(per_minute: int | None, before: Allowance | None) -> Allowance | None:
    if before is not None and before.per_minute == per_minute:
        return before
    return None if per_minute is None else Allowance(per_minute)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
