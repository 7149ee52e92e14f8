"""`python -m ibc_gym` is `ibc-gym`; what the command line needs is loaded where Ctrl-C is heard."""

import sys

from ibc_gym.starting import one_line_on_ctrl_c


def main() -> int:
    """Run one command; see `ibc_gym.cli.main.main`."""
    with one_line_on_ctrl_c():
        from ibc_gym.cli.main import main as run
    return run()


if __name__ == "__main__":
    sys.exit(main())
