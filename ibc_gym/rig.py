"""The emulated rig: the simulated world of a task, driven in real time through the vendors' own protocols."""

from __future__ import annotations

import json
import multiprocessing
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection
from typing import Any, Final

from ibc_gym.checks import settle
from ibc_gym.closing import Closing
from ibc_gym.contracts import Workcell
from ibc_gym.errors import ConfigError
from ibc_gym.loading import load
from ibc_gym.registry import make_stage, make_task
from ibc_gym.serialise import to_json
from ibc_gym.tables import HARDWARE, STAGES, WORKCELLS

ANYWHERE: Final = ((-1.5, -1.5, -0.1), (1.5, 1.5, 1.5))
"""Where the tip of the rig's arm may be [m]: the rig is no safer than a real one; fences are for its controller to keep."""
PICTURE_RATE: Final = 30.0
"""Of the rig's cameras [Hz]."""
BOARD: Final[Mapping[str, Any]] = {
    "columns": 9,
    "rows": 7,
    "square": 0.024,
    "marker": 0.018,
    "margin": 0.012,
    "dictionary": "DICT_4X4_50",
}
"""The usual board of a calibration, each field by a value of its kind."""


@dataclass(frozen=True, kw_only=True)
class RigConfig:
    """What stands on the emulated table, and where its controller listens."""

    task: str = "insert"
    """Whose world it is; or "calibration", with a board on the flange."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Fields of the task's config."""
    workcell: str = "mujoco"
    """The simulator behind the controller."""
    address: str = "127.0.0.1"
    """On loopback; every rig needs its own: 127.0.0.2, 127.0.0.3."""
    period: float = 0.008
    """How long the arm goes from one set-point to the next, to the next whole number of physics steps [s]."""
    cameras: bool = False
    """Whether its cameras see anything; drawing takes a third of a core."""
    fault: tuple[str, ...] = ()
    """What goes wrong and when, in seconds since it listens: KIND@BEGINS+LASTS, such as collision@3s or freeze@8s+2s."""
    faults_per_minute: float = 0.0
    """How many more are drawn at random, on average."""
    seed: int = 0
    """Of that draw."""
    board: str = "{}"
    """Of a calibration: the fields of its board, as JSON."""
    parent: int = 0
    """Process with which the rig ends; 0 for none."""

    def __post_init__(self) -> None:
        settle(self)
        if not 0.002 <= self.period <= 0.05:
            raise ConfigError(
                f"RigConfig.period is {self.period} s, but must lie in 0.002 to 0.05: a controller is no slower."
            )
        if self.seed < 0:
            raise ConfigError(f"RigConfig.seed is {self.seed}, but must be at least 0.")
        self.board_fields()
        self.faults()

    def board_fields(self) -> dict[str, Any]:
        """The board of a calibration; empty for none.

        Raises:
            ConfigError: It is not written as JSON, or has a field that no board has, or one of another kind.
        """
        try:
            told = json.loads(self.board)
        except json.JSONDecodeError:
            told = None
        if not isinstance(told, dict) or not all(_is_of_a_board(*row) for row in told.items()):
            raise ConfigError(
                f"RigConfig.board is {self.board!r}, but must be fields of a board as JSON, such as '{json.dumps(BOARD)}'."
            )
        return told

    def faults(self) -> Any:
        """What goes wrong, as the controller takes it.

        Raises:
            UnknownName: No fault is called that.
            ConfigError: It makes no sense, or is a camera's.
        """
        read = load(HARDWARE, "faults", "hardware")
        return read(self.fault, per_minute=self.faults_per_minute, seed=self.seed)


def _is_of_a_board(name: str, value: Any) -> bool:
    """Whether a board has such a field; a number may be a whole one where any will do."""
    kind = type(BOARD.get(name))
    return type(value) is kind or (kind is float and type(value) is int)


class _Stage:
    """A task's scene as the rig needs it: a short control period, an arm that may go anywhere, cameras that can be bought."""

    def __init__(self, scene: Any, config: RigConfig) -> None:
        lower, upper = ANYWHERE
        settings = scene.bullet if config.workcell == "pybullet" else scene.mujoco
        step = settings.time_step
        period = max(1, round(config.period / step)) * step
        filmed = load(HARDWARE, "filmed", "hardware")
        seen = [filmed(camera) for camera in scene.cameras]
        self.scene = replace(
            scene,
            control_period=period,
            workspace_lower=lower,
            workspace_upper=upper,
            cameras=tuple(spec for _, spec in seen),
        )
        self.models = {spec.name: model for model, spec in seen}


def serve(config: RigConfig, tell: Callable[[Mapping[str, Any]], None]) -> None:
    """Run the rig in this process until it is told to end; what its cameras see is drawn in another one.

    Args:
        config: What stands on its table.
        tell: Told where everything listens, once it does: address, port, and port of questions.

    Raises:
        ConfigError: The task has no scene, or something else listens at the address.
        UnknownName: No task or simulator is called that.
    """
    world = _world(config, _stage(config), cameras=False)
    about = {"task": config.task, "options": to_json(_staged(config).config)}
    painter = _Painter(config, world) if config.cameras else None
    more = {} if painter is None else {"cameras": painter.addresses, "between": painter.show}
    try:
        load(HARDWARE, "rig", "hardware")(
            world,
            config.address,
            about=about,
            faults=config.faults(),
            parent=config.parent,
            tell=tell,
            **more,
        )
    finally:
        if painter is not None:
            painter.close()
        world.close()


def _staged(config: RigConfig) -> Any:
    """What has the scene: a task, or the stage of a calibration."""
    if config.task in STAGES:
        return make_stage(config.task, config.options, board=config.board_fields() or None)
    return make_task(config.task, **config.options)


def _stage(config: RigConfig) -> _Stage:
    scene = getattr(_staged(config), "scene", None)
    if scene is None:
        raise ConfigError(f"Task {config.task!r} has no table to build a rig from.")
    return _Stage(scene, config)


def _world(config: RigConfig, stage: _Stage, *, cameras: bool) -> Workcell:
    workcell: Workcell = load(WORKCELLS, config.workcell, "workcell")(stage, cameras=cameras)
    return workcell


class _Painter(Closing):
    """A process with the same world, which draws the states that it is shown: the arm does not wait for pictures."""

    def __init__(self, config: RigConfig, world: Workcell) -> None:
        assert world.simulation is not None, "a rig is simulated"
        self._simulation = world.simulation
        context = multiprocessing.get_context("spawn")  # a fork would inherit sockets
        self._link, other = context.Pipe()
        self._process = context.Process(target=_paint, args=(config, other), daemon=True)
        self._process.start()
        other.close()
        try:
            self.addresses: Mapping[str, Any] = self._link.recv()
        except EOFError:
            raise ConfigError("The process that draws the rig's pictures did not start.") from None
        self._due, self._idle = 0.0, True

    def show(self) -> None:
        """Let the world be drawn as it is now, at most so many times a second, and never while the last is drawn."""
        now = time.monotonic()
        if not self._idle and self._link.poll():
            self._link.recv()
            self._idle = True
        if self._idle and now >= self._due:
            self._due = max(self._due + 1 / PICTURE_RATE, now)
            self._idle = False
            self._link.send((self._simulation.save(), now))

    def close(self) -> None:
        """End the process; may be called twice."""
        self._link.close()
        self._process.join()


def _paint(config: RigConfig, link: Connection) -> None:
    """What the drawing process does, until the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the rig, which then hangs up
    stage = _stage(config)
    world = _world(config, stage, cameras=True)
    assert world.simulation is not None
    studio = load(HARDWARE, "studio", "hardware")(world.cameras, stage.models)
    try:
        link.send(studio.addresses())
        while True:
            state, moment = link.recv()
            world.simulation.restore(state)
            studio.publish(moment)
            link.send(None)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass  # the rig has ended
    finally:
        studio.close()
        world.close()
