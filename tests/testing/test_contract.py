"""Every test of every suite states a rule and knows where it is written; what is shared is made once and let go of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from broken import rules_of

from ibc_gym import testing
from ibc_gym.testing import Contract
from ibc_gym.testing.contract import address_of, broken, refuses, written
from ibc_gym.testing.learned import LearnedPolicyContract

SUITES = [
    suite
    for suite in (*vars(testing).values(), LearnedPolicyContract)
    if isinstance(suite, type) and issubclass(suite, Contract) and suite is not Contract
]
RULES = [(suite, test) for suite in SUITES for test in rules_of(suite)]


def test_there_is_a_suite_for_every_contract() -> None:
    names = {suite.__name__ for suite in SUITES}
    kinds = ("Robot", "Camera", "Scene", "Workcell", "Task", "Policy", "LearnedPolicy", "Env")
    assert names == {f"{kind}Contract" for kind in (*kinds, "Agreement")}
    assert all(len(rules_of(suite)) >= 4 for suite in SUITES)


@pytest.mark.parametrize("suite, test", RULES, ids=lambda value: getattr(value, "__name__", value))
def test_rule_is_stated_and_written_where_it_says(suite: Any, test: str) -> None:
    found = getattr(suite, test)
    file, line = written(address_of(found))
    member = address_of(found).split(".")[-1]
    source = file.read_text().splitlines()
    assert any(member in text for text in source[line - 1 : line + 40])
    assert broken(found, address_of(found)).startswith(f"Broken rule of {address_of(found)}: ")
    assert (found.__doc__ or "").strip().endswith(".")


class Thing:
    def __init__(self) -> None:
        self.closed = 0

    def close(self) -> None:
        self.closed += 1


class Things(Contract[Thing]):
    def make(self) -> Thing:
        return Thing()


class OtherThings(Things):
    pass


def test_one_thing_is_shared_by_the_rules_of_a_class_and_closed_in_the_end() -> None:
    shared = Things().shared
    assert Things().shared is shared
    assert OtherThings().shared is not shared
    Things.teardown_class()
    assert shared.closed == 1
    assert Things().shared is not shared
    Things.teardown_class()
    OtherThings.teardown_class()


def test_suite_that_does_not_say_how_its_thing_is_made_is_told_to() -> None:
    with pytest.raises(NotImplementedError, match="must say how it is made"):
        testing.RobotContract().test_limits_are_a_box_and_a_period()


def test_what_should_be_refused_is_told_from_what_is_refused_otherwise() -> None:
    refuses(ValueError, "A word", int, "word")
    with pytest.raises(AssertionError, match=r"A number was accepted, but must be refused with V"):
        refuses(ValueError, "A number", int, "1")
    with pytest.raises(AssertionError, match=r"with ValueError, not with TypeError"):
        refuses(ValueError, "Nothing", int, None)


@pytest.mark.parametrize("missing", ["hypothesis", "pytest"])
def test_without_its_libraries_the_extra_is_named(missing: str) -> None:
    code = f"import sys; sys.modules[{missing!r}] = None; import ibc_gym.testing"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode
    assert f"{missing}, which is not installed: pip install 'ibc-gym[testing]'" in done.stderr


def test_package_alone_loads_neither_simulator_nor_network() -> None:
    heavy = ("torch", "mujoco", "dm_control", "pybullet")
    code = (
        f"import sys, ibc_gym.testing; print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    code = "import sys, ibc_gym; print([n for n in ('hypothesis', 'pytest') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_page_names_every_suite() -> None:
    page = (Path(__file__).parents[2] / "docs" / "testing.md").read_text()
    for suite in SUITES:
        assert suite.__name__ in page
