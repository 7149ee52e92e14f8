"""Numbers as people say them."""

from __future__ import annotations


def count(number: int, noun: str) -> str:
    """A number with its noun: "1 episode", "2 episodes"."""
    return f"{number} {noun}{'s' * (number != 1)}"
