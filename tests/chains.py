"""LangChain's own models, prompts and chains behind `RunnableRails`; `make chains` installs LangChain and runs this."""

from __future__ import annotations

import pytest
from langchain_core.language_models import FakeListLLM
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage, SystemMessage, ToolMessage
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnablePassthrough
from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.integrations.langchain.runnable_rails import RunnableRails

SORRY = "I'm sorry, I can't respond to that."
COLANG = """
define flow look
  if "swordfish" in $bot_message
    bot refuse to respond
    stop

define flow listen
  if "tuna" in $user_message
    bot refuse to respond
    stop
"""
PROMPT = ChatPromptTemplate.from_messages([("system", "Be brief."), ("human", "{input}")])
ASKED = {"input": "Why?"}
CALL = {"name": "look", "args": {"at": "the sea"}, "id": "1", "type": "tool_call"}


def model(*answers):
    return FakeListChatModel(responses=list(answers))


@pytest.fixture
def rails():
    output = {"flows": ["look"], "streaming": {"enabled": True, "stream_first": False}}
    config = {"rails": {"input": {"flows": ["listen"]}, "output": output}}
    return RunnableRails(RailsConfig.from_content(COLANG, config=config))


@pytest.mark.parametrize(("answer", "told"), [("The moon.", "The moon."), ("It is swordfish.", SORRY)])
def test_a_model_behind_rails_is_guarded_wherever_it_is_in_a_chain(rails, answer, told):
    assert (PROMPT | (rails | model(answer)) | StrOutputParser()).invoke(ASKED) == told
    assert (PROMPT | (rails | model(answer))).invoke(ASKED) == AIMessage(told)
    assert (PROMPT | (rails | model(answer).bind(stop=["x"])) | StrOutputParser()).invoke(ASKED) == told
    assert ({"input": RunnablePassthrough()} | PROMPT | (rails | model(answer)) | StrOutputParser()).invoke("?") == told
    assert (rails | FakeListLLM(responses=[answer])).invoke("Why?") == told
    assert ((rails | model(answer)) | RunnableLambda(str.upper)).invoke("Why?") == told.upper()
    assert LLMRails(rails.config, model(answer)).generate("Why?") == told


@pytest.mark.parametrize(("answer", "told"), [("The moon.", "The moon."), ("It is swordfish.", SORRY)])
def test_a_chain_behind_rails_is_guarded_as_a_whole(rails, answer, told):
    assert (rails | (PROMPT | model(answer) | StrOutputParser())).invoke(ASKED) == told
    assert (rails | PROMPT | model(answer) | StrOutputParser()).invoke(ASKED) == told
    assert (rails | PROMPT | model("x") | StrOutputParser() | (lambda text: answer)).invoke(ASKED) == told
    assert (rails | RunnableLambda(lambda given: answer)).invoke(ASKED) == told
    assert RunnableRails(rails.config, runnable=PROMPT | model(answer) | StrOutputParser()).invoke(ASKED) == told
    assert (rails | {"output": lambda given: answer}).invoke(ASKED) == {"output": told}
    message = (rails | (PROMPT | model(answer))).invoke(ASKED)
    assert message == {"output": SORRY} if told == SORRY else message.content == told


def test_a_refused_message_reaches_neither(rails):
    def never(given):
        raise AssertionError(given)

    assert (rails | RunnableLambda(never)).invoke({"input": "tuna"}) == {"output": SORRY}
    assert (rails | model("x")).invoke([SystemMessage("Be brief."), HumanMessage("tuna")]) == AIMessage(SORRY)
    assert (rails | model("x")).invoke([HumanMessage([{"type": "text", "text": "tuna"}])]) == AIMessage(SORRY)


def test_both_stream(rails):
    guarded = PROMPT | (rails | model("The moon."))
    pieces = list(guarded.stream(ASKED))
    assert all(isinstance(piece, AIMessageChunk) for piece in pieces)
    assert "".join(piece.content for piece in pieces) == "The moon."
    chain = PROMPT | model("The moon.") | StrOutputParser()
    assert "".join((rails | chain).stream(ASKED)) == "The moon."
    blocked = "".join((rails | (PROMPT | model("It is swordfish.") | StrOutputParser())).stream(ASKED))
    assert "swordfish" not in blocked
    assert "content_blocked" in blocked


def test_batches_and_histories_are_calls_like_others(rails):
    answers = (rails | (PROMPT | model("One.", "It is swordfish.") | StrOutputParser())).batch([ASKED, ASKED])
    assert sorted(map(str, answers)) == sorted(["One.", SORRY])
    history = [HumanMessage("Why?"), AIMessage("", tool_calls=[CALL]), ToolMessage("wet", tool_call_id="1")]
    assert (rails | model("The moon.")).invoke(history) == AIMessage("The moon.")
    assert (rails | model("The moon.")).with_config(tags=["x"]).invoke("Why?") == "The moon."


def test_tool_calls_of_a_chain_come_back_with_its_message(rails):
    answer = (rails | RunnableLambda(lambda given: AIMessage("", tool_calls=[CALL]))).invoke(ASKED)
    assert answer.tool_calls == [CALL]


def test_a_parser_whose_result_is_no_text_is_a_step_after_the_rails(rails):
    assert (rails | PROMPT | model('{"why": "moon"}') | JsonOutputParser()).invoke(ASKED) == {"why": "moon"}


@pytest.mark.parametrize("anyio_backend", ["asyncio"])  # LangChain's only
async def test_the_same_is_asynchronous(rails):
    chain = rails | (PROMPT | model("The moon.") | StrOutputParser())
    assert await chain.ainvoke(ASKED) == "The moon."
    assert "".join([piece async for piece in chain.astream(ASKED)]) == "The moon."
    assert await chain.abatch([ASKED]) == ["The moon."]
