"""Who may import whom: the star of docs/architecture.md, held by reading every import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEAVES = ("envs", "hardware", "policies")
FLOOR = (
    "records",
    "geometry",
    "normalise",
    "errors",
    "checks",
    "closing",
    "serialise",
    "paths",
    "contracts",
    "offers",
    "xarm6",
    "kinematics",
    "uncertain",
)
MACHINERY = (
    "loading",
    "registry",
    "tables",
    "rollout",
    "atomic",
    "lock",
    "threads",
    "processes",
    "heap",
    "words",
    "braking",
    "watching",
    "raw_streams",
    "real_time",
    "specs",
    "checkpoint",
)
ROOMS = {
    "runtime": 1,
    "data": 3,
    "training": 4,
    "evaluation": 4,
    "report": 5,
    "comparison": 6,
    "testing": 6,
    "cli": 7,
}
PROGRAM = 6
LEVELS: dict[str, int] = {
    **dict.fromkeys(FLOOR, 0),
    "disturbance": 1,
    "env": 1,
    "sight": 1,
    **dict.fromkeys(MACHINERY, 2),
    **ROOMS,
    "__init__": 8,
    "__main__": 8,
}
"""Of files and of rooms; any other file beside them is one of the programs."""
HEAVY = ("torch", "mujoco", "dm_control", "pybullet", "pyrealsense2", "xarm", "tensorboard", "av")


def core_files() -> list[Path]:
    core = ROOT / "ibc_gym"
    return sorted(
        [*core.glob("*.py"), *(file for room in ROOMS for file in core.glob(f"{room}/*.py"))]
    )


def leaf_files() -> list[Path]:
    return sorted(path for leaf in LEAVES for path in (ROOT / leaf).rglob("*.py"))


def imported_modules(path: Path) -> list[str]:
    """Every module that a file imports; relative ones keep their dots."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            if node.module == "ibc_gym" and not node.level:
                found += [f"ibc_gym.{alias.name}" for alias in node.names]
            else:
                found.append(module)
    return found


def level(part: str) -> int:
    return LEVELS.get(part, PROGRAM)


@pytest.mark.parametrize("path", core_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_core_imports_only_from_below_and_never_a_leaf(path: Path) -> None:
    inside = path.relative_to(ROOT / "ibc_gym").with_suffix("").parts
    own = inside[0]
    for module in imported_modules(path):
        assert not module.startswith("."), f"{path.name} imports {module}: the core has no dots"
        if not module.startswith("ibc_gym."):
            assert module.split(".")[0] not in LEAVES, (
                f"{path.name} imports {module} by its bare name"
            )
            continue
        target = module.split(".")[1]
        if target in ("__version__", "make_env", "make_vec_env"):
            target = "__init__"
        assert target not in LEAVES, f"{path.name} imports the leaf {module}"
        if own in ("__init__", "__main__"):
            continue
        assert level(target) <= level(own), f"{path.name} imports {module}, which lies above it"
        assert target == own or level(target) < level(own) or target not in ROOMS, (
            f"{path.name} imports {module}, a room beside its own"
        )


def test_every_folder_of_the_core_is_a_room() -> None:
    folders = {path.parent.name for path in (ROOT / "ibc_gym").glob("*/__init__.py")}
    assert folders == {*ROOMS, *LEAVES}


@pytest.mark.parametrize("path", leaf_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_leaf_imports_its_own_files_and_the_floor(path: Path) -> None:
    depth = len(path.relative_to(ROOT).parts) - 1
    for module in imported_modules(path):
        if module.startswith("."):
            dots = len(module) - len(module.lstrip("."))
            assert dots <= depth, f"{path} climbs out of its leaf with {module}"
        elif module.startswith("ibc_gym"):
            parts = module.split(".")
            assert len(parts) > 1 and parts[1] in FLOOR, (
                f"{path} imports {module}, not of the floor"
            )
        else:
            assert module.split(".")[0] not in LEAVES, f"{path} imports {module} by its bare name"


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, ibc_gym; print([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("leaf", (*LEAVES, "assets"))
def test_folder_is_linked_into_the_package(leaf: str) -> None:
    assert (ROOT / "ibc_gym" / leaf).resolve() == ROOT / leaf
