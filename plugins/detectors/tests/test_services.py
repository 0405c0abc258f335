"""Services: each is asked as its schema says, and whatever it answers otherwise is a failure of the rail."""

from __future__ import annotations

import anyio
import pytest
from handrail import LLMRails, RailsConfig, Turn, Window
from handrail.errors import ConfigurationError, RailError

BAD = "forbidden"
LABELS = {"safe": None, "toxic": "toxicity"}
KEY = "sk-a-key-that-must-not-be-seen"


def score(text):
    return 0.9 if BAD in text else 0.1


def vllm(path, headers, body):
    assert set(body) == {"model", "input"} if path == "/classify" else {"model", "input", "task"}
    probs = [[1 - score(text), score(text)] for text in body["input"]]
    if path == "/classify":
        items = [
            {"index": n, "label": "toxic" if row[1] > 0.5 else "safe", "probs": row, "num_classes": 2}
            for n, row in enumerate(probs)
        ]
    elif body["task"] == "token_classify":
        items = [{"index": n, "object": "pooling", "data": [[0.99, 0.01], row]} for n, row in enumerate(probs)]
    else:
        items = [{"index": n, "object": "pooling", "data": row} for n, row in enumerate(probs)]
    usage = {"prompt_tokens": 3, "total_tokens": 3}
    return 200, {"id": "c", "object": "list", "model": body["model"], "data": items[::-1], "usage": usage}


def tei(path, headers, body):
    assert path == "/predict"
    assert all(len(entry) == 1 for entry in body["inputs"])
    assert body["truncate"] is False
    if len(body["inputs"]) > 32:
        return 413, {"error": "batch size exceeded", "error_type": "Validation"}
    return 200, [
        [{"label": "toxic", "score": score(text)}, {"label": "safe", "score": 1 - score(text)}]
        for (text,) in body["inputs"]
    ]


def kserve(path, headers, body):
    assert path == "/v2/models/guard%2Fone/infer"
    (tensor,) = body["inputs"]
    assert (tensor["name"], tensor["datatype"]) == ("text", "BYTES")
    assert tensor["shape"] == [len(tensor["data"])]
    found = [number for text in tensor["data"] for number in (1 - score(text), score(text))]
    outputs = [
        {"name": "label", "datatype": "BYTES", "shape": [len(tensor["data"])], "data": ["?"] * len(tensor["data"])},
        {"name": "scores", "datatype": "FP32", "shape": [len(tensor["data"]), 2], "data": found},
    ]
    return 200, {"model_name": "guard/one", "id": "1", "outputs": outputs}


def fms(path, headers, body):
    assert path == "/api/v1/text/contents"
    assert headers["detector-id"] == "en-pii"
    answer = []
    for text in body["contents"]:
        at = text.find(BAD)
        row = {"start": at, "end": at + len(BAD), "text": BAD, "detection": "toxic", "detection_type": "hap"}
        answer.append([{**row, "score": 0.9, "evidences": []}] if at >= 0 else [])
    return 200, answer


def openai(path, headers, body):
    assert path == "/moderations"
    assert headers["authorization"] == f"Bearer {KEY}"
    results = [
        {
            "flagged": BAD in text,
            "categories": {"violence": BAD in text, "hate": False},
            "category_scores": {"violence": 0.4 if BAD in text else 0.001, "hate": 0.0},
        }
        for text in body["input"]
    ]
    return 200, {"id": "m", "model": "omni-moderation-latest", "results": results}


SERVICES = {
    "vllm classify": (vllm, {"engine": "vllm", "model": "m", "names": ["safe", "toxic"], "labels": LABELS}),
    "vllm pooling": (
        vllm,
        {"engine": "vllm", "model": "m", "names": ["safe", "toxic"], "labels": LABELS, "operation": "pooling"},
    ),
    "vllm tokens": (
        vllm,
        {
            "engine": "vllm",
            "model": "m",
            "names": ["safe", "toxic"],
            "labels": LABELS,
            "operation": "pooling",
            "task": "tokens",
        },
    ),
    "tei": (tei, {"engine": "tei", "labels": LABELS}),
    "kserve": (kserve, {"engine": "kserve", "model": "guard/one", "names": ["safe", "toxic"], "labels": LABELS}),
    "fms": (fms, {"engine": "fms", "model": "en-pii"}),
    "openai": (openai, {"engine": "openai", "api_key_env_var": "A_KEY"}),
}
every_service = pytest.mark.parametrize("service", SERVICES)


@pytest.fixture
def asking(serve, make, monkeypatch):
    """Start a service; return it and a rail that asks it."""
    monkeypatch.setenv("A_KEY", KEY)

    def asking(name, answer=None, **more):
        stand_in, settings = SERVICES[name]
        service = serve(answer or stand_in)
        return service, make(**{**settings, "url": service.url + "/", **more})

    return asking


@every_service
async def test_what_a_service_finds_is_refused_and_the_rest_passes(asking, judged, service):
    server, rails = asking(service)
    verdicts = await judged(rails, "all is well", f"a {BAD} word", "well again")
    assert [verdict.decision for verdict in verdicts] == ["allow", "block", "allow"]
    assert verdicts[1].score == pytest.approx(0.9 if service != "openai" else 0.5)
    assert len(server.asked) == 1
    await rails.aclose()


async def test_a_detector_that_says_where_gives_the_verdict_a_span(asking, judged):
    _, rails = asking("fms")
    (verdict,) = await judged(rails, f"a {BAD} word")
    assert verdict.span == (2, 2 + len(BAD))
    await rails.aclose()


WRONG = {
    "a number": 5,
    "nothing": None,
    "an empty object": {},
    "an empty list": [],
    "no JSON": b"<html>",
    "another number of texts": {"data": [], "results": [], "outputs": []},
    "one level less": [{"label": "safe", "score": 0.9}],
    "scores as text": {
        "data": [{"index": n, "probs": ["0.1", "0.2"], "data": ["0.1", "0.2"]} for n in range(2)],
        "results": [{"flagged": False, "categories": {}, "category_scores": {"hate": "0.1"}}] * 2,
        "outputs": [{"name": "scores", "datatype": "FP32", "shape": [2, 2], "data": ["a", "b", "c", "d"]}],
    },
    "an index twice": {"data": [{"index": 0, "probs": [0.9, 0.1], "data": [0.9, 0.1]}] * 2},
    "too few scores": {
        "data": [{"index": n, "probs": [0.9], "data": [0.9]} for n in range(2)],
        "results": [{"flagged": False, "categories": {}, "category_scores": {}}] * 2,
        "outputs": [{"name": "scores", "datatype": "FP32", "shape": [2, 1], "data": [0.9, 0.9]}],
    },
    "a label that nobody knows": [[{"label": "?", "score": 0.1}]] * 2,
    "flagged for nothing": {"results": [{"flagged": True, "categories": {}, "category_scores": {"hate": 0.1}}] * 2},
    "scores that are no numbers": [[{"label": "toxic", "score": None}]] * 2,
}


@every_service
async def test_an_answer_in_another_form_is_a_failure_and_never_a_pass(asking, judged, service):
    server, rails = asking(service)
    for name, wrong in WRONG.items():
        if service == "fms" and name == "a label that nobody knows":
            continue  # without labels in the configuration, whatever a detector detects is a violation
        server.answers(lambda path, headers, body, wrong=wrong: (200, wrong))
        try:
            found = await judged(rails, "one text", "another text")
        except RailError:
            found = []
        assert all(isinstance(answer, RailError) for answer in found), name
    await rails.aclose()


@every_service
async def test_a_service_that_fails_is_a_failure_that_shows_neither_text_nor_key(asking, judged, service):
    server, rails = asking(service)
    for status in (401, 404, 429, 500, 503, 302):
        server.answers(lambda path, headers, body, status=status: (status, {"error": "you sent: " + str(body)}))
        with pytest.raises(RailError, match=str(status)) as caught:
            await judged(rails, "a text that is private")
        assert "private" not in repr(caught.value)
        assert KEY not in repr(caught.value)
    await rails.aclose()


async def test_a_service_that_is_not_there_is_a_failure(make, judged):
    rails = make(engine="tei", url="http://user:a-password@127.0.0.1:9", labels=LABELS)
    with pytest.raises(RailError, match="could not be reached") as caught:
        await judged(rails, "text")
    assert "password" not in str(caught.value)


async def test_more_texts_than_a_service_takes_are_sent_in_halves(asking):
    server, rails = asking("tei", batch={"size": 64, "wait_ms": 20})
    plan = rails.composition.output_rails[0]
    found = []

    async def check(number):
        text = f"text {number} {BAD if number % 7 == 0 else ''}"
        verdict = await plan.rail.check(Window(text, 0, 0, len(text), len(text)), Turn())
        found.append((number, verdict.decision))

    async with anyio.create_task_group() as group:
        for number in range(64):
            group.start_soon(check, number)
    assert dict(found) == {n: "block" if n % 7 == 0 else "allow" for n in range(64)}
    assert sorted(len(body["inputs"]) for _, _, body in server.asked) == [32, 32, 64]
    await rails.aclose()


async def test_one_text_that_a_service_does_not_take_fails_alone(asking):
    def picky(path, headers, body):
        return (
            (422, {"error": "tokenizer"})
            if any("odd" in text for (text,) in body["inputs"])
            else tei(path, headers, body)
        )

    _, rails = asking("tei", picky)
    plan = rails.composition.output_rails[0]
    found = {}

    async def check(text):
        try:
            found[text] = (await plan.rail.check(Window(text, 0, 0, len(text), len(text)), Turn())).decision
        except ValueError as exc:
            found[text] = str(exc)

    async with anyio.create_task_group() as group:
        for text in ("well", "an odd one", BAD, "fine"):
            group.start_soon(check, text)
    assert (found["well"], found[BAD], found["fine"]) == ("allow", "block", "allow")
    assert "422" in found["an odd one"]
    await rails.aclose()


async def test_a_long_text_is_judged_in_pieces_of_which_none_is_missed(asking, judged):
    server, rails = asking("fms", max_characters=100)
    for at in range(0, 900, 37):
        text = ("x" * at + BAD + "y" * (1000 - at))[:1000]
        (verdict,) = await judged(rails, text)
        assert verdict.span == (at, at + len(BAD))
    assert max(len(text) for _, _, body in server.asked for text in body["contents"]) == 100
    await rails.aclose()


async def test_connections_are_kept_between_batches(asking, judged):
    server, rails = asking("tei")
    for _ in range(5):
        await judged(rails, "text")
    assert len(server.asked) == 5
    assert len(server.clients) == 1
    await rails.aclose()


async def test_rails_of_one_llmrails_share_connections_until_it_is_closed(asking, serve):
    service = serve(tei)
    settings = {"engine": "tei", "url": service.url, "labels": LABELS}
    flows = {"flows": ["classifier", "toxicity classifier"]}
    config = {"classifier": settings, "toxicity classifier": settings}
    rails = LLMRails(RailsConfig.from_content(config={"rails": {"input": flows, "output": flows, "config": config}}))
    talk = [{"role": "user", "content": "well"}, {"role": "assistant", "content": "well again"}]
    for _ in range(3):
        assert (await rails.check_async(talk, ["input", "output"])).status == "passed"
    assert len(service.asked) == 12
    assert len(service.clients) == 1
    await rails.aclose()
    other = LLMRails(rails.config)
    await other.check_async(talk, ["input", "output"])
    assert len(service.clients) == 2
    await other.aclose()


def test_a_key_that_is_not_set_is_an_error_that_names_its_variable(make, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="OPENAI_API_KEY"):
        make("moderation classifier")
    with pytest.raises(ConfigurationError, match="ANOTHER") as caught:
        make(engine="tei", url="http://x", labels=LABELS, api_key_env_var="ANOTHER")
    assert [(each.code, each.subject) for each in caught.value.problems] == [("missing-variable", "ANOTHER")]


async def test_openai_s_key_goes_to_nobody_else(make, judged, serve, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    service = serve(tei)
    rails = make("moderation classifier", engine="tei", url=service.url, labels=LABELS)
    await judged(rails, "text")
    assert KEY not in str(service.asked)
    await rails.aclose()
