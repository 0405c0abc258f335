"""A chain behind rails is guarded as a model is: `rails | chain`. LangChain's own are in `tests/chains.py`."""

from __future__ import annotations

import pytest
from handrail.errors import ProviderError
from nemoguardrails import RailsConfig
from nemoguardrails.integrations.langchain.runnable_rails import RunnableRails

SORRY = "I'm sorry, I can't respond to that."
COLANG = """
define flow look
  if "swordfish" in $bot_message
    bot refuse to respond
    stop

define flow shorten
  $user_message = $user_message.replace("please", "")
  if "tuna" in $user_message
    bot refuse to respond
    stop

define flow soften
  $bot_message = $bot_message.replace("must", "may")
"""


class Chain:
    """Answers as it is told, and remembers what it was given."""

    def __init__(self, answer):
        self.answer = answer
        self.given = []

    async def ainvoke(self, given, config=None, **others):
        self.given.append((given, config, others))
        return self.answer

    async def astream(self, given, config=None, **others):
        self.given.append((given, config, others))
        for word in self.answer.split():
            yield f"{word} "


class Message:
    """A message of LangChain's kind."""

    def __init__(self, content, tool_calls=()):
        self.content = content
        self.tool_calls = list(tool_calls)

    def model_copy(self, *, update):
        return Message(update.get("content", self.content), update.get("tool_calls", self.tool_calls))


@pytest.fixture
def config():
    output = {"flows": ["look", "soften"], "streaming": {"enabled": True, "stream_first": False}}
    return RailsConfig.from_content(COLANG, config={"rails": {"input": {"flows": ["shorten"]}, "output": output}})


async def test_what_a_chain_says_goes_through_the_rails(config):
    assert await (RunnableRails(config) | Chain("The moon.")).ainvoke("Why?") == "The moon."
    assert await (RunnableRails(config) | Chain("It is swordfish.")).ainvoke("Why?") == SORRY
    assert await RunnableRails(config, runnable=Chain("You must.")).ainvoke("Why?") == "You may."
    assert await (RunnableRails(config) | Chain("It is swordfish.")).ainvoke({"input": "Why?"}) == SORRY


async def test_a_refused_message_reaches_no_chain_and_a_rewritten_one_reaches_it_rewritten(config):
    chain = Chain("The moon.")
    rails = RunnableRails(config) | chain
    assert await rails.ainvoke({"input": "tuna"}) == {"output": SORRY}
    assert chain.given == []
    await rails.ainvoke({"input": "Why, please?", "topic": "sea"}, {"tags": ["x"]}, stop=["y"])
    await rails.ainvoke("Why, please?")
    assert chain.given == [
        ({"input": "Why, ?", "topic": "sea"}, {"tags": ["x"]}, {"stop": ["y"]}),
        ("Why, ?", None, {}),
    ]
    with pytest.raises(ProviderError, match="list cannot take it"):
        await rails.ainvoke([{"role": "user", "content": "Why, please?"}])


async def test_of_a_mapping_the_answer_is_judged_and_the_rest_comes_back_only_if_it_passes(config):
    rails = RunnableRails(config, input_key="question", output_key="answer")
    found = {"answer": "You must.", "documents": ["swordfish"]}
    assert await (rails | Chain(found)).ainvoke({"question": "Why?"}) == {**found, "answer": "You may."}
    told = await (rails | Chain({**found, "answer": "swordfish"})).ainvoke({"question": "Why?"})
    assert told == {"answer": SORRY}


@pytest.mark.parametrize("answer", [{"text": "swordfish"}, None, 3, {"output": ["swordfish"]}])
async def test_what_has_no_answer_to_judge_does_not_come_back(config, answer):
    with pytest.raises(ProviderError, match="no rail can judge it"):
        await (RunnableRails(config) | Chain(answer)).ainvoke({"input": "Why?"})


async def test_a_chain_streams_through_the_rails():
    output = {"flows": ["look"], "streaming": {"enabled": True, "stream_first": False}}
    rails = RunnableRails(RailsConfig.from_content(COLANG, config={"rails": {"output": output}}))
    pieces = [piece async for piece in (rails | Chain("The moon pulls it.")).astream({"input": "Why?"})]
    assert "".join(pieces) == "The moon pulls it. "
    pieces = [piece async for piece in (rails | Chain("It is swordfish, friend.")).astream("Why?")]
    assert "swordfish" not in "".join(pieces)
    assert "content_blocked" in pieces[-1]


async def test_messages_keep_their_kind_and_their_tool_calls(config):
    call = {"name": "look", "args": {"at": "the sea"}, "id": "1"}
    rails = RunnableRails(config)
    answer = await (rails | Chain(Message("You must.", [call]))).ainvoke({"input": "Why?"})
    assert (answer.content, answer.tool_calls) == ("You may.", [{**call, "type": "tool_call"}])
    assert await (rails | Chain(Message("swordfish", [call]))).ainvoke({"input": "Why?"}) == {"output": SORRY}
    parts = Message([{"type": "text", "text": "You "}, "must."])
    assert (await (rails | Chain(parts)).ainvoke("Why?")).content == "You may."


async def test_two_calls_at_once_stay_apart(config):
    import anyio

    class Echo:
        async def ainvoke(self, given, config=None):
            await anyio.lowlevel.checkpoint()
            return given

    rails, told = RunnableRails(config) | Echo(), {}

    async def ask(text):
        told[text] = await rails.ainvoke(text)

    async with anyio.create_task_group() as group:
        for text in ("one", "two", "three"):
            group.start_soon(ask, text)
    assert told == {text: text for text in told}
    assert len(told) == 3


async def test_a_chain_is_asked_by_the_rails_alone(config):
    with pytest.raises(ProviderError, match="by invoke, stream and their like only"):
        await (RunnableRails(config) | Chain("x")).rails.generate_async("Why?")


async def test_inside_an_event_loop_invoke_says_what_to_await(config):
    with pytest.raises(RuntimeError):
        (RunnableRails(config) | Chain("x")).invoke("Why?")


DIALOG = """
define user ask about politics
  "who should I vote for?"

define flow
  user ask about politics
  bot "I do not talk about politics."
"""


@pytest.mark.parametrize("models", [[], [{"type": "main", "engine": "scripted", "parameters": {"answers": ["none"]}}]])
async def test_dialogs_answer_before_a_chain_which_is_never_asked_what_a_message_means(models):
    chain = Chain({"output": "The moon.", "documents": [1]})
    rails = RunnableRails(RailsConfig.from_content(DIALOG, config={"models": models})) | chain
    assert await rails.ainvoke({"input": "Who should I vote for?"}) == {"output": "I do not talk about politics."}
    assert chain.given == []
    assert await rails.ainvoke({"input": "Why?"}) == {"output": "The moon.", "documents": [1]}
    assert [given for given, *_ in chain.given] == [{"input": "Why?"}]
