from __future__ import annotations

import random

FLOW = """
    define flow flow
      $bomb = "forbidden phrase" in $bot_message
      if $bomb
        bot "no"
        stop
"""


async def test_nothing_of_a_refused_phrase_is_delivered_however_the_text_is_cut(make):
    rails = make(FLOW, streaming={"chunk_size": 12, "context_size": 5, "first_chunk_size": 6})
    choose = random.Random(5)
    for _ in range(20):
        text = "word " * choose.randrange(60) + "forbidden phrase" + " word" * choose.randrange(20)

        async def pieces(text=text):
            while text:
                size = choose.randrange(1, 12)
                yield text[:size]
                text = text[size:]

        *delivered, error = [chunk async for chunk in rails.stream_async("?", generator=pieces())]
        assert error.error["code"] == "content_blocked"
        assert "forbidden" not in "".join(delivered)
        assert text.startswith("".join(delivered))


async def test_a_flow_that_rewrites_the_answer_sees_all_of_it_and_only_its_result_goes_out(make, collect):
    rails = make(
        'define flow flow\n  $bot_message = $bot_message + " (checked)"',
        answer={"text": "one two three four five six seven eight", "chunking": "word"},
        streaming={"chunk_size": 4, "context_size": 2},
    )
    assert await collect(rails) == ["one two three four five six seven eight (checked)"]
