"""Errors say what happened and what to do."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from ibc_gym import errors


def test_unknown_name_offers_the_nearest_and_all() -> None:
    error = errors.UnknownName("task", "psuh", ["push", "particle", "insert"])
    assert str(error) == (
        "There is no task called 'psuh'. Did you mean 'push'? Known: insert, particle, push."
    )


@pytest.mark.parametrize(("name", "known"), [("zzz", "push"), ("foo", "flow")])
def test_unknown_name_far_from_all_only_lists(name: str, known: str) -> None:
    assert "Did you mean" not in str(errors.UnknownName("task", name, [known]))


def test_examples_of_names_are_not_said_to_be_all() -> None:
    said = str(errors.UnknownName("environment", "zzz", ["Pendulum-v1"], more=True))
    assert said.endswith("'zzz'. Known, among others: Pendulum-v1.")


def test_many_names_are_left_to_the_command_that_lists_them() -> None:
    known = [f"preset-{number}" for number in range(86)]
    said = str(errors.UnknownName("preset", "preset-4x", known, listed_by="ibc-gym list"))
    assert "Did you mean 'preset-4" in said
    assert said.endswith("? `ibc-gym list` names all 86.")
    assert "Known: preset-0, preset-1" in str(
        errors.UnknownName("preset", "4", known[:2], listed_by="ibc-gym list")
    )


def test_missing_dependency_names_the_extra() -> None:
    error = errors.MissingDependency("torch", extra="policies", needed_for="Training")
    assert "pip install 'ibc-gym[policies]'" in str(error)


@pytest.mark.parametrize(
    "python, remedy",
    [((3, 11, 7), "pip install 'ibc-gym[pybullet]'"), ((3, 12, 0), "Python up to 3.11 only")],
)
def test_library_without_a_build_for_this_python_is_not_to_be_installed(
    python: tuple[int, ...], remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "version_info", python)
    error = errors.MissingDependency("pybullet", extra="pybullet", needed_for="This")
    assert remedy in str(error)


def test_module_of_no_extra_is_not_explained() -> None:
    error = ModuleNotFoundError("No module named 'mine'", name="mine")
    assert errors.MissingDependency.explaining(error, "This") is None


@pytest.mark.parametrize(
    "library, does, extra",
    [
        ("mujoco", "import ibc_gym; ibc_gym.make_env('push')", "mujoco"),
        ("pybullet", "import ibc_gym; ibc_gym.make_env('push', workcell='pybullet')", "pybullet"),
        ("cv2", "from ibc_gym.registry import make_calibration as m; m({})", "calibration"),
        (
            "torch",
            "from ibc_gym.loading import load; from ibc_gym.tables import POLICIES; load(POLICIES, 'ebm', '')",
            "policies",
        ),
        (
            "torch",
            "import ibc_gym.cli.main as c; sys.exit(c.main(['train', 'demos.zarr']))",
            "policies",
        ),
        (
            "matplotlib",
            "import ibc_gym.cli.main as c; sys.exit(c.main(['report', 'run']))",
            "report",
        ),
    ],
)
def test_library_that_is_not_installed_is_named_with_its_extra(
    library: str, does: str, extra: str
) -> None:
    code = f"import sys; sys.modules[{library!r}] = None; {does}"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode
    assert (
        f"needs {library}, which is not installed: pip install 'ibc-gym[{extra}]'" in result.stderr
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ["record", "push", "--workcell", "pybullet", "--episodes", "1"],
        ["compare-sims", "push", "--episodes", "1", "--trials", "1"],
    ],
)
def test_without_pybullet_a_command_says_one_clear_line(command: list[str], tmp_path: Path) -> None:
    words = [*command, "--out", str(tmp_path / "out"), "--json"]
    code = (
        "import sys; sys.modules['pybullet'] = None; "
        f"import ibc_gym.cli.main as c; sys.exit(c.main({words}))"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    said = str(errors.MissingDependency("pybullet", extra="pybullet", needed_for="It")).split(
        " ", 1
    )
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"ibc-gym: The workcell 'pybullet' {said[1]}"
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    "kind",
    [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if kind.__module__ == errors.__name__
    ],
)
def test_every_error_has_the_one_root(kind: type[Exception]) -> None:
    assert issubclass(kind, errors.IbcGymError)
