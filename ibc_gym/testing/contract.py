"""What all suites share: one thing under test per class, properties that hold for all examples, rules with an address."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final, Generic, TypeVar

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy

from ibc_gym import contracts, env, offers

T = TypeVar("T")
Test = Callable[[Any], None]

REPEATING: Final = (Phase.shrink, Phase.explain)
"""Phases of hypothesis in which what failed is tried again and again."""


class Contract(Generic[T]):
    """The base of every suite; a subclass says in `make` how the thing under test is made.

    Most tests share one thing per class and bring it to their own beginning; a test that fails has the next one begin
    with a new one.
    """

    examples: ClassVar[int] = 10
    """How many examples each property is tried on; hypothesis's profile settles the rest."""
    shrink: ClassVar[bool] = True
    """Whether an example that breaks a rule is repeated in simpler forms; better not where something real moves."""
    _shared: ClassVar[Any] = None

    def make(self) -> T:
        """Make the thing under test, ready to be used; every call gives a new one."""
        raise NotImplementedError(f"{type(self).__name__}.make must say how it is made.")

    def prepare(self) -> T:
        """Make the one that tests share; the same as `make` but where there is more to do."""
        return self.make()

    @property
    def shared(self) -> T:
        """The one that tests share."""
        cls: Any = type(self)
        if cls.__dict__.get("_shared") is None:
            cls._shared = self.prepare()
        shared: T = cls._shared
        return shared

    @classmethod
    def teardown_class(cls) -> None:
        """Let go of what tests shared; pytest calls it when a class is done."""
        shared: Any = cls.__dict__.get("_shared")
        cls._shared = None
        if hasattr(shared, "close"):
            shared.close()

    def for_all(
        self, *examples: SearchStrategy[Any], share: float = 1.0
    ) -> Callable[[Callable[..., None]], None]:
        """Run the function below at once, on many examples; `share` of them where each takes long."""

        def run(check: Callable[..., None]) -> None:
            phases = [each for each in Phase if self.shrink or each not in REPEATING]
            how = settings(
                max_examples=max(1, round(share * self.examples)),
                deadline=None,
                phases=phases,
                suppress_health_check=list(HealthCheck),
            )
            how(given(*examples)(check))()

        return run


def rule(address: str) -> Callable[[Test], Test]:
    """Mark a test as a rule of the contract: if it is broken, the failure says which it is and where it is written.

    Args:
        address: A class of `ibc_gym.contracts` or `ibc_gym.offers`, or "Env", and one of its members: "Robot.command".
    """

    def mark(test: Test) -> Test:
        @functools.wraps(test)
        def held(self: Any) -> None:
            try:
                test(self)
            except Exception as error:
                type(self).teardown_class()
                error.add_note(broken(test, address))
                raise

        held.address = address  # type: ignore[attr-defined]  # told by `address_of`
        return held

    return mark


def address_of(test: Any) -> str:
    """Where the rule is written that a test holds."""
    found: str = test.address
    return found


def broken(test: Any, address: str) -> str:
    """What a failure says: the rule in words, and where it is written."""
    said = inspect.cleandoc(test.__doc__ or "").split("\n\n")[0].replace("\n", " ")
    file, line = written(address)
    return f"Broken rule of {address}: {said}\nIt is written at {file}:{line}; docs/testing.md says what to do."


def written(address: str) -> tuple[Path, int]:
    """File and line of a member of a contract.

    Raises:
        StopIteration: There is no such contract.
        AttributeError: It has no such member.
    """
    owner, _, member = address.partition(".")
    module = next(each for each in (contracts, offers, env) if hasattr(each, owner))
    found = getattr(module, owner)
    is_field = not member or member in getattr(found, "__annotations__", {})
    attribute = found if is_field else getattr(found, member)
    if isinstance(attribute, property):
        attribute = attribute.fget
    source = inspect.unwrap(attribute)
    return Path(inspect.getfile(source)), inspect.getsourcelines(source)[1]


def refuses(kind: type[Exception], what: str, call: Callable[..., Any], *arguments: Any) -> None:
    """Hold that a call is answered with an error of a kind.

    Args:
        kind: Of the error.
        what: Is asked for, as the subject of a sentence.
        call: What is called.
        *arguments: With which.

    Raises:
        AssertionError: It was accepted, or answered with another error, which is the cause.
    """
    try:
        call(*arguments)
    except kind:
        return
    except Exception as error:
        raise AssertionError(
            f"{what} must be refused with {kind.__name__}, not with {type(error).__name__}: {error}"
        ) from error
    raise AssertionError(f"{what} was accepted, but must be refused with {kind.__name__}.")
