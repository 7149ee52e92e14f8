"""The live picture as a page on loopback: over ssh, `ssh -L 8000:127.0.0.1:8000 host` brings it to one's own browser."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from ibc_gym.closing import Closing
from ibc_gym.errors import ConfigError
from ibc_gym.records import UInt8

from ..png import png

ADDRESS: Final = "127.0.0.1"
"""What the camera sees is nobody's business but the operator's, so nobody else can ask."""

_PAGE: Final = """<!doctype html><meta charset="utf-8"><title>ibc-gym</title>
<style>body{margin:0;background:#111;color:#ddd;font:16px sans-serif;text-align:center}
img{width:100%;max-height:90vh;object-fit:contain;image-rendering:pixelated}</style>
<img id="picture" alt="no picture yet"><p id="words"></p>
<script>
const picture = document.getElementById("picture"), words = document.getElementById("words");
async function refresh() {
  try {
    const next = new Image();
    next.src = "/picture.png?" + Date.now();
    await next.decode();
    picture.src = next.src;
    words.textContent = await (await fetch("/words")).text();
  } catch (error) { words.textContent = "no picture"; }
  setTimeout(refresh, 100);
}
refresh();
</script>
"""


class View(Closing):
    """Shows the newest picture to any browser on this machine."""

    def __init__(self, port: int = 0) -> None:
        """Serve.

        Args:
            port: On 127.0.0.1; 0 takes any that is free, and `address` says which.

        Raises:
            ConfigError: The port is taken, or may not be used.
        """
        self._picture: UInt8 | None = None
        self._words = ""
        view = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                kind, body = view._answer(self.path.partition("?")[0])
                self.send_response(200 if body else 404)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("Cache-Control", "no-store")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                """Nothing: the terminal is the operator's."""

        try:
            self._server = ThreadingHTTPServer((ADDRESS, port), Handler)
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"No page can be served at {ADDRESS}:{port} ({error}). Choose another port, or 0 for any."
            ) from error
        self._server.daemon_threads = True
        self.address = f"http://{ADDRESS}:{self._server.server_port}/"
        """Where to look."""
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self._closed = False

    @property
    def place(self) -> str:
        """The address."""
        return self.address

    def show(self, picture: UInt8, words: str) -> None:
        """Show a picture (H, W, 3) and a line about it; returns at once, and keeps no copy but a reference."""
        self._picture, self._words = picture, words

    def close(self) -> None:
        """Serve no more; may be called twice."""
        if not self._closed:
            self._closed = True
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()

    def _answer(self, path: str) -> tuple[str, bytes]:
        picture = self._picture
        if path == "/picture.png" and picture is not None:
            return "image/png", png(picture)
        if path == "/words":
            return "text/plain; charset=utf-8", (self._words or " ").encode()
        if path == "/":
            return "text/html; charset=utf-8", _PAGE.encode()
        return "text/plain; charset=utf-8", b""
