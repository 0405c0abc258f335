"""Runs sixty-three small programs on the drop-in, and prints where they end otherwise than on NVIDIA's package.

`python tests/side_by_side.py [NUMBER ...]` compares with what was recorded of NVIDIA's package in `side_by_side.json`.
`python tests/side_by_side.py --record PYTHON` records it anew, with an environment that has the package; `make
bench-peers` makes one.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import subprocess
import sys
import warnings
from pathlib import Path

RECORD = Path(__file__).with_suffix(".json")
TERMS = """
define subflow check terms
  $allowed = execute check_terms
  if not $allowed
    bot refuse to respond
    stop
"""


async def pieces(*texts):
    for text in texts:
        yield text


async def through(handler, *chunks):
    for chunk in chunks:
        await handler.push_chunk(chunk)
    await handler.finish()
    return ["".join([chunk async for chunk in handler]), handler.completion]


def handler(**arguments):
    from nemoguardrails.streaming import StreamingHandler

    return StreamingHandler(**arguments)


async def windows(count, context, size):
    from nemoguardrails.rails.llm.buffer import RollingBuffer

    buffer = RollingBuffer(buffer_context_size=context, buffer_chunk_size=size)
    return [["".join(c), "".join(u)] async for c, u in buffer.process_stream(pieces(*map(str, range(count))))]


def rails(allowed, **streaming):
    from nemoguardrails import LLMRails, RailsConfig

    settings = {"enabled": True, "chunk_size": 4, "context_size": 2, **streaming}
    config = RailsConfig.from_content(
        colang_content=TERMS,
        yaml_content=json.dumps({"models": [], "rails": {"output": {"flows": ["check terms"], "streaming": settings}}}),
    )
    made = LLMRails(config)
    made.register_action(allowed, "check_terms")
    return made


async def guarded(allowed, *texts, **streaming):
    stream = rails(allowed, **streaming).stream_async(
        messages=[{"role": "user", "content": "hi"}], generator=pieces(*texts)
    )
    chunks = [chunk async for chunk in stream]
    error = next((json.loads(chunk) for chunk in chunks if chunk.startswith('{"error"')), None)
    return ["".join(chunk for chunk in chunks if not chunk.startswith('{"error"')), error]


def outcome(blocks):
    from nemoguardrails.actions.rail_outcome import RailOutcome

    return RailOutcome.block() if blocks else RailOutcome.allow()


async def yes(context=None, **others):
    return outcome(blocks=False)


async def no(context=None, **others):
    return outcome(blocks=True)


async def no_bomb(context=None, **others):
    return outcome(blocks="bomb" in context["bot_message"])


async def false(context=None, **others):
    return False


async def fails(context=None, **others):
    raise RuntimeError("offline")


async def program_01_a_handler_gives_its_chunks():
    return await through(handler(), "a", "b", "c")


async def program_02_a_prefix_and_a_suffix():
    made = handler()
    made.set_pattern(prefix="P: ", suffix="END")
    return await through(made, "P", ": hello", " END")


async def program_03_an_action_that_returns_a_bool():
    return await guarded(false, "all ", "is ", "well", stream_first=False)


async def program_04_a_suffix_across_chunks():
    made = handler()
    made.set_pattern(suffix="END")
    return await through(made, "text E", "N", "D")


async def program_05_a_stop_text():
    made = handler()
    made.stop = ["User:"]
    return await through(made, "hello U", "seful", " User: more")


async def program_06_pushing_a_number():
    return await handler().push_chunk(3)


async def program_07_none_ends():
    return await through(handler(), "a", None, "late")


async def program_08_a_pipe():
    first, second = handler(), handler()
    first.set_pipe_to(second)
    await first.push_chunk("x")
    await first.finish()
    return [chunk async for chunk in second]


async def program_09_windows_of_10_and_5():
    return await windows(15, 5, 10)


async def program_10_windows_of_less_than_one():
    return await windows(9, 5, 10)


async def program_11_windows_of_4_and_2():
    return await windows(25, 2, 4)


async def program_12_windows_without_context():
    return await windows(7, 0, 3)


async def program_13_a_negative_size():
    return await windows(3, -1, 3)


async def program_14_a_rail_that_allows():
    return await guarded(yes, "all ", "is ", "well ", "here ", "today")


async def program_15_a_rail_that_refuses_without_holding():
    return await guarded(no, "all ", "is ", "well", stream_first=False)


async def program_16_a_phrase_across_windows():
    return await guarded(no_bomb, "a ", "b ", "c ", "bo", "mb ", "d ", "e", stream_first=False)


async def program_17_a_rail_that_raises():
    return await guarded(fails, "all ", "is ", "well", stream_first=False)


async def program_18_streaming_that_is_not_enabled():
    return await guarded(yes, "text", enabled=False)


async def program_19_both_a_prompt_and_messages():
    made = rails(yes)
    return await made.generate_async(prompt="a", messages=[{"role": "user", "content": "a"}])


async def program_20_a_check():
    made = rails(false)
    talk = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "text"}]
    result = await made.check_async(talk)
    return [str(result.status.value), result.content, result.rail]


class Says:
    """A model that says one thing, after a thought."""

    model_name, provider_name, provider_url = "says", "says", None

    def __init__(self, text, thought=None):
        self.text = text
        self.thought = thought

    async def generate_async(self, prompt, *, stop=None, **others):
        from nemoguardrails.types import LLMResponse

        return LLMResponse(content=self.text, reasoning=self.thought)

    async def stream_async(self, prompt, *, stop=None, **others):
        from nemoguardrails.types import LLMResponseChunk

        yield LLMResponseChunk(delta_reasoning=self.thought)
        yield LLMResponseChunk(delta_content=self.text)


def guarded_by(colang, flows, says="fine", thought=None, direction="output", **more):
    from nemoguardrails import LLMRails, RailsConfig

    config = {"models": [], "rails": {direction: {"flows": flows}}, **more}
    return LLMRails(RailsConfig.from_content(colang_content=colang, config=config), llm=Says(says, thought))


async def asked(made, **options):
    return await made.generate_async(messages=[{"role": "user", "content": "hello"}], **options)


SILENT = "define subflow silent\n  $ok = execute check_terms\n"


async def program_21_an_action_in_place_of_a_librarys_rail():
    prompts = [{"task": "self_check_output", "content": "{{ bot_response }}"}]
    made = guarded_by(None, ["self check output"], prompts=prompts)
    made.register_action(no, "self_check_output")
    return await asked(made)


async def program_22_a_refusal_that_nobody_looks_at():
    made = guarded_by(SILENT, ["silent"])
    made.register_action(no, "check_terms")
    return await asked(made)


async def program_23_a_flow_that_can_do_nothing():
    return await asked(guarded_by("define subflow nothing\n  pass\n", ["nothing"]))


async def program_24_an_action_that_takes_only_what_there_is():
    taken = []

    async def check(**given):
        taken.extend(sorted({"context", "config", "events", "a"} & set(given)))
        return outcome(blocks=False)

    made = guarded_by("define subflow all\n  $ok = execute check(a=1)\n  if $ok.is_blocked\n    stop\n", ["all"])
    made.register_action(check, "check")
    await asked(made)
    return taken


async def program_25_an_exception_of_ones_own():
    event = 'create event WordsRailException(message="Not such words.")'
    content = (await asked(guarded_by(f"define subflow e\n  {event}\n  stop\n", ["e"])))["content"]
    return [content["type"], content["message"]]


async def program_26_a_check_of_rails_that_there_are_not():
    from nemoguardrails.rails.llm.options import RailType

    made = guarded_by('define subflow s\n  if "x" in $user_message\n    stop\n', ["s"], direction="input")
    return str(await made.check_async([{"role": "user", "content": "hi"}], rail_types=[RailType.OUTPUT]))


async def program_27_the_reasoning_of_an_answer_that_is_blocked():
    refusing = "define subflow s\n  bot refuse to respond\n  stop\n"
    response = await asked(guarded_by(refusing, ["s"], thought="a secret"), options={"llm_output": False})
    return [response.response[-1]["content"], response.reasoning_content]


async def program_28_a_text_over_two_lines():
    colang = 'define bot no\n  "Not a\n   word."\n\ndefine subflow s\n  bot no\n  stop\n'
    return await asked(guarded_by(colang, ["s"]))


async def program_29_statements_of_colang():
    colang = (
        'define extension flow s\n  priority 2\n  $x = None\n  if $x is not None\n    return\n  bot no "No."\n  stop\n'
    )
    return await asked(guarded_by(colang, ["s"]))


async def program_30_a_variable_that_outlives_its_flow():
    colang = "define subflow s\n  $role = 'guest'\n  if $role is None\n    stop\n\ndefine subflow r\n  $x = $role\n"
    made = guarded_by(colang, ["s"], direction="input")
    return (await asked(made, options={"output_vars": ["role"]})).output_data


async def program_31_an_action_that_yields_its_result():
    async def check():
        yield False

    made = guarded_by(TERMS.replace("check_terms", "check"), ["check terms"])
    made.register_action(check, "check")
    return await asked(made)


async def program_32_an_action_in_place_of_a_rail_by_its_name_in_camel_case():
    prompts = [{"task": "self_check_input", "content": "{{ user_input }}"}]
    made = guarded_by(None, ["self check input"], says="no", direction="input", prompts=prompts)
    made.register_action(false, "SelfCheckInputAction")
    return await asked(made)


async def program_33_an_answer_with_reasoning():
    return await asked(guarded_by(None, [], thought="First I think."))


async def program_34_a_stop_without_a_text():
    return await asked(guarded_by('define subflow s\n  if "fine" in $bot_message\n    stop\n', ["s"]))


async def program_35_two_texts_before_a_stop():
    return await asked(guarded_by('define subflow s\n  bot a "One."\n  bot b "Two."\n  stop\n', ["s"]))


async def program_36_a_check_of_what_nobody_judges():
    made = guarded_by('define subflow s\n  if "x" in $user_message\n    stop\n', ["s"], direction="input")
    result = await made.check_async([{"role": "system", "content": "x"}])
    return str(result.status.value)


async def program_37_configurations_that_are_added():
    from nemoguardrails import RailsConfig

    def one(name):
        colang = f'define subflow {name}\n  bot say "{name}"\n  stop\n'
        return RailsConfig.from_content(colang, config={"models": [], "rails": {"input": {"flows": [name]}}})

    return list((one("a") + one("b")).rails.input.flows)


async def program_38_a_state_goes_round():
    made = guarded_by(None, [])
    first = await asked(made, state={"events": []})
    second = await asked(made, state=first.state)
    kinds = ("UtteranceUserActionFinished", "StartUtteranceBotAction")
    return [[event["type"] for event in first.state["events"] if event["type"] in kinds], second.response]


async def program_39_a_generator_that_raises():
    async def source():
        yield "a "
        raise RuntimeError("of the program's own")

    made = rails(yes, stream_first=False)
    return [
        chunk async for chunk in made.stream_async(messages=[{"role": "user", "content": "hi"}], generator=source())
    ]


async def program_40_a_stream_of_rails_alone():
    refusing = 'define subflow s\n  if "hello" in $user_message\n    bot refuse to respond\n    stop\n'
    made = guarded_by(refusing, ["s"], direction="input")

    async def streamed(text):
        talk = [{"role": "user", "content": text}]
        return [chunk async for chunk in made.stream_async(messages=talk, options={"rails": ["input"]})]

    return [await streamed("well"), await streamed("hello")]


async def program_41_arguments_of_a_tool_call():
    from nemoguardrails.types import LLMResponse, ToolCall, ToolCallFunction

    class Calls(Says):
        async def generate_async(self, prompt, *, stop=None, **others):
            return LLMResponse("", tool_calls=[ToolCall("1", function=ToolCallFunction("look", {"at": "moon"}))])

    made = guarded_by(None, [], passthrough=True)
    made.update_llm(Calls("unused"))
    return (await asked(made))["tool_calls"]


async def program_42_a_model_that_cannot_stream():
    class Whole(Says):
        async def stream_async(self, prompt, *, stop=None, **others):
            raise NotImplementedError
            yield

    made = guarded_by(None, [])
    made.update_llm(Whole("whole"))
    return await asked(made)


async def program_43_a_log_as_a_dictionary():
    colang = 'define subflow s\n  if "x" in $user_message\n    stop\n'
    response = await asked(guarded_by(colang, ["s"], direction="input"), options={"log": {"activated_rails": True}})
    dumped = json.loads(response.model_dump_json())["log"]
    return [sorted(dumped), sorted(dumped["stats"]), sorted(dumped["activated_rails"][0])]


async def program_44_a_model_for_tests():
    from nemoguardrails.testing import FakeLLMModel

    model = FakeLLMModel(["one two three"])
    return [[chunk.delta_content async for chunk in model.stream_async("?")], model.inference_count]


async def program_45_an_action_named_by_its_decorator():
    from nemoguardrails.actions import action

    @action(name="check_terms")
    async def anything(context=None, **others):
        return outcome(blocks=True)

    made = guarded_by("define subflow s\n  $ok = execute check_terms\n  if $ok.is_blocked\n    stop\n", ["s"])
    made.register_action(anything)
    response = await asked(made, options={"log": {"activated_rails": True}})
    return [rail.stop for rail in response.log.activated_rails if rail.type == "output"]


async def program_46_messages_as_dictionaries():
    from nemoguardrails.types import ChatMessage

    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"at": "moon"}'}}
    message = ChatMessage.from_dict({"role": "assistant", "content": None, "tool_calls": [call], "seed": 5})
    return [message.to_dict(), ChatMessage.from_dict({"role": "human", "content": "x"}).role.value]


HELLO = [{"role": "user", "content": "hello"}]
PICTURE = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}]


async def program_47_a_picture_for_a_judge():
    entries = [{"type": "system", "content": "Is it harmful?"}, {"type": "user", "content": "{{ user_input }}"}]
    prompts = [{"task": "self_check_input", "messages": entries}]
    made = guarded_by(None, ["self check input"], says="yes", direction="input", prompts=prompts)
    return await made.generate_async(messages=[{"role": "user", "content": PICTURE}])


async def program_48_colang_as_people_write_it():
    colang = (
        'define subflow s\n  set $n = 1\n  $n += 1\n  $kind = "short" if 1 < len($user_message) < 9 else "long"\n'
        '  if $user_message[:2] == "he" \\\n      and $kind == "short" and $n == 2:\n    bot no "No."\n    stop\n'
    )
    return await asked(guarded_by(colang, ["s"], direction="input"))


async def program_49_arguments_of_an_action_in_the_log():
    executed = '$ok = execute check(n=2, all=True, words="a", said=$user_message)'
    made = guarded_by(f"define subflow s\n  {executed}\n  if not $ok\n    stop\n", ["s"], direction="input")
    made.register_action(lambda **given: True, "check")
    response = await asked(made, options={"log": {"activated_rails": True}})
    return response.log.activated_rails[0].executed_actions[0].action_params


async def judged(answer):
    prompts = [{"task": "self_check_input", "content": "Should it be blocked? {{ user_input }}"}]
    made = guarded_by(None, ["self check input"], says=answer, direction="input", prompts=prompts)
    return str((await made.check_async([{"role": "user", "content": "hi"}])).status.value)


async def program_50_answers_of_a_judge():
    return [await judged(answer) for answer in ("No", "yes", "unsafe", "No, it is not safe", "N", "allowed", "perhaps")]


async def program_51_the_error_of_a_stream_with_metadata():
    made = rails(no, stream_first=False)
    talk = [{"role": "user", "content": "hi"}]
    stream = made.stream_async(messages=talk, generator=pieces("all ", "is "), include_metadata=True)
    return [type(chunk).__name__ async for chunk in stream]


async def program_52_a_role_that_nobody_knows():
    return await guarded_by(None, []).generate_async(messages=[{"role": "oracle", "content": "x"}, *HELLO])


async def program_53_a_stream_of_exceptions():
    prompts = [{"task": "self_check_input", "content": "{{ user_input }}"}]
    more = {"prompts": prompts, "enable_rails_exceptions": True}
    made = guarded_by(None, ["self check input"], says="yes", direction="input", **more)
    return [chunk async for chunk in made.stream_async(messages=HELLO)]


async def program_54_two_calls_and_what_explains_them():
    made = guarded_by(None, [])
    await asked(made)
    first = len(made.explain().llm_calls)
    await asked(made)
    return "of both" if len(made.explain().llm_calls) > first else "of the last"


def config_fails(**config):
    """Return where a configuration fails: when it is read, or when rails are made of it."""
    from nemoguardrails import LLMRails, RailsConfig

    try:
        read = RailsConfig.from_content(config={"models": [], **config})
    except ValueError:
        return "as it is read"
    try:
        LLMRails(read, llm=Says("fine"))
    except ValueError:
        return "as rails are made of it"
    return "not"


async def program_55_where_a_missing_prompt_is_told():
    return config_fails(rails={"input": {"flows": ["self check input"]}})


async def program_56_a_pattern_without_an_end():
    patterns = {"config": {"regex_detection": {"output": {"patterns": ["begin.*end"]}}}}
    return config_fails(rails={"output": {"flows": ["regex check output"]}, **patterns})


async def program_57_a_prompt_that_never_shows_the_text():
    prompts = [{"task": "self_check_input", "content": "Is {{ last_user_message }} harmful?"}]
    return config_fails(rails={"input": {"flows": ["self check input"]}}, prompts=prompts)


async def program_58_the_engine_for_rails_alone():
    from nemoguardrails import Guardrails

    made = Guardrails(guarded_by(None, []).config, llm=Says("fine"))
    return [made.use_iorails_engine, await made.generate_async(messages=HELLO)]


async def program_59_a_message_of_the_bot_that_has_no_text():
    flow = 'define subflow s\n  if "hello" in $user_message\n    bot inform of something\n    stop\n'
    return await asked(guarded_by(flow, ["s"], direction="input"))


async def program_60_what_a_tool_gave_back():
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    flow = 'define subflow s\n  if "secret" in $user_message\n    bot refuse to respond\n    stop\n'
    given = [{"role": "assistant", "content": None, "tool_calls": [call]}]
    given.append({"role": "tool", "content": "a secret", "tool_call_id": "1", "name": "look"})
    made = guarded_by(flow, ["s"], direction="input", passthrough=True)
    return await made.generate_async(messages=[*HELLO, *given])


async def program_61_a_variable_as_a_text():
    seen = []
    flow = 'define subflow s\n  $ok = execute check(text="$user_message")\n  if not $ok\n    bot no "No."\n    stop\n'
    made = guarded_by(flow, ["s"], direction="input")
    made.register_action(lambda text: seen.append(text) or "hello" not in text, "check")
    return [await asked(made), seen]


async def program_62_texts_that_are_calculated():
    calculated = '$t = f"<{$user_message}>" + "%s!" % ("ab" * 2)\n  $n = 2 ** 3 + len($user_message[::2])'
    flow = f'define subflow s\n  {calculated}\n  if $t == "<hello>abab!" and $n == 11\n    bot no "No."\n    stop\n'
    return await asked(guarded_by(flow, ["s"], direction="input"))


async def program_63_an_event_that_says_something():
    flow = 'define subflow s\n  create event BotMessage(text="Not that.")\n  stop\n'
    return await asked(guarded_by(flow, ["s"], direction="input"))


async def run_one(program):
    try:
        async with asyncio.timeout(10):
            return await program()
    except Exception as error:
        return {"raised": [kind.__name__ for kind in type(error).__mro__ if kind in _SHOWN] or [type(error).__name__]}


_SHOWN = (ValueError, TypeError, TimeoutError, RuntimeError)


async def run_all():
    programs = {name: function for name, function in globals().items() if name.startswith("program_")}
    return {name: await run_one(function) for name, function in programs.items() if inspect.isfunction(function)}


def recorded() -> dict[str, object]:
    """Return how each program ended on NVIDIA's package."""
    return json.loads(RECORD.read_text("utf-8"))["outcomes"]


def ended(python: str) -> dict[str, object]:
    """Run all programs with an interpreter; give how each ended."""
    done = subprocess.run([python, __file__, "--run"], capture_output=True, text=True, check=True, timeout=300)
    return json.loads(done.stdout.splitlines()[-1])


def record(python: str) -> None:
    """Keep how the programs end on the package that an interpreter has."""
    asked = "from importlib.metadata import version; print(version('nemoguardrails'))"
    version = subprocess.run([python, "-c", asked], capture_output=True, text=True, check=True).stdout.strip()
    values = {"nemoguardrails": version, "outcomes": ended(python)}
    RECORD.write_text(json.dumps(values, indent=1) + "\n", "utf-8")


def main(*numbers: str) -> None:
    """Print each program, or those with these numbers, and both outcomes where they differ."""
    ours, same, chosen = ended(sys.executable), 0, 0
    for name, theirs in recorded().items():
        number, title = name.removeprefix("program_").split("_", 1)
        if numbers and number not in numbers:
            continue
        chosen += 1
        same += theirs == ours[name]
        print(f"{'same     ' if theirs == ours[name] else 'DIFFERENT'} {number} {title.replace('_', ' ')}")
        if theirs != ours[name]:
            print(f"          nemoguardrails: {json.dumps(theirs)}\n          handrail:       {json.dumps(ours[name])}")
    print(f"{same} of {chosen} the same")


if __name__ == "__main__":
    if sys.argv[1:] == ["--run"]:
        warnings.simplefilter("ignore")
        logging.disable()
        print(json.dumps(asyncio.run(run_all())))
    elif sys.argv[1:2] == ["--record"]:
        record(*sys.argv[2:])
    else:
        main(*sys.argv[1:])
