"""The protocols in which hosts stream: each reads what a model sends into chunks, and writes what rails release."""

from __future__ import annotations

from handrail_hosts._dialects._base import Calls as Calls
from handrail_hosts._dialects._base import Dialect as Dialect
from handrail_hosts._dialects._base import ErrorKind as ErrorKind
from handrail_hosts._dialects._base import ModelError as ModelError
from handrail_hosts._dialects._base import Value as Value
from handrail_hosts._dialects._chat import ChatDialect as ChatDialect
from handrail_hosts._dialects._messages import MessagesDialect as MessagesDialect
from handrail_hosts._dialects._responses import ResponsesDialect as ResponsesDialect
from handrail_hosts._dialects._text import TextDialect as TextDialect
