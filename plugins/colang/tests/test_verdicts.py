"""A flow that looks like a guard is one: its actions are heeded, or it is refused when the configuration is loaded."""

from __future__ import annotations

import pytest

ASKED = [{"role": "user", "content": "why?"}]
BLOCKS = "async def check(context=None, **others):\n    return RailOutcome.block()\n"
FALSE = "async def check(context=None, **others):\n    return False\n"


def action(body):
    return "from handrail_colang import RailOutcome, action\n@action(name='check')\n" + body


async def answer(rails):
    return await rails.generate_async("why?")


@pytest.mark.parametrize("body", [BLOCKS, FALSE], ids=["an outcome", "a bool"])
@pytest.mark.parametrize("statement", ["execute check", "$allowed = execute check"])
async def test_a_result_that_nobody_looks_at_is_the_verdict(make, statement, body):
    rails = make(f"define flow flow\n  {statement}", actions=action(body))
    assert await answer(rails) == "I'm sorry, I can't respond to that."


@pytest.mark.parametrize(
    ("result", "blocks", "fails"),
    [
        ("numpy.bool_(False)", True, False),
        ("numpy.bool_(True)", False, False),
        ("0.0", True, False),
        ("numpy.float32(0.2)", True, False),
        ("0.9", False, False),
        ("None", False, False),
        ("'no'", True, True),
        ("[]", True, True),
        ("{'allowed': False}", True, True),
    ],
)
async def test_a_result_that_nobody_keeps_passes_only_if_it_says_so(make, result, blocks, fails):
    body = f"def check():\n    import numpy\n    return {result}\n"
    rails = make("define flow flow\n  execute check", actions=action(body))
    result = await rails.check_async([*ASKED, {"role": "assistant", "content": "x"}])
    assert (result.status == "blocked", result.failed) == (blocks, fails)


async def test_a_result_that_is_kept_for_later_is_a_verdict_only_if_it_is_false(make):
    for result, blocks in {"numpy.bool_(False)": True, "'guest'": False, "0": False}.items():
        body = f"def check():\n    import numpy\n    return {result}\n"
        rails = make("define flow flow\n  $found = execute check", actions=action(body))
        assert ("swordfish" not in await answer(rails)) is blocks


MAPPED = """
    from handrail_colang import action

    @action(name="{name}", output_mapping=lambda result: {mapping})
    async def own():
        return {result}
"""


@pytest.mark.parametrize(
    ("mapping", "result", "blocks"),
    [
        ("result", "True", True),
        ("result", "False", False),
        ("result['found']", "{'found': 'tuna'}", True),
        ("not result", "(False, 'why')", True),
        ("result['nothing']", "{}", True),  # it fails, which blocks
    ],
)
@pytest.mark.parametrize("name", ["check", "flow"])
async def test_an_action_whose_author_says_how_to_read_it_is_read_so(make, name, mapping, result, blocks):
    colang = "define flow flow\n  execute check" if name == "check" else ""
    actions = MAPPED.format(name=name, mapping=mapping, result=result)
    assert ("swordfish" not in await answer(make(colang, actions=actions))) is blocks


async def test_a_class_may_say_how_it_is_read_too(make):
    body = "class Check:\n    def run(self):\n        return {'found': True}\n"
    marked = action(body).replace("name='check'", "name='check', output_mapping=lambda result: result['found']")
    rails = make('define flow flow\n  execute check\n  if "tuna" in $bot_message\n    stop', actions=marked)
    assert await answer(rails) == "I'm sorry, I can't respond to that."


async def test_a_bool_that_nobody_looks_at_is_no_verdict_where_the_flow_has_a_stop_of_its_own(make):
    flow = 'define flow flow\n  $noted = execute check\n  if "tuna" in $bot_message\n    stop'
    assert "swordfish" in await answer(make(flow, actions=action(FALSE)))


POWERLESS = [
    "pass",
    '"""Looks at everything."""',
    "$x = 1",
    "$x = 1\n  if $x\n    pass",
    "$allowed = execute check\n  if not $allowed\n    pass",
    "do nothing\ndefine flow nothing\n  pass",
    "return",
]


@pytest.mark.parametrize("body", POWERLESS)
def test_a_flow_that_can_neither_stop_nor_rewrite_is_refused(problem, body):
    assert "flow 'flow' can neither stop nor rewrite" in problem(f"define flow flow\n  {body}", actions=action(FALSE))


@pytest.mark.parametrize(
    "body",
    [
        "$role = 1\ndefine flow other\n  if $role\n    stop",
        "do other\ndefine flow other\n  stop",
        '$bot_message = "x"',
        "execute check",
        '$role = 1\ndefine bot say\n  "$role"',
    ],
)
def test_a_flow_with_an_effect_elsewhere_is_one(make, body):
    make(f"define flow flow\n  {body}", actions=action(FALSE))


async def test_a_flow_that_only_returns_its_text_lets_the_rest_of_its_caller_run(make):
    flow = "define flow flow\n  do other\n  stop\ndefine flow other\n  return\n  pass"
    assert await answer(make(flow)) == "I'm sorry, I can't respond to that."


OWN = """
    from handrail_colang import RailOutcome, action

    @action(name="{name}")
    async def own(context=None, **others):
        return {result}
"""


@pytest.mark.parametrize(
    ("result", "blocked"),
    [
        ("RailOutcome.block()", True),
        ("RailOutcome.allow()", False),
        ("False", True),
        ("True", False),
        ("0.2", True),
        ("0.9", False),
        ("None", True),
        ("'yes'", True),
    ],
)
async def test_an_action_with_the_name_of_an_installed_rail_takes_its_place(make, result, blocked):
    rails = make("", output=["self check output"], actions=OWN.format(name="self_check_output", result=result))
    assert ("swordfish" not in await answer(rails)) is blocked
    assert rails.composition.output_rails[0].plugin.startswith("handrail-colang")


async def test_so_does_one_that_init_registers(make):
    init = "def init(app):\n    app.register_action(lambda: False, 'self_check_output')"
    rails = make("", output=["self check output"], files={"config": init})
    assert await answer(rails) == "I'm sorry, I can't respond to that."


async def test_a_bool_of_an_action_that_finds_something_can_be_read_either_way_and_fails(make):
    rails = make("", output=["jailbreak detection"], actions=OWN.format(name="jailbreak_detection", result="True"))
    result = await rails.check_async([*ASKED, {"role": "assistant", "content": "x"}])
    assert result.failed
    assert "return RailOutcome.allow() or RailOutcome.block()" in result.reason


async def test_an_action_for_both_sides_serves_a_flow_that_names_one(make):
    own = OWN.format(name="mask_data", result="RailOutcome.transform([('bot_message', 'masked')])")
    assert await answer(make("", output=["mask data on output"], actions=own)) == "masked"


async def test_an_action_that_takes_anything_gets_the_context_and_everything_else(make):
    taken = {}

    def check(**given):
        taken.update(given)
        return True

    rails = make("define flow flow\n  execute check(level=3)", output=["flow $list=strict"])
    rails.register_action(check, "check").register_action_param("words", ["a"])
    await answer(rails)
    assert set(taken) == {"context", "events", "config", "llm", "llm_task_manager", "level", "list", "words"}
    assert taken["context"]["bot_message"].endswith("my friend.")
    assert (taken["level"], taken["list"]) == (3, "strict")


async def test_what_is_passed_by_position_is_not_passed_again(make):
    rails = make("define flow flow\n  execute check($bot_message)")
    rails.register_action(lambda context, **others: "swordfish" not in context, "check")
    assert await answer(rails) == "I'm sorry, I can't respond to that."
