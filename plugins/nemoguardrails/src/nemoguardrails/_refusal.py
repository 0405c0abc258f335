"""Refuses to be imported beside NVIDIA's package, whose files have the same names."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def refuse_other_package() -> None:
    """Raise if the other distribution is installed.

    Raises:
        ImportError: it is; the message says how to choose.
    """
    try:
        other = version("nemoguardrails")
    except PackageNotFoundError:
        return
    raise ImportError(
        f"two packages are installed whose import name is 'nemoguardrails': handrail-nemoguardrails, and "
        f"nemoguardrails {other}, so their files are mixed. Uninstall both, then install one of them: "
        f"'pip uninstall -y nemoguardrails handrail-nemoguardrails', and 'pip install handrail-nemoguardrails' "
        f"for streams that do not leak, or 'pip install nemoguardrails' for NVIDIA's"
    )
