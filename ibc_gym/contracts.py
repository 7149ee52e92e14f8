"""The five contracts, and the records that join them.

A simulator, the arm on the table and the emulated rig are all workcells; a person, a script, a table and a network
are all policies. `ibc_gym.env.Env` joins a workcell with a task, `ibc_gym.rollout` joins that with a policy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np
from gymnasium import spaces

from ibc_gym.errors import RobotFault
from ibc_gym.records import (
    Bool,
    CameraSpec,
    Float32,
    Float64,
    Frame,
    Layout,
    Observation,
    Progress,
    RobotLimits,
    RobotState,
    Situation,
    Start,
    Target,
    Variation,
    Windows,
)

if TYPE_CHECKING:
    import torch


class Robot(Protocol):
    """Something that can be seen, told where to go, and stopped; simulated or real.

    Calls come from one thread. After `RobotFault` only `stop` and `close` may be called.
    """

    @property
    def limits(self) -> RobotLimits:
        """What the robot accepts, and how long a control period is."""

    def reset(self, home: Target | None = None) -> None:
        """Move to `home` (default: the robot's own) and return once it is reached."""

    def observe(self) -> RobotState:
        """The newest measured state; never blocks on motion."""

    def command(self, target: Target) -> Target:
        """Set the target for this control period; return at once, with what is really sent.

        Raises:
            SpecMismatch: The target is not finite or of the wrong shape; nothing was sent.
        """

    def advance(self) -> None:
        """Let one control period pass: integrate physics, or sleep until the deadline.

        Raises:
            RobotFault: The controller reported an error or missed its heartbeat.
        """

    def stop(self) -> None:
        """Stand still, now and until the next `reset`; never raises."""

    def close(self) -> None:
        """Let go of everything; may be called twice."""


@runtime_checkable
class Recoverable(Protocol):
    """A robot whose faults latch: it stands still, whatever is called, until a person has cleared them."""

    @property
    def fault(self) -> RobotFault | None:
        """What stopped the robot and has not been cleared; None while it may move."""

    def recover(self) -> None:
        """Clear the fault, after a person has seen that it is safe; a `reset` may follow. Without a fault, nothing.

        Raises:
            RobotFault: The cause is still there, such as an emergency stop that is held; the robot stands still.
        """


@runtime_checkable
class Watched(Protocol):
    """A robot that is stopped for good where its caller falls silent in the middle of an episode."""

    def rest(self) -> None:
        """The episode is over: no command is waited for until the next `reset`; the robot stays where it is told to be."""


class Camera(Protocol):
    """Something that sees the scene."""

    @property
    def spec(self) -> CameraSpec:
        """Intrinsics and pose."""

    def read(self) -> Frame:
        """The newest picture.

        Raises:
            CameraTimeout: No fresh picture within one control period.
        """

    def close(self) -> None:
        """Let go of the device; may be called twice."""


class Scene(Protocol):
    """The things on the table."""

    def arrange(self, layout: Layout) -> None:
        """Put every named thing in its place and let it come to rest; a person may be asked to."""

    def poses(self) -> Layout | None:
        """Where the things are now, or None where nothing measures them."""

    def verdict(self) -> bool | None:
        """Whether a person or a referee calls the episode a success, which ends it; None leaves it to the task."""


@runtime_checkable
class Judge(Protocol):
    """A scene that nobody measures, whose person is asked once an episode has ended without a verdict."""

    def judge(self) -> bool:
        """Whether the episode was a success; waits for the person."""


@runtime_checkable
class Simulation(Protocol):
    """A world whose complete state can be saved and restored, bit for bit."""

    def save(self) -> Float64:
        """Everything that the next step depends on, (S,)."""

    def restore(self, state: Float64) -> None:
        """Go on as if `state` had just been saved here."""


class Variable(Protocol):
    """A world that can be built otherwise than described."""

    def vary(self, variation: Variation) -> None:
        """Be the world as described but for this; an empty variation is the description itself.

        Names that speak of nothing in the world are left alone. The state of before is lost: a reset follows.
        """


class Contacts(Protocol):
    """Watches how deep the things of a simulated world get in each other, which those of a real one do not."""

    @property
    def penetration(self) -> float:
        """The greatest depth at any physics step since things were arranged [m]."""


@dataclass(frozen=True, kw_only=True)
class Workcell:
    """A robot, the cameras that see it, and the scene it works in."""

    name: str
    robot: Robot
    scene: Scene
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    simulation: Simulation | None = None
    """Only where the world is simulated."""
    variable: Variable | None = None
    """Only where the world can be varied from episode to episode."""
    contacts: Contacts | None = None
    """Only where a simulator is asked to watch them."""

    def close(self) -> None:
        """Stop the robot, then let go of everything, even of what comes after an error; may be called twice.

        Raises:
            Exception: The first error, with the others as its notes.
        """
        errors: list[BaseException] = []
        cameras = (camera.close for camera in self.cameras.values())
        for let_go in (self.robot.stop, *cameras, self.robot.close):
            try:
                let_go()
            except BaseException as error:  # an interrupt from the keyboard, too
                errors.append(error)
        if errors:
            for other in errors[1:]:
                errors[0].add_note(
                    f"Another error while workcell {self.name!r} was closed: {other!r}"
                )
            raise errors[0]


class Task(Protocol):
    """What is to be done: pure functions over poses, with no simulator and no network inside.

    A task is made from a frozen config, its class attribute `Config`. It keeps nothing between calls: what an episode
    has shown so far is its `Progress`, which the environment hands back.
    """

    Config: ClassVar[type[Any]]
    workcells: ClassVar[tuple[str, ...]]
    """Workcells that can host the task; the first is the default."""

    @property
    def config(self) -> Any:
        """The frozen dataclass that the task was made from."""

    @property
    def name(self) -> str:
        """Its row in the table of tasks."""

    @property
    def horizon(self) -> int:
        """Control periods after which an episode is cut off."""

    @property
    def control_period(self) -> float:
        """Length of a control period [s]."""

    @property
    def action_space(self) -> spaces.Box:
        """(A,) float32, in SI units."""

    @property
    def action_names(self) -> tuple[str, ...]:
        """A label with its unit for every element of an action, for axes: "x displacement [m]"; empty if unknown."""

    @property
    def feature_spaces(self) -> Mapping[str, spaces.Box]:
        """Spaces of the low-dimensional inputs: "state" needs poses, "robot" does not."""

    @property
    def feature_names(self) -> Mapping[str, tuple[str, ...]]:
        """A label for every element of every feature."""

    def sample(self, rng: np.random.Generator) -> Start:
        """Draw how an episode begins."""

    def target(self, action: Float32, previous: Target) -> Target:
        """The robot target that an action asks for, given the previous target."""

    def action(self, sent: Target, previous: Target) -> Float32:
        """The action that a sent target amounts to: the inverse of `target`."""

    def features(self, situation: Situation) -> Mapping[str, Float32]:
        """The low-dimensional inputs; those that need poses are left out where there are none."""

    def measure(self, situation: Situation, before: Progress | None) -> Progress:
        """Bring the running measures up to date; `before` is None at the reset."""

    def reward(self, progress: Progress) -> float:
        """What the last step earned."""

    def terminated(self, progress: Progress) -> bool:
        """Whether the episode ends here, before its horizon."""

    def success(self, progress: Progress) -> bool:
        """Whether the task is done, by the published rule."""


class Policy(Protocol):
    """Something that says what to do: a person, a script, a table, a network.

    Policies are batched: B environments are served by one call.
    """

    def reset(self, mask: Bool, seeds: Sequence[int | None]) -> None:
        """Forget the episodes that end, and begin those under `mask` (B,); of the seeds (B,), only theirs are read."""

    def act(self, observation: Observation) -> Float32:
        """The next action of every environment, (B, A), inside the action space; inputs have a leading batch axis."""


class CanonicalFrame(Protocol):
    """Coordinates that use a task's symmetries, for observation and action alike.

    A task may offer one and a policy's config may take it; results with and without are reported apart.
    """

    size: int
    """Length F of the feature vector."""
    odd_features: tuple[int, ...]
    """Features that change sign under the task's mirror symmetry; empty without one."""
    odd_actions: tuple[int, ...]
    """Actions that change sign under it."""

    def features(self, states: Float32) -> Float32:
        """Features (B, F) of windows of states (B, T, O), the newest state last."""

    def into(self, actions: Float32, states: Float32) -> Float32:
        """Actions (B, A) in the frame of the newest of the states (B, T, O)."""

    def out_of(self, actions: Float32, states: Float32) -> Float32:
        """The inverse of `into`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PolicySpec:
    """What a policy is made for: the spaces it maps between, for one environment."""

    task: str
    """The task's name, or "gym:<id>"."""
    observation_space: spaces.Dict
    """Every input that the data have, without a batch axis."""
    action_space: spaces.Box
    """(A,)"""
    control_period: float
    """[s]"""
    task_config: Mapping[str, Any] = field(default_factory=dict)
    """The task's config in the demonstrations, as JSON; an evaluation takes over what the policy needs in order to fit."""


class TrainingData(Protocol):
    """A policy's own view of the training windows: normalised tensors, ready to be indexed."""

    def __len__(self) -> int:
        """How many windows there are."""

    def batch(self, rows: torch.Tensor) -> Mapping[str, torch.Tensor]:
        """The windows of these rows (B,), as `LearnedPolicy.loss` takes them."""

    def to(self, device: torch.device | str) -> Self:
        """The same on another device."""


class LearnedPolicy(Policy, Protocol):
    """A policy that learns, and a `torch.nn.Module`; the trainer knows no more of it than this.

    It is made as `cls(config, spec, frame)` and acts in evaluation mode. One whose module has no parameters, such as a
    table of demonstrations, is done with `fit`: its loss tells how well it fits and has no slope, and its state has
    its final shapes after `fit` or `load_fitted`.
    """

    Config: ClassVar[type[Any]]
    """A frozen dataclass with at least `inputs: tuple[str, ...]`, `history: int` and `frame: str | None`."""

    @property
    def config(self) -> Any:
        """The config that it was made from."""

    @property
    def spec(self) -> PolicySpec:
        """The spaces that it was made for."""

    def fit(self, windows: Windows) -> None:
        """Fit normalisers and action bounds; call once, with the training split."""

    def encode(self, windows: Windows) -> TrainingData:
        """Normalise all windows into tensors, once, before training."""

    def loss(
        self, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> tuple[torch.Tensor, Mapping[str, torch.Tensor]]:
        """The scalar to descend, and its named parts and diagnostics, all of shape ()."""

    def validate(
        self, batch: Mapping[str, torch.Tensor], generator: torch.Generator
    ) -> Mapping[str, float]:
        """Measures on held-out windows; "action_error" is how far the chosen action is from the demonstrated one.

        It is the mean Euclidean distance in normalised action units; "action_error_square", the mean of its square,
        tells how sure that mean is, and may be left out.
        """

    def fitted(self) -> Mapping[str, Any]:
        """What `fit` found, as plain JSON."""

    def load_fitted(self, fitted: Mapping[str, Any]) -> None:
        """Read back what `fitted` gave."""
