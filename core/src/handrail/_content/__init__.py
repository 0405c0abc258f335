"""What a message, an answer or a tool call says, and where in its transport each character stands."""

from __future__ import annotations

from handrail._content._characters import SurrogateJoiner as SurrogateJoiner
from handrail._content._characters import whole_characters as whole_characters
from handrail._content._composing import ComposedPieces as ComposedPieces
from handrail._content._differences import differences as differences
from handrail._content._json import AutoContent as AutoContent
from handrail._content._json import JsonContent as JsonContent
from handrail._content._json import may_be_json as may_be_json
from handrail._content._messages import MessageTexts as MessageTexts
from handrail._content._messages import message_text as message_text
from handrail._content._names import JUDGED_NAMES as JUDGED_NAMES
from handrail._content._protocol import Content as Content
from handrail._content._protocol import Piece as Piece
from handrail._content._protocol import pieces_of as pieces_of
