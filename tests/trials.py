"""How many examples a property is tried on: a few, and many where HYPOTHESIS_PROFILE is "thorough"; see docs/testing.md."""

from __future__ import annotations

import os
from typing import Final

PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE") or (
    "ci" if os.environ.get("CI") else "default"
)
"""Which of the profiles in `conftest.py` holds."""
THOROUGH: Final = 20
"""How many times as many examples the thorough profile tries."""


def trials(count: int) -> int:
    """So many examples, or many times as many in the thorough profile."""
    return count * THOROUGH if PROFILE == "thorough" else count
