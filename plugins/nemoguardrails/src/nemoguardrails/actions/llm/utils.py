"""Asking a model from an action, and reading what was said."""

from __future__ import annotations

from handrail_colang import get_colang_history as get_colang_history
from handrail_colang import get_first_nonempty_line as get_first_nonempty_line
from handrail_colang import get_last_bot_utterance_event as get_last_bot_utterance_event
from handrail_colang import get_last_user_utterance as get_last_user_utterance
from handrail_colang import get_last_user_utterance_event as get_last_user_utterance_event
from handrail_colang import get_multiline_response as get_multiline_response
from handrail_colang import get_top_k_nonempty_lines as get_top_k_nonempty_lines
from handrail_colang import llm_call as llm_call
from handrail_colang import llm_call_info_var as llm_call_info_var
from handrail_colang import strip_quotes as strip_quotes
from handrail_colang import warn_if_truncated as warn_if_truncated

from nemoguardrails.exceptions import LLMCallException as LLMCallException
