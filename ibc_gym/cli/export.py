"""`ibc-gym export`: a trained policy for a computer that has no trainer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

from ibc_gym.cli.flags import REQUIRED, config_of, flag, flags_of, parse, word
from ibc_gym.console import Terminal
from ibc_gym.errors import ConfigError
from ibc_gym.export import ExportConfig
from ibc_gym.export import export as carry_out

DESCRIPTION = (
    "A trained policy as a folder: a model with the optimiser inside, and its card.",
    "ibc_gym.runtime acts with it, on NumPy and onnxruntime or torch alone.",
)

EXAMPLES = ("runs/push", "runs/push --format torch-export", "runs/push --out robot/push")

ExportFlags = flags_of(
    ExportConfig,
    {
        "run": (
            word(str, "A run folder (its best checkpoint) or a checkpoint in it.", "RUN"),
            REQUIRED,
        ),
        "format": (
            flag(
                Literal["onnx", "torch-export"],
                "For ONNX Runtime, or for PyTorch.",
            ),
            "onnx",
        ),
        "out": (
            flag(
                Path | None,
                "Folder to write; an exported policy there is replaced.",
                metavar="PATH",
                default="RUN/exported/FORMAT",
            ),
            None,
        ),
    },
)


def export(argv: Sequence[str], terminal: Terminal) -> None:
    """Write the folder, and say how it compares with the policy."""
    flags = parse(
        ExportFlags, argv, command="ibc-gym export", description=DESCRIPTION, examples=EXAMPLES
    )
    config = config_of(ExportConfig, flags)
    if not Path(config.run).exists():
        raise ConfigError(f"There is no run at {config.run}; train one with `ibc-gym train`.")
    found = carry_out(config)
    checked = found.checked
    terminal.result({**asdict(found), "folder": str(found.folder)})
    terminal.say(
        f"Written to {found.folder} ({found.bytes / 1e6:.1f} MB). Of {checked.observations} actions on made-up "
        f"observations, {checked.agreeing} are the policy's own to 1e-4."
    )
    terminal.say(f"Act with it: ibc_gym.runtime.load({str(found.folder)!r})")
