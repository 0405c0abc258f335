"""LiteLLM's hook with the settings that hold text back until it was scanned, every fifteen tokens."""

from __future__ import annotations

from systems import litellm_hook
from systems.litellm_hook import refuses as refuses


class Guarded(litellm_hook.Guarded):
    """The same chain of hooks, with other settings."""

    settings = {
        "streaming_buffer_until_moderated": True,
        "streaming_buffer_release_on_scan": True,
        "streaming_sampling_rate": 15,
    }
