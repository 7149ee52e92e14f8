"""A trained policy as one folder of plain files: saved, found, loaded, and held to its environment.

Nothing in a checkpoint is executed when it is loaded: weights are safetensors, everything else is JSON. The layout is
LeRobot's, `<run>/checkpoints/<step>/pretrained_model`, so that its users find their way.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from ibc_gym.contracts import LearnedPolicy
from ibc_gym.errors import CheckpointError, IbcGymError
from ibc_gym.loading import load
from ibc_gym.paths import CHECKPOINTS
from ibc_gym.registry import make_policy
from ibc_gym.serialise import from_json, to_json
from ibc_gym.specs import check_fits, spec_from_json, spec_to_json
from ibc_gym.tables import POLICIES

FORMAT = "ibc_gym.policy"
FORMAT_VERSION = 1

SEEDS = "demonstration_seeds"
"""Under this name a policy's `about` has the ranges of seeds that it learned from; see `data.seed_ranges`."""
PRETRAINED = "pretrained_model"
CONFIG = "config.json"
WEIGHTS = "model.safetensors"
FITTED = "fitted.json"
CARD = "README.md"


def save_policy(
    folder: Path, name: str, policy: LearnedPolicy, about: Mapping[str, Any] | None = None
) -> None:
    """Write a policy into an empty folder, and a model card for people.

    Args:
        folder: Where; made if it is not there. `ibc_gym.atomic.whole_folder` makes it appear at once.
        name: The policy's row in the registry.
        policy: A module whose normalisers are fitted.
        about: Where it comes from: "step", "action_error", "dataset" and the like; plain JSON.

    Raises:
        CheckpointError: It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {
        key: value.detach().cpu().clone().contiguous()
        for key, value in as_module(policy).state_dict().items()
    }
    save_tensors(weights, folder / WEIGHTS)
    write_json(folder / FITTED, policy.fitted())
    config = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "type": name,
        "config": to_json(policy.config),
        "spec": spec_to_json(policy.spec),
        "about": dict(about or {}),
        "versions": versions(),
        "sha256": {file: _digest(folder / file) for file in (WEIGHTS, FITTED)},
    }
    write_json(folder / CONFIG, config)
    (folder / CARD).write_text(_card(config, sum(value.numel() for value in weights.values())))


def save_tensors(tensors: Mapping[str, torch.Tensor], file: Path) -> None:
    """Write tensors by name.

    Raises:
        CheckpointError: There is no room for them, or they cannot be written there.
    """
    try:
        save_file(dict(tensors), file, metadata={"format": "pt"})
    except SafetensorError as error:
        raise CheckpointError(
            f"Cannot write {file} ({error}). Checkpoints before this one are whole: make room, and go on with --resume."
        ) from error


def load_policy(path: str | Path, device: torch.device | str = "cpu") -> LearnedPolicy:
    """A trained policy, ready to act.

    Args:
        path: A run (its best checkpoint is taken), a checkpoint, or a folder `pretrained_model`.
        device: Where it shall run.

    Raises:
        CheckpointError: Nothing is there, it is incomplete or damaged, or of another version.
    """
    folder = find_policy(path)
    config = read_config(folder)
    try:
        policy = make_policy(
            config["type"],
            spec_from_json(config["spec"]),
            from_json(load(POLICIES, config["type"], "policy").Config, config["config"]),
        )
        policy.load_fitted(read_json(folder / FITTED))
        module = as_module(policy)
        module.load_state_dict(load_file(folder / WEIGHTS))
    except CheckpointError:
        raise
    except (IbcGymError, SafetensorError, KeyError, RuntimeError, TypeError) as error:
        raise CheckpointError(
            f"{folder} cannot be loaded: {str(error).strip()} {_written_by(config)}"
        ) from error
    module.to(device)
    module.eval()
    return policy


def as_module(policy: LearnedPolicy) -> torch.nn.Module:
    """A learned policy as the module that it is: a protocol cannot inherit from a class."""
    return cast("torch.nn.Module", policy)


def read_config(path: str | Path) -> dict[str, Any]:
    """A checkpoint's `config.json`, checked for version and completeness; loads no weights.

    Raises:
        CheckpointError: As for `load_policy`.
    """
    folder = find_policy(path)
    config = read_json(folder / CONFIG)
    if config.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder / CONFIG} is not of ibc_gym: its format is {config.get('format')!r}."
        )
    if config.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(
            f"{folder} has format version {config.get('format_version')}, but this library reads "
            f"{FORMAT_VERSION}. {_written_by(config)}"
        )
    for key in ("type", "config", "spec", "sha256"):
        if key not in config:
            raise CheckpointError(
                f"{folder / CONFIG} has no {key!r}; it is damaged. Copy it again."
            )
    for file, digest in config["sha256"].items():
        if not (folder / file).is_file():
            raise CheckpointError(
                f"{folder} is incomplete: {file} is missing. Copy the whole folder again."
            )
        if _digest(folder / file) != digest:
            raise CheckpointError(
                f"{folder / file} is not what was saved: its checksum differs. Copy it again."
            )
    return config


def find_policy(path: str | Path) -> Path:
    """The folder `pretrained_model` that a path stands for.

    Raises:
        CheckpointError: There is none.
    """
    path = Path(path)
    tried = [path, path / PRETRAINED]
    for parent in (path / CHECKPOINTS, path):
        tried += [parent / link / PRETRAINED for link in ("best", "last")]
    steps = step_folders(path)
    for folder in [*tried, *(step / PRETRAINED for step in reversed(steps))]:
        if (folder / CONFIG).is_file():
            return folder
    if not path.exists():
        raise CheckpointError(f"There is no {path}; give a run's folder or one of its checkpoints.")
    raise CheckpointError(
        f"{path} holds no checkpoint: no {PRETRAINED}/{CONFIG} in it or in its {CHECKPOINTS}/. "
        "Has the run saved one yet?"
    )


def step_folders(run: Path) -> list[Path]:
    """A run's complete checkpoints, oldest first."""
    found = [path for path in (run / CHECKPOINTS).glob("*") if path.name.isdigit()]
    return sorted(
        (path for path in found if not path.is_symlink()), key=lambda path: int(path.name)
    )


def write_json(path: Path, numbers: Mapping[str, Any]) -> None:
    """Write JSON that people can read, too."""
    path.write_text(json.dumps(numbers, indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """Read a table of JSON.

    Raises:
        CheckpointError: It is missing or no JSON.
    """
    try:
        numbers: dict[str, Any] = json.loads(path.read_text())
    except OSError as error:
        raise CheckpointError(
            f"Cannot read {path} ({error.strerror}); the checkpoint is incomplete. Copy it again."
        ) from error
    except ValueError as error:
        raise CheckpointError(f"{path} is damaged: {error}. Copy the checkpoint again.") from error
    if not isinstance(numbers, dict):
        raise CheckpointError(f"{path} is damaged: it holds no table. Copy the checkpoint again.")
    return numbers


def versions() -> dict[str, str]:
    """What made a checkpoint: the libraries whose versions may matter."""
    libraries = ("ibc-gym", "torch", "numpy", "gymnasium", "safetensors")
    return {"python": platform.python_version(), **{name: version(name) for name in libraries}}


def _written_by(config: Mapping[str, Any]) -> str:
    theirs = config.get("versions", {}).get("ibc-gym", "unknown")
    ours = version("ibc-gym")
    if theirs == ours:
        return f"It was written by this version, ibc-gym {ours}."
    return f"It was written by ibc-gym {theirs}, this is {ours}: install ibc-gym=={theirs}."


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _card(config: Mapping[str, Any], parameters: int) -> str:
    """A model card in the form that model hubs read."""
    spec, about = config["spec"], config["about"]
    rows = {
        "policy": f"`{config['type']}`, {parameters:,} numbers",
        "task": f"`{spec['task']}`, a control period of {spec['control_period']:g} s",
        "inputs": ", ".join(f"`{name}`" for name in config["config"].get("inputs", [])),
        **{key.replace("_", " "): f"`{value}`" for key, value in about.items() if key != SEEDS},
        "made with": ", ".join(f"{name} {number}" for name, number in config["versions"].items()),
    }
    table = "\n".join(f"| {key} | {value} |" for key, value in rows.items())
    return f"""---
library_name: ibc-gym
tags: [robotics, imitation-learning, {config["type"]}]
---

# `{config["type"]}` for `{spec["task"]}`

| | |
|---|---|
{table}

Evaluate it:

```
ibc-gym eval <this folder> --env {spec["task"]}
```

`config.json` holds the policy's settings and spaces, `fitted.json` its normalisers, `model.safetensors` its weights.
Loading executes no code from this folder.
"""


__all__ = [
    "CHECKPOINTS",
    "CONFIG",
    "FITTED",
    "PRETRAINED",
    "WEIGHTS",
    "as_module",
    "check_fits",
    "find_policy",
    "load_policy",
    "read_config",
    "read_json",
    "save_policy",
    "save_tensors",
    "step_folders",
    "versions",
    "write_json",
]
