"""One rail of a configuration without the others: what runs where a placement has put it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail._compose.composer import compose_alone
from handrail._stream.batcher import BatchedRail
from handrail.errors import InvalidArgumentError

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from handrail._plugins.registry import Registry
    from handrail._specs import Direction
    from handrail.config import RailsConfig


class StandaloneRail:
    """One rail of a configuration, built in this process whatever its `place` says, and without any other rail.

    Conditions, thresholds, time limits and modes stay with whoever guards; this is what they ask.

    Args:
        config: the configuration.
        flow: the flow's text, arguments included.
        direction: the list of flows in which it stands.
        registry: what is installed; by default whatever is found, or of that what `plugins.enable` names.

    Attributes:
        name: the flow's name.
        rail: the rail as its plugin has built it, with `check`, `check_batch` or, where it is stateful, `open`.
        is_stateful: True if it judges each stream by a session of its own.

    Raises:
        ConfigurationError: something that the rail needs is missing or wrong.
    """

    def __init__(
        self, config: RailsConfig, flow: str, direction: Direction, *, registry: Registry | None = None
    ) -> None:
        InvalidArgumentError.unless(hasattr(config, "model_for"), "config", config, "a RailsConfig")
        InvalidArgumentError.unless(isinstance(flow, str), "flow", flow, "the text of a flow")
        self._app = compose_alone(config, registry, flow, direction)
        (plan,) = (*self._app.input_rails, *self._app.output_rails)
        self.name = plan.name
        self.rail: object = plan.rail.rail if isinstance(plan.rail, BatchedRail) else plan.rail
        self.is_stateful = plan.is_stateful

    async def aclose(self) -> None:
        """Close the rail, and the models that were built for it."""
        await self._app.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.aclose()
