"""For packages with rails that ask models of their own: the judge, and what readers of answers are made of."""

from __future__ import annotations

from handrail_self_check._answer import Judgement as Judgement
from handrail_self_check._answer import read_answer as read_answer
from handrail_self_check._evidence import find_evidence as find_evidence
from handrail_self_check._grammar import check_explanation as check_explanation
from handrail_self_check._json_object import categories_of as categories_of
from handrail_self_check._json_object import key_of as key_of
from handrail_self_check._json_object import names_nothing as names_nothing
from handrail_self_check._json_object import pairs_of as pairs_of
from handrail_self_check._judge import Judge as Judge
from handrail_self_check._judge import Task as Task
from handrail_self_check._judge import answered as answered
from handrail_self_check._judge import model_label as model_label
from handrail_self_check._judge import read_completion as read_completion
from handrail_self_check._judge import unknown_parser as unknown_parser
from handrail_self_check._judge import words_parser as words_parser
from handrail_self_check._parsers import NAMES as PARSERS
from handrail_self_check._parsers import Parser as Parser
from handrail_self_check._parsers import parser_named as parser_named
from handrail_self_check._placed import PlacedPrompt as PlacedPrompt
from handrail_self_check._question import IS_IT_SUPPORTED as IS_IT_SUPPORTED
from handrail_self_check._question import MUST_THE_ANSWER_BE_BLOCKED as MUST_THE_ANSWER_BE_BLOCKED
from handrail_self_check._question import MUST_THE_MESSAGE_BE_BLOCKED as MUST_THE_MESSAGE_BE_BLOCKED
from handrail_self_check._spoken import UnreadableAnswerError as UnreadableAnswerError
from handrail_self_check._spoken import folded as folded
from handrail_self_check._spoken import said as said

__all__ = [
    "IS_IT_SUPPORTED",
    "MUST_THE_ANSWER_BE_BLOCKED",
    "MUST_THE_MESSAGE_BE_BLOCKED",
    "PARSERS",
    "Judge",
    "Judgement",
    "Parser",
    "PlacedPrompt",
    "Task",
    "UnreadableAnswerError",
    "answered",
    "categories_of",
    "check_explanation",
    "find_evidence",
    "folded",
    "key_of",
    "model_label",
    "names_nothing",
    "pairs_of",
    "parser_named",
    "read_answer",
    "read_completion",
    "said",
    "unknown_parser",
    "words_parser",
]
