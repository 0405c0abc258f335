"""What a request costs is computed from the operator's prices and the provider's counts, and from nothing else."""

from __future__ import annotations

import pytest
from fakes import FakeProvider, Guarded
from handrail import Chunk, ConfigurationError, LLMRails, Price, RailsConfig, Usage

PRICES = {
    "currency": "EUR",
    "models": {"m": {"input": 2, "output": 10, "cached": 1}, "large": {"input": 4, "output": 20}},
}
USAGE = Usage(1000, 200, cached_tokens=500)


@pytest.fixture
def anyio_backend(virtual_clock):
    return virtual_clock


async def asked(usage=USAGE, *, prices=PRICES, params=None):
    provider = FakeProvider(["Hi", Chunk(usage=usage)])
    models = [{"type": "main", "engine": "fake", "model": "m"}]
    rails = Guarded(provider, {}, top={"models": models, "prices": prices}).rails
    async with rails.stream("hello", options={"llm_params": params or {}}) as stream:
        _ = [event async for event in stream]
    (call,) = stream.response.llm_calls
    return call


async def test_cached_tokens_have_a_price_of_their_own():
    call = await asked()
    assert call.price == Price("EUR", 2, 10, 1)
    assert call.cost == pytest.approx((500 * 2 + 500 * 1 + 200 * 10) / 1e6)


async def test_a_model_that_a_request_asks_for_costs_what_that_one_costs():
    call = await asked(params={"model": "large"})
    assert call.model == "large"
    assert call.cost == pytest.approx((1000 * 4 + 200 * 20) / 1e6)


@pytest.mark.parametrize(
    "wrong",
    [{"prices": {}}, {"params": {"model": "unknown"}}, {"usage": None}, {"usage": Usage(1, 1, estimated=True)}],
    ids=["no table", "unknown model", "nothing reported", "estimated"],
)
async def test_no_price_is_made_up(wrong):
    assert (await asked(**wrong)).cost is None


@pytest.mark.parametrize(
    "odd",
    [
        Usage(-1, 2),
        Usage(1, -2),
        Usage(10**400, 1),
        Usage(1, 2, cached_tokens=-10),
        Usage(float("nan"), 1),
        Usage("5", 1),
        Usage(None, None),
        {"input_tokens": 5},
    ],
)
async def test_what_cannot_be_numbers_of_tokens_is_not_reported(odd):
    call = await asked(usage=odd)
    assert call.cost is None
    assert call.usage.estimated
    assert call.usage.total_tokens > 0


async def test_counting_tokens_here_makes_no_bill_of_them():
    call = await asked(usage=None)
    assert call.usage.estimated
    assert call.cost is None


async def test_more_cached_tokens_than_there_are_cost_no_less_than_nothing():
    assert Price("USD", 2, 0, 1).of(Usage(100, 0, cached_tokens=500)) == pytest.approx(100 / 1e6)


async def test_a_provider_that_is_handed_in_has_its_price_by_its_name():
    class Own(FakeProvider):
        name = "m"

    config = RailsConfig.from_content(config={"prices": PRICES})
    rails = LLMRails(config, Own(["Hi", Chunk(usage=USAGE)]))
    before = await rails.generate_async("hello", options={})
    rails.update_llm(Own(["Hi", Chunk(usage=USAGE)]))
    after = await rails.generate_async("hello", options={})
    assert [call.cost for call in (*before.llm_calls, *after.llm_calls)] == [0.0035, 0.0035]


def test_wrong_prices_are_said_with_their_place():
    for wrong in (-1, 1e300, float("nan"), float("inf")):
        with pytest.raises(ConfigurationError, match=r"prices\.models\.m\.input"):
            RailsConfig.from_content(config={"prices": {"models": {"m": {"input": wrong, "output": 1}}}})
