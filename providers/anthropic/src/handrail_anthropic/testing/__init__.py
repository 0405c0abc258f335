"""A server that speaks the Messages API on this machine, and what it sends: for tests of whatever talks to it.

    from handrail_anthropic.testing import Message, messages_server  # the fixture

    def test_mine(messages_server):
        messages_server.will(Message(text="Hello."))
        ...  # ask messages_server.origin

Needs `pip install "handrail-anthropic[testing]"`.
"""

from __future__ import annotations

from handrail_anthropic.testing._fixture import messages_server as messages_server
from handrail_anthropic.testing._message import Message as Message
from handrail_anthropic.testing._message import error_event as error_event
from handrail_anthropic.testing._message import message_events as message_events
from handrail_anthropic.testing._message import problem as problem
from handrail_anthropic.testing._server import MessagesServer as MessagesServer
