from __future__ import annotations

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from urllib.parse import urlsplit

import numpy as np
import pytest

from ibc_gym.errors import ConfigError
from ibc_gym.hardware.png import png
from ibc_gym.hardware.table.view import View


@pytest.fixture
def view() -> Iterator[View]:
    with View() as made:
        yield made


def get(view: View, path: str) -> tuple[HTTPResponse, bytes]:
    where = urlsplit(view.address)
    assert where.hostname is not None
    connection = HTTPConnection(where.hostname, where.port, timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response, body


def test_page_shows_the_newest_picture_and_its_words(view: View) -> None:
    assert b"/picture.png" in get(view, "/")[1]
    assert get(view, "/picture.png")[0].status == 404
    for shade in (10, 20):
        picture = np.full((3, 4, 3), shade, np.uint8)
        view.show(picture, f"shade {shade} <b>")
        response, body = get(view, "/picture.png?123")
        assert response.status == 200 and body == png(picture)
        assert response.headers["Content-Type"] == "image/png"
        assert response.headers["Cache-Control"] == "no-store"
        assert get(view, "/words")[1].decode() == f"shade {shade} <b>"


def test_nothing_else_is_served_and_only_on_loopback(view: View) -> None:
    assert view.address.startswith("http://127.0.0.1:")
    assert get(view, "/etc/passwd")[0].status == 404


def test_port_that_is_taken_is_refused(view: View) -> None:
    port = urlsplit(view.address).port
    assert port is not None
    with pytest.raises(ConfigError, match="another port"):
        View(port)
    with pytest.raises(ConfigError):
        View(70000)


def test_closing_twice_is_once_and_frees_the_port() -> None:
    view = View()
    port = urlsplit(view.address).port
    assert port is not None
    view.close()
    view.close()
    View(port).close()
