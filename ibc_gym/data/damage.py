"""What is damaged in a data set, and how it is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ibc_gym.words import count


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Something committed that cannot be read, or is not what was written."""

    segment: str
    episode: int | None
    """Number of the episode in the data set; None if the whole segment cannot be opened."""
    reason: str


def left_out(damaged: Sequence[Damage]) -> str:
    """How much is left out, as a sentence for people."""
    episodes = sum(damage.episode is not None for damage in damaged)
    segments = len(damaged) - episodes
    parts = [count(episodes, "damaged episode")] if episodes else []
    if segments:
        parts.append(f"{count(segments, 'segment')} that cannot be opened")
    return f"Left out: {' and '.join(parts)}." if parts else "Left out: nothing, all is whole."


def by_segment(damaged: Iterable[Damage]) -> list[tuple[str, str, str]]:
    """Name of every damaged segment, its damaged episodes in words ("2 to 5, 9"), and the first one's reason."""
    groups: dict[str, list[Damage]] = {}
    for damage in damaged:
        groups.setdefault(damage.segment, []).append(damage)
    return [
        (name, _in_words([damage.episode for damage in group]), group[0].reason)
        for name, group in groups.items()
    ]


def _in_words(numbers: Sequence[int | None]) -> str:
    """Runs of numbers: "2 to 5, 9"."""
    known = sorted(number for number in numbers if number is not None)
    if len(known) < len(numbers):
        return "all"
    runs: list[list[int]] = []
    for number in known:
        if runs and number == runs[-1][-1] + 1:
            runs[-1][1:] = [number]
        else:
            runs.append([number])
    return ", ".join(" to ".join(map(str, run)) for run in runs)
