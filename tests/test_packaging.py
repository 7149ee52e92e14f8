"""What a user installs: the source archive and the wheel hold every folder and file, and run alone."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LEAVES = ("envs", "hardware", "policies")
NOT_SOURCE = (
    ".*_cache",
    ".git",
    ".venv",
    ".hypothesis",
    "*.egg-info",
    "__pycache__",
    "build",
    "dist",
    "runs",
)

pytestmark = pytest.mark.slow


def run(*words: str | Path, cwd: Path, **environment: str) -> str:
    """Standard output of a command that must succeed, and is not shown the source; its complaint is the assertion's message."""
    shown = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**shown, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done.stdout


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first worker makes and the others wait for; a build is too dear for one each."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            folder.mkdir()
            make(folder)
            (folder / "done").touch()
    return folder


@pytest.fixture(scope="session")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The source archive, and the wheel built from it, made from a copy without leftovers of other builds."""

    def build(folder: Path) -> None:
        source = folder / "source"
        shutil.copytree(ROOT, source, symlinks=True, ignore=shutil.ignore_patterns(*NOT_SOURCE))
        out = folder / "dist"
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, cwd=source)

    dist = made_once(tmp_path_factory, "packaging", build) / "dist"
    (sdist,) = dist.glob("*.tar.gz")
    (wheel,) = dist.glob("*.whl")
    return sdist, wheel


@pytest.fixture(scope="session")
def plain_install(archives: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs' folder of an empty environment after a plain install: no extras, no source nearby."""

    def install(folder: Path) -> None:
        # Our pip installs for it, since one of its own takes as long to install as all the rest.
        run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
        run(
            *(sys.executable, "-m", "pip", "--python", folder / "venv" / "bin" / "python"),
            *(
                "install",
                "--no-compile",
            ),  # bytecode is compiled for what is imported alone, when it is
            *("-c", ROOT / "constraints.txt", archives[1]),
            cwd=folder,
        )

    return made_once(tmp_path_factory, "plain", install) / "venv" / "bin"


def shipped() -> set[str]:
    """Every module and asset that must be installed, as a path under `ibc_gym/`."""
    core = ROOT / "ibc_gym"
    files = [*core.glob("*.py"), *core.glob("*/*.py")]
    modules = {str(path.relative_to(core)) for path in files}
    for folder in (*LEAVES, "assets"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts and path.suffix != ".md":
                modules.add(str(path.relative_to(ROOT)))
    return modules | {"py.typed"}


def test_the_wheel_holds_every_module_and_asset_and_one_import_name(
    archives: tuple[Path, Path],
) -> None:
    names = zipfile.ZipFile(archives[1]).namelist()
    held = {name.removeprefix("ibc_gym/") for name in names if name.startswith("ibc_gym/")}
    assert shipped() - held == set()
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"ibc_gym"}


def test_the_source_archive_holds_every_module_and_asset(archives: tuple[Path, Path]) -> None:
    with tarfile.open(archives[0]) as archive:
        names = {name.split("/", 1)[-1] for name in archive.getnames()}
    held = {name.removeprefix("ibc_gym/") for name in names if name.startswith("ibc_gym/")}
    assert shipped() - held == set()
    assert {"README.md", "LICENSE", "pyproject.toml"} <= names


def test_plain_install_imports_from_the_wheel_and_finds_its_assets(
    plain_install: Path, tmp_path: Path
) -> None:
    assets = sorted(
        str(path.relative_to(ROOT / "assets"))
        for path in (ROOT / "assets").rglob("*")
        if path.is_file() and path.suffix != ".md"
    )
    code = (
        "import sys, json, ibc_gym, ibc_gym.paths as paths; "
        "print(json.dumps([ibc_gym.__file__, *(str(paths.asset(name)) for name in sys.argv[1:])]))"
    )
    found = json.loads(run(plain_install / "python", "-c", code, *assets, cwd=tmp_path))
    assert len(found) == len(assets) + 1
    assert all("site-packages" in path for path in found)


def test_plain_install_lists_names_and_says_what_is_missing(
    plain_install: Path, tmp_path: Path
) -> None:
    found = json.loads(run(plain_install / "ibc-gym", "list", "--json", cwd=tmp_path))
    assert {"particle", "push"} <= set(found["tasks"])
    answer = json.loads(run(plain_install / "ibc-gym", "doctor", "--json", cwd=tmp_path))
    torch = answer["findings"]["torch"]
    assert not torch["works"]
    assert torch["fix"] == "pip install 'ibc-gym[policies]'"


def test_plain_install_steps_the_particle_task(plain_install: Path, tmp_path: Path) -> None:
    code = (
        "import gymnasium, ibc_gym; env = gymnasium.make('ibc_gym/Particle-v0'); "
        "env.reset(seed=0); print(len(env.step(env.action_space.sample())))"
    )
    assert run(plain_install / "python", "-c", code, cwd=tmp_path).strip() == "5"


def test_mujoco_extra_resolves_without_constraints_to_a_pair_that_works(
    archives: tuple[Path, Path], tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    run(
        *(sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet"),
        *("--report", report, f"{archives[1]}[mujoco]"),
        cwd=tmp_path,
    )
    found = {
        item["metadata"]["name"].lower().replace("-", "_"): item["metadata"]["version"]
        for item in json.loads(report.read_text())["install"]
    }
    assert found["mujoco"].startswith("3.17.")
    assert found["dm_control"] == "1.0.50"
