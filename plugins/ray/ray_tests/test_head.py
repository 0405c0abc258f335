"""The head of the cluster is lost and comes back."""

from __future__ import annotations

import anyio
import pytest

from conftest import PLACED, WORDS, meanwhile, stream

BAD = WORDS.replace("w50", "bad")


@pytest.fixture
def anyio_backend():
    return "asyncio"


async def test_a_head_that_is_restarted_fails_rails_until_it_is_back(cluster):
    import ray

    ray.shutdown()  # whoever is part of a cluster ends with it: what asks over HTTP stays
    folder = cluster.config(PLACED)
    async with cluster.rails("[judge]", BAD, http=True, pace=20) as rails:
        await rails.composition.output_rails[0].rail.check(_window(), _turn())
        ended = []

        async def guarded():
            ended.append(await stream(rails))

        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                group.start_soon(guarded)
                await anyio.sleep(1)
                cluster.kill()
        ((outcome, text, error),) = ended
        assert outcome == "rail failed", error
        assert "could not be reached" in error
        assert WORDS.startswith(text)
        await meanwhile(cluster.start)
        await meanwhile(cluster.run, "handrail", "ray", "deploy", str(folder))
        outcome, text, _ = await stream(rails)
        assert outcome == "blocked"
        assert WORDS.startswith(text)


def _window():
    from handrail import Window

    return Window("w", 0, 0, 1, 1)


def _turn():
    from handrail import Turn

    return Turn()
