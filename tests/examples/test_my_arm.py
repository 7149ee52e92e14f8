"""The worked example of docs/testing.md passes as it is, and fails as the page says when the driver forgets its limits."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "my_arm_test.py"
PAGE = (ROOT / "docs" / "testing.md").read_text()


def run_tests(path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words, str(path)]
    return subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)


def test_driver_of_the_example_keeps_the_contract() -> None:
    done = run_tests(EXAMPLE)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout


def test_driver_that_forgets_its_limits_is_told_so_in_the_words_of_the_page(tmp_path: Path) -> None:
    source = EXAMPLE.read_text()
    suite = source[source.index("class TestMyArm") :].strip()
    assert suite in PAGE
    assert len(suite.splitlines()) == 5
    broken = tmp_path / EXAMPLE.name
    broken.write_text(source.replace("else self._limited(asked)", "else asked"))
    done = run_tests(broken, "-k", "workspace")
    assert done.returncode == 1
    rule = next(line for line in PAGE.splitlines() if "Broken rule of Robot.command" in line)
    assert rule.removeprefix("E").strip() in done.stdout
    assert "contracts.py:" in done.stdout and "Failing test case: check(" in done.stdout
