"""What a test server of any protocol over HTTP needs beside the protocol.

Needs `pip install "handrail-http[testing]"`.
"""

from __future__ import annotations

from handrail_http.testing._odd import odd_variants as odd_variants
from handrail_http.testing._server import AnswerServer as AnswerServer
