from __future__ import annotations

import pytest

FLOW = "define flow flow\n  $ok = execute act\n  if not $ok\n    stop"
MESSAGES = [{"role": "user", "content": "why?"}, {"role": "assistant", "content": "because"}]


async def failure(rails):
    result = await rails.check_async(MESSAGES)
    assert (result.status, result.failed) == ("blocked", True)
    return result.reason


async def test_an_action_that_is_not_registered_blocks_and_says_so(make):
    reason = await failure(make(FLOW.replace("act\n", "acts\n"), actions=ACT))
    assert "rails.co:2:3: action 'acts' is not registered; did you mean 'act'?" in reason


async def test_an_action_that_raises_blocks(make):
    rails = make(FLOW)
    rails.register_action(lambda: 1 / 0, "act")
    assert "action 'act' raised ZeroDivisionError" in await failure(rails)


async def test_a_parameter_that_nobody_gives_blocks(make):
    rails = make(FLOW)
    rails.register_action(lambda level: True, "act")
    assert "needs 'level', which nobody gives" in await failure(rails)


async def test_a_variable_that_was_never_set_blocks(make):
    assert "rails.co:2:6: $alowed is not defined" in await failure(make("define flow flow\n  if $alowed\n    stop"))


async def test_an_expression_without_a_value_blocks(make):
    assert "TypeError" in await failure(make("define flow flow\n  $x = 1 + $bot_message\n  stop"))


ACT = """
    from handrail_colang import RailOutcome, action

    @action()
    def act():
        return RailOutcome.allow()
"""


async def test_an_action_of_the_folder_that_returns_an_outcome(make):
    assert (await make(FLOW, actions=ACT).check_async(MESSAGES)).status == "passed"
    blocking = make(FLOW, actions=ACT.replace("allow()", 'block(reason="rude")'))
    assert (await blocking.check_async(MESSAGES)).status == "blocked"
    failing = make(FLOW, actions=ACT.replace("allow()", 'failure(reason="offline")'))
    assert "offline" in await failure(failing)


async def test_an_outcome_that_nobody_looks_at_is_carried_out(make):
    from handrail_colang import RailOutcome, TransformTarget

    rails = make("define flow flow\n  execute act")
    rails.register_action(lambda: RailOutcome.block(reason="rude"), "act")
    assert (await rails.check_async(MESSAGES)).reason == "rude"
    rails.register_action(lambda: RailOutcome.transform([(TransformTarget.BOT_MESSAGE, "why not")]), "act")
    assert (await rails.check_async(MESSAGES)).content == "why not"


async def test_an_action_gets_what_it_names(make):
    given = {}

    async def act(context, events, config, llm, llm_task_manager, level, text, other="unset"):
        given.update(locals())
        return (await llm.ainvoke("Is it fine?")).content

    rails = make("define flow flow\n  $ok = execute act(text=$bot_message)")
    rails.register_action(act).register_action_param("level", 3)
    assert (await rails.check_async(MESSAGES)).status == "passed"
    assert given["context"]["bot_message"] == given["text"] == "because"
    assert given["context"]["user_message"] == "why?"
    assert (given["level"], given["other"]) == (3, "unset")
    assert [call.prompt for call in rails.explain().llm_calls] == ["user: Is it fine?"]


async def test_an_action_may_set_variables(make):
    from handrail_colang import ActionResult

    rails = make('define flow flow\n  $x = execute act\n  if $x == 1 and $level == "high"\n    stop')
    rails.register_action(lambda: ActionResult(1, context_updates={"level": "high"}), "act")
    assert (await rails.check_async(MESSAGES)).status == "blocked"


async def test_events_of_an_action_block_since_nobody_carries_them_out(make):
    from handrail_colang import ActionResult

    rails = make("define flow flow\n  execute act")
    rails.register_action(lambda: ActionResult(events=[{"type": "x"}]), "act")
    assert "returned events" in await failure(rails)


async def test_init_registers_on_the_app(make):
    init = """
        def init(app):
            app.register_action(lambda limit: limit > 3, "act").register_action_param("limit", 4)
    """
    assert (await make(FLOW, files={"config": init}).check_async(MESSAGES)).status == "passed"


async def test_an_action_may_be_a_class_and_its_name_in_camel_case(make):
    actions = """
        from handrail_colang import action

        @action(name="check_it")
        class CheckIt:
            async def run(self, context):
                return context["bot_message"] != "because"
    """
    flow = FLOW.replace("execute act", "execute CheckIt")
    assert (await make(flow, actions=actions).check_async(MESSAGES)).status == "blocked"


async def test_the_name_of_an_action_may_be_several_words(make):
    actions = """
        from handrail_colang import action

        @action(name="check the terms")
        def check(text):
            return text != "because"
    """
    flow = FLOW.replace("execute act", "execute check the terms(text=$bot_message)")
    assert (await make(flow, actions=actions).check_async(MESSAGES)).status == "blocked"
    renamed = actions.replace("check the terms", "check_the_terms")
    assert (await make(flow, actions=renamed).check_async(MESSAGES)).status == "blocked"


@pytest.mark.parametrize(("values", "message"), [({"transforms": ()}, "if it transforms"), ({"failed": True}, "block")])
def test_an_outcome_that_contradicts_itself_is_refused(values, message):
    from handrail_colang import RailOutcome

    decision = "transform" if "transforms" in values else "allow"
    with pytest.raises(ValueError, match=message):
        RailOutcome(decision, **values)


async def _unawaited():
    return False


async def _returns_a_coroutine():
    return _unawaited()


async def _is_an_async_generator():
    yield False


def _is_a_generator():
    yield False


async def _returns_a_function():
    return _unawaited


async def _wraps_a_coroutine():
    from handrail_colang import ActionResult

    return ActionResult(return_value=_unawaited())


@pytest.mark.parametrize(
    "action",
    [_returns_a_coroutine, _is_an_async_generator, _is_a_generator, _returns_a_function, _wraps_a_coroutine],
)
async def test_a_result_that_is_work_nobody_has_done_blocks(action, make):
    """It counts as true, so that `if not $ok` would let everything pass."""
    rails = make(FLOW)
    rails.register_action(action, "act")
    assert "not its result" in await failure(rails)


@pytest.mark.parametrize("registered", ["CheckTermsAction", "CheckTerms", "check_terms", "check_terms_action"])
@pytest.mark.parametrize("executed", ["CheckTermsAction", "check_terms"])
async def test_an_action_is_found_however_its_name_is_written(registered, executed, make):
    rails = make(FLOW.replace("act\n", f"{executed}\n"))
    rails.register_action(lambda: False, registered)
    result = await rails.check_async(MESSAGES)
    assert (result.status, result.failed) == ("blocked", False)


async def test_a_class_that_is_registered_is_made_once(make):
    class Act:
        made = 0

        def __init__(self):
            Act.made += 1

        def run(self):
            return False

    rails = make(FLOW)
    rails.register_action(Act, "act")
    assert [(await rails.check_async(MESSAGES)).status for _ in range(2)] == ["blocked"] * 2
    assert Act.made == 1


async def test_a_parameter_with_the_prefix_context_gets_the_variable(make):
    rails = make(FLOW)
    rails.register_action(lambda __context__user_message, __context__nothing="": not __context__nothing, "act")
    assert (await rails.check_async(MESSAGES)).status == "passed"
    rails.register_action(lambda __context__user_message: __context__user_message != "why?", "act")
    assert (await rails.check_async(MESSAGES)).status == "blocked"


async def test_the_events_of_an_action_are_the_whole_conversation(make):
    taken = []

    async def act(events):
        taken.append([event.get("final_transcript") or event["script"] for event in events])
        return True

    rails = make("define flow look\n  $ok = execute act\n  if not $ok\n    stop\n", output=["look"])
    rails.register_action(act)
    talk = [("user", "first"), ("assistant", "then"), ("user", "now"), ("assistant", "the answer")]
    await rails.check_async([{"role": role, "content": text} for role, text in talk], ["output"])
    assert taken == [["first", "then", "now", "the answer"]]
