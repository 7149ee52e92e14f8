"""The controller's sockets: commands on one port, reports on three, served between two periods of motion by whoever polls.

Nothing here has a thread. `tick` serves what has come and lets one control period pass; a program that keeps real time
calls `serve` until the next deadline and then `step`.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterable
from typing import Final

from ibc_gym.closing import Closing
from ibc_gym.contracts import Robot
from ibc_gym.errors import ConfigError

from .calls import Call
from .configuration import Identity
from .connection import MOST_UNSENT, Connection
from .core import Core
from .faults import Fault, FaultSchedule
from .frames import FrameError, Request, decode_requests, encode_notice, encode_reply
from .registers import answer
from .reports import RATES, report

CONTROL_PORT: Final = 502
"""Where the vendor's client expects the controller."""
OTHER_CONTROL_PORT: Final = 10502
"""Where it is instead, if the system keeps the lower ports for itself."""
BETWEEN_HALVES: Final = 0.02
"""Time between two halves of a frame, where they come apart [s]."""


class Controller(Closing):
    """One emulated controller on one address."""

    def __init__(
        self,
        robot: Robot,
        address: str = "127.0.0.1",
        port: int = CONTROL_PORT,
        *,
        identity: Identity | None = None,
        faults: Iterable[Fault] = (),
    ) -> None:
        """Listen, with a robot behind that stands still where it is.

        Args:
            robot: What moves; it is driven by joint targets, and closed by whoever made it.
            address: On loopback, such as 127.0.0.2.
            port: For commands; the next one is the second channel. Where 502 is not allowed, 10502 is taken.
            identity: Model, serial and firmware.
            faults: What goes wrong, and when.

        Raises:
            ConfigError: The address is not on loopback, or somebody else listens there.
        """
        if not address.startswith("127."):
            raise ConfigError(
                f"An emulated controller listens on loopback alone, not on {address!r}: it would be taken for an arm. "
                "Use 127.0.0.1 or another address that begins with 127."
            )
        self.core = Core(robot, identity)
        self.address = address
        self.faults = FaultSchedule(faults)
        self.time = 0.0
        """Periods that have passed, as time [s]."""
        self._selector = selectors.DefaultSelector()
        self._listeners: dict[socket.socket, int] = {}
        self._connections: dict[int, Connection] = {}
        self._number = 0
        self._due = dict.fromkeys(RATES, 0.0)
        self._old: dict[int, bytes] = {}
        self.port = port
        """For commands."""
        try:
            self._listen()
        except PermissionError:
            if port != CONTROL_PORT:
                raise
            self.port = OTHER_CONTROL_PORT
            self._listen()

    @property
    def clients(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def tick(self) -> None:
        """Serve what has come, and let one control period pass; does not sleep unless the robot does."""
        self.serve(0.0)
        self.step()

    def serve(self, until: float) -> None:
        """Answer what comes until a time of the monotonic clock [s], at least once."""
        while True:
            self._serve(max(until - time.monotonic(), 0.0))
            if time.monotonic() >= until:
                return

    def step(self) -> None:
        """Let one control period pass: faults begin and end, the robot moves, reports go out."""
        period = self.core.period
        for fault in self.faults.end(self.time):
            self._end(fault)
        for fault in self.faults.begin(self.time):
            self._begin(fault)
        if self.faults.active("freeze"):
            self.core.robot.advance()
        else:
            self.core.advance()
        self.time += period
        self._tell()
        self._report()
        for connection in list(self._connections.values()):
            self._flush(connection)

    def inject(self, fault: Fault) -> None:
        """Schedule a fault, counted from now."""
        self.faults.add(fault, self.time)

    def release(self) -> None:
        """End all faults that last, and let go of the emergency stop; errors stay until they are cleared."""
        self.faults.release()
        for fault in self.faults.end(self.time):
            self._end(fault)

    def restart(self) -> None:
        """Switch the controller off and on: connections close, and what was not saved is forgotten."""
        self.core.start()
        self._close_connections()

    def close(self) -> None:
        """Hang up on everybody; may be called twice."""
        self._close_connections()
        self._close_listeners()
        self._selector.close()

    def _listen(self) -> None:
        for port in (self.port, self.port + 1, *RATES):
            listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((self.address, port))
                listener.listen()
            except OSError as error:
                listener.close()
                self._close_listeners()
                if isinstance(error, PermissionError):
                    raise
                raise ConfigError(
                    f"Nothing can listen on {self.address}:{port} ({error}). Does another controller run there? "
                    "Others may stand beside it on addresses of their own: 127.0.0.2, 127.0.0.3."
                ) from error
            listener.setblocking(False)
            self._listeners[listener] = port
            self._selector.register(listener, selectors.EVENT_READ)

    def _serve(self, timeout: float) -> None:
        if self.faults.active("freeze", "unplug"):
            time.sleep(timeout)
            return
        deaf = self.faults.active("stall") is not None
        if deaf:
            time.sleep(timeout)
            timeout = 0.0
        for key, _ in self._selector.select(timeout):
            if isinstance(key.data, Connection):
                if not (deaf and key.data.commands):
                    self._hear(key.data)
            elif isinstance(key.fileobj, socket.socket):
                self._accept(key.fileobj)

    def _accept(self, listener: socket.socket) -> None:
        try:
            client, _ = listener.accept()
        except OSError:
            return  # it has gone again
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MOST_UNSENT)
        self._number += 1
        connection = Connection(self._number, client, self._listeners[listener])
        self._connections[connection.number] = connection
        self._selector.register(client, selectors.EVENT_READ, connection)

    def _hear(self, connection: Connection) -> None:
        heard = connection.receive()
        if heard is None:
            self._hang_up(connection)
            return
        try:
            requests, connection.unread = decode_requests(connection.unread + heard)
        except FrameError:
            self._hang_up(connection)
            return
        for request in requests:
            self._answer(connection, request)
        self._tell()
        self._flush(connection)

    def _answer(self, connection: Connection, request: Request) -> None:
        starts = self.core.starts
        call = Call(request, connection.number, connection.notices)
        rejecting = self.faults.active("reject") is not None
        status, body = answer(self.core, call, rejecting=rejecting)
        if request.register == 254 and request.parameters:
            connection.notices = request.parameters[0]
        if self.core.starts != starts:
            self._close_connections()  # it was switched off
            return
        self._send(connection, encode_reply(request, status, body))

    def _tell(self) -> None:
        """Send the notices that clients wait for."""
        notices, self.core.notices = self.core.notices, []
        for ticket, result in notices:
            connection = self._connections.get(ticket.client)
            if connection is not None:
                notice = encode_notice(ticket.transaction, ticket.protocol, ticket.kind, result)
                self._send(connection, notice)

    def _report(self) -> None:
        if self.faults.active("freeze", "unplug"):
            return
        stale = self.faults.active("stale-reports")
        for port, rate in RATES.items():
            if self.time < self._due[port]:
                continue
            self._due[port] = max(self._due[port] + 1 / rate, self.time)
            listening = [each for each in self._connections.values() if each.port == port]
            if not listening:
                continue
            if not stale or port not in self._old:
                self._old[port] = report(self.core, port)
            for connection in listening:
                self._send(connection, self._old[port])

    def _send(self, connection: Connection, frame: bytes) -> None:
        late = self.faults.active("delay")
        due = self.time + (late.late if late and connection.commands else 0.0)
        if self.faults.active("half-frames"):
            half = len(frame) // 2
            connection.put(due, frame[:half])
            connection.put(due + BETWEEN_HALVES, frame[half:])
        else:
            connection.put(due, frame)

    def _flush(self, connection: Connection) -> None:
        if not self.faults.active("freeze", "unplug") and not connection.flush(self.time):
            self._hang_up(connection)

    def _begin(self, fault: Fault) -> None:
        core = self.core
        if fault.kind == "warning":
            core.machine.warn(fault.raises)
        elif fault.kind == "gripper":
            core.gripper.fail(fault.raises)
        elif fault.raises:
            core.fail(fault.raises, held=fault.kind == "emergency-stop")
        elif fault.kind == "close":
            self._close_connections()
        elif fault.kind in ("refuse", "unplug"):
            self._close_listeners()

    def _end(self, fault: Fault) -> None:
        if fault.kind == "emergency-stop" and not self.faults.active("emergency-stop"):
            self.core.machine.release()
        if not self._listeners and not self.faults.active("refuse", "unplug"):
            self._listen()

    def _hang_up(self, connection: Connection) -> None:
        if self._connections.pop(connection.number, None) is not None:
            self._selector.unregister(connection.socket)
            connection.close()

    def _close_connections(self) -> None:
        for connection in list(self._connections.values()):
            self._hang_up(connection)

    def _close_listeners(self) -> None:
        for listener in self._listeners:
            if listener in self._selector.get_map():
                self._selector.unregister(listener)
            listener.close()
        self._listeners.clear()
