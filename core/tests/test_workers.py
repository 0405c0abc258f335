"""How many tasks a stream needs: one where rails compute, as many as there are checks where they wait."""

from __future__ import annotations

import anyio
import pytest
from fakes import FakeProvider, words
from handrail import Chunk, Verdict
from handrail._stream.tasks import Tasks


class Judge:
    """A window rail that notes when it was asked, and how often at once."""

    def __init__(self, seconds=0.0):
        self.seconds = seconds
        self.running = self.most = 0
        self.began = []

    async def check(self, window, turn):
        self.began.append(anyio.current_time())
        self.running += 1
        self.most = max(self.most, self.running)
        if self.seconds:
            await anyio.sleep(self.seconds)
        self.running -= 1
        return Verdict.allow()


async def test_one_task_asks_a_rail_that_computes(guarded, monkeypatch):
    started = []
    start = Tasks.start
    monkeypatch.setattr(Tasks, "start", lambda tasks, work: (started.append(work), start(tasks, work)))
    judge = Judge()
    text = "".join(await guarded(FakeProvider(["".join(words(400))]), {"judge": judge}).texts())
    assert text == "".join(words(400))
    assert len(judge.began) > 20
    assert len(started) <= 3  # the reader, and two workers of which one comes in vain while the other asks


async def test_windows_that_are_there_are_asked_about_at_once_where_a_rail_waits(guarded):
    judge = Judge(seconds=1.0)
    await guarded(FakeProvider(words(400)), {"judge": judge}).texts()
    assert judge.most == 8
    assert judge.began[0] == judge.began[7]


@pytest.mark.parametrize("parallel", [True, False])
async def test_all_rails_are_asked_about_a_window_at_once(guarded, parallel):
    judges = {f"judge {number}": Judge(seconds=1.0) for number in range(4)}
    await guarded(FakeProvider(words(15)), judges, parallel=parallel, first_chunk_size=20).texts()
    assert len({judge.began[0] for judge in judges.values()}) == 1


class Halting:
    """A provider that says much at once, and nothing more for a long time."""

    async def stream(self, messages, params):
        yield Chunk("".join(words(200)))
        await anyio.sleep(100)
        yield Chunk("end")


@pytest.mark.parametrize("slots", [1, 3])
async def test_a_check_that_ends_makes_room_for_the_next_window_that_is_there(guarded, slots):
    judge = Judge(seconds=1.0)
    options = {"judge": {"max_concurrency": slots}}
    await guarded(Halting(), {"judge": judge}, options=options).texts()
    assert judge.most == slots
    assert [began < 50 for began in judge.began] == [True] * (len(judge.began) - 1) + [False]
