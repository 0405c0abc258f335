"""`jailbreak detection model`: asks NVIDIA's jailbreak detector, or a server that answers like it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from handrail import Verdict
from handrail.errors import RailError
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from handrail_detectors._connections import Connections, TextRefusedError
from handrail_detectors._engines import authorized, bearer
from handrail_detectors._rail import LONE

if TYPE_CHECKING:
    from handrail import RailContext, Turn, Window

_CATEGORY = "jailbreak"


class JailbreakSettings(BaseModel):
    """Settings of `jailbreak detection model`, below `rails.config.jailbreak_detection`, as heuristics have."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    nim_base_url: str | None = Field(
        default=None, description="Where the detector is, such as `http://localhost:8000/v1`."
    )
    nim_server_endpoint: str = Field(default="classify", description="The path of the operation, below `nim_base_url`.")
    server_endpoint: str | None = Field(
        default=None, description="In place of `nim_base_url`: the whole address of a server that takes a `prompt`."
    )
    api_key_env_var: str | None = Field(
        default=None, description="The environment variable with the key for the detector."
    )
    api_key: SecretStr | None = Field(
        default=None, description="The key itself; better name a variable, for configurations are read by many."
    )
    nim_url: str | None = Field(default=None, description="In place of `nim_base_url`: the host alone.")
    nim_port: int = Field(default=8000, description="The port of `nim_url`.")

    @field_validator("nim_base_url", "server_endpoint")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        if url is not None and not url.startswith(("http://", "https://")):
            raise ValueError("must begin with http:// or https://")
        return url.rstrip("/") if url is not None else None

    @model_validator(mode="after")
    def _has_an_address(self) -> Self:
        if self.base is None and self.server_endpoint is None:
            raise ValueError("needs 'nim_base_url' or 'server_endpoint': where the detector is")
        return self

    @property
    def base(self) -> str | None:
        """Where NVIDIA's detector is; None for another server."""
        if self.nim_base_url is None and self.nim_url is not None:
            return f"http://{self.nim_url}:{self.nim_port}/v1"
        return self.nim_base_url


class JailbreakModel:
    """Refuses what the detector takes for an attempt to talk the model out of its instructions.

    Raises:
        ConfigurationError: the key is missing.
    """

    def __init__(self, settings: JailbreakSettings, context: RailContext) -> None:
        self._name = context.name
        base, key = settings.base, settings.api_key
        headers = bearer(settings.api_key_env_var, context) if key is None else authorized(key.get_secret_value())
        self._field = "prompt" if base is None else "input"
        self._path = "" if base is None else f"/{settings.nim_server_endpoint.lstrip('/')}"
        self._connections = Connections(context, base or settings.server_endpoint or "", headers)

    async def check(self, window: Window, turn: Turn) -> Verdict:  # noqa: ARG002  # the interface
        """Ask the detector.

        Raises:
            RailError: it cannot be reached, fails, or does not say yes or no.
        """
        try:
            answer = await self._connections.post(self._path, {self._field: LONE.sub("\ufffd", window.text)})
        except TextRefusedError as exc:
            raise RailError(f"rail {self._name!r}: {exc}", rail=self._name) from exc
        found = answer.get("jailbreak") if isinstance(answer, dict) else None
        if not isinstance(found, bool):
            raise RailError(f"rail {self._name!r}: the service answered in another form", rail=self._name)
        return Verdict.block("the detector takes it for a jailbreak", category=_CATEGORY) if found else Verdict.allow()
