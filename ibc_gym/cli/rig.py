"""`ibc-gym rig`: an emulated xArm6 over the simulated world of a task, for whatever speaks the vendor's protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from ibc_gym.cli.flags import config_of, flag, flags_of, parse, take_task_options, word
from ibc_gym.console import Terminal, table
from ibc_gym.loading import load
from ibc_gym.rig import RigConfig, serve
from ibc_gym.tables import HARDWARE

DESCRIPTION = (
    "An emulated xArm6 in real time, on loopback: the vendor's own client drives it.",
    "The workcell xarm-emulated starts one by itself; this one is for your programs.",
    "An option of the task, a field of its config, is set by --task.OPTION VALUE.",
)
EXAMPLES = (
    "insert",
    "insert --task.clearance 0.005 --address 127.0.0.2",
    "insert --fault collision@3s error=27@9s freeze@12s+2s",
    "insert --faults-per-minute 6 --seed 1",
)

VENDORS_PORT = 502
"""Where the vendor's client looks for a controller."""

RigFlags = flags_of(
    RigConfig,
    {
        "task": (word(str, "Whose world stands on its table.", "TASK"), "insert"),
        "options": (flag(Any, "", hidden=True), {}),
    },
)


def kinds() -> list[str]:
    """What `--fault` knows: all that can go wrong with a controller."""
    known = load(HARDWARE, "known faults", "hardware")()
    return [kind for kind in known if not kind.startswith("camera-")]


def rig(argv: Sequence[str], terminal: Terminal) -> None:
    """Run the rig until Ctrl-C."""
    options, argv = take_task_options(argv)
    flags = parse(
        RigFlags,
        argv,
        command="ibc-gym rig",
        description=(*DESCRIPTION, *wrap(f"Faults: {', '.join(kinds())}.", 80)),
        examples=EXAMPLES,
    )
    config = config_of(RigConfig, flags, options=options)

    def tell(where: Mapping[str, Any]) -> None:
        rows = [
            ("address", where["address"]),
            ("commands", f"port {where['port']}"),
            ("reports", "ports 30001, 30002, 30003"),
            ("referee and faults", f"port {where['questions']}"),
        ]
        terminal.result(
            where, table(f"An emulated xArm6 with the table of {config.task}", ("", ""), rows)
        )
        if where["port"] != VENDORS_PORT:
            terminal.say(
                f"The system keeps port {VENDORS_PORT} for itself; tell the client before it connects: "
                f"xarm.core.config.x_config.XCONF.SocketConf.TCP_CONTROL_PORT = {where['port']}"
            )
        terminal.say(
            f'Drive it: XArmAPI("{where["address"]}", forbid_uds=True). End it with Ctrl-C.'
        )

    serve(config, tell)
