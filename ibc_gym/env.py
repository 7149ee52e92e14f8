"""A workcell and a task, stepped: the one environment, simulated or real."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from ibc_gym.contracts import Judge, Task, Watched, Workcell
from ibc_gym.disturbance import SENSING, Disturbance, Seen
from ibc_gym.errors import ConfigError, SpecMismatch
from ibc_gym.records import (
    Float32,
    Float64,
    Progress,
    RobotState,
    Situation,
    Start,
    Target,
    UInt8,
    Variation,
)
from ibc_gym.sight import Sight, image_keys

OBSERVATIONS = ("state", "image", "state+image")
"""What an environment can be asked to show."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Snapshot:
    """Everything that the rest of an episode depends on; `Env.restore` continues bit for bit."""

    simulation: Float64
    """(S,), as the simulator gave it."""
    previous: Target
    progress: Progress
    step: int
    action_sent: Float32
    """(A,), what the last step sent."""
    rng: Mapping[str, Any]
    variation: Variation = field(default_factory=dict)
    pending: tuple[Seen, ...] = ()
    """Observations that come late."""
    shown: Seen | None = None
    """What was seen last, where noise or delay make it differ from what is."""


class Env(gymnasium.Env[dict[str, Any], Float32]):
    """A `gymnasium.Env` over a workcell and a task.

    Observations are dictionaries: "state" (what needs poses), "robot" (the robot's own state), and "image", or
    "image.<camera>" where there are several cameras. `info` holds, at every step, `is_success` and `success`,
    `action_sent` (what the robot's limits left of the action), `capture_time` [s] and `frame_number` of every
    source, `deadline_missed`, `interventions`, and the task's progress by name; where an arm's controller is
    streamed to `setpoints` and `setpoints_late`; at a reset also `variation`, where
    the episode's world differs from its description.
    """

    metadata: dict[str, Any] = {"render_modes": ["rgb_array"]}  # noqa: RUF012 - as Gymnasium has it

    def __init__(
        self,
        task: Task,
        workcell: Workcell,
        *,
        observation: str = "state",
        render_mode: str | None = None,
    ) -> None:
        """Join a task with the workcell it happens in; the environment closes the workcell.

        Args:
            task: What is to be done.
            workcell: Where; it must have a camera if images are observed or rendered.
            observation: One of `OBSERVATIONS`.
            render_mode: "rgb_array" (the first camera's picture) or None.

        Raises:
            ConfigError: The workcell lacks what is asked for.
        """
        self.task = task
        self.workcell = workcell
        self.render_mode = render_mode
        self.metadata = {**Env.metadata, "render_fps": round(1 / task.control_period)}
        self._inputs = _inputs(task, workcell, observation, render_mode)
        self._shows = spaces.Dict(self._inputs)
        self.observation_space = self._shows
        self.action_space: spaces.Box = task.action_space  # type: ignore[assignment]
        self._sight = Sight(
            workcell.cameras, self._inputs, task.control_period, renders=render_mode is not None
        )
        self._previous = Target()
        self._action_sent: Float32 = np.zeros(self.action_space.shape or (), dtype=np.float32)
        self._variation: Variation = {}
        self._disturbance = Disturbance()
        self._shown: Seen | None = None
        self._progress: Progress | None = None
        self._verdict: bool | None = None
        self._step = 0
        self._over = False
        self._closed = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Begin an episode; the same seed begins the same one.

        A camera that is just being had back is waited for, as long as its return may take: nothing moves meanwhile.

        Args:
            seed: Reseeds the environment's generator.
            options: {"start": Start} begins from that start instead of a drawn one.

        Raises:
            ConfigError: The start is none, there is another option, or the environment is closed.
            IbcGymError: Robot, scene or camera failed; the robot has been stopped.
        """
        self._check_open()
        strange = sorted(set(options or {}) - {"start"})
        if strange:
            raise ConfigError(f"reset has no option {strange[0]!r}; it has 'start'.")
        super().reset(seed=seed)
        start = (options or {}).get("start") or self.task.sample(self.np_random)
        if not isinstance(start, Start):
            raise ConfigError(
                f"reset's option 'start' must be a Start, not {type(start).__name__}."
            )
        with self._errors_stop_the_robot():
            return self._begin(start)

    def step(self, action: Float32) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        """Send an action, let one control period pass, and look again.

        Raises:
            ConfigError: No episode is under way; nothing was sent.
            SpecMismatch: The action has the wrong shape or is not finite; nothing was sent.
            RobotFault: The robot reported an error. As after every error but those above, it has been stopped, and
                the next call must be `reset` or `close`.
            CameraTimeout: A camera shows an old picture.
        """
        self._check_open()
        if self._progress is None:
            raise ConfigError("Call reset() before step(): no episode is under way.")
        if self._over:
            raise ConfigError(
                f"Call reset() before step(): the episode ended at step {self._step}, as step() said."
            )
        asked = self._checked(action)
        with self._errors_stop_the_robot():
            return self._go_on(asked, self._progress)

    def render(self) -> UInt8 | None:
        """The first camera's picture, (H, W, 3); None without a render mode."""
        if self.render_mode is None:
            return None
        return next(iter(self.workcell.cameras.values())).read().image

    def close(self) -> None:
        """Stop the robot and let go of everything; may be called twice."""
        self._closed = True
        self.workcell.close()

    def save(self) -> Snapshot:
        """Everything that the rest of the episode depends on.

        Raises:
            ConfigError: The workcell is not simulated, or no episode has begun.
        """
        if self.workcell.simulation is None or self._progress is None:
            raise ConfigError(
                f"Nothing to save in workcell {self.workcell.name!r}: "
                "only a simulated workcell with an episode under way has a state."
            )
        return Snapshot(
            simulation=self.workcell.simulation.save(),
            previous=self._previous,
            progress=dict(self._progress),
            step=self._step,
            action_sent=self._action_sent.copy(),
            rng=copy.deepcopy(self.np_random.bit_generator.state),
            variation=self._variation,
            pending=self._disturbance.pending,
            shown=self._shown if self._disturbance.on else None,
        )

    def restore(self, snapshot: Snapshot) -> tuple[dict[str, Any], dict[str, Any]]:
        """Continue from a snapshot; gives the observation and info of that instant.

        Raises:
            ConfigError: It is no snapshot, the workcell is not simulated, or the environment is closed.
        """
        self._check_open()
        if not isinstance(snapshot, Snapshot):
            raise ConfigError(
                f"restore takes what save gave, a Snapshot, not {type(snapshot).__name__}."
            )
        if self.workcell.simulation is None:
            raise ConfigError(f"Workcell {self.workcell.name!r} is not simulated.")
        self._vary(snapshot.variation)
        self._disturbance.pending = snapshot.pending
        self.workcell.simulation.restore(snapshot.simulation)
        self._previous = snapshot.previous
        self._progress = dict(snapshot.progress)
        self._step = snapshot.step
        self._over = self._terminated(self._progress) or self._step >= self.task.horizon
        self._action_sent = snapshot.action_sent.copy()
        self._sight.forget()  # the picture of this instant may be looked at again
        self.np_random.bit_generator.state = copy.deepcopy(dict(snapshot.rng))
        return self._observe(self._situation(self.workcell.robot.observe()), snapshot.shown)

    def _begin(self, start: Start) -> tuple[dict[str, Any], dict[str, Any]]:
        self._vary(start.variation)
        self.workcell.robot.reset(start.home)
        self._sight.wait()
        self.workcell.scene.arrange(start.layout)
        self._sight.wait()  # again: a person may have taken minutes
        self._step = 0
        self._over = False
        self._sight.forget()
        robot = self.workcell.robot.observe()
        self._previous = robot.target
        self._action_sent = self.task.action(self._previous, self._previous)
        situation = self._situation(robot)
        self._progress = self._measure(situation, None)
        observation, info = self._observe(situation)
        unseen = sorted(self._inputs.keys() - observation.keys())
        if unseen:
            raise ConfigError(
                f"Nothing in workcell {self.workcell.name!r} measures the poses that {unseen[0]!r} is made of; "
                'observe "image".'
            )
        if start.variation:
            info["variation"] = dict(start.variation)
        return observation, info

    def _go_on(
        self, asked: Float32, before: Progress
    ) -> tuple[dict[str, Any], float, bool, bool, dict[str, Any]]:
        robot = self.workcell.robot
        action = self._disturbance.act(asked, self.task.action_space, self.np_random)
        sent = robot.command(self.task.target(action, self._previous))
        robot.advance()
        self._action_sent = self.task.action(sent, self._previous)
        self._previous = sent
        self._step += 1
        situation = self._situation(robot.observe())
        progress = self._progress = self._measure(situation, before)
        observation, info = self._observe(situation)
        terminated = self._terminated(progress) or self._verdict is not None
        truncated = not terminated and self._step >= self.task.horizon
        self._over = terminated or truncated
        if self._over and isinstance(robot, Watched):
            robot.rest()  # what comes next may take a person minutes
        scene = self.workcell.scene
        if truncated and not progress and isinstance(scene, Judge):
            info["is_success"] = info["success"] = scene.judge()
        reward = self.task.reward(progress) if progress else 0.0
        return observation, reward, terminated, truncated, info

    def _vary(self, variation: Variation) -> None:
        """Make the world what the variation says, if it is not so already."""
        of_the_world = {name: variation[name] for name in variation if name not in SENSING}
        if self.workcell.variable is not None:
            self.workcell.variable.vary(of_the_world)
        elif of_the_world:
            raise ConfigError(
                f"Workcell {self.workcell.name!r} cannot change {', '.join(of_the_world)} from episode to episode; "
                f"of a task's randomisation it takes {', '.join(SENSING)} alone."
            )
        self._variation = dict(variation)
        self._disturbance = Disturbance(variation)

    def _terminated(self, progress: Progress) -> bool:
        return bool(progress) and self.task.terminated(progress)

    def _check_open(self) -> None:
        if self._closed:
            raise ConfigError("The environment is closed; make a new one to go on.")

    @contextmanager
    def _errors_stop_the_robot(self) -> Iterator[None]:
        """Whatever is raised within the block stops the arm first, ends the episode, and is then raised."""
        try:
            yield
        except BaseException as error:  # an interrupt from the keyboard, too
            self._progress = None
            try:
                self.workcell.robot.stop()
            except Exception as second:
                error.add_note(
                    f"The robot could not be stopped, either ({second!r}): it may still move."
                )
            raise

    def _checked(self, action: Float32) -> Float32:
        asked = np.asarray(action, dtype=np.float32)
        space = self.task.action_space
        if asked.shape != space.shape:
            raise SpecMismatch(
                f"Action has shape {asked.shape}, but {self.task.name!r} takes {space.shape}. "
                "Was the policy trained on another task? Its checkpoint says which."
            )
        if not np.isfinite(asked).all():
            raise SpecMismatch(
                f"Action {asked} for {self.task.name!r} at step {self._step} is not finite; nothing was sent."
            )
        return np.clip(asked, space.low, space.high)

    def _situation(self, robot: RobotState) -> Situation:
        contacts = self.workcell.contacts
        return Situation(
            robot=robot,
            poses=self.workcell.scene.poses(),
            step=self._step,
            penetration=0.0 if contacts is None else contacts.penetration,
            variation=self._variation,
        )

    def _measure(self, situation: Situation, before: Progress | None) -> Progress:
        return {} if situation.poses is None else self.task.measure(situation, before)

    def _observe(
        self, situation: Situation, shown: Seen | None = None
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The observation and info of this instant; `shown` is given back as what is seen, if it is known."""
        features = self.task.features(situation)
        observation: dict[str, Any] = {
            key: features[key] for key in self._inputs if key in features
        }
        times = {"robot": situation.robot.time}
        for key, name, frame in self._sight.look(situation.robot.time, self._step):
            observation[key] = frame.image
            times[name] = frame.time
        now = {"capture_time": times, "frame_number": dict(self._sight.numbers)}
        self._shown = shown or self._disturbance.show(observation, now, self._shows, self.np_random)
        observation, taken = self._shown[0].copy(), self._shown[1]
        progress = self._progress or {}
        verdict = self._verdict = self.workcell.scene.verdict()
        success = bool(progress) and self.task.success(progress) if verdict is None else verdict
        info: dict[str, Any] = {
            **progress,
            "is_success": success,
            "success": success,
            "action_sent": self._action_sent.copy(),
            **taken,
            "deadline_missed": situation.robot.deadline_missed,
            "interventions": situation.robot.interventions,
        }
        if situation.robot.setpoints is not None:
            info["setpoints"] = situation.robot.setpoints
            info["setpoints_late"] = situation.robot.setpoints_late
        return observation, info


def _inputs(
    task: Task, workcell: Workcell, observation: str, render_mode: str | None
) -> dict[str, spaces.Space[Any]]:
    if observation not in OBSERVATIONS:
        raise ConfigError(f"observation={observation!r} is not one of {', '.join(OBSERVATIONS)}.")
    if render_mode not in (None, *Env.metadata["render_modes"]):
        raise ConfigError(f"render_mode={render_mode!r} is not known; use 'rgb_array' or None.")
    wants_images = "image" in observation
    if (wants_images or render_mode) and not workcell.cameras:
        raise ConfigError(f"Workcell {workcell.name!r} has no camera for {task.name!r}.")
    wanted = {"state": "state" in observation, "robot": wants_images}
    inputs: dict[str, spaces.Space[Any]] = {
        key: space for key, space in task.feature_spaces.items() if wanted.get(key, True)
    }
    if wants_images:
        for key, name in image_keys(workcell.cameras).items():
            spec = workcell.cameras[name].spec
            inputs[key] = spaces.Box(0, 255, (spec.height, spec.width, 3), np.uint8)
    return inputs
