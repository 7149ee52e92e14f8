"""Questions and answers over a loopback socket, one JSON object per line: how the rig's processes talk about the scene.

The server has no thread of its own. Who owns the world polls it between two steps, so that nothing is looked at or moved
in the middle of one.
"""

from __future__ import annotations

import json
import selectors
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError, IbcGymError

LONGEST: Final = 1 << 20
"""Bytes of a line; who sends more is hung up on."""

Handler = Callable[..., Any]
"""Takes a question's arguments by name, as JSON gave them; gives an answer that JSON can hold."""


class RigError(IbcGymError, RuntimeError):
    """The rig could not be asked, or could not do what it was asked for."""


class LineServer(Closing):
    """Answers questions when it is polled."""

    def __init__(self, handlers: Mapping[str, Handler], address: str, port: int = 0) -> None:
        """Listen on a loopback address.

        Args:
            handlers: By the name of the question.
            address: 127.0.0.1, or any other of the loopback range.
            port: 0 takes any that is free; `port` says which.

        Raises:
            ConfigError: The address is not on loopback, or somebody else listens there.
        """
        if not address.startswith("127."):
            raise ConfigError(
                f"The rig listens on loopback alone, not on {address!r}: what it says is not protected. "
                "Use 127.0.0.1 or another address that begins with 127."
            )
        self._handlers = handlers
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._listener.bind((address, port))
            self._listener.listen()
        except OSError as error:
            self._listener.close()
            raise ConfigError(
                f"Nothing can listen on {address}:{port} ({error}). Is another rig running there?"
            ) from error
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._unread: dict[socket.socket, bytes] = {}
        self.port: int = self._listener.getsockname()[1]
        """Where it listens."""

    def poll(self) -> int:
        """Answer what has been asked since the last time, without waiting; gives how many questions that were."""
        answered = 0
        for key, _ in self._selector.select(timeout=0):
            if key.fileobj is self._listener:
                self._accept()
            else:
                assert isinstance(key.fileobj, socket.socket)
                answered += self._serve(key.fileobj)
        return answered

    def close(self) -> None:
        """Hang up on everybody; may be called twice."""
        for client in list(self._unread):
            self._hang_up(client)
        self._selector.close()
        self._listener.close()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        client.settimeout(1.0)  # of an answer that nobody takes
        self._unread[client] = b""
        self._selector.register(client, selectors.EVENT_READ)

    def _serve(self, client: socket.socket) -> int:
        try:
            heard = client.recv(1 << 16)
        except OSError:
            heard = b""
        *lines, rest = (self._unread[client] + heard).split(b"\n")
        if not heard or len(rest) > LONGEST:
            self._hang_up(client)
            return 0
        self._unread[client] = rest
        for line in lines:
            try:
                client.sendall(json.dumps(self._answer(line)).encode() + b"\n")
            except OSError:
                self._hang_up(client)
                break
        return len(lines)

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            handler = self._handlers[asked["ask"]]
            return {"answer": handler(**asked.get("with", {}))}
        except (ValueError, TypeError, AttributeError) as error:
            return {"error": f"The question {line[:200]!r} is not understood ({error})."}
        except KeyError as error:
            return {
                "error": f"Nothing here answers {error}; known: {', '.join(sorted(self._handlers))}."
            }
        except IbcGymError as error:
            return {"error": str(error)}

    def _hang_up(self, client: socket.socket) -> None:
        if self._unread.pop(client, None) is not None:
            self._selector.unregister(client)
            client.close()


class LineClient(Closing):
    """Asks a `LineServer`, one question at a time."""

    def __init__(self, address: str, port: int, *, timeout: float = 5.0) -> None:
        """Connect.

        Args:
            address: Of the server.
            port: Of the server.
            timeout: For the connection and for every answer [s].

        Raises:
            RigError: Nobody answers there.
        """
        self._where = f"{address}:{port}"
        try:
            self._socket = socket.create_connection((address, port), timeout)
        except OSError as error:
            raise RigError(
                f"No rig answers at {self._where} ({error}). Start one with: ibc-gym rig"
            ) from error
        self._socket.settimeout(timeout)  # the xArm client changes the default of the process
        self._unread = b""

    def ask(self, question: str, **arguments: Any) -> Any:
        """The answer to a question.

        Raises:
            RigError: The server gave an error, which is in the message, or no answer in time.
        """
        try:
            self._socket.sendall(json.dumps({"ask": question, "with": arguments}).encode() + b"\n")
            while b"\n" not in self._unread:
                heard = self._socket.recv(1 << 16)
                if not heard:
                    raise ConnectionError("it hung up")
                self._unread += heard
        except OSError as error:
            self.close()  # a late answer would be taken for that to the next question
            raise RigError(
                f"The rig at {self._where} did not answer {question!r} ({error}). Is its process still running?"
            ) from error
        line, _, self._unread = self._unread.partition(b"\n")
        told = json.loads(line)
        if "error" in told:
            raise RigError(f"The rig at {self._where} cannot do {question!r}: {told['error']}")
        return told["answer"]

    def close(self) -> None:
        """Hang up; may be called twice."""
        self._socket.close()
