"""What providers that reach a server over HTTP share, whichever protocol it speaks.

Names are imported when they are first used, so that settings can be validated without a client for HTTP.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from handrail.plugins import lazy_exports

if TYPE_CHECKING:
    from handrail_http._addresses import checked_address as checked_address
    from handrail_http._addresses import checked_header_value as checked_header_value
    from handrail_http._bodies import TRANSPORT as TRANSPORT
    from handrail_http._bodies import EncodingError as EncodingError
    from handrail_http._bodies import beginning_of as beginning_of
    from handrail_http._bodies import pieces_of as pieces_of
    from handrail_http._client import BoundedClient as BoundedClient
    from handrail_http._client import bounded_client as bounded_client
    from handrail_http._client import request_timeout as request_timeout
    from handrail_http._client import tls_context as tls_context
    from handrail_http._endpoint import Endpoint as Endpoint
    from handrail_http._endpoint import ca_file_of as ca_file_of
    from handrail_http._endpoint import secrets_of as secrets_of
    from handrail_http._exchange import Exchange as Exchange
    from handrail_http._exchange import Segments as Segments
    from handrail_http._exchange import media_type as media_type
    from handrail_http._failures import Failures as Failures
    from handrail_http._failures import Sdk as Sdk
    from handrail_http._loops import PerLoop as PerLoop
    from handrail_http._problems import BadParameterError as BadParameterError
    from handrail_http._problems import ErrorEvent as ErrorEvent
    from handrail_http._problems import NotAnEventError as NotAnEventError
    from handrail_http._repeated import Repeated as Repeated
    from handrail_http._reports import class_of as class_of
    from handrail_http._reports import facts_of as facts_of
    from handrail_http._reports import is_final as is_final
    from handrail_http._reports import request_id_of as request_id_of
    from handrail_http._settings import HTTPSettings as HTTPSettings
    from handrail_http._settings import rejected as rejected
    from handrail_http._sse import EventSplitter as EventSplitter
    from handrail_http._sse import EventTooLargeError as EventTooLargeError
    from handrail_http._sse import data_of as data_of
    from handrail_http._values import Halves as Halves
    from handrail_http._values import clean as clean
    from handrail_http._values import clean_text as clean_text
    from handrail_http._values import count_of as count_of
    from handrail_http._values import json_object as json_object
    from handrail_http._values import json_text as json_text
    from handrail_http._values import plain_json as plain_json
    from handrail_http._values import text_of as text_of
    from handrail_http._values import word_of as word_of

_HOMES = {
    "_addresses": ("checked_address", "checked_header_value"),
    "_bodies": ("TRANSPORT", "EncodingError", "beginning_of", "pieces_of"),
    "_client": ("BoundedClient", "bounded_client", "request_timeout", "tls_context"),
    "_endpoint": ("Endpoint", "ca_file_of", "secrets_of"),
    "_exchange": ("Exchange", "Segments", "media_type"),
    "_failures": ("Failures", "Sdk"),
    "_loops": ("PerLoop",),
    "_problems": ("BadParameterError", "ErrorEvent", "NotAnEventError"),
    "_repeated": ("Repeated",),
    "_reports": ("class_of", "facts_of", "is_final", "request_id_of"),
    "_settings": ("HTTPSettings", "rejected"),
    "_sse": ("EventSplitter", "EventTooLargeError", "data_of"),
    "_values": (
        *("Halves", "clean", "clean_text", "count_of", "json_object", "json_text", "plain_json", "text_of"),
        "word_of",
    ),
}

__version__ = "0.2.0"
__getattr__, __dir__, __all__ = lazy_exports(__name__, _HOMES)
