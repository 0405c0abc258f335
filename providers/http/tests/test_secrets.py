"""What is secret about an endpoint: in no text that a person sees, however a server or a library repeats it."""

from __future__ import annotations

import logging

import pytest
from handrail_http import BoundedClient, Endpoint, checked_address, secrets_of
from handrail_testkit import replies

KEY = "k3y+with/odd=chars"


def test_secrets_are_taken_out_also_as_an_address_has_them():
    endpoint = Endpoint(engine="e", model="m", base_url=None, secrets=secrets_of(KEY, "short", None))
    text = f"GET /v1?key=k3y%2Bwith%2Fodd%3Dchars with {KEY} and short, eyJhbGciOiJI.eyJzdWIi.c2ln"
    assert endpoint.scrubbed(text) == "GET /v1?key=*** with *** and short, ***"
    assert KEY not in repr(endpoint)


def test_the_longest_secret_is_taken_out_first():
    endpoint = Endpoint(engine="e", model="m", base_url=None, secrets=secrets_of("secret", "secret-and-more"))
    assert endpoint.scrubbed("secret-and-more") == "***"


async def test_a_query_is_sent_and_shown_by_no_log(protocol_server, caplog):
    caplog.set_level(logging.DEBUG)
    protocol_server.will(replies.error(400, "no"))
    async with BoundedClient() as client:
        response = await client.post(f"{protocol_server.base_url}/chat/completions", params={"key": KEY}, json={})
    assert protocol_server.requests[0].path.endswith("?key=k3y%2Bwith%2Fodd%3Dchars")
    assert "k3y" not in f"{response.url} {response.url!r}"
    assert any("HTTP Request" in record.message for record in caplog.records)
    assert "k3y" not in caplog.text


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://user:k3y@host", "user or password"),
        ("http://host?key=k3y", "the query into 'query'"),
        ("http://host#k3y", "the query into 'query'"),
        ("ftp://host?key=k3y", "the query into 'query'"),
        ("http://[k3y?", "not the address"),
        ("http://host:0", "not the address"),
        ("http://a b", "not the address"),
        ("http://host/v1/messages/", "leave out '/messages'"),
    ],
)
def test_an_address_that_is_none_is_refused_without_what_is_secret_in_it(url, why):
    with pytest.raises(ValueError, match=why) as caught:
        checked_address(url, example="http://localhost", paths=("/messages",))
    assert "k3y" not in str(caught.value)
