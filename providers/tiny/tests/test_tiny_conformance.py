"""The provider behaves as every provider must."""

from __future__ import annotations

import pytest
from handrail_testkit import ProviderCase, ProviderConformance


class TestTiny(ProviderConformance):
    @pytest.fixture
    def case(self, make_provider, tmp_path):
        (tmp_path / "config.json").write_text("{}")
        return ProviderCase(
            provider=make_provider(),
            messages=({"role": "user", "content": "How do I make pancakes?"},),
            failing=make_provider(str(tmp_path)),
        )
