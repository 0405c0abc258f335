"""An authority that signs nothing: a machine's hundred take long to read for each client."""

from __future__ import annotations

import pytest
from handrail_testkit import Authority


@pytest.fixture(scope="session", autouse=True)
def trusted(tmp_path_factory):
    file = Authority.create(tmp_path_factory.mktemp("trusted")).file
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield
