"""A causal model reads a stream as it comes, each token once, and says what it would say of the whole text."""

from __future__ import annotations

import pytest
import torch
from handrail import LLMRails, RailsConfig, Turn, Window
from handrail.errors import ConfigurationError
from handrail_detectors._reading import Reader, logits_of
from handrail_testkit import RailCase, WindowRailConformance
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    DistilBertConfig,
    DistilBertForTokenClassification,
    LlamaConfig,
    LlamaForTokenClassification,
    PreTrainedTokenizerFast,
)

TEXT = (
    "The tides follow the moon, which pulls at the water; a blockhead is a word that must not pass, and nobody says it."
)
MOST = 512
NAMES = {0: "O", 1: "B-TOXIC", 2: "I-TOXIC"}
LABELS = {"O": None, "TOXIC": "toxicity"}


def tokenizer():
    """Train a tokenizer whose merges cross what windows may end with."""
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        [TEXT] * 3, trainers.BpeTrainer(vocab_size=400, initial_alphabet=alphabet, show_progress=False)
    )
    raw.add_special_tokens(["<s>"])
    return PreTrainedTokenizerFast(tokenizer_object=raw, bos_token="<s>", pad_token="<s>", model_max_length=MOST)


def model(layers=2, most=MOST):
    torch.manual_seed(5)
    torch.set_num_threads(1)
    config = LlamaConfig(
        vocab_size=512,
        hidden_size=32,
        intermediate_size=32,
        num_hidden_layers=layers,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=most,
        id2label=NAMES,
        label2id={name: number for number, name in NAMES.items()},
        classifier_dropout=0.0,
        initializer_range=0.5,
    )
    return LlamaForTokenClassification(config).eval()


def knowing(tokens):
    """A model without layers that knows the tokens of one word."""
    found = model(layers=0)
    with torch.no_grad():
        words = found.model.embed_tokens.weight
        words.zero_()
        words[:, 0] = 1.0
        for token in tokens:
            words[token, 0], words[token, 1] = 0.0, 1.0
        found.score.weight.zero_()
        found.score.bias.zero_()
        found.score.weight[0, 0], found.score.weight[1, 1] = 1.0, 1.0
    return found


TOKENIZER, MODEL = tokenizer(), model()


def whole(text, reading=MODEL):
    found = TOKENIZER(text, return_offsets_mapping=True, add_special_tokens=False)
    scores = torch.softmax(logits_of(reading, found["input_ids"]), dim=-1)
    return [tuple(span) for span in found["offset_mapping"]], scores


def cut_at(text, cuts):
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    return [text[start:end] for start, end in zip(places, places[1:], strict=False)]


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 400), max_size=12), st.integers(1, 3))
def test_however_a_text_comes_its_tokens_score_as_in_the_whole(cuts, times):
    text = TEXT * times
    reader, found = Reader(MODEL, TOKENIZER, MOST), []
    for piece in cut_at(text, cuts):
        found = reader.read(piece, 0)
    spans, scores = whole(text)
    assert [span for span, _ in found] == spans
    assert torch.allclose(torch.tensor([row for _, row in found]), scores, atol=1e-4)


def test_a_token_goes_through_the_model_once_wherever_it_stands():
    text = TEXT * 10
    reader, read = Reader(MODEL, TOKENIZER, 4 * MOST), []
    for start in range(0, len(text), len(TEXT)):
        before = reader.through
        reader.read(text[start : start + len(TEXT)], start)
        read.append(reader.through - before)
    tokens = len(whole(TEXT)[0])
    assert max(read) <= tokens + 2  # those that joined with what came are read again
    assert sum(read) <= 10 * (tokens + 2)


def test_a_text_that_is_too_long_for_the_model_is_read_in_parts_that_overlap():
    text = TEXT * 6
    reader = Reader(MODEL, TOKENIZER, 64)
    rows = [row for start in range(0, len(text), 40) for row in reader.read(text[start : start + 40], start)]
    covered = {place for (start, end), _ in rows for place in range(start, end)}
    assert covered == set(range(len(text)))
    tokens = len(whole(text)[0])
    assert reader.through <= tokens * 1.6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("causal")
    tokens = TOKENIZER(" blockhead", add_special_tokens=False)["input_ids"]
    knowing(tokens).save_pretrained(place)
    TOKENIZER.save_pretrained(place)
    return str(place)


def rails_of(folder, **more):
    section = {"model": folder, "labels": LABELS, **more}
    return LLMRails(
        RailsConfig.from_content(
            config={
                "rails": {
                    "output": {"flows": ["token classifier"], "streaming": {"enabled": True}},
                    "config": {"token classifier": section},
                }
            }
        )
    )


async def test_a_word_is_refused_where_it_stands_in_the_stream(folder):
    (plan,) = rails_of(folder).composition.output_rails
    session = plan.rail.open(Turn())
    place = TEXT.index("blockhead")
    first = Window(TEXT[:40], 0, 0, 40, 30)
    assert (await session.check(first)).decision == "allow"
    second = Window(TEXT[30:], 30, 40, len(TEXT), len(TEXT), last=True)
    verdict = await session.check(second)
    assert (verdict.decision, verdict.category) == ("block", "toxicity")
    start, end = verdict.span
    assert TEXT[start:end].strip() == "blockhead"
    assert start <= place < end


def test_a_model_that_reads_what_follows_is_refused(tmp_path):
    config = DistilBertConfig(vocab_size=512, dim=16, hidden_dim=32, n_layers=2, n_heads=2, id2label=NAMES)
    DistilBertForTokenClassification(config).save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    with pytest.raises(ConfigurationError, match="is not causal"):
        rails_of(str(tmp_path))


@pytest.mark.parametrize(
    ("settings", "found"), [({"labels": {}}, "'labels' is missing"), ({"model": "/nowhere"}, "cannot be loaded")]
)
def test_what_cannot_be_used_is_an_error(folder, settings, found):
    with pytest.raises(ConfigurationError, match=found):
        rails_of(folder, **settings)


class TestConformance(WindowRailConformance):
    @pytest.fixture
    def case(self, folder):
        return RailCase(
            rail="token classifier",
            settings={"model": folder, "labels": LABELS},
            allows=("The tides follow the moon.",),
            blocks={"He is a blockhead, they say.": "blockhead"},
        )
