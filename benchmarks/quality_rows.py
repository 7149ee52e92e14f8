"""The rows of the table of quality: what is learned from what, by which recipes, how it is judged, what was published."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Measure = Literal["success", "return", "best_reward"]
"""Share of episodes that succeed, mean return, or mean best reward of an episode."""

IMPLICIT = "implicit"
"""The method that is held against the explicit ones."""
AS_LONG = "MDN, as long"
"""The mixture with at least the CPU time that the implicit policy took, where its own recipe took less and came behind by more
than chance, and no row of `time_to_quality` holds the two against each other."""
EXPLICIT = ("MDN", AS_LONG, "MSE")
GENERATIVE = ("diffusion", "flow matching")
"""Methods that carry noise to a chunk of actions, neither implicit nor explicit."""

FLORENCE = "Florence et al. 2021"
CHI = "Chi et al. 2023, Table I, best / mean of the last ten; key points as state"


def episodes(count: int) -> tuple[tuple[str, ...], ...]:
    """One recording of so many."""
    return (("--episodes", str(count)),)


@dataclass(frozen=True, kw_only=True)
class Scripted:
    """Demonstrations that the task's oracle gives."""

    task: str
    parts: tuple[tuple[str, ...], ...]
    """Flags of each recording into the one folder."""
    flags: tuple[str, ...] = ()
    """Of all of them."""

    @property
    def recordings(self) -> list[list[str]]:
        """The commands, but for where to."""
        return [["record", self.task, *words, *self.flags] for words in self.parts]


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """One way in which the policies of a row are judged."""

    flags: tuple[str, ...] = ()
    """Of `ibc-gym eval`."""
    measure: Measure = "success"
    published: str = ""
    source: str = FLORENCE
    reach: float = 0.0
    """What the implicit policy is to reach, in the measure's unit, success as a share; 0 where nothing is asked."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One data set, the policies that learn from it, and how they are judged."""

    about: str
    """What it is, for a table."""
    data: Scripted | str
    """Recorded, or a row of `human.SOURCES`."""
    methods: Mapping[str, tuple[str, ...]]
    """By name: a preset, and flags of `ibc-gym train` beside it."""
    judged: Mapping[str, Judgement] = field(default_factory=lambda: {"": Judgement()})
    training: tuple[str, ...] = ()
    """Flags of `ibc-gym train` for every method."""
    last: int = 1
    """How many of the last checkpoints are judged: "last" is their mean, and "best" the best of them where there are
    several, else the one chosen by held-out action error."""
    num_envs: int = 25
    """Environments that are evaluated together."""


def _with_twins(preset: str, seconds: int | None = None) -> Mapping[str, tuple[str, ...]]:
    """A preset of an implicit policy, and those of the explicit ones that are named after it.

    Args:
        preset: Its name.
        seconds: CPU time that a mixture gets for once, too.
    """
    return _methods(preset, f"{preset}-mdn", f"{preset}-mse", seconds)


def _methods(
    implicit: str, mixture: str, one_answer: str, seconds: int | None = None
) -> Mapping[str, tuple[str, ...]]:
    longer = {} if seconds is None else {AS_LONG: (mixture, "--budget-cpu-seconds", str(seconds))}
    return {IMPLICIT: (implicit,), "MDN": (mixture,), **longer, "MSE": (one_answer,)}


def _generative(task: str) -> Mapping[str, tuple[str, ...]]:
    return dict(zip(GENERATIVE, ((f"{task}-diffusion",), (f"{task}-flow",)), strict=True))


def particle_twins(dimensions: int) -> tuple[str, str]:
    """Presets of the explicit policies beside an implicit one: a mixture, and one answer."""
    one_answer = "fast/particle-32-mse" if dimensions == 32 else "fast/particle-mse"
    return f"fast/particle-{dimensions}-mdn", one_answer


def _particle(dimensions: int, published: str, reach: float, plain: bool = False) -> Row:
    option = ("--task.dimensions", str(dimensions))
    preset = f"fast/particle-{dimensions}"
    mixture, one_answer = particle_twins(dimensions)
    return Row(
        about=f"particle, N = {dimensions}",
        data=Scripted(task="particle", parts=episodes(2_000), flags=option),
        methods={
            IMPLICIT: (preset,),
            **({"implicit, plain": ("fast/particle",)} if plain else {}),
            "MDN": (mixture,),
            "MSE": (one_answer,),
        },
        judged={"": Judgement(flags=option, published=published, reach=reach)},
    )


_BEYOND = ("--policy.boundary-buffer", "1")
"""The box of the search reaches to the ends of the action space: else an implicit policy could not answer beyond the data,
where explicit ones can."""


def _beyond_the_data(dimensions: int) -> Row:
    """Goals of the demonstrations keep to the middle half of every coordinate, an evaluation's lie anywhere."""
    preset = f"fast/particle-{dimensions}"
    mixture, one_answer = particle_twins(dimensions)
    size = ("--task.dimensions", str(dimensions))
    within, anywhere = ((*size, "--task.goal-margin", margin) for margin in ("0.25", "0"))
    return Row(
        about=f"particle, N = {dimensions}, goals of the middle half",
        data=Scripted(task="particle", parts=episodes(2_000), flags=within),
        methods={
            IMPLICIT: (preset, *_BEYOND),
            "implicit, plain": ("fast/particle", *_BEYOND),
            "MDN": (mixture,),
            "MSE": (one_answer,),
        },
        judged={
            "goals as demonstrated": Judgement(flags=within),
            "goals anywhere": Judgement(flags=anywhere),
        },
    )


_RESTS_AT_THE_END: tuple[tuple[str, ...], ...] = (
    ("--episodes", "1000", "--task.horizon", "70"),
    ("--episodes", "1000", "--task.horizon", "70", "--noise", "0.01", "--seed", "5000"),
)
"""Of 50 steps hardly a demonstration comes to rest at the second goal, and what is sharp enough to turn at the first goes back
there from it: 70 show the rest, and noise that the point is drawn back to it."""


def _particle_in_its_frame(
    dimensions: int,
    preset: str,
    parts: tuple[tuple[str, ...], ...],
    published: str,
    reach: float,
) -> Row:
    option = ("--task.dimensions", str(dimensions))
    return Row(
        about=f"particle, N = {dimensions}, frame `particle`",
        data=Scripted(task="particle", parts=parts, flags=option),
        methods=_with_twins(preset),
        judged={"": Judgement(flags=option, published=published, reach=reach)},
    )


def _raw_pushes(seconds: int) -> Mapping[str, tuple[str, ...]]:
    return _methods("fast/push-ranked", "fast/push-mdn", "fast/push-mse", seconds)


def _push(
    methods: Mapping[str, tuple[str, ...]], about: str, demonstrations: int, published: str
) -> Row:
    return Row(
        about=about,
        data=Scripted(
            task="push", parts=episodes(demonstrations), flags=("--task.goal-tolerance", "0.01")
        ),
        methods=methods,
        judged={
            "0.02 m": Judgement(
                flags=("--task.goal-tolerance", "0.02"), published=published, reach=0.99
            ),
            "0.01 m": Judgement(flags=("--task.goal-tolerance", "0.01"), reach=0.95),
        },
    )


def _two_targets(methods: Mapping[str, tuple[str, ...]], about: str, published: str) -> Row:
    return Row(
        about=about,
        data=Scripted(task="push-two-targets", parts=episodes(2_000)),
        methods=methods,
        judged={"": Judgement(published=published, reach=0.99)},
    )


_TOLD_TO_GO_ON = (
    ("--episodes", "1000", "--noise", "0.001"),
    ("--episodes", "600", "--seed", "5000"),
)
"""With noise one sees how to recover; without, that the tip goes on once it is where it was to be: under noise it hardly
ever is, and a policy that has seen nothing else waits there forever."""
_AS_LATE_AS_AN_ARM = (
    *_TOLD_TO_GO_ON,
    *(
        (*words, "--task.randomisation.lag", "0.04")
        for words in (
            ("--episodes", "300", "--noise", "0.001", "--seed", "20000"),
            ("--episodes", "450", "--noise", "0.0003", "--seed", "30000"),
            ("--episodes", "150", "--seed", "25000"),
        )
    ),
)
"""A simulated arm is where it was told to be at the end of a period, a real one millimetres behind: a policy that has not seen
this fails through the vendor's client."""
_IN_PYBULLET_TOO = (
    *_AS_LATE_AS_AN_ARM,
    ("--episodes", "200", "--noise", "0.001", "--seed", "40000", "--workcell", "pybullet"),
    ("--episodes", "150", "--seed", "45000", "--workcell", "pybullet"),
)
"""What was seen in MuJoCo alone does for nine of ten in PyBullet, and a few demonstrations there for the rest."""


def _insert(
    workcell: str, parts: tuple[tuple[str, ...], ...], learned: str, seconds: int | None = None
) -> Row:
    place = ("--workcell", workcell)
    return Row(
        about=f"insert at 1 mm, states, frame `insert`, in `{workcell}`{learned}",
        data=Scripted(task="insert", parts=parts),
        methods=_with_twins("fast/insert", seconds),
        judged={
            "": Judgement(
                flags=place, published="EBM 83.3, MSE 6.7 (real robot, pictures)", reach=0.95
            )
        },
    )


_NOTHING_HELD_OUT = ("--validation-fraction", "0")


def _pusht(methods: Mapping[str, tuple[str, ...]], about: str) -> Row:
    return Row(
        about=about,
        data="pusht",
        methods=methods,
        judged={
            "": Judgement(
                measure="best_reward",
                published="IBC 0.90 / 0.84, LSTM-GMM 0.67 / 0.61, Diffusion Policy 0.95 / 0.91",
                source=CHI,
                reach=0.95,
            )
        },
        training=(*_NOTHING_HELD_OUT, "--checkpoint-every", "200", "--keep", "10"),
        last=10,
    )


ROWS: Mapping[str, Row] = {
    "particle-2": _particle(2, "EBM ≥ 95, MSE ≥ 95", 0.98, plain=True),
    "particle-4": _particle(4, "EBM ≥ 95, MSE ≥ 95", 0.98),
    "particle-8": _particle(8, "EBM ≥ 95, MSE ≥ 95", 0.98),
    "particle-16": _particle(16, "EBM ≥ 95, MSE below 95", 0.98),
    "particle-32": _particle(32, "EBM above 0, MSE below 95", 0.95),
    "particle-2-beyond": _beyond_the_data(2),
    "particle-2-frame": _particle_in_its_frame(
        2, "fast/particle-frame", _RESTS_AT_THE_END, "EBM ≥ 95, MSE ≥ 95, raw", 0.98
    ),
    "particle-32-frame": _particle_in_its_frame(
        32, "fast/particle-32-frame", episodes(2_000), "EBM above 0, MSE below 95, raw", 0.95
    ),
    "push-frame": _push(
        {**_with_twins("fast/push-frame", 34), **_generative("fast/push")},
        "push, states, frame `push`",
        200,
        "EBM 100, MDN 100, MSE 98.3, raw",
    ),
    "push": _push(
        {**_raw_pushes(272), "implicit, plain": ("fast/push",)},
        "push, states",
        2_000,
        "EBM 100, MDN 100, MSE 98.3",
    ),
    "push-two-targets-frame": _two_targets(
        _with_twins("fast/push-two-targets-frame", 160),
        "push to two targets, states, frame `push-two-targets`",
        "EBM 99.0, MDN 99.7, MSE 89.7, raw",
    ),
    "push-two-targets": _two_targets(
        _raw_pushes(242), "push to two targets, states", "EBM 99.0, MDN 99.7, MSE 89.7"
    ),
    "push-pixels": Row(
        about="push, pictures",
        data=Scripted(
            task="push",
            parts=(("--episodes", "4000", "--noise", "0.003"),),
            flags=("--observation", "state+image", "--task.goal-tolerance", "0.01"),
        ),
        methods=_with_twins("fast/pixels"),
        judged={
            "0.02 m": Judgement(
                flags=("--task.goal-tolerance", "0.02"),
                published="EBM 100, MDN 10, MSE 87",
                reach=0.95,
            )
        },
        training=("--precision", "bfloat16"),
    ),
    "kitchen-complete": Row(
        about="kitchen-complete, 19 human demonstrations",
        data="kitchen",
        methods=_with_twins("fast/kitchen"),
        judged={
            "280 steps": Judgement(
                flags=("--horizon", "280"),
                measure="return",
                published="EBM 3.37, MSE 1.76, S4RL 3.08",
                reach=3.4,
            )
        },
        training=_NOTHING_HELD_OUT,
    ),
    "door-human": Row(
        about="door, 25 human demonstrations",
        data="door",
        methods=_with_twins("fast/door"),
        judged={
            "200 steps": Judgement(
                flags=("--horizon", "200"),
                measure="return",
                published="EBM 361, MSE 79",
                reach=400,
            ),
            "300 steps": Judgement(flags=("--horizon", "300"), measure="return", reach=400),
        },
        training=_NOTHING_HELD_OUT,
    ),
    "relocate-human": Row(
        about="relocate, 24 human demonstrations",
        data="relocate",
        methods=_with_twins("fast/relocate"),
        judged={
            "200 steps": Judgement(
                flags=("--horizon", "200"),
                measure="return",
                published="EBM -0.1 (3.6 filtered)",
                reach=50,
            ),
            "400 steps": Judgement(flags=("--horizon", "400"), measure="return", reach=50),
        },
        training=_NOTHING_HELD_OUT,
    ),
    "pusht": _pusht(
        {
            **_with_twins("fast/pusht-chunked"),
            **_generative("fast/pusht"),
            "implicit, plain": ("fast/pusht",),
        },
        "Push-T, states, 206 human demonstrations",
    ),
    "pusht-frame": _pusht(_with_twins("fast/pusht-frame"), "Push-T in its frame, the same"),
    "insert-mujoco": _insert("mujoco", _AS_LATE_AS_AN_ARM, "", 160),
    "insert-pybullet": _insert("pybullet", _IN_PYBULLET_TOO, ", learned from both simulators"),
    "sort": Row(
        about="sort 4 + 4 blocks, states, frame `sort`",
        data=Scripted(
            task="sort",
            parts=(
                ("--episodes", "300", "--noise", "0.005"),
                ("--episodes", "200", "--seed", "5000"),
            ),
        ),
        methods=_with_twins("fast/sort"),
        judged={
            "": Judgement(
                measure="best_reward", published="EBM 48.3 % (real robot, pictures)", reach=0.8
            )
        },
    ),
}
