"""`handrail new`: a package to begin with, which installs and passes its tests at once."""

from __future__ import annotations

from handrail_testkit._new._command import new as new
