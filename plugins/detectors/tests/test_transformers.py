"""Models of transformers: batches, padding and long texts change no score, and spans are where the words stand."""

from __future__ import annotations

import pytest
import torch
from handrail.errors import ConfigurationError
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    DistilBertForTokenClassification,
    PreTrainedTokenizerFast,
)

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = [*SPECIAL, *"all is well with the moon and tides a word that must not pass forbidden".split()]  # noqa: SIM905  # a sentence reads better
MOST = 24
TOKEN_LABELS = {0: "O", 1: "B-TOXIC", 2: "I-TOXIC"}


def tokenizer():
    raw = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    special = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        model_max_length=MOST,
        model_input_names=["input_ids", "attention_mask"],
        **special,
    )


def config(labels, layers, **more):
    return DistilBertConfig(
        vocab_size=len(WORDS),
        dim=16,
        hidden_dim=32,
        n_layers=layers,
        n_heads=2,
        max_position_embeddings=MOST,
        pad_token_id=0,
        id2label=labels,
        label2id={label: n for n, label in labels.items()},
        **more,
    )


def trained(problem):
    """Teach a tiny model one word, in about a second."""
    torch.manual_seed(3)
    torch.set_num_threads(1)
    labels = {0: "safe", 1: "toxic"}
    model = DistilBertForSequenceClassification(config(labels, 1, problem_type=problem, dropout=0.0))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(150):
        ids = torch.randint(4, len(WORDS) - 1, (16, 12))
        ids[:, 0], ids[:, -1] = 2, 3
        bad = torch.arange(16) % 2
        places = torch.randint(1, 11, (16,))
        ids[torch.arange(16), places] = torch.where(bad == 1, len(WORDS) - 1, ids[torch.arange(16), places])
        wanted = torch.stack([1 - bad, bad], 1).float() if problem == "multi_label_classification" else bad
        optimizer.zero_grad()
        model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=wanted).loss.backward()
        optimizer.step()
    return model.eval()


def written(folder, model):
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
    return str(folder)


@pytest.fixture(scope="module")
def of_texts(tmp_path_factory):
    return written(tmp_path_factory.mktemp("texts"), trained("single_label_classification"))


@pytest.fixture(scope="module")
def of_several(tmp_path_factory):
    return written(tmp_path_factory.mktemp("several"), trained("multi_label_classification"))


@pytest.fixture(scope="module")
def of_tokens(tmp_path_factory):
    """A model without layers, so that what a token is called depends on its word alone."""
    model = DistilBertForTokenClassification(config(TOKEN_LABELS, 0))
    with torch.no_grad():
        model.distilbert.embeddings.position_embeddings.weight.zero_()
        words = model.distilbert.embeddings.word_embeddings.weight
        words.zero_()
        words[:, 0], words[-1, 0], words[-1, 1] = 1.0, 0.0, 1.0
        model.classifier.weight.zero_()
        model.classifier.bias.zero_()
        model.classifier.weight[0, 0], model.classifier.weight[1, 1], model.classifier.weight[2, 1] = 3.0, 3.0, 2.5
    return written(tmp_path_factory.mktemp("tokens"), model.eval())


LABELS = {"safe": None, "toxic": "toxicity"}
GOOD, BAD = "all is well with the moon", "a word that must not pass is forbidden"


async def test_a_model_that_classifies_texts_refuses_what_it_was_taught(make, judged, of_texts):
    good, bad = await judged(make(engine="transformers", model=of_texts, labels=LABELS), GOOD, BAD)
    assert (good.decision, bad.decision, bad.category) == ("allow", "block", "toxicity")
    assert good.score < 0.2 < 0.8 < bad.score


async def test_a_model_with_independent_labels_is_read_as_such(make, judged, of_several):
    good, bad = await judged(make(engine="transformers", model=of_several, labels=LABELS), GOOD, BAD)
    assert (good.decision, bad.decision) == ("allow", "block")


async def test_scores_are_those_of_each_text_alone_however_texts_are_batched(make, judged, of_texts):
    rails = make(engine="transformers", model=of_texts, labels=LABELS)
    texts = [GOOD, BAD, "moon", "the forbidden tides", ""]
    together = [verdict.score for verdict in await judged(rails, *texts)]
    alone = [(await judged(rails, text))[0].score for text in texts]
    assert together == pytest.approx(alone, abs=1e-5)


async def test_a_long_text_is_judged_to_its_end_and_the_piece_that_is_refused_is_told(make, judged, of_texts):
    rails = make(engine="transformers", model=of_texts, labels=LABELS)
    lead = "the moon and tides " * 40
    (verdict,) = await judged(rails, lead + "forbidden " + lead)
    assert verdict.decision == "block"
    start, end = verdict.span
    assert start <= len(lead) < end
    assert end - start < 200


async def test_spans_of_tokens_are_where_their_words_stand(make, judged, of_tokens):
    rails = make(engine="transformers", model=of_tokens, task="tokens", labels={"O": None, "TOXIC": "toxicity"})
    lead = "the moon and tides " * 40
    for text in ("a forbidden word", "forbidden", lead + "forbidden tides", lead + "forbidden forbidden " + lead):
        good, bad = await judged(rails, GOOD, text)
        start, end = bad.span
        assert set(text[start:end].split()) == {"forbidden"}
        assert good.decision == "allow"
        assert good.score < 0.5 < bad.score


@pytest.mark.parametrize(
    ("labels", "says"),
    [({"safe": None, "toxik": "toxicity"}, "did you mean 'toxic'"), ({"toxic": "toxicity"}, "'safe' are missing")],
)
def test_labels_that_the_model_does_not_have_are_an_error_when_it_is_loaded(make, of_texts, labels, says):
    with pytest.raises(ConfigurationError, match=says):
        make(engine="transformers", model=of_texts, labels=labels)


def test_a_model_that_cannot_be_loaded_is_an_error(make, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ConfigurationError, match="cannot be loaded"):
        make(engine="transformers", model=str(tmp_path), labels=LABELS)
