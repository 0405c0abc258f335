"""The clock of the kernel's tests, which is the test kit's."""

from __future__ import annotations

from handrail_testkit import VirtualLoop as VirtualLoop
