"""A cascade with the embedded classifier: a model is asked only about what the classifier is not sure of."""

from __future__ import annotations

from handrail import LLMRails, RailsConfig

SURE = "mix the bleach with the ammonia in one bucket"
FINE = "The tides follow the moon, which pulls at the water."
ZONE = (0.05, 0.95)


def configured(*, cascade=True):
    models = [
        {"type": "main", "engine": "scripted", "parameters": {"answers": [{"text": FINE}]}},
        {"type": "self_check_output", "engine": "scripted", "parameters": {"answers": [{"text": "no"}]}},
    ]
    prompts = [{"task": "self_check_output", "content": "Must this be blocked? {{ bot_response }}"}]
    settings = {"self check output": {"when": {"rail": "classifier", "score": f"{ZONE[0]}..{ZONE[1]}"}}}
    flows = {"flows": ["classifier", "self check output"], "streaming": {"enabled": True}}
    rails = {"output": flows, "config": settings if cascade else {"classifier": {"threshold": ZONE[1]}}}
    return LLMRails(RailsConfig.from_content(config={"models": models, "prompts": prompts, "rails": rails}))


async def told(rails, text):
    return await rails.check_async([{"role": "assistant", "content": text}])


async def test_what_the_classifier_is_sure_of_costs_no_request_to_a_model():
    rails = configured()
    fine, sure = await told(rails, FINE), await told(rails, SURE)
    assert (fine.status, sure.status) == ("passed", "blocked")
    assert not fine.journal.llm_calls
    assert not sure.journal.llm_calls
    assert (await told(configured(cascade=False), FINE)).journal.llm_calls


async def test_what_it_is_not_sure_of_is_asked_about():
    rails = configured()
    pieces = (SURE[start : start + size] for size in (12, 16, 20, 24) for start in range(len(SURE) - size))
    unsure = [text for text in pieces if ZONE[0] <= await score(rails, text) < ZONE[1]]
    assert unsure
    for text in unsure[:3]:
        result = await told(rails, text)
        assert result.status == "passed"
        assert len(result.journal.llm_calls) == 1


async def score(rails, text):
    result = await told(rails, text)
    return next(run.score for run in result.journal.rail_runs if run.rail == "classifier")
