"""The `parameters` that every model behind HTTP has: how its server is reached, and how long it may take."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from handrail_http._addresses import checked_header_value

Seconds: TypeAlias = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class HTTPSettings(BaseModel):
    """The `parameters` of a model behind HTTP. What is not named goes into the body of each request.

    A provider adds its own, and says how other systems spell them.
    """

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True)

    other_spellings: ClassVar[Mapping[str, str]] = {}
    """By a name that configurations for other systems have: ours."""
    ignored: ClassVar[frozenset[str]] = frozenset(("streaming", "stream"))
    """Names that say nothing here."""
    body_parameters: ClassVar[frozenset[str]] = frozenset()
    """Parameters of requests that are known; used to recognise misspelt ones, and for nothing else."""
    brought_by_client: ClassVar[tuple[str, ...]] = ("base_url", "api_key", "headers", "query", "ca_file")
    """What cannot be set beside `client`."""

    api_key: SecretStr | None = Field(
        default=None, repr=False, description="The key; better named by its variable in 'api_key_env_var'."
    )
    headers: dict[str, str] = Field(default_factory=dict, repr=False, description="Sent with each request.")
    query: dict[str, str] = Field(default_factory=dict, repr=False, description="Added to each request's address.")
    ca_file: str | None = Field(
        default=None, description="A certificate authority to trust, in PEM; relative to the configuration's folder."
    )
    timeout: Seconds | None = Field(default=600, description="Seconds for the whole answer, retries included.")
    chunk_timeout: Seconds | None = Field(
        default=180, description="Seconds in which the server may send nothing, before the answer and within it."
    )
    max_retries: Annotated[int, Field(ge=0)] = Field(
        default=2, description="How often a request that failed before its answer began is sent again."
    )
    drop_params: tuple[str, ...] = Field(
        default=(), description="Parameters that are never sent, whoever sets them, such as [seed]."
    )
    extra_body: dict[str, Any] = Field(default_factory=dict, description="Put into the body of requests unchecked.")
    client: SkipJsonSchema[Any] = Field(default=None, repr=False, exclude=True)

    @property
    def body(self) -> Mapping[str, Any]:
        """What the configuration puts into the body of each request."""
        return {**(self.model_extra or {}), **self.extra_body}

    @field_validator("headers")
    @classmethod
    def _headers_can_be_sent(cls, headers: dict[str, str]) -> dict[str, str]:
        return {name: checked_header_value(value, f"the header {name!r}") for name, value in headers.items()}

    @model_validator(mode="before")
    @classmethod
    def _other_spellings(cls, values: object) -> object:
        if not isinstance(values, Mapping):
            return values
        found: dict[str, object] = {}
        for key, value in values.items():
            name = cls.other_spellings.get(key, str(key))
            if value is None or name in cls.ignored:
                continue
            if name in found:
                raise rejected(key, f"is another spelling of {name!r}, which is there too; keep one of them")
            found[name] = value
        return found

    @model_validator(mode="after")
    def _is_spelt_right(self) -> Self:
        known = {*type(self).model_fields, *self.body_parameters, *self.other_spellings}
        for name in self.model_extra or {}:
            if name not in known and (near := get_close_matches(name, known, n=1, cutoff=0.85)):
                raise rejected(
                    name, f"is not known; did you mean {near[0]!r}? To send it as it is, write it in 'extra_body'"
                )
        return self

    @model_validator(mode="after")
    def _one_answer(self) -> Self:
        if self.body.get("n", 1) != 1:
            raise rejected("n", "must be 1: a stream is one answer")
        return self

    @model_validator(mode="after")
    def _client_brings_its_own(self) -> Self:
        if self.client is not None:
            for name in self.brought_by_client:
                if name in self.model_fields_set:
                    raise rejected(name, "is set beside 'client', which brings its own; set it on the client")
        return self


def rejected(key: str, message: str) -> PydanticCustomError:
    """Return the error to raise for one of the settings."""
    return PydanticCustomError("section", "{message}", {"message": message, "key": key})
