"""Models as ONNX: the graph is written here, byte by byte, so that nothing else is needed to make one."""

from __future__ import annotations

import json
import struct

import pytest
from handrail.errors import ConfigurationError
from tokenizers import Tokenizer, models, pre_tokenizers

WORDS = ["[PAD]", "[UNK]", "all", "is", "well", "with", "the", "moon", "and", "tides", "forbidden"]
FLOAT, INT64 = 1, 7


def varint(number):
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def field(number, value):
    """Encode one field of a protobuf message: an integer, or bytes."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def value_info(name, kind, *dims):
    shape = b"".join(field(1, field(2, dim)) for dim in dims)
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, shape)))


def node(kind, inputs, output, attributes=b""):
    return b"".join(field(1, name) for name in inputs) + field(2, output) + field(4, kind) + attributes


def graph(table, *, tokens):
    """Return a model that looks each token up in a table, and takes the most of each column unless it is for tokens."""
    raw = struct.pack(f"<{len(table) * len(table[0])}f", *(cell for row in table for cell in row))
    weights = field(1, len(table)) + field(1, len(table[0])) + field(2, FLOAT) + field(8, "table") + field(9, raw)
    nodes = [node("Gather", ["table", "input_ids"], "logits" if tokens else "rows")]
    if not tokens:
        axes = field(5, field(1, "axes") + field(8, 1) + field(20, 7))
        keep = field(5, field(1, "keepdims") + field(3, 0) + field(20, 2))
        nodes.append(node("ReduceMax", ["rows"], "logits", axes + keep))
    dims = ("batch", "tokens", "labels") if tokens else ("batch", "labels")
    body = b"".join(field(1, each) for each in nodes) + field(2, "classifier") + field(5, weights)
    body += field(11, value_info("input_ids", INT64, "batch", "tokens")) + field(12, value_info("logits", FLOAT, *dims))
    return field(1, 8) + field(8, field(1, "") + field(2, 13)) + field(7, body)


@pytest.fixture
def folder(tmp_path):
    """Write a model's folder."""

    def folder(*, tokens=False, **config):
        table = [[-9.0, -9.0], *[[2.0, -2.0]] * (len(WORDS) - 2), [-2.0, 4.0]]
        (tmp_path / "model.onnx").write_bytes(graph(table, tokens=tokens))
        raw = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
        raw.pre_tokenizer = pre_tokenizers.Whitespace()
        raw.save(str(tmp_path / "tokenizer.json"))
        labels = {"id2label": {"0": "O" if tokens else "safe", "1": "B-TOXIC" if tokens else "toxic"}}
        (tmp_path / "config.json").write_text(json.dumps({**labels, "max_position_embeddings": 16, **config}))
        return str(tmp_path)

    return folder


LABELS = {"safe": None, "toxic": "toxicity"}


async def test_texts_are_judged_together_as_they_are_alone(make, judged, folder):
    rails = make(engine="onnx", model=folder(), labels=LABELS)
    texts = ["all is well", "all is forbidden with the moon", "moon"]
    together = [verdict.score for verdict in await judged(rails, *texts)]
    assert [score >= 0.5 for score in together] == [False, True, False]
    for text, score in zip(texts, together, strict=True):
        assert (await judged(rails, text))[0].score == pytest.approx(score)


async def test_labels_that_do_not_exclude_one_another_are_read_as_such(make, judged, folder):
    rails = make(engine="onnx", model=folder(problem_type="multi_label_classification"), labels=LABELS)
    (verdict,) = await judged(rails, "forbidden")
    assert verdict.score == pytest.approx(0.982, abs=1e-3)


async def test_a_long_text_is_judged_to_its_end(make, judged, folder):
    rails = make(engine="onnx", model=folder(), labels=LABELS)
    lead = "the moon and tides " * 30
    (verdict,) = await judged(rails, lead + "forbidden " + lead)
    assert verdict.decision == "block"
    assert verdict.span[0] <= len(lead) < verdict.span[1]


async def test_a_text_with_more_chunks_than_go_through_a_model_at_once_is_judged_to_its_end(make, judged, folder):
    rails = make(engine="onnx", model=folder(), labels=LABELS)
    lead = "the moon and tides " * 600
    good, bad = await judged(rails, lead, lead + "forbidden")
    assert (good.decision, bad.decision) == ("allow", "block")
    assert bad.span[1] == len(lead) + len("forbidden")


async def test_tokens_have_spans(make, judged, folder):
    rails = make(engine="onnx", model=folder(tokens=True), task="tokens", labels={"O": None, "TOXIC": "toxicity"})
    lead = "the moon and tides " * 30
    good, bad = await judged(rails, "all is well", lead + "forbidden tides")
    assert good.decision == "allow"
    assert bad.span == (len(lead), len(lead) + len("forbidden"))


def test_a_folder_without_a_model_is_an_error(make, tmp_path):
    with pytest.raises(ConfigurationError, match=r"needs model\.onnx"):
        make(engine="onnx", model=str(tmp_path), labels=LABELS)


def test_a_device_that_is_not_there_is_an_error(make, folder):
    with pytest.raises(ConfigurationError, match="no CUDA"):
        make(engine="onnx", model=folder(), labels=LABELS, device="cuda")


def test_an_unknown_label_is_an_error(make, folder):
    with pytest.raises(ConfigurationError, match="did you mean 'toxic'"):
        make(engine="onnx", model=folder(), labels={"toxik": "toxicity", "*": None})


async def test_a_token_that_is_surely_one_of_two_violations_is_refused(make, judged, folder, tmp_path):
    model = folder(tokens=True, id2label={"0": "O", "1": "B-INSULT", "2": "B-THREAT"})
    table = [[-9.0, -9.0, -9.0], *[[4.0, 0.0, 0.0]] * (len(WORDS) - 2), [0.0, 1.0, 1.0]]
    (tmp_path / "model.onnx").write_bytes(graph(table, tokens=True))
    labels = {"O": None, "INSULT": "insult", "THREAT": "threat"}
    good, bad = await judged(make(engine="onnx", model=model, task="tokens", labels=labels), "all is well", "forbidden")
    assert (good.decision, bad.decision) == ("allow", "block")
    assert bad.score == pytest.approx(0.845, abs=1e-3)


def test_rails_share_a_model_until_its_files_change(make, folder):
    settings = {"engine": "onnx", "model": folder(), "labels": LABELS}
    first, second = (make(**settings) for _ in range(2))
    folder(problem_type="multi_label_classification")
    changed = make(**settings)
    one, two, three = (engine_of(rails)._loaded for rails in (first, second, changed))
    assert one is two
    assert three is not one


def engine_of(rails):
    return rails.composition.output_rails[0].rail.rail._engine
