"""Configs from the command line: tyro's parsing, with answers of one or two lines."""

from __future__ import annotations

import ast
import contextlib
import dataclasses
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_type_hints

import tyro

from ibc_gym.cli.typed import as_typed, flag_groups
from ibc_gym.errors import ConfigError, IbcGymError

T = TypeVar("T")

TASK_PREFIX = "--task."
"""`--task.goal-tolerance 0.01` is an option of the task: a field of its config."""

_HIDDEN: Any = tyro.conf.Suppress
_FIXED: Any = tyro.conf.Fixed
_POSITIONAL: Any = tyro.conf.Positional


@dataclass(frozen=True, kw_only=True)
class Common:
    """Flags that every command takes."""

    json: tyro.conf.FlagCreatePairsOff[bool] = False
    """Print one JSON object on standard output; everything else goes to standard error."""
    debug: tyro.conf.FlagCreatePairsOff[bool] = False
    """Show the whole traceback of an error."""


class UsageError(IbcGymError, ValueError):
    """A flag is unknown, missing, or has a value that it cannot take."""


def parse(
    cls: type[T],
    argv: Sequence[str],
    *,
    command: str,
    description: Sequence[str],
    examples: Sequence[str] = (),
) -> T:
    """Make `cls` from flags; `--help` prints its own page and exits.

    Args:
        cls: A dataclass, every field with a docstring.
        argv: The words after the command.
        command: What the user typed before them: "ibc-gym train".
        description: The first lines of the help page, each of at most 78 characters.
        examples: Its last lines: what can be typed after the command.

    Raises:
        UsageError: With what is wrong, and the flag that was probably meant.
        ConfigError: The values of several flags make no sense.
    """
    _refuse_empty(argv, command)
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            made: T = tyro.cli(
                cls,
                args=list(argv),
                prog=command,
                description="\n\n".join(description),
                registry=_registry(),
            )
            return made
    except ConfigError as error:  # of the class itself; of configs in it tyro complains
        raise ConfigError(as_typed(str(error), flag_groups(cls))) from error
    except SystemExit as stop:
        if stop.code in (0, None):
            if examples:
                print("examples:", *(f"  {command} {words}" for words in examples), sep="\n")
            raise
        said = as_typed(_flat(complaint.getvalue()), flag_groups(cls))
        said += _swallowed(said, argv, command)
        raise UsageError(f"{said}\nSee: {command} --help") from None


def _refuse_empty(argv: Sequence[str], command: str) -> None:
    """An empty word would be read as the folder one is in, where a path is meant."""
    for before, said in pairwise(("", *argv)):
        flag, equals, value = said.partition("=")
        if not said or (said.startswith("--") and equals and not value):
            named = flag or (before if before.startswith("--") else "A word")
            raise UsageError(
                f"{named} is empty; is a variable of the shell not set?\nSee: {command} --help"
            )


def flags_of(
    config: type[Any],
    fields: Mapping[str, tuple[Any, Any]],
    defaults: Mapping[str, Any] | None = None,
) -> type[Any]:
    """A dataclass whose flags are a config's fields, some of them said differently.

    Args:
        config: The config that a program takes; fields that are not named below become flags as they are.
        fields: Type (from `flag` or `word`) and default of the others, and of new ones, by name.
        defaults: Other defaults for fields that are flags as they are.
    """
    types = get_type_hints(config) if defaults else {}
    fields = {**{name: (types[name], value) for name, value in (defaults or {}).items()}, **fields}
    own = {entry.name for entry in dataclasses.fields(config)}
    made = [(name, kind, _field(value)) for name, (kind, value) in fields.items()]
    options: dict[str, Any] = {"frozen": True, "kw_only": True}
    # What is not the config's own comes first on the help page, what every command takes comes last.
    first = dataclasses.make_dataclass(
        f"{config.__name__}First", [field for field in made if field[0] not in own], **options
    )
    return dataclasses.make_dataclass(
        f"{config.__name__}Flags",
        [field for field in made if field[0] in own],
        bases=(Common, config, first),
        **options,
    )


def config_of(config: type[T], flags: Any, **changes: Any) -> T:
    """The config itself, from an instance of its `flags_of`."""
    names = [entry.name for entry in dataclasses.fields(config)]  # type: ignore[arg-type]
    return config(**{name: changes.get(name, getattr(flags, name)) for name in names})


def flag(
    kind: Any,
    text: str,
    *,
    name: str | None = None,
    metavar: str | None = None,
    default: str | None = None,
    hidden: bool = False,
) -> Any:
    """A flag's type with its own help text; name, metavar and what it says of its default where they differ."""
    hint = None if default is None else f"(default: {default})"
    arg = tyro.conf.arg(name=name, help=text, metavar=metavar, help_behavior_hint=hint)
    return Annotated[_HIDDEN[_FIXED[kind]] if hidden else kind, arg]


def word(kind: Any, text: str, metavar: str) -> Any:
    """A positional argument."""
    return Annotated[_POSITIONAL[kind], tyro.conf.arg(help=text, metavar=metavar)]


REQUIRED = object()
"""In place of the default of a field that has none."""


def take(argv: Sequence[str], name: str) -> str | None:
    """The value of one flag, looked up before the others are known; None if it is not given.

    The last counts of several, as it does of every flag.

    Raises:
        UsageError: Another flag stands in its place.
    """
    found = None
    for index, said in enumerate(argv):
        if said == name and index + 1 < len(argv):
            found = argv[index + 1]
            if found.startswith("--"):
                raise UsageError(f"{name} needs a value, but {found} follows.")
        if said.startswith(f"{name}="):
            found = said.partition("=")[2]
    return found


def take_task_options(argv: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Split off `--task.KEY VALUE` flags: options of the task, and the words that are left.

    A value is a Python literal where it reads as one (0.01, True, [1, 2]) and a string otherwise.

    Raises:
        UsageError: An option has no value.
    """
    options: dict[str, Any] = {}
    left: list[str] = []
    words = iter(argv)
    for said in words:
        if not said.startswith(TASK_PREFIX):
            left.append(said)
            continue
        key, assigned, value = said.removeprefix(TASK_PREFIX).partition("=")
        value = value if assigned else next(words, "--")
        if value.startswith("--"):
            raise UsageError(f"{TASK_PREFIX}{key} needs a value: {TASK_PREFIX}{key} VALUE.")
        *owners, name = key.replace("-", "_").split(".")
        owner = options
        for part in owners:  # --task.randomisation.friction 0.5 is an option of an option
            owner = owner.setdefault(part, {})
            if not isinstance(owner, dict):
                raise UsageError(f"{TASK_PREFIX}{key} contradicts what was said of {part} before.")
        owner[name] = _literal(value)
    return options, left


def _registry() -> tyro.constructors.ConstructorRegistry:
    """How tyro reads dataclasses, but with the fields' docstrings as paragraphs."""
    registry = tyro.constructors.ConstructorRegistry()
    asked = False

    @registry.struct_rule
    def in_paragraphs(
        info: tyro.constructors.StructTypeInfo,
    ) -> tyro.constructors.StructConstructorSpec | None:
        nonlocal asked
        if asked:  # by ourselves, for what tyro would have said
            return None
        asked = True
        spec = registry.get_struct_spec(info)
        asked = False
        if not isinstance(spec, tyro.constructors.StructConstructorSpec):
            return None
        fields = [
            dataclasses.replace(each, helptext=partial(_paragraphs, each.helptext))
            for each in spec.fields
        ]
        return dataclasses.replace(spec, fields=tuple(fields))

    return registry


def _paragraphs(text: str | Callable[[], str | None] | None) -> str | None:
    """A help text with nothing but its paragraphs: tyro keeps the line breaks before lines that are indented."""
    said = text() if callable(text) else text
    if said is None:
        return None
    return "\n\n".join(" ".join(part.split()) for part in re.split(r"\n\s*\n", said))


def _literal(text: str) -> Any:
    with contextlib.suppress(ValueError, SyntaxError):
        return ast.literal_eval(text)
    return {"true": True, "false": False, "none": None}.get(text.lower(), text)


def _field(default: Any) -> Any:
    if default is REQUIRED:
        return dataclasses.field()
    if type(default).__hash__ is None:  # dataclasses want a factory for what can change
        return dataclasses.field(default_factory=lambda: default)
    return dataclasses.field(default=default)


def _flat(box: str) -> str:
    """One line from the frame that tyro draws around a complaint, of plain characters in some terminals."""
    _, *lines = box.splitlines() or [""]  # the frame's title
    lines = [line.strip("│ ") for line in lines if not line.startswith("╰")]
    lines = [line for line in lines if line.strip("─- ")]
    end = next((n for n, line in enumerate(lines) if line.startswith("For full helptext")), None)
    body = " ".join(lines[:end])
    said, _, hints = body.partition("Perhaps you meant:")
    meant = list(dict.fromkeys(re.findall(r"(?<!\S)--[\w.-]+", hints)))
    said = _plainly(re.sub(r"^Error parsing [\w.-]+: ", "", said.strip()))
    return f"{said}. Did you mean {' or '.join(meant[:3])}?" if meant else f"{said}."


def _swallowed(said: str, argv: Sequence[str], command: str) -> str:
    """How to say a path that is missing, though it is there: a flag that takes several values has taken it for one more."""
    if not said.startswith("Missing from"):
        return ""
    values = (each for before, each in pairwise(argv) if not before.startswith("-"))
    there = next(
        (each for each in values if not each.startswith("-") and Path(each).exists()), None
    )
    return "" if there is None else f" If {there} was meant, say it first: {command} {there} ..."


def _plainly(said: str) -> str:
    """A value that cannot be read, named by its flag rather than by Python's conversion."""
    reason, _, help_page = said.partition(" Argument helptext: ")
    reason = re.sub(
        r"invalid literal for int\(\) with base 10: (.*)", r"\1 is no whole number", reason
    )
    reason = re.sub(r"could not convert string to float: (.*)", r"\1 is no number", reason)
    reason = re.sub(r"no type matching .* - (?:<class '\w+'>|tuple\[[\w, ]+\]): ", "", reason)
    reason = re.sub(
        r"input length (\d+) did not match expected argument count (\d+) .*",
        r"takes \2 values, not \1",
        reason,
    )
    reason = re.sub(
        r"Could not (?:find valid parse for|parse) arguments:? \[(.*?)\].*",
        r"\1 cannot be read; several values have blanks between them: 1 2 3",
        reason,
    )
    reason = re.sub(r"^(Missing from [\w -]+: [A-Z]+) (.*?)\.? \(required\)", r"\1 (\2)", reason)
    name = help_page.partition(" ")[0]
    return f"{name}: {reason}".removeprefix(": ").rstrip(".,")
