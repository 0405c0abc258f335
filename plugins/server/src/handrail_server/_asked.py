"""One request that has been let in, with everything that answers it: its configuration, options, thread and dialect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from handrail_server._answers import ended
from handrail_server._services import Thread

if TYPE_CHECKING:
    from collections.abc import Mapping

    from handrail import GenerationResponse, Retraction

    from handrail_server._beside import Beside
    from handrail_server._configs import Loaded
    from handrail_server._dialects import Dialect, Ended, Writer
    from handrail_server._policy import Wanted
    from handrail_server._services import Services


class Asked:
    """A request for an answer.

    Args:
        services: what is shared.
        dialect: how the client speaks.
        body: what it has sent.
        wanted: what it wants.
        loaded: its configuration, in use until the answer has ended.
        model: the model that it names beside the configuration.

    Raises:
        ApiError: the model may not be asked for.
    """

    def __init__(
        self, services: Services, dialect: Dialect, body: Any, wanted: Wanted, loaded: Loaded, model: str | None
    ) -> None:
        self.services = services
        self.dialect = dialect
        self.body = body
        self.wanted = wanted
        self.loaded = loaded
        self.options = services.options(wanted, loaded, model)
        self.heading = services.heading(wanted, loaded, dialect.id_prefix)
        self.thread = Thread(services, wanted, loaded.ids, self.heading.id)

    @property
    def call(self) -> Mapping[str, Any]:
        """Arguments of the call to the rails, beside the messages."""
        return {"options": self.options, "caller": self.services.caller, "conversation": self.thread.key}

    def writer(self) -> Writer:
        """Return what writes the answer as a stream."""
        return self.dialect.writer(self.heading, self.wanted, self.body)

    def whole(self, response: GenerationResponse, found: Beside) -> Mapping[str, Any]:
        """Return the body of the answer as a whole."""
        return self.dialect.whole(self.ended(response, found), self.body)

    def ended(self, response: GenerationResponse, found: Beside, retracted: Retraction | None = None) -> Ended:
        """Return the answer with all that its client may know."""
        return ended(
            self.heading,
            self.wanted,
            self.services.told(self.loaded, response, log=bool(self.options.get("log"))),
            found,
            rails=self.loaded.rails,
            block_as=self.services.settings.block_as,
            retracted=retracted,
        )


def engine_of(loaded: Loaded) -> str:
    """Return the engine of a configuration's main model; an empty text if it has none."""
    main = loaded.rails.config.model_for("main")
    return main.engine if main is not None else ""
