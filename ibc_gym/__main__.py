"""`python -m ibc_gym` is `ibc-gym`; what the command line needs is loaded where Ctrl-C is heard."""

import sys


def main() -> int:
    """Run one command; see `ibc_gym.cli.main.main`."""
    try:
        from ibc_gym.cli.main import main as run
    except KeyboardInterrupt:
        print("\nStopped by Ctrl-C. Nothing was written.", file=sys.stderr)
        return 130
    return run()


if __name__ == "__main__":
    sys.exit(main())
