"""What this provider in particular does, with a teleprinter that prints well or badly."""

from __future__ import annotations

import time

import pytest
from handrail import errors
from printer import END, words

pytestmark = pytest.mark.anyio

MESSAGES = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Grüße\nto you"}]


async def ask(provider, **params):
    return [chunk async for chunk in provider.stream(MESSAGES, params)]


async def test_what_is_asked_goes_over_the_line(printer, make_provider):
    await ask(make_provider(max_tokens=9))
    await ask(make_provider(max_tokens=9), max_tokens=3)
    first, second = printer.asked
    assert first == [
        'MODEL "test-model"',
        'SAY {"role": "system", "content": "Be brief."}',
        'SAY {"role": "user", "content": "Gr\\u00fc\\u00dfe\\nto you"}',
        'GO {"max_tokens": 9}',
    ]
    assert second[-1] == 'GO {"max_tokens": 3}'


async def test_an_answer_comes_in_its_pieces_with_its_cost(printer, make_provider):
    printer.lines = lambda _: [*words("Two lines:\nof Grüße"), END]
    chunks = await ask(make_provider())
    assert [chunk.text for chunk in chunks] == ["Two ", "lines:\nof ", "Grüße", ""]
    assert chunks[-1].usage.total_tokens == 12


@pytest.mark.parametrize(
    ("lines", "error"),
    [
        ([], errors.ProviderConnectionError),
        (['+ "half an'], errors.ProviderServerError),
        (['+ "Hello"'], errors.ProviderConnectionError),
        (["HELLO 1"], errors.ProviderServerError),
        (["+ 5"], errors.ProviderServerError),
        (['END {"reason": "stop"}'], errors.ProviderServerError),
        (['ERR {"code": "busy", "message": "try later"}'], errors.ProviderRateLimitError),
        (['ERR {"code": "request", "message": "what?"}'], errors.ProviderBadRequestError),
        (['ERR {"code": "fire", "message": "help"}'], errors.ProviderServerError),
        (["+ " + "x" * 1024 * 1024], errors.ProviderServerError),
    ],
)
async def test_whatever_goes_wrong_is_an_error_that_names_the_engine(printer, make_provider, lines, error):
    printer.lines = lambda _: lines
    with pytest.raises(error, match="teleprinter: ") as raised:
        await ask(make_provider())
    assert raised.value.engine == "teleprinter"


async def test_a_teleprinter_that_stops_printing_is_given_up(printer, make_provider):
    printer.lines = lambda _: (time.sleep(1), [END])[1]
    with pytest.raises(errors.ProviderTimeoutError, match=r"sent no line for 0.1 s"):
        await ask(make_provider(line_timeout=0.1))
