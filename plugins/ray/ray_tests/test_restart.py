"""The head of the cluster is lost and comes back."""

from __future__ import annotations

import pytest
from clusters import WORDS

from conftest import ask, meanwhile, serving, stream, streams_while


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_a_head_that_is_lost_fails_rails_in_time_until_it_is_back(cluster):
    import ray

    ray.shutdown()  # this process must not be part of the cluster when that is lost
    folder = cluster.written("one judge", timeout=4)

    async def kill(_):
        cluster.kill()

    async with cluster.rails("one judge", http=True, timeout=4) as by_http:
        with serving(cluster, folder) as port:
            assert await meanwhile(ask, port, folder.name) == (WORDS, None)
            ((outcome, _, error),) = await streams_while([by_http], kill)
            assert outcome == "rail failed", error
            assert "could not be reached" in error
            text, error = await meanwhile(ask, port, folder.name)  # this server asks by handle
            assert error == "internal_error"
            assert text == ""
        await meanwhile(cluster.start)
        await meanwhile(cluster.run, "serve", "start", f"--http-port={cluster.http}")
        await meanwhile(cluster.run, "handrail", "ray", "deploy", str(folder))
        assert await stream(by_http) == ("finished", WORDS, "")
        with serving(cluster, folder) as port:
            assert await meanwhile(ask, port, folder.name) == (WORDS, None)
