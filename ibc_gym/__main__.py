"""`python -m ibc_gym` is `ibc-gym`."""

import sys

from ibc_gym.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
