"""What a person acts in: one environment, what is held in the hand, and the page that shows it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from ibc_gym.checks import settle
from ibc_gym.closing import Closing
from ibc_gym.contracts import LearnedPolicy, Policy, Task
from ibc_gym.data.metadata import Metadata, describe
from ibc_gym.env import OBSERVATIONS, Env
from ibc_gym.errors import ConfigError
from ibc_gym.loading import load
from ibc_gym.raw_streams import check_raw, raw_folder
from ibc_gym.records import CameraSpec, UInt8
from ibc_gym.registry import make_env, make_oracle
from ibc_gym.specs import check_fits
from ibc_gym.tables import PEOPLE, TELEOPERATION
from ibc_gym.watching import newest_picture, watched


@dataclass(frozen=True, kw_only=True)
class RecordByPersonConfig:
    """What a person demonstrates, by what, and where it is put."""

    task: str = "push"
    """A task whose actions are displacements (x, y)."""
    by: str = "keyboard"
    """What the person holds: "keyboard", "spacemouse" or "gamepad"."""
    policy: str | None = None
    """A run that acts until the person takes over, or "oracle"; by default the person acts alone."""
    out: Path = Path("demos.zarr")
    """The data set; one that is there already is gone on with."""
    episodes: int = 200
    """How many; episode k is reset with `seed + k`."""
    seed: int = 0
    """Seed of the first episode."""
    workcell: str | None = None
    """Where the task runs; by default the task's first workcell."""
    observation: str = "state"
    """What is stored: "state", "image" or "state+image"."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the task's config."""
    successes_only: bool = False
    """Leave out episodes that fail."""
    speed: float = 0.1
    """Greatest speed of the hand [m/s]; keys choose shares of it."""
    frame: str = "base"
    """Which way is away from the person: "base" (behind the arm), "facing" (across the table) or "camera"."""
    pace: float = 1.0
    """How fast simulated time passes; 1 is real time."""
    view: int | None = None
    """A port on 127.0.0.1 for a page with the live picture; 0 takes any that is free."""
    raw: bool = False
    """Record the cameras' raw streams, too, beside the data set."""

    def __post_init__(self) -> None:
        settle(self)
        for name, bound in {"episodes": 1, "seed": 0, "view": 0}.items():
            value = getattr(self, name)
            if value is not None and value < bound:
                raise ConfigError(
                    f"RecordByPersonConfig.{name} is {value}, but must be at least {bound}."
                )
        if not 0.01 <= self.pace <= 100:
            raise ConfigError(
                f"RecordByPersonConfig.pace is {self.pace}, but must lie in 0.01 to 100; 1 is real time."
            )
        if self.observation not in OBSERVATIONS:
            raise ConfigError(
                f"RecordByPersonConfig.observation is {self.observation!r}, but must be one of "
                f"{', '.join(OBSERVATIONS)}."
            )
        if self.raw:
            check_raw(self.workcell, cameras="image" in self.observation)


class Operator(Policy, Protocol):
    """A person as the recording knows one; `ibc_gym.hardware.teleop` has two, alone and over a policy."""

    @property
    def words(self) -> str:
        """Who acts and how, for a line of status."""

    @property
    def moving(self) -> bool:
        """Whether the last action moves anything."""

    def asked(self) -> Sequence[str]:
        """What was asked for by keys and buttons since the last call."""

    def look(self) -> None:
        """Hear what is asked for, between episodes; nobody acts."""

    def held(self) -> bool:
        """Whether the robot may move."""

    def close(self) -> None:
        """Let go of the devices."""


def make_person(
    device: str, task: Task, *, camera: CameraSpec | None = None, **hand: Any
) -> Operator:
    """A person as a policy for one environment; what is held is opened.

    Args:
        device: A row of `TELEOPERATION`.
        task: What is to be done.
        camera: Whose picture the person looks at.
        **hand: Fields of `ibc_gym.hardware.teleop.hand.HandConfig`.

    Raises:
        UnknownName: There is no such device.
        MissingDependency: Its library is not installed.
        ConfigError: It is not attached, or a hand cannot do the task.
    """
    config = load(PEOPLE, "hand", "part")(**hand)
    return _holding(open_device(device), task, config, camera)


def open_device(name: str) -> Any:
    """What a person holds, a row of `TELEOPERATION`; raises as `make_person` does."""
    return load(TELEOPERATION, name, "device to move by")()


def _holding(device: Any, task: Task, hand: Any, camera: CameraSpec | None) -> Operator:
    person: Operator = load(PEOPLE, "person", "part")(lambda: device, task, hand, camera=camera)
    return person


class PersonStage(Closing):
    """Everything that is opened for a recording by a person."""

    def __init__(self, config: RecordByPersonConfig) -> None:
        """Open the device, then the page, then the environment: nobody goes through a checklist for what is not there.

        Raises:
            ConfigError: A setting does not serve, or the device is not there.
            Declined: A real table's person said no.
            SpecMismatch: The policy was made for something else.
        """
        self.config = config
        policy = _load(config.policy)
        hand = load(PEOPLE, "hand", "part")(speed=config.speed, frame=config.frame)
        self._env: Env | None = None
        self._held = ExitStack()
        try:
            device = open_device(config.by)
            self._held.callback(device.close)
            self.view = self._held.enter_context(watched(config.view))
            self.env = self._env = _make_env(config, policy)
            self.envs = SyncVectorEnv([lambda: self.env], autoreset_mode=AutoresetMode.DISABLED)
            self.metadata = self._described()
            self.operator = self._operator(device, hand, policy)
            self._join()
        except BaseException:
            self.close()
            raise

    def picture(self, seen: Mapping[str, Any]) -> UInt8 | None:
        """The first camera's newest picture, (H, W, 3)."""
        return newest_picture(self.env, seen)

    def close(self) -> None:
        """Stop the robot, then let go of everything; may be called twice."""
        try:
            if self._env is not None:
                self._env.close()
        finally:
            self._held.close()

    def _operator(self, device: Any, hand: Any, policy: LearnedPolicy | None) -> Operator:
        config, cameras = self.config, self.env.workcell.cameras
        camera = next(iter(cameras.values()), None)
        operator = _holding(device, self.env.task, hand, None if camera is None else camera.spec)
        self._held.callback(operator.close)
        if config.policy is None:
            return operator
        if policy is not None:
            check_fits(policy, self.envs)
        acting: Policy = policy or make_oracle(config.task, self.envs)
        taken: Operator = load(PEOPLE, "take-over", "part")(acting, operator)
        return taken

    def _join(self) -> None:
        """What the person holds is the robot's dead-man switch."""
        cell: Any = self.env.workcell
        if hasattr(cell.robot, "dead_man"):
            cell.robot.dead_man = self.operator

    def _described(self) -> Metadata:
        config = self.config
        metadata = describe(
            self.env,
            task=config.task,
            workcell=config.workcell,
            demonstrator="human",
            source={"program": "record", "by": config.by, "policy": config.policy},
        )
        kept = {
            name: space
            for name, space in metadata.observation_space.spaces.items()
            if ("state" if name == "state" else "image") in config.observation
        }
        return replace(metadata, observation_space=spaces.Dict(kept))


def _make_env(config: RecordByPersonConfig, policy: LearnedPolicy | None) -> Env:
    pictures = config.view is not None or config.frame == "camera"
    made = make_env(
        config.task,
        workcell=config.workcell,
        observation=_shown(config, policy),
        render_mode="rgb_array" if pictures else None,
        raw=raw_folder(config.out) if config.raw else None,
        **config.options,
    )
    if not isinstance(made, Env):
        made.close()
        raise ConfigError(f"A person can act in tasks of this package only, not in {config.task}.")
    return made


def _shown(config: RecordByPersonConfig, policy: LearnedPolicy | None) -> str:
    """What the environment must show: what is recorded, and what the policy takes."""
    inputs = () if policy is None else policy.config.inputs
    state = "state" in config.observation or "state" in inputs or config.policy == "oracle"
    image = "image" in config.observation or any(name != "state" for name in inputs)
    return "state+image" if state and image else "state" if state else "image"


def _load(path: str | None) -> LearnedPolicy | None:
    if path in (None, "oracle"):
        return None
    # Here and not above: torch is not needed where no network acts.
    from ibc_gym.checkpoint import load_policy

    assert path is not None
    if not Path(path).exists():
        raise ConfigError(
            f"There is no run at {path}; train one with `ibc-gym train`, or say oracle."
        )
    return load_policy(path)
