"""Which OpenGL draws: the user's choice first, and a clear line where there is none."""

from __future__ import annotations

from typing import Any

import pytest

from ibc_gym.envs.simulators import gl
from ibc_gym.errors import ConfigError, MissingSystemLibrary


@pytest.fixture(autouse=True)
def linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    monkeypatch.delenv("PYOPENGL_PLATFORM", raising=False)
    monkeypatch.setattr("sys.platform", "linux")


@pytest.mark.parametrize("wanted, route", [("osmesa", "osmesa"), ("EGL ", "egl"), ("glfw", "glfw")])
def test_users_choice_is_respected(
    monkeypatch: pytest.MonkeyPatch, wanted: str, route: str
) -> None:
    monkeypatch.setenv("MUJOCO_GL", wanted)
    assert gl.choose() == route


@pytest.mark.parametrize("answers, route", [(True, "egl"), (False, "osmesa")])
def test_egl_is_taken_where_it_answers(
    monkeypatch: pytest.MonkeyPatch, answers: bool, route: str
) -> None:
    monkeypatch.setattr(gl, "egl_answers", lambda: answers)
    assert gl.choose() == route


def test_platform_that_pyopengl_has_loaded_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYOPENGL_PLATFORM", "osmesa")
    assert gl.choose() == "osmesa"


@pytest.mark.parametrize("wanted, words", [("disabled", "forbids"), ("vulkan", "not known")])
def test_choice_that_cannot_draw_is_refused(
    monkeypatch: pytest.MonkeyPatch, wanted: str, words: str
) -> None:
    monkeypatch.setenv("MUJOCO_GL", wanted)
    with pytest.raises(ConfigError, match=words):
        gl.choose()


def test_missing_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> Any:
        raise AttributeError("'NoneType' object has no attribute 'glGetError'")

    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    monkeypatch.setattr(gl, "import_module", without)
    with pytest.raises(MissingSystemLibrary, match="apt-get install libosmesa6"):
        gl.make_context(320, 240)


def test_egl_does_not_answer_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> Any:
        raise OSError(f"{name}: cannot open shared object file")

    monkeypatch.setattr("ctypes.CDLL", without)
    assert gl.egl_answers() is False
