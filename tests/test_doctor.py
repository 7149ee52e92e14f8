from __future__ import annotations

import pytest

from ibc_gym import doctor
from ibc_gym.doctor import TRIALS, Finding, Trial, attempt, diagnose, examine


def trial(code: str, package: str = "numpy") -> Trial:
    return Trial(package=package, code=code, fix="pip install it")


def test_a_library_that_works_is_reported_with_its_version_and_what_it_did() -> None:
    finding = attempt("numpy", trial("print('adds', 1 + 1)"))
    assert finding.works
    assert finding.detail.startswith("numpy ")
    assert finding.detail.endswith("adds 2")
    assert finding.fix is None


def test_a_library_that_is_not_installed_comes_with_the_command_that_gets_it() -> None:
    finding = attempt("thing", trial("", package="no-such-package-of-ours"))
    assert not finding.works
    assert "not installed" in finding.detail
    assert finding.fix == "pip install it"


def test_a_library_that_crashes_the_process_is_survived() -> None:
    finding = attempt("thing", trial("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"))
    assert not finding.works
    assert "crashed (signal 11)" in finding.detail


def test_a_library_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "TIMEOUT", 0.5)
    finding = attempt("thing", trial("import threading; threading.Event().wait()"))
    assert not finding.works
    assert "no answer" in finding.detail


@pytest.mark.parametrize(
    ("complaint", "package"),
    [
        ("AttributeError: 'NoneType' object has no attribute 'eglQueryString'", "libegl1"),
        ("AttributeError: 'NoneType' object has no attribute 'glGetError'", "libosmesa6"),
        ("ImportError: Cannot use a PLATFORM_DEVICE display", "libgl1-mesa-dri"),
        ("OpenGL.raw.EGL._errors.EGLError: EGLError(", "libgl1"),
        ("ImportError: libusb-1.0.so.0: cannot open shared object file", "libusb-1.0-0"),
    ],
)
def test_the_unhelpful_errors_of_missing_system_libraries_are_reworded(
    complaint: str, package: str
) -> None:
    detail, fix = diagnose(1, f"Traceback ...\n{complaint}\n")
    assert "missing" in detail or "no driver" in detail
    assert fix is not None
    assert fix.startswith("sudo apt-get install")
    assert package in fix


def test_an_unknown_error_is_told_in_its_last_line() -> None:
    assert diagnose(1, "Traceback\nValueError: odd\n") == ("ValueError: odd", None)
    assert diagnose(1, "") == ("it failed without a word", None)


def routes(egl: bool, osmesa: bool) -> dict[str, Finding]:
    return {
        f"images by {name}": Finding(name=name, works=works, detail="", fix=f"get {name}")
        for name, works in (("egl", egl), ("osmesa", osmesa))
    }


class TestRoute:
    def test_without_a_choice_takes_what_works(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("MUJOCO_GL", raising=False)
        assert doctor._route(routes(True, True)).detail == "drawn by egl"
        assert doctor._route(routes(False, True)).detail == "drawn by osmesa"

    def test_without_any_names_the_package(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("MUJOCO_GL", raising=False)
        finding = doctor._route(routes(False, False))
        assert not finding.works
        assert finding.fix == "sudo apt-get install -y libosmesa6"

    def test_of_the_user_that_fails_is_answered_with_one_that_works(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MUJOCO_GL", "egl")
        assert doctor._route(routes(False, True)).fix == "export MUJOCO_GL=osmesa"
        assert doctor._route(routes(False, False)).fix == "get egl"
        assert doctor._route(routes(True, False)).works


def test_the_whole_examination_tries_everything_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """With trials that only import; the real ones are run by hand, since what works differs by machine."""
    monkeypatch.delenv("MUJOCO_GL", raising=False)
    quick = {name: trial("print('imported')") for name in TRIALS}
    monkeypatch.setattr(doctor, "TRIALS", quick)
    told: list[tuple[float, str]] = []
    findings = examine(lambda share, name: told.append((share, name)))
    names = [finding.name for finding in findings]
    assert {"python", "processor", "disk", "images", *TRIALS} == set(names)
    assert len(names) == len(set(names))
    assert told[-1][0] == 1.0


@pytest.mark.slow
def test_what_these_tests_need_works_where_they_run() -> None:
    for name in ("mujoco", "dm_control", "torch", "onnxruntime"):
        assert attempt(name, TRIALS[name]).works, name
