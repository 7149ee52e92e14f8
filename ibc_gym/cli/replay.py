"""`ibc-gym replay`: stored episodes run again, and how far they part."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from ibc_gym.cli.flags import REQUIRED, config_of, flags_of, parse, word
from ibc_gym.console import Terminal, table
from ibc_gym.data.damage import Damage, left_out
from ibc_gym.replay import ReplayConfig, ReplayedEpisode
from ibc_gym.replay import replay as run_replay
from ibc_gym.words import count

DESCRIPTION = (
    "Run stored episodes again from where they began; say how far the two part.",
    "In the simulator that they were recorded in, the difference is exactly zero.",
)
EXAMPLES = ("demos.zarr", "demos.zarr --episodes 0 3 7", "demos.zarr --skip-damaged")
LISTED = 20
"""Rows of the table at most, the worst first; `--json` has all."""

ReplayFlags = flags_of(
    ReplayConfig, {"data": (word(Path, "A folder of demonstrations.", "DATA"), REQUIRED)}
)


def replay(argv: Sequence[str], terminal: Terminal) -> None:
    """Replay and compare, episode by episode."""
    flags = parse(
        ReplayFlags, argv, command="ibc-gym replay", description=DESCRIPTION, examples=EXAMPLES
    )
    config = config_of(ReplayConfig, flags)
    terminal.say(f"Reads {config.data}; writes nothing.")
    exact = 0
    damaged: list[Damage] = []

    def on_damage(found: Sequence[Damage]) -> None:
        damaged.extend(found)
        terminal.say(left_out(found))

    with terminal.progress("Replaying") as (bar,):
        done = 0

        def on_episode(episode: ReplayedEpisode, total: int) -> None:
            nonlocal done, exact
            done, exact = done + 1, exact + episode.exact
            bar(done / total, f"{exact} of {count(done, 'episode')} the same to the last bit")

        found = run_replay(config, on_episode, on_damage)
    parted = {name: _furthest(found, name) for name in found[0].largest}
    worst = {name: episode.largest[name] for name, episode in parted.items()}
    where = {name: episode.furthest.get(name, "") for name, episode in parted.items()}
    answer = {
        "data": str(config.data),
        "episodes": len(found),
        "exact": exact,
        "largest": worst,
        "furthest": where,
        "successes": sum(bool(episode.success) for episode in found),
        "successes_replayed": sum(episode.success_replayed for episode in found),
        "return_mean": _mean([episode.total_reward for episode in found]),
        "return_mean_replayed": _mean([episode.total_reward_replayed for episode in found]),
        "damaged": [dataclasses.asdict(damage) for damage in damaged],
        "rows": [{**dataclasses.asdict(episode), "exact": episode.exact} for episode in found],
    }
    terminal.result(answer, _table(found))
    terminal.say(_headline(found, worst, where))


def _headline(
    found: Sequence[ReplayedEpisode], worst: Mapping[str, float], where: Mapping[str, str]
) -> str:
    """How many are the same, how far the others part, and whether that made a difference."""
    exact = sum(episode.exact for episode in found)
    said = [f"{exact} of {count(len(found), 'episode')} replayed exactly"]
    if exact < len(found):
        gaps = ", ".join(f"{gap:.2g} in {where[name] or name}" for name, gap in worst.items())
        said.append(f"the others part by at most {gaps}")
    again = sum(episode.success_replayed for episode in found)
    if all(episode.success is None for episode in found):
        said.append(f"nothing judged the recording, the replay succeeds in {again}")
    else:
        said.append(f"{sum(bool(e.success) for e in found)} succeeded when recorded, {again} now")
    before = _mean([episode.total_reward for episode in found])
    if before is not None:
        now = _mean([episode.total_reward_replayed for episode in found])
        said.append(f"the mean return was {before:.6g} and is {now:.6g}")
    return "; ".join(said) + "."


def _furthest(found: Sequence[ReplayedEpisode], name: str) -> ReplayedEpisode:
    """The episode that parts furthest in one input."""
    return max(found, key=lambda episode: episode.largest[name])


def _mean(numbers: Sequence[float | None]) -> float | None:
    known = [number for number in numbers if number is not None]
    return sum(known) / len(known) if len(known) == len(numbers) else None


def _table(found: Sequence[ReplayedEpisode]) -> Table:
    order = sorted(found, key=lambda episode: -max(episode.largest.values()))
    rows = [
        (
            episode.episode,
            episode.began_from,
            f"{episode.replayed} of {episode.length}",
            "never" if episode.parts_at is None else f"step {episode.parts_at}",
            ", ".join(
                f"{episode.furthest.get(name, name)} {gap:.2g}"
                for name, gap in episode.largest.items()
            ),
        )
        for episode in order[:LISTED]
    ]
    title = "Furthest apart" if len(found) > LISTED else "Episodes"
    return table(title, ("episode", "from", "steps", "parts", "greatest difference"), rows)
