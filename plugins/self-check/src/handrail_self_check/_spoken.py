"""The text of a judge's answer: without its thoughts, in one form of each character, cut into words."""

from __future__ import annotations

import re
import unicodedata

LONGEST = 8_000
"""Characters of an answer that are read, what the judge thought before it not counted."""

_TAG = re.compile(
    r"[<\u25c1\[](/?)\s*(?:\w{1,12}:)?(?:think|thinking|thought|thoughts|reasoning)\s*[>\u25b7\]]", re.IGNORECASE
)
_HARMONY = re.compile(r"<\|channel\|>\s*final\s*(?:<\|constrain\|>\s*\w{1,24}\s*)?<\|message\|>")
_BEGINS = re.compile(r"(?:<\|start\|>\s*assistant)?\s*(?:<\|channel\|>\s*(?:analysis|commentary|final)|\Z)")
_END_TOKENS = re.compile(r"(?:\s*(?:<\|[a-z_]{2,24}\|>|</s>|<eos>|<end_of_turn>))+\s*\Z")
_ALONE = re.compile(rf"^[ \t]*{_TAG.pattern}[ \t]*$", re.IGNORECASE | re.MULTILINE)
_FENCE = re.compile(r"```[a-z]*[ \t]*\n?(.*?)\n?[ \t]*```", re.IGNORECASE | re.DOTALL)
_INVISIBLE = re.compile(r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]")
_BREAKS = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2018\u2019\u02bc\u00b4", "'"))
_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
_POSSESSIVE = re.compile(r"'s?$")


class UnreadableAnswerError(ValueError):
    """An answer does not say what it was asked; the message continues "the judge ...". Never a pass.

    The message never quotes the answer, which may quote what was judged: it goes into events and logs.
    """


def said(text: str) -> str:
    """Return an answer in compatible forms of its characters, without thoughts, a model's tokens and a fence around it.

    The numero sign is the one character whose compatible form is a word that answers. A hyphen without a break, which
    some models write, is a hyphen.

    Raises:
        UnreadableAnswerError: it is empty, too long, or breaks off in its thoughts.
    """
    text = _BREAKS.sub("\n", _INVISIBLE.sub("", _after_thinking(_in_final_channel(text))).replace("\u2116", "#"))
    text = unfenced(unicodedata.normalize("NFKC", text).replace("\u2010", "-"))
    if not text:
        raise UnreadableAnswerError("gave an empty answer")
    if len(text) > LONGEST:
        raise UnreadableAnswerError(f"answered with {len(text):,} characters, of which at most {LONGEST:,} are read")
    return text


def unfenced(text: str) -> str:
    """Return a text without a fence that is around all of it."""
    text = text.strip()
    found = _FENCE.fullmatch(text)
    return found[1].strip() if found else text


def folded(text: str) -> str:
    """Return a text in lower case and compatible forms, with one kind of apostrophe."""
    return unicodedata.normalize("NFKC", text).translate(_APOSTROPHES).casefold()


def words(text: str) -> tuple[str, ...]:
    """Cut a folded text into words; `user's` counts as `user`."""
    return tuple(_POSSESSIVE.sub("", word) for word in _WORD.findall(text))


def _in_final_channel(text: str) -> str:
    """Drop the tokens of a chat template: those after an answer, and what gpt-oss wrote before its final channel.

    Raises:
        UnreadableAnswerError: there are several final channels, of which one may be quoted from what is judged.
    """
    text = _END_TOKENS.sub("", text)
    finals = list(_HARMONY.finditer(text))
    if not finals:
        return text
    if len(finals) > 1 or not _BEGINS.match(text.lstrip()):
        raise UnreadableAnswerError("leaves open where its thoughts end")
    return text[finals[0].end() :]


def _after_thinking(text: str) -> str:
    """Drop thoughts, which end once: what ends them a second time may be quoted from what is judged.

    Where their beginning is missing, since the model's template writes it, their end has a line of its own.
    """
    tags = list(_TAG.finditer(text))
    if not tags:
        return text
    opened, closed = [tag for tag in tags if not tag[1]], [tag for tag in tags if tag[1]]
    if not closed:
        raise UnreadableAnswerError("was still thinking when its answer ended")
    begins = opened and not text[: opened[0].start()].strip()
    if len(tags) != len(opened[:1]) + 1 or not (begins or (not opened and _ALONE.search(text))):
        raise UnreadableAnswerError("leaves open where its thoughts end")
    return text[closed[0].end() :]
