"""The same commands carried out in two worlds, episode after episode; an emulated arm that fails in one is had back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from ibc_gym.comparison.journeys import Gap, Journey, gap_between, nudged, travel
from ibc_gym.env import Env
from ibc_gym.evaluation.faults import ArmFault, have_back
from ibc_gym.records import Float32


@dataclass(kw_only=True, eq=False)
class InBoth:
    """What came of it, over the episodes that no fault cut off."""

    gaps: list[Gap] = field(default_factory=list)
    journeys: list[tuple[Journey, Journey]] = field(default_factory=list)
    alone: list[Gap] = field(default_factory=list)
    """Between the first world and itself, with one command aside."""
    faults: list[str] = field(default_factory=list)
    """What cut off the others."""
    cut_off: str | None = None
    """Why the arm could not be had back after the last of these; None if it could."""


def in_both(
    one: Env,
    other: Env,
    commands: Mapping[int, Sequence[Float32]],
    *,
    through_faults: bool,
    on_episode: Callable[[int], None],
) -> InBoth:
    """Carry out the commands of every seed in both.

    Args:
        one: The first world, in which one command is carried out aside, too.
        other: The second.
        commands: (A,) each, by seed.
        through_faults: Whether an arm that fails is cleared for the next episode, without asking anybody.
        on_episode: Told before each how many have been.

    Raises:
        RobotFault: The arm failed, and that is not to be cleared or it left no episode whole.
        CameraTimeout: The same of a camera.
    """
    found = InBoth()
    fault: Exception | None = None
    for number, (seed, actions) in enumerate(commands.items()):
        on_episode(number)
        try:
            if fault is not None:
                have_back(one)
                have_back(other)
        except ArmFault as still:
            found.cut_off = str(still)
            break
        try:
            _carry_out(one, other, seed, actions, found)
            fault = None
        except ArmFault as error:
            if not through_faults:
                raise
            fault = error
            found.faults.append(f"Seed {seed}: {type(error).__name__}: {error}")
    if fault is not None and not found.gaps:
        raise fault
    return found


def _carry_out(one: Env, other: Env, seed: int, actions: Sequence[Float32], found: InBoth) -> None:
    first, second = travel(one, seed, actions), travel(other, seed, actions)
    aside = None
    if (touch := first.onset) is not None and touch < len(actions):
        aside = gap_between(first, travel(one, seed, nudged(actions, touch)))
    found.journeys.append((first, second))
    found.gaps.append(gap_between(first, second))
    found.alone += [] if aside is None else [aside]
