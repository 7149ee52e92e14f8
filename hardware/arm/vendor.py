"""The vendor's client, tamed: SI units and our errors on this side, their quirks on that.

What it guards against, each held by a test of its name:

* Calls that return 0 although the controller has an error: settings go through the client's core layer, which hands on
  the reply's own status, and whatever matters is read back.
* Calls that wait without end (for a pause to be over, for room in the buffer, for all tasks to finish): none is used;
  connecting, which may take minutes, happens in a thread with a deadline.
* The default timeout of all sockets of the process, which connecting changes: it is put back.
* The socket file in the temp folder that the client prefers to the address that it was given: it is forbidden.
* The one port for all controllers of the process: every connection has its own.
* Numbers that are none, which the client sends on: refused here, before anything goes out.
* The folder of its log, which two processes that import it for the first time both make, and one fails: it is made before.
* Codes that come in lists, values that become texts, lines printed to the terminal.

Reports are not read through the client (`reports.py` says why), so it starts none of its threads for them.
"""

from __future__ import annotations

import contextlib
import io
import logging
import math
import socket
import struct
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np

from ibc_gym.closing import Closing
from ibc_gym.errors import RobotFault, SpecMismatch
from ibc_gym.records import Float64, Pose

from . import codes, replies
from .config import CONTROL_PORT
from .replies import Identity, Protection
from .units import MM, millimetres, six_of

Path("~/.UFACTORY/log/xarm/sdk").expanduser().mkdir(parents=True, exist_ok=True)
with contextlib.redirect_stdout(io.StringIO()):
    import xarm.core.utils.log
    import xarm.core.wrapper.uxbus_cmd_tcp
    import xarm.x3.base
    from xarm.core.comm.socket_port import SocketPort
    from xarm.wrapper.xarm_api import XArmAPI

_LOG: Final = logging.getLogger("ibc_gym.xarm")


def _tell(*words: object, **_: object) -> None:
    _LOG.debug("%s", " ".join(map(str, words)))


class _Forward(logging.Handler):
    """Hands the client's own log lines on, where they can be switched on and off like anybody's."""

    def emit(self, record: logging.LogRecord) -> None:
        _tell(record.getMessage())


def _silence() -> None:
    """The client prints from several threads: its modules get a `print` of their own, its loggers another handler."""
    for module in (xarm.x3.base, xarm.core.wrapper.uxbus_cmd_tcp):
        vars(module)["print"] = _tell
    for logger in (xarm.core.utils.log.logger, xarm.core.utils.log.origin_logger):
        logger.handlers.clear()
        logger.addHandler(_Forward())
        logger.setLevel(logging.ERROR)
        logger.propagate = False


_silence()


class _CommandPort(SocketPort):
    """The client's socket for commands; the client itself takes one on any port but its own for one of reports."""

    @property
    def port_type(self) -> str:
        return "main-socket"

    @port_type.setter
    def port_type(self, kind: str) -> None:
        """It was decided by the port's number."""


_connecting = threading.local()
"""In a thread that connects a controller of ours: the port of that one."""


def _open_socket(address: str, port: int, **options: Any) -> Any:
    """What the client opens sockets with, in place of its own class; those of anybody else it opens as ever."""
    ours: int | None = getattr(_connecting, "port", None)
    make: Any = SocketPort if ours is None else _CommandPort  # which have no types
    return make(address, port if ours is None else ours, **options)


vars(xarm.x3.base)["SocketPort"] = _open_socket

POSITION, SERVO, TEACHING, VELOCITY, ONLINE = 0, 1, 2, 4, 6
"""Modes; in that of teaching a hand leads the arm."""
READY, PAUSED, STOPPED = 0, 3, 4
"""States: written, read, both."""
OK, HAS_ERROR, HAS_WARNING, WRONG_LENGTH, NOT_SENT, NOT_READY = 0, 1, 2, 4, 8, 9
"""Codes."""
ALL_JOINTS: Final = 8
UNUSED: Final = (0.35, 8.7, 0.0)
"""Speed, acceleration and time of a servo target, which the controller ignores: the client's own defaults."""

Told = TypeVar("Told")


class CommandFailed(RobotFault):
    """A command that the controller did not take."""

    def __init__(self, command: str, code: int, address: str) -> None:
        """Say which, and how the client calls it."""
        super().__init__(
            f"The controller at {address} did not take {command!r}: {codes.call(code)} (code {code})."
        )
        self.code = code


class Controller(Closing):
    """A connection to one control box; calls may come from several threads and are sent one after another."""

    def __init__(
        self,
        address: str,
        *,
        connect_timeout: float,
        command_timeout: float,
        port: int = CONTROL_PORT,
    ) -> None:
        """Connect.

        Args:
            address: IPv4.
            connect_timeout: For the first answer [s].
            command_timeout: For the answer to every command [s]; enabling the joints has five seconds.
            port: For commands.

        Raises:
            RobotFault: Nobody answers there in time.
        """
        self.address = address
        self._timeout = command_timeout
        make: Any = XArmAPI  # which has no types
        self._api = make(
            address,
            is_radian=True,
            do_not_open=True,
            enable_report=False,
            forbid_uds=True,
            check_is_pause=False,
            check_cmdnum_limit=False,
        )
        self._connect(port, connect_timeout)

    def _connect(self, port: int, timeout: float) -> None:
        before = socket.getdefaulttimeout()
        failed: list[BaseException] = []

        def connect() -> None:
            _connecting.port = port
            try:
                self._api.connect()
            except Exception as error:  # the client raises the bare class
                failed.append(error)

        worker = threading.Thread(target=connect, name=f"connect {self.address}", daemon=True)
        try:
            worker.start()
            worker.join(timeout)
        finally:
            socket.setdefaulttimeout(before)
        if worker.is_alive() or failed or not self._api.connected:
            why = "no answer" if worker.is_alive() else str(failed[0] if failed else "hung up")
            threading.Thread(target=self._api.disconnect, daemon=True).start()  # may take its time
            raise RobotFault(
                f"The control box at {self.address} cannot be reached within {timeout} s ({why}){_at(port)}. Check its power, "
                "the cable and this machine's network, and that no other program holds it."
            )
        self._api.set_timeout(self._timeout)

    def identity(self) -> Identity:
        """Which arm this is, as it said when it was connected."""
        return Identity(
            model=int(self._api.device_type),
            axes=int(self._api.axis),
            firmware=tuple(int(part) for part in self._api.version_number),  # type: ignore[arg-type]
            serial=str(self._api.sn or ""),
        )

    def geometry(self) -> Float64:
        """The controller's Denavit-Hartenberg table: offset [rad], d [m], alpha [rad], a [m] of every joint, (6, 4)."""
        return self._ask("read the geometry", replies.geometry_of, self._api.core.get_dh_params)

    def protection(self) -> Protection:
        """Fence and reduced mode as they are."""
        read = self._api.core.get_reduced_states
        return self._ask("read fence and reduced mode", replies.protection_of, read, 79)

    def errors(self) -> tuple[int, int]:
        """Codes of error and warning, 0 for none."""
        return self._ask("read the errors", replies.errors_of, self._api.core.get_err_code)

    def joints(self) -> Float64:
        """Where the joints are, (6,) [rad]."""
        told = self._ask("read the joints", replies.joints_of, self._api.core.get_joint_pos)
        if not np.isfinite(told).all():
            raise RobotFault(
                f"The controller at {self.address} tells joints that are no numbers, {told.tolist()} rad, where each lies "
                "within a turn or so of 0. Switch its box off and on, and ask the vendor if it goes on."
            )
        return told

    def stop(self) -> None:
        """Stop at once and drop what was commanded; one message, nothing is waited for but its answer."""
        self._order("stop", self._api.core.set_state, STOPPED)

    def clear_warning(self) -> None:
        """Clear the warning."""
        self._order("clear the warning", self._api.core.clean_war)

    def clear_error(self) -> None:
        """Ask for the error to be cleared; whether it was, `errors` says."""
        self._order("clear the error", self._api.core.clean_err)

    def enable(self) -> None:
        """Power the joints and release their brakes; whether they are, a report says."""
        self._order("enable the joints", self._api.core.motion_en, ALL_JOINTS, 1)

    def set_mode(self, mode: int) -> None:
        """Ask for a mode; it needs `be_ready` after it."""
        self._order("set the mode", self._api.core.set_mode, mode, 0)

    def be_ready(self) -> None:
        """Ask for the state in which motion is taken; whether it came, a report says."""
        self._order("be ready to move", self._api.core.set_state, READY)

    def set_fence(self, lower: Sequence[float], upper: Sequence[float]) -> None:
        """Let the controller stop a tool that leaves this box [m]; whole millimetres."""
        lows, highs = millimetres(lower), millimetres(upper)
        sides = [side for pair in zip(highs, lows, strict=True) for side in pair]
        whole = [round(side) for side in _finite(sides, "fence")]
        self._order("set the fence", self._api.core.set_xyz_limits, whole)
        self._order("switch the fence on", self._api.core.set_fense_on, 1)

    def set_reduced(self, on: bool, tip_speed: float, joint_speed: float) -> None:
        """Let the controller limit speeds [m/s, rad/s], or not."""
        core = self._api.core
        speeds = _finite([tip_speed / MM, joint_speed], "reduced speed")
        self._order("set the reduced tip speed", core.set_reduced_linespeed, speeds[0])
        self._order("set the reduced joint speed", core.set_reduced_jointspeed, speeds[1])
        self._order("set the reduced mode", core.set_reduced_mode, int(on))

    def set_collision_sensitivity(self, level: int) -> None:
        """1 to 5. The client's own call would wait for all tasks, and ready the arm by itself."""
        self._order("set the collision sensitivity", self._api.core.set_collis_sens, level)

    def set_tool(self, offset: Pose, payload: float, centre: Sequence[float]) -> None:
        """Tell the controller its tool: flange_T_tool, mass [kg], and centre of mass in the flange's frame [m]."""
        core = self._api.core
        self._order("set the TCP offset", core.set_tcp_offset, _finite(six_of(offset), "offset"))
        load = _finite([payload, *millimetres(centre)], "payload")
        self._order("set the payload", core.set_tcp_load, load[0], load[1:])

    def servo_joints(self, joints: Float64) -> None:
        """Servo mode: go to joints (6,) [rad] at once."""
        target = _seven(_finite(joints, "joint target"))
        self._move("servo_joints", self._api.core.move_servoj, target, *UNUSED)

    def servo_tool(self, pose: Pose) -> None:
        """Servo mode: bring the tool to a pose at once."""
        target = _finite(six_of(pose), "tool pose")
        in_base = 0.0  # the slot of the time says whose axes the pose is in
        self._move("servo_tool", self._api.core.move_servo_cartesian, target, *UNUSED[:2], in_base)

    def plan_joints(self, joints: Float64, speed: float, acceleration: float) -> None:
        """Online mode: go to joints (6,) [rad] instead of where it was going, within [rad/s] and [rad/s^2]."""
        target = _seven(_finite(joints, "joint target"))
        limits = _finite([speed, acceleration], "limit of a motion")
        self._move("plan_joints", self._api.core.move_joint, target, *limits, 0.0)

    def turn_joints(self, speeds: Float64, duration: float) -> None:
        """Velocity mode: turn the joints at speeds (6,) [rad/s] for so long [s] and then stop, unless told again."""
        _finite([duration], "duration")
        if duration <= 0:
            raise SpecMismatch(
                f"Joint speeds for {duration} s would never end; nothing was sent to the arm."
            )
        numbers = _seven(_finite(speeds, "joint speed"))
        together = 1
        self._move("turn_joints", self._api.core.vc_set_jointv, numbers, together, duration)

    def close(self) -> None:
        """Hang up; may be called twice. The arm holds where it was last sent."""
        self._api.disconnect()

    def _move(self, name: str, call: Callable[..., Any], *arguments: Any) -> None:
        """Send a target; unlike a setting it has failed if an error is pending, or if the arm may not move."""
        with self._hearing(name):
            code = _code(call(*arguments))
        if code in (OK, HAS_WARNING) and not self._api.core.state_is_ready:
            code = NOT_READY
        if code not in (OK, HAS_WARNING):
            raise CommandFailed(name, code, self.address)

    def _order(self, name: str, call: Callable[..., Any], *arguments: Any) -> None:
        """Send what has no answer but that it was heard; see `_ask`."""
        self._ask(name, lambda body: None, call, *arguments)

    def _ask(
        self,
        name: str,
        read: Callable[[list[Any]], Told],
        call: Callable[..., Any],
        *arguments: Any,
    ) -> Told:
        """What is read from the body of a reply; a body that is too short for it is a failure like any other.

        A pending error or warning is no failure of the command: reading back tells that.
        """
        with self._hearing(name):
            reply = call(*arguments)
            code = _code(reply)
            if code in (OK, HAS_ERROR, HAS_WARNING):
                return read(list(reply[1:]))
        raise CommandFailed(name, code, self.address)

    @contextlib.contextmanager
    def _hearing(self, name: str) -> Iterator[None]:
        """Whatever fails between a question and its answer is a command that failed."""
        if not self._api.connected:
            raise CommandFailed(name, -1, self.address)
        try:
            yield
        except OSError as error:
            raise CommandFailed(name, NOT_SENT, self.address) from error
        except (ValueError, IndexError, TypeError, struct.error) as error:
            # The client's parser and ours, on a reply that is too short.
            raise CommandFailed(name, WRONG_LENGTH, self.address) from error


def _at(port: int) -> str:
    return "" if port == CONTROL_PORT else f" on port {port}"


def _code(returned: Any) -> int:
    """The code of a call, which comes bare or in a list."""
    return int(returned[0]) if isinstance(returned, list | tuple) else int(returned)


def _seven(joints: list[float]) -> list[float]:
    """The protocol has room for seven joints."""
    return [*joints, 0.0]


def _finite(numbers: Iterable[float], what: str) -> list[float]:
    plain = [float(number) for number in numbers]
    if not all(map(math.isfinite, plain)):
        raise SpecMismatch(f"The {what} {plain} is not finite; nothing was sent to the arm.")
    return plain
