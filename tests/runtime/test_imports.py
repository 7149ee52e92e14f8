"""What `import ibc_gym.runtime` brings along on a robot's computer: little, so that it is quick."""

from __future__ import annotations

import json
import subprocess
import sys

ALONE = """
import importlib.abc, importlib.util, json, sys

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in ("ibc_gym", "numpy", *sys.stdlib_module_names):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

found = importlib.util.find_spec
importlib.util.find_spec = lambda name, package=None: None if name == "gymnasium" else found(name, package)
before = set(sys.modules)
sys.meta_path.insert(0, Refuse())
import ibc_gym.runtime
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_it_is_numpy_and_ten_files_of_ours_and_no_engine_yet() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    brought = json.loads(done.stdout)
    ours = {name for name in brought if name.partition(".")[0] == "ibc_gym"}
    runtime = ("chunks", "engines", "folder", "noise", "pictures", "policy")
    assert ours == {
        "ibc_gym",
        "ibc_gym.errors",
        "ibc_gym.runtime",
        "ibc_gym.starting",
        *(f"ibc_gym.runtime.{name}" for name in runtime),
    }
    roots = {name.partition(".")[0] for name in brought}
    assert roots - set(sys.stdlib_module_names) == {"ibc_gym", "numpy"}
