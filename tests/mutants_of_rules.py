"""Mutants of what decides by rule: the configuration, the server's policy, when a request is sent again."""

from __future__ import annotations

from mutant import Group, Mutant

CONFIGURATION = Group(
    "core/src/handrail",
    [
        f"core/tests/test_{name}.py"
        for name in (
            "config_contents",
            "config_contract",
            "config_defined",
            "config_files",
            "config_flows",
            "config_problems",
            "config_secrets",
            "config_streaming",
            "config_yaml",
            "compose",
            "lock",
            "llmrails_contract",
            "judges_down",
            "misuse",
            "observing_rails",
            "stream",
            "llmrails_check",
            "llmrails_input",
        )
    ],
    [
        Mutant(
            "take an unknown key of a plugin's settings",
            "config/_validation.py",
            'None if "extra" in model.model_config else "forbid"',
            "None",
        ),
        Mutant(
            "show what stands under the name of a secret",
            "config/_problems.py",
            "if any(map(is_secret_key, path)) or (",
            "if (",
        ),
        Mutant(
            "show what looks like a key",
            "config/_problems.py",
            "or (isinstance(value, str) and is_secret_value(value)):",
            ":",
        ),
        Mutant(
            "show a key in a copy of the configuration",
            "config/_secrets.py",
            "return _HIDDEN if isinstance(value, str) and is_secret_value(value) else value",
            "return value",
        ),
        Mutant(
            "show what stands under the name of a secret in a copy of the configuration",
            "config/_secrets.py",
            "_HIDDEN if is_secret_key(key) and below else hidden(below)",
            "hidden(below)",
        ),
        Mutant(
            "take the last of an argument that is given twice",
            "config/_flows.py",
            'elif match["name"] in arguments:',
            "elif False:",
        ),
        Mutant("take a word after an argument for the rail's name", "config/_flows.py", "if arguments:", "if False:"),
        Mutant("hold more than a window repeats", "config/_streaming.py", "if hold > self.context_size:", "if False:"),
        Mutant("begin with a window that is held whole", "config/_streaming.py", "if first <= hold:", "if False:"),
        Mutant(
            "let a timeout pass what an error may not",
            "config/_streaming.py",
            "return self.on_error if self.on_timeout is None else self.on_timeout",
            'return self.on_timeout or "allow"',
        ),
        Mutant(
            "take a rail that is shown nothing",
            "config/_streaming.py",
            "if self.channels is not None and not self.channels:",
            "if False:",
        ),
        Mutant(
            "let a rail set what holds for the stream", "config/_rail_settings.py", "if name in override", "if False"
        ),
        Mutant("take one rail's settings twice", "config/_rail_settings.py", "if same != key:", "if False:"),
        Mutant(
            "let every failure pass",
            "_compose/planning.py",
            'allow_on_error=options.on_error == "allow",',
            "allow_on_error=True,",
        ),
        Mutant(
            "let a timeout pass where an error may",
            "_compose/planning.py",
            'allow_on_timeout=options.resolved_on_timeout == "allow",',
            'allow_on_timeout=options.on_error == "allow",',
        ),
        Mutant(
            "forget the threshold of a rail that cannot have one",
            "_compose/planning.py",
            "if declared.is_stream_rail and options.threshold is not None:",
            "if False:",
        ),
        Mutant(
            "deliver an input before it is checked",
            "_stream/plan.py",
            "replace(self, make_strategy=Whole, stream_first=False)",
            "replace(self, make_strategy=Whole)",
        ),
        Mutant(
            "take a rail that has no method to check",
            "_compose/planning.py",
            'if not callable(getattr(rail, "check", None)):',
            "if False:",
        ),
        Mutant(
            "have the main model judge itself where its judge is misspelt",
            "_compose/unused.py",
            "if type_ not in models.built else []",
            "if False else []",
        ),
        Mutant(
            "take settings of a rail that is not there",
            "_compose/unused.py",
            "if normalized_name(key) not in used | known:",
            "if False:",
        ),
        Mutant(
            "run without the rails that no plugin can run",
            "_compose/unused.py",
            "if files or config.colang_content:",
            "if False:",
        ),
        Mutant(
            "take other files of a locked plugin",
            "_plugins/lock.py",
            "return None if locked.digest == found.digest else",
            "return None if True else",
        ),
        Mutant(
            "take a plugin that is not locked",
            "_plugins/lock.py",
            'return f"{found.name} {found.version} is installed, and not locked"',
            "return None",
        ),
    ],
)

POLICY = Group(
    "plugins/server/src/handrail_server",
    [f"plugins/server/tests/test_{name}.py" for name in ("policy", "fields", "parameters", "bad_input", "configs")],
    [
        Mutant("take any role", "_policy.py", "if message.role not in self._policy.roles:", "if False:"),
        Mutant(
            "let a client begin the answer",
            "_policy.py",
            'if messages[-1].role == "assistant" and not self._policy.prefill:',
            "if False:",
        ),
        Mutant("take any number of messages", "_policy.py", "if count > self._limits.messages:", "if False:"),
        Mutant(
            "combine any configurations",
            "_policy.py",
            "if len(ids) > 1 and ids not in self._policy.combinations:",
            "if False:",
        ),
        Mutant("name a configuration twice", "_policy.py", "if len(found) > 1:", "if False:"),
        Mutant(
            "let a client choose rails",
            "_policy.py",
            'if wanted.get("rails") is not None and not self._policy.rails:',
            "if False:",
        ),
        Mutant("tell a client any log", "_policy.py", "if asked and name not in self._policy.log:", "if False:"),
        Mutant("pass any parameter on", "_policy.py", "if self._policy.allows(parameter):", "if True:"),
        Mutant("refuse what is set aside", "_policy.py", "if parameter in SET_ASIDE:", "if False:"),
        Mutant("call unknown what cannot be", "_policy.py", "if parameter in CANNOT:", "if False:"),
        Mutant("take context from anybody", "_policy.py", "if not self._policy.context:", "if False:"),
        Mutant("let context take the place of what is judged", "_policy.py", "if name in JUDGED_NAMES:", "if False:"),
        Mutant("show what is held to anybody", "_policy.py", "if asked and not self._traces:", "if False:"),
        Mutant(
            "check with options",
            "_policy.py",
            "if rest is not None and (rest.options or rest.thread_id or rest.state):",
            "if False:",
        ),
        Mutant(
            "take one of two values that contradict each other",
            "_policy.py",
            "if flat is not None and nested is not None:",
            "if False:",
        ),
        Mutant("forget that log probabilities were asked for", "_policy.py", "if body.logprobs:", "if False:"),
        Mutant(
            "pass on to the model what no rail reads of a message",
            "_policy.py",
            "return self._fields.passed(list(map(given, messages)))",
            "return tuple(map(given, messages))",
        ),
        Mutant(
            "pass on what no rail reads of a message that is only checked",
            "_policy.py",
            "messages=self._fields.passed(list(map(given, body.messages))),",
            "messages=tuple(map(given, body.messages)),",
        ),
        Mutant(
            "take any field of a message",
            "_fields.py",
            "if name not in allowed and not _repeats_a_call(message, name, functions):",
            "if False:",
        ),
    ],
)

_ASKING = [
    f"providers/openai/tests/test_openai_{name}.py" for name in ("failures", "connections", "settings", "dialects")
]
RETRIES = Group(
    "providers/openai/src/handrail_openai",
    _ASKING,
    [
        Mutant(
            "ask again for what is never there",
            "_failures.py",
            "if code in _FINAL or kind in _FINAL or status in (501, 505):",
            "if code in _FINAL or kind in _FINAL:",
        ),
        Mutant(
            "ask again without money",
            "_failures.py",
            "if code in _FINAL or kind in _FINAL or status in (501, 505):",
            "if status in (501, 505):",
        ),
        Mutant("ask again what is wrong", "_failures.py", "return status == 409 or status >= 500", "return True"),
        Mutant(
            "give up after a conflict", "_failures.py", "return status == 409 or status >= 500", "return status >= 500"
        ),
        Mutant(
            "give up after a server's own failure",
            "_failures.py",
            "return status == 409 or status >= 500",
            "return status == 409",
        ),
        Mutant("ask again what will fail again", "_failures.py", "return found not in _HOPELESS", "return True"),
        Mutant("never ask again", "_failures.py", "return found not in _HOPELESS", "return False"),
        Mutant(
            "ask as often as the SDK does", "_client.py", '"max_retries": settings.max_retries,', '"max_retries": 2,'
        ),
        Mutant(
            "send the conversation to where a server points",
            "_client.py",
            '"follow_redirects": False,',
            '"follow_redirects": True,',
        ),
    ],
)
CLIENT = Group(
    "providers/http/src/handrail_http",
    [*_ASKING, "providers/openai/tests/test_openai_pools.py", "providers/http/tests/test_pools.py"],
    [
        Mutant(
            "ask again whatever the provider says of it",
            "_client.py",
            "if self._may_help is not None and not",
            "if False and not",
        ),
        Mutant("close connections that others use", "_pools.py", "if not self.users:", "if True:"),
        Mutant("keep connections that nobody uses", "_pools.py", "await self.aclose()", "pass"),
        Mutant("share connections of another loop", "_pools.py", "current_token().native_token, ", ""),
        Mutant("share connections to another address", "_pools.py", " origin, tls,", " tls,"),
        Mutant("share connections that trust another authority", "_pools.py", " origin, tls,", " origin,"),
    ],
)
GROUPS = (CONFIGURATION, POLICY, RETRIES, CLIENT)
