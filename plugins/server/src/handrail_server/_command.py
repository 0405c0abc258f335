"""`handrail server` and `handrail server-key`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_HELP = (
    "no configuration is named; write 'handrail server PATH', where PATH is a folder with a config.yml, or a folder of "
    "such folders. 'handrail server --help' lists the options"
)


def server(
    path: Path | None = None,
    /,
    *,
    config: Path | None = None,
    settings: Path | None = None,
    host: str | None = None,
    port: int | None = None,
    workers: int | None = None,
    default_config_id: str | None = None,
    auto_reload: bool | None = None,
    prefix: str | None = None,
    api_key_env: str | None = None,
    keys: Path | None = None,
    insecure: bool | None = None,
    store: str | None = None,
) -> int:
    """Serve guarded models over the protocols of OpenAI and Anthropic.

    Exit codes: 0 stopped as asked, 2 wrong usage or configuration, or the address is taken.

    Args:
        path: A folder of configurations, or one configuration.
        config: Another way to write PATH.
        settings: A YAML file with all settings: policy, limits and more. Options override it.
        host: Address to listen on; 127.0.0.1 by default.
        port: Port to listen on; 8000 by default, 0 for any free one.
        workers: Processes; 1 by default.
        default_config_id: The configuration of requests that name none.
        auto_reload: Load a configuration again when its files change.
        prefix: A path that goes before every path of the server, such as /guard.
        api_key_env: The environment variable that holds the API keys, separated by commas.
        keys: A YAML file with the keys of tenants, made by `handrail server-key`.
        insecure: Serve other machines without asking for a key.
        store: Where threads are kept: memory, or redis://HOST:PORT/DB.
    """
    options: dict[str, Any] = {"host": host, "port": port, "workers": workers, "default_config_id": default_config_id}
    options |= {"auto_reload": auto_reload, "prefix": prefix, "api_key_env": api_key_env, "keys": keys}
    options |= {"insecure": insecure, "store": store}
    return _serve({"path": path, "config": config, "settings": settings, **options})


def server_command(*, wrap: str, defaults: Mapping[str, Any]) -> Callable[..., int]:
    """Return the command `server` for a package that serves in its own way.

    Args:
        wrap: `"package.module:function"`, called in every process with the ASGI application and the settings; what it
            returns is served.
        defaults: settings that the package has where neither the command line nor the settings file says otherwise.
    """

    @functools.wraps(server)
    def command(*args: Any, **options: Any) -> int:
        bound = inspect.signature(server).bind(*args, **options)
        return _serve(bound.arguments, wrap=wrap, defaults=defaults)

    return command


def _serve(given: Mapping[str, Any], *, wrap: str | None = None, defaults: Mapping[str, Any] | None = None) -> int:
    from handrail import ConfigurationError

    from handrail_server._serve import serve
    from handrail_server._settings import ServerSettings

    path, config, file = (given.get(name) for name in ("path", "config", "settings"))
    if path is not None and config is not None:
        raise ConfigurationError(f"configuration given twice: {str(path)!r} and --config {str(config)!r}; name one")
    if path is None and config is None and file is None:
        raise ConfigurationError(_HELP)
    options = {name: value for name, value in given.items() if name not in ("path", "config", "settings")}
    return serve(ServerSettings.read(file, defaults, config=path or config, **options), wrap=wrap)


def server_key(label: str | None = None, /) -> int:
    """Make an API key for a tenant of `handrail server`.

    The key is shown once. What follows it goes into the file that `--keys` names; it holds only the key's hash.

    Exit codes: 0 made, 2 wrong usage.

    Args:
        label: The tenant's name, by which logs, metrics and rails know it.
    """
    import sys

    from handrail_server._keys import entry_of, new_key

    key, hashed = new_key()
    entry = entry_of(label or "my-team", hashed)
    sys.stderr.write("The key, which is shown only this once, and its entry for the file that --keys names:\n\n")
    sys.stdout.write(f"{key}\n\n{entry}")
    return 0
