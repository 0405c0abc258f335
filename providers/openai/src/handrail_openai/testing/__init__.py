"""A server that speaks the Responses API on this machine, and what it sends: for tests of whatever talks to it.

    from handrail_openai.testing import ModelResponse, responses_server  # the fixture

    def test_mine(responses_server):
        responses_server.will(ModelResponse(text="Hello."))
        ...  # ask responses_server.base_url with `api: responses`

Needs `pip install "handrail-openai[testing]"`. The server for Chat Completions is in `handrail-testkit`.
"""

from __future__ import annotations

from handrail_openai.testing._fixture import responses_server as responses_server
from handrail_openai.testing._response import ModelResponse as ModelResponse
from handrail_openai.testing._response import error_event as error_event
from handrail_openai.testing._response import failed_event as failed_event
from handrail_openai.testing._response import response_events as response_events
from handrail_openai.testing._server import ResponsesServer as ResponsesServer
