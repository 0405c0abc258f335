"""The tokenizer: byte-level pairs learnt from the corpus, digits apart, and the control tokens."""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail_tiny._prompt import BEGIN, CONTROL_TOKENS, END, PAD, Control, Piece
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Tokenizer:
    """Learn at most `vocabulary` tokens; control tokens come first, all bytes are among the rest."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(  # type: ignore[assignment]  # the stubs forget the setter's type
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()  # type: ignore[assignment]  # as above
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[AddedToken(token, special=True, normalized=False) for token in CONTROL_TOKENS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, pieces: Sequence[Piece]) -> list[int]:
    """Turn pieces into token ids."""
    ids: list[int] = []
    for piece in pieces:
        if isinstance(piece, Control):
            ids.append(tokenizer.token_to_id(piece.token))
        else:
            ids.extend(tokenizer.encode(piece, add_special_tokens=False).ids)
    return ids


def save_for_transformers(tokenizer: Tokenizer, folder: Path, template: str, context: int) -> None:
    """Write the tokenizer's files as transformers reads them, chat template included."""
    from transformers import PreTrainedTokenizerFast

    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        model_max_length=context,
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = template
    wrapped.save_pretrained(folder)
    written = folder / "tokenizer_config.json"  # older versions know the class by its older name only
    written.write_text(written.read_text().replace("TokenizersBackend", "PreTrainedTokenizerFast"))
