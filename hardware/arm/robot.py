"""The xArm6 on the table, or in the emulated rig: the contract of robots over the vendor's client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.errors import RobotFault
from ibc_gym.records import Float64, RobotLimits, RobotState, Target

from .bring_up import bring_up, make_ready, set_tool
from .config import XArmConfig
from .connection import Connection
from .homing import no_way_on, plan
from .leading import Lead
from .reports import Reports
from .stream import Stream, Unconfirmed, telling
from .targets import Admitted, admit, check
from .timing import Timing
from .vendor import Controller

NEAR: Final = 2e-3
"""Of a measured joint to where it was sent, for the way home to be over [rad]."""
STILL: Final = 5e-3
"""Speed of a joint at rest, as far as it can be measured [rad/s]."""
LOOK: Final = 0.02
"""How often the way home is looked at [s]."""
SLACK: Final = 1e-3
"""By which a reset begins outside of the fence without being refused [m]."""


class XArm(Closing):
    """One arm; it is connected and checked when it is made, and moves only between a `reset` and a `stop`.

    Faults latch: the arm stands, every verb but `observe`, `stop` and `close` raises, until a person has `recover` called.
    """

    may_go: Callable[[], None] | None = None
    """Raises where whoever guards the arm has stopped it; asked before the way home."""

    def __init__(
        self,
        config: XArmConfig,
        *,
        clock: Callable[[], float] = time.monotonic,
        clear_errors: bool = False,
        write_tool: bool = False,
    ) -> None:
        """Connect, and hold the controller against the config; nothing moves.

        Args:
            config: Of this arm.
            clock: Gives the times of `observe` [s].
            clear_errors: Whether a person has looked at the arm and an error of before may be cleared.
            write_tool: Whether a person has looked at the tool and it may be told to the controller.

        Raises:
            ConfigError: Controller and config disagree.
            RobotFault: The controller cannot be reached or has an error.
        """
        self.config = config
        self._clock = clock
        self._kinematics = config.kinematics()
        self._limits = config.limits
        self._stopped, self._closed = True, False
        self._stops = 0
        self._interventions = 0
        self._deadline: float | None = None
        self._deadline_missed = False
        self._counted = 0, 0, 0
        self._lead: Lead | None = None
        self._connection = Connection(config, self._kinematics, clock)
        try:
            if write_tool:
                set_tool(config, self._controller, self._reports)
            bring_up(config, self._controller, self._reports, clear_errors=clear_errors)
            self.serial = self._controller.identity().serial
            """As the controller has it."""
            self._before = self._here()
        except BaseException:
            self._connection.close()
            raise

    @property
    def limits(self) -> RobotLimits:
        """The workspace of the tip, and the control period."""
        return self._limits

    @property
    def fault(self) -> RobotFault | None:
        """What stopped the arm and has not been cleared."""
        return self._stream.fault

    @property
    def timing(self) -> Timing:
        """How well the stream kept its deadlines since the arm was connected for the first time."""
        return self._stream.timing

    def reset(self, home: Target | None = None) -> None:
        """Lift the tip, cross the table, and come down at `home`; returns at rest there, or raises within a known time.

        Raises:
            SpecMismatch: The home is not finite or of the wrong shape; nothing moves.
            RobotFault: The arm has a fault, or one occurred on the way, or another thread stopped it meanwhile.
        """
        stops = self._stops
        self._raise_fault()
        if self._lead is not None:
            raise RobotFault(
                f"The arm at {self.config.address} is in somebody's hands; it goes nowhere meanwhile."
            )
        if home is not None:
            check(home)
        self._deadline, self._deadline_missed = None, False
        self._count_anew()
        if self.may_go is not None:  # asked now that stops are counted: none is between the two
            self.may_go()
        here = self._start(stops)
        goal = admit(
            home or Target(joints=self.config.home()), self._kinematics, self._limits, here
        )
        until = self._clock() + self.config.reset_timeout
        try:
            for leg in plan(self.config, self._kinematics, here, goal):
                self._go(leg, until, stops)
        except BaseException:  # Ctrl-C, too, must not leave it half way and ready
            self.stop()
            raise
        self._stream.confine(*self._box())
        self._count_anew()  # of the way home nothing belongs to the episode
        self._before = goal

    def observe(self) -> RobotState:
        """The newest measurement, with the time at which it arrived; while there is a fault, the last one before.

        Raises:
            RobotFault: There has been none yet; or a hand led the arm, and the controller has left off bearing it.
        """
        if self._lead is not None:
            self._lead.watch()
        motion = self._reports.motion
        if motion is None:
            raise RobotFault(f"The arm at {self.config.address} has reported nothing yet.")
        due, late, abandoned = self._stream.counts
        return RobotState(
            time=motion.time,
            joints=motion.joints.copy(),
            joint_velocities=self._reports.velocities(),
            tool=self._kinematics.forward(motion.joints),
            target=Target(tool=self._before.tool),
            deadline_missed=self._deadline_missed,
            interventions=self._interventions + abandoned - self._counted[2],
            setpoints=due - self._counted[0],
            setpoints_late=late - self._counted[1],
        )

    def command(self, target: Target) -> Target:
        """Go to a target within this control period; gives what is really sent, within workspace, reach and ranges.

        Raises:
            SpecMismatch: It names neither joints nor tool, or both, or is not finite; nothing was sent.
            RobotFault: The arm has a fault.
        """
        self._raise_fault()
        check(target)
        if self._stopped:
            self._interventions += 1
            return self._before.target
        admitted = admit(target, self._kinematics, self._limits, self._before)
        self._interventions += admitted.changed
        self._before = admitted
        # Straight with the tool even where it was named by joints: their own straight line would leave a flat workspace.
        self._stream.aim(admitted.joints, admitted.tool, tip_speed=self.config.tip_speed)
        if self._deadline is None:  # the first target after a reset begins the first period
            self._deadline = self._clock() + self.config.control_period
        return admitted.target

    def advance(self) -> None:
        """Sleep until the control period is over; at once where it is over already, which the next state says.

        Raises:
            RobotFault: The arm has a fault, or stops while this sleeps.
        """
        self._raise_fault()
        self._stream.touch()
        period = self.config.control_period
        now = self._clock()
        deadline = now + period if self._deadline is None else self._deadline
        self._deadline_missed = now > deadline
        self._stream.faulted.wait(max(0.0, deadline - now))
        self._raise_fault()
        # A late period moves the grid: two short periods after a long one would be no periods.
        self._deadline = max(deadline, now) + period

    def stop(self) -> None:
        """Stop the arm now; it stands until the next reset. May be called from any thread."""
        self._stops += 1  # first: a reset that is under way sees this, or that the arm was stopped
        self._stopped = True
        if self._closed:
            return
        try:
            self._stream.halt()
        except Exception as error:  # whatever it is, the arm may go on, and this must not raise
            if self._stream.fault is None:
                self._stream.fail(error)

    @contextmanager
    def led(self) -> Iterator[None]:
        """Let a hand lead the arm for the length of a block: the controller bears its weight, and nothing is streamed.

        Raises:
            RobotFault: The arm has a fault, or the controller does not let it be led; or afterwards it does not come to rest.
        """
        self._raise_fault()
        self.stop()
        stops = self._stops
        lead = Lead(self.config, self._controller, self._reports, self._stream, self._clock)
        try:
            lead.begin()
            self._lead = lead
            self._raise_stopped(stops)
            yield
        finally:  # whatever ended it, a soft arm would be worse news
            self._lead = None
            lead.end(self.stop)
        self._before = self._here()

    def recover(self) -> None:
        """Connect anew where that is needed, hold the controller against the config again, and clear the error.

        Joints are powered only once everything has agreed.

        Raises:
            RobotFault: The cause is still there; the arm stands still.
            ConfigError: The controller came back with another setup.
        """
        if self._stream.fault is None:
            return
        self._stopped = True
        try:
            if not self._connection.stands:
                self._connection.renew(self._stream.fault)
            bring_up(self.config, self._controller, self._reports, clear_errors=True)
            make_ready(self.config, self._controller, self._reports)
            self._controller.stop()  # proven ready; it stands until the reset
        except RobotFault as error:
            raise RobotFault(f"{error} The arm stays stopped.") from error
        self._before = self._here()
        self._stream.clear()

    def close(self) -> None:
        """Stop the arm and hang up; may be called twice.

        Raises:
            RobotFault: Nobody knows whether it stopped, and nothing has said so yet. The connection is closed all the same.
        """
        if self._closed:
            return
        self.stop()
        self._closed = True
        self._connection.close()
        fault = self._stream.fault
        if isinstance(fault, Unconfirmed) and not fault.told:
            raise telling(fault)

    @property
    def _controller(self) -> Controller:
        return self._connection.controller

    @property
    def _reports(self) -> Reports:
        return self._connection.reports

    @property
    def _stream(self) -> Stream:
        return self._connection.stream

    def _count_anew(self) -> None:
        """What the next states count begins here."""
        self._interventions, self._counted = 0, self._stream.counts

    def _start(self, stops: int) -> Admitted:
        """Make the arm ready and stream from where it is, unless it was stopped meanwhile; gives that place."""
        config = self.config
        if self._stopped or not self._stream.streaming:
            try:
                make_ready(config, self._controller, self._reports)
            except RobotFault as error:
                raise telling(self._stream.fail(error)) from error
            here = self._here()
            box = np.array(config.fence_lower), np.array(config.fence_upper)
            tip = here.tool.position
            if (tip < box[0] - SLACK).any() or (tip > box[1] + SLACK).any():
                self.stop()
                raise RobotFault(
                    f"The tip of the arm at {config.address} is at {tip.round(4).tolist()} m, outside of the fence "
                    f"{config.fence_lower} to {config.fence_upper} m. Move it back by hand in the vendor's manual mode."
                )
            self._stream.begin(here.joints, *box)
            self._stopped = False
            self._raise_stopped(stops)
            return here
        self._stream.stay()
        self._stream.confine(np.array(config.fence_lower), np.array(config.fence_upper))
        joints = self._stream.here
        return Admitted(joints=joints, tool=self._kinematics.forward(joints))

    def _here(self) -> Admitted:
        """Where the arm is at rest, as a target."""
        motion = self._reports.wait_motion(
            lambda each: bool(np.abs(self._reports.velocities()).max() < STILL),
            after=self._clock(),
            timeout=self.config.ready_timeout,
        )
        return Admitted(joints=motion.joints, tool=self._kinematics.forward(motion.joints))

    def _go(self, leg: Admitted, until: float, stops: int) -> None:
        """Go to a place and come to rest there, unless the arm is stopped meanwhile."""
        speed = min(self.config.reset_speed, self.config.tip_speed)
        self._stream.aim(leg.joints, None if leg.by_joints else leg.tool, tip_speed=speed)
        while True:
            self._raise_fault()
            self._raise_stopped(stops)
            self._stream.touch()
            if self._stream.abandoned:
                raise no_way_on(self.config, self._kinematics, self._stream.here, leg)
            motion = self._reports.motion
            if motion is not None and self._stream.arrived and self._rests_at(leg.joints):
                return
            if self._clock() > until:
                away = np.inf if motion is None else float(np.abs(motion.joints - leg.joints).max())
                late = RobotFault(
                    f"The arm at {self.config.address} did not come home within {self.config.reset_timeout} s: a joint is "
                    f"{away:.3f} rad away."
                )
                raise telling(self._stream.fail(late))
            self._stream.faulted.wait(LOOK)

    def _rests_at(self, joints: Float64) -> bool:
        motion = self._reports.motion
        assert motion is not None
        return bool(
            np.abs(motion.joints - joints).max() < NEAR
            and np.abs(self._reports.velocities()).max() < STILL
        )

    def _raise_stopped(self, stops: int) -> None:
        """Stop again, and say so, if there was a stop since there were so many."""
        if self._stops != stops:
            self.stop()
            raise RobotFault(
                f"The arm at {self.config.address} was stopped on its way, and stands there. Find out who did that."
            )

    def _box(self) -> tuple[Float64, Float64]:
        return np.array(self._limits.lower), np.array(self._limits.upper)

    def _raise_fault(self) -> None:
        fault = self._stream.fault
        if fault is None and not self._closed and not self._stream.alive:
            fault = self._stream.fail(
                RobotFault(
                    f"What sends targets to the arm at {self.config.address} has ended, which is a fault of ours."
                )
            )
        if fault is not None:
            raise RobotFault(str(fault)) from telling(fault)
        if self._closed:
            raise RobotFault(f"The connection to the arm at {self.config.address} was closed.")
