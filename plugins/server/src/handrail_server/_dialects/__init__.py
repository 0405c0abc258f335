"""The protocols that clients speak: each reads requests and writes answers, and decides nothing."""

from __future__ import annotations

from handrail_server._dialects._chat import ChatCompletions as ChatCompletions
from handrail_server._dialects._dialect import Dialect as Dialect
from handrail_server._dialects._dialect import Ended as Ended
from handrail_server._dialects._dialect import Heading as Heading
from handrail_server._dialects._dialect import Refusal as Refusal
from handrail_server._dialects._dialect import Writer as Writer
from handrail_server._dialects._installed import installed_dialects as installed_dialects
from handrail_server._dialects._messages import Messages as Messages
from handrail_server._dialects._responses import Responses as Responses
