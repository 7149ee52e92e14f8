"""Demonstrations by a person, or by a policy that a person takes over from; in simulation and on any workcell.

One environment, one episode after another, paced in real time. Every episode is on the disk before the next one begins,
so whatever happens then, it is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ibc_gym.braking import ESCAPE, braked
from ibc_gym.contracts import Judge, Recoverable, Watched
from ibc_gym.data import storage
from ibc_gym.data.demonstration import Demonstration
from ibc_gym.data.episode_buffer import EpisodeBuffer
from ibc_gym.data.metadata import Metadata
from ibc_gym.data.recorder import Recorder
from ibc_gym.errors import IbcGymError, RobotFault, Stopped
from ibc_gym.lock import only_writer
from ibc_gym.person_stage import PersonStage, RecordByPersonConfig
from ibc_gym.record import STATE, RecordSummary, seeds_there
from ibc_gym.records import Bool, Float32
from ibc_gym.rollout import Transition

GLANCE: Final = 0.05
"""How often a hand is looked at while it is waited for [s]."""
KEPT: Final = ("next", "success", "failure", "stop")
"""What ends an episode that is kept."""
DROPPED: Final = ("redo", "discard")
"""What ends one that is not."""
VERDICTS: Final = {"success": True, "failure": False}


@dataclass(frozen=True, kw_only=True)
class PersonSummary(RecordSummary):
    """How far a recording by a person is."""

    redone: int = 0
    """Episodes dropped and begun again."""
    discarded: int = 0
    """Episodes dropped and passed over; the same command asks for them again."""
    faults: int = 0
    """Episodes that a fault of the robot cut off; what there is of them is kept and marked."""
    stopped: bool = False
    """Whether the person ended the recording."""


OnProgress = Callable[[PersonSummary], None]
"""Told how far it is."""
Say = Callable[[str], None]
"""Told a line."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a recording hears and says, and its time."""

    on_begin: OnProgress = lambda summary: None
    """Told once, before the first episode, what is there already."""
    on_progress: OnProgress = lambda summary: None
    """Told after every episode."""
    say: Say = lambda line: None
    """Told what the person should read."""
    status: Say = lambda line: None
    """Told at every step how the episode goes."""
    clock: Callable[[], float] = time.monotonic
    """[s]"""
    sleep: Callable[[float], None] = time.sleep
    """Waits so long [s]."""


def record_by_person(
    config: RecordByPersonConfig, around: Surroundings | None = None
) -> PersonSummary:
    """Record until all episodes are there or the person stops; run again, it does what is missing.

    Args:
        config: What to record.
        around: Who is told, and the time.

    Raises:
        ConfigError: A setting does not serve, the device is not there, or another process is recording there.
        UnknownName: There is no such task, workcell or device.
        MissingDependency: The device's library is not installed.
        SpecMismatch: The folder holds other demonstrations, or the policy was made for something else.
        IbcGymError: Robot, camera or device failed; the robot was stopped, the episode is kept and marked.
    """
    around = around or Surroundings()
    with PersonStage(config) as stage:
        storage.create(config.out, stage.metadata)
        with only_writer(config.out, "recording"):
            summary, seeds = _missing(config, stage.metadata)
            around.on_begin(summary)
            if stage.view is not None:
                around.say(f"The live picture is at {stage.view.address}")
            only = config.successes_only
            with Recorder(config.out, stage.metadata, successes_only=only) as recorder:
                return _Session(stage, recorder, around).run(summary, seeds)


def _missing(config: RecordByPersonConfig, metadata: Metadata) -> tuple[PersonSummary, list[int]]:
    there, episodes = seeds_there(config.out, metadata)
    wanted = range(config.seed, config.seed + config.episodes)
    seeds = [seed for seed in wanted if seed not in there]
    present = len(wanted) - len(seeds)
    summary = PersonSummary(
        out=config.out, wanted=len(wanted), present=present, others=episodes - present
    )
    return summary, seeds


class _Session:
    """Episode after episode."""

    def __init__(self, stage: PersonStage, recorder: Recorder, around: Surroundings) -> None:
        self._stage, self._recorder, self._around = stage, recorder, around
        self._operator = stage.operator
        self._cell = stage.env.workcell
        self._simulated = self._cell.simulation is not None
        self._period = stage.env.task.control_period / stage.config.pace
        self._asked: list[str] = []
        self._head = ""

    def run(self, summary: PersonSummary, seeds: Sequence[int]) -> PersonSummary:
        """One episode per seed, and again where the person wants it."""
        started, waiting = self._around.clock(), list(seeds)
        while waiting and not summary.stopped:
            self._head = f"{summary.wanted - len(waiting) + 1} of {summary.wanted}"
            try:
                done, ask = self._episode(waiting[0])
            except RobotFault as fault:
                self._clear(fault)
                summary = replace(summary, faults=summary.faults + 1)
                continue
            if done is not None:
                self._recorder.append(done)
            summary = replace(
                summary,
                done=summary.done + (done is not None),
                successes=summary.successes + (done is not None and bool(done.success)),
                redone=summary.redone + (ask == "redo"),
                discarded=summary.discarded + (ask == "discard"),
                stopped=ask == "stop",
                written=self._recorder.summary.episodes,
                steps=self._recorder.summary.steps,
                seconds=self._around.clock() - started,
            )
            self._around.say(f"Episode {self._head}: {_ended(done, ask)}")
            self._around.on_progress(summary)
            if ask != "redo":
                waiting.pop(0)
        return summary

    def _episode(self, seed: int) -> tuple[Demonstration | None, str | None]:
        """The episode, None if it is dropped; and what ended it, None if it ended by itself."""
        buffer = EpisodeBuffer(1, self._recorder.metadata.observation_space.spaces)
        try:
            ask = self._stoppable_steps(seed, buffer)
            if isinstance(self._cell.robot, Watched):
                self._cell.robot.rest()  # a person may take minutes to judge
            if ask in DROPPED or not buffer.under_way():
                return None, ask
            verdict, ask = self._verdict(ask)
            return (None if ask in DROPPED else _closed(buffer, ask, verdict)), ask
        except BaseException as error:  # an interrupt from the keyboard, too
            self._cell.robot.stop()
            if isinstance(error, IbcGymError) and buffer.under_way():
                cut_off = buffer.finish(0, fault=f"{type(error).__name__}: {error}")
                self._recorder.append(cut_off)
                self._around.say(f"The {cut_off.length} steps until then are kept, and marked.")
            raise

    def _stoppable_steps(self, seed: int, buffer: EpisodeBuffer) -> str | None:
        """`_steps`; Esc stops an arm in real time at once, on its way home or while a policy is busy, and means the same."""
        try:
            with braked(self._stage.config.workcell, self._cell.robot, ESCAPE):
                return self._steps(seed, buffer)
        except Stopped as stopped:
            self._around.say(f"{stopped}")  # above all if the arm did not hear it
            self._forget()  # or it is heard that the terminal is gone
            return "stop"

    def _steps(self, seed: int, buffer: EpisodeBuffer) -> str | None:
        """Act until the episode ends, or the person ends it; gives by what."""
        mask: Bool = np.ones(1, dtype=np.bool_)
        envs = self._stage.envs
        seen, info = envs.reset(seed=[seed], options={"reset_mask": mask})
        self._operator.reset(mask, [seed])
        self._asked.clear()
        buffer.begin(mask, [seed], info)
        if self._cell.simulation is not None:
            buffer.facts[0][STATE] = np.asarray(self._cell.simulation.save())
        action, step = self._first(seen), 0
        due = self._around.clock()
        while not self._asked:
            step, due = step + 1, due + self._period
            following, reward, terminated, truncated, info = envs.step(action)
            transition = Transition(
                active=mask,
                observation=seen,
                action=action,
                reward=reward,
                terminated=terminated,
                truncated=truncated,
                next_observation=following,
                info={**info, **self._by_whom()},
            )
            buffer.add(transition)
            seen = following
            self._show(seen, step)
            if transition.ended[0]:
                return None
            due = self._until(due)
            action = self._act(seen)
        return self._asked[0]

    def _first(self, seen: Mapping[str, Any]) -> Float32:
        """The first action. Simulated time waits until the person begins; the real one does not."""
        action = self._act(seen)
        self._show(seen, 0)
        while True:
            self._asked = [ask for ask in self._asked if ask in (*DROPPED, "stop")]
            if self._asked or self._operator.moving or not self._simulated:
                return action
            self._around.sleep(GLANCE)
            action = self._act(seen)
            self._show(seen, 0)

    def _act(self, seen: Mapping[str, Any]) -> Float32:
        """What the person does, or the policy; what was asked for meanwhile is kept."""
        action = self._operator.act(seen)
        self._asked += [ask for ask in self._operator.asked() if ask in (*KEPT, *DROPPED)]
        return action

    def _until(self, due: float) -> float:
        """Let a simulation take its time; gives when the period really began, later if there was no time left."""
        if not self._simulated:
            return due  # a real robot has waited already
        left = due - self._around.clock()
        if left < 0:
            return due - left
        self._around.sleep(left)
        return due

    def _by_whom(self) -> dict[str, Any]:
        """Who chose the action, where that is not always the person, and what the policy wanted."""
        wanted = getattr(self._operator, "policys_action", None)
        if wanted is None:
            return {}
        by_person = bool(getattr(self._operator, "by_person"))  # noqa: B009 - a policy is taken over from
        return {"by_person": np.array([by_person]), "action_policy": wanted}

    def _verdict(self, ask: str | None) -> tuple[bool | None, str | None]:
        """What the person says of the episode, None where it is measured; and what became of the wish that ended it."""
        scene = self._cell.scene
        if scene.poses() is not None:
            return None, ask
        said = VERDICTS.get(ask or "", scene.verdict())
        if said is None and isinstance(scene, Judge):
            said = scene.judge()
        if said is not None:
            return said, ask
        self._forget()
        self._around.say("Was that a success? y yes, n no, backspace drop it, left arrow again")
        answer = self._answer((*VERDICTS, *DROPPED))
        return (None, answer) if answer in DROPPED else (VERDICTS[answer], ask)

    def _answer(self, answers: Sequence[str]) -> str:
        """Wait until the person asks for one of these."""
        while True:
            self._around.sleep(GLANCE)
            self._operator.look()
            for answer in self._operator.asked():
                if answer in answers:
                    return answer

    def _forget(self) -> None:
        """What was asked for before a question is no answer to it."""
        self._operator.look()
        self._operator.asked()

    def _clear(self, fault: RobotFault) -> None:
        """Let the person see to what stopped the robot, and clear it; the same episode begins again.

        Raises:
            RobotFault: The person does not want to go on, or the robot cannot be cleared.
        """
        robot = self._cell.robot
        if not isinstance(robot, Recoverable):
            raise fault
        self._around.say(f"{fault}")
        while True:
            self._forget()
            self._around.say("Look at the robot. Y: it is safe, clear it and go on. Esc: end here.")
            if self._answer(("success", "stop")) == "stop":
                raise fault
            try:
                robot.recover()
                return
            except RobotFault as still:
                self._around.say(f"{still}")

    def _show(self, seen: Mapping[str, Any], step: int) -> None:
        horizon = self._stage.env.task.horizon
        what = f"step {step}/{horizon}" if step or not self._simulated else "move to begin"
        words = f"{self._head}  {what}  {self._operator.words}"
        self._around.status(words)
        if self._stage.view is not None and (picture := self._stage.picture(seen)) is not None:
            self._stage.view.show(np.array(picture), words)


def _closed(buffer: EpisodeBuffer, ask: str | None, verdict: bool | None) -> Demonstration:
    """The episode as it is stored: what a person ended is truncated, what a person judged is judged so."""
    done = buffer.finish(0)
    if ask is not None:
        done.steps["truncated"][-1] = True
    if verdict is None:
        return done
    done.steps["success"][-1] = verdict
    return replace(done, success=verdict)


def _ended(done: Demonstration | None, ask: str | None) -> str:
    if done is None:
        return {"redo": "dropped, once more", "discard": "dropped"}.get(ask or "", "not begun")
    return f"{'success' if done.success else 'failure'}, {done.length} steps"
