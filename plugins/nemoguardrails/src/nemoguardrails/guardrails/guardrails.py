"""`LLMRails` under its newer name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nemoguardrails.rails.llm.llmrails import LLMRails

if TYPE_CHECKING:
    import handrail
    from handrail import Registry


class Guardrails(LLMRails):
    """A language model behind its rails.

    Args:
        config: what to guard, with which models and how.
        llm: takes the place of the configured main model.
        verbose: kept for existing code.
        use_iorails: kept for existing code; there is one engine.
        require_iorails: kept for existing code.
        registry: what is installed; by default whatever is found.
    """

    def __init__(
        self,
        config: handrail.RailsConfig,
        llm: object = None,
        verbose: bool = False,  # noqa: FBT001, FBT002  # the published signature
        *,
        use_iorails: bool = True,
        require_iorails: bool = False,
        registry: Registry | None = None,
    ) -> None:
        del use_iorails, require_iorails
        super().__init__(config, llm, verbose, registry=registry)

    use_iorails_engine = False  # there is one engine; kept for existing code

    @property
    def rails_engine(self) -> LLMRails:
        """What runs the rails, which is this; kept for existing code."""
        return self
