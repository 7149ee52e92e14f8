# Two commands are enough on a fresh machine, `make demo` and `make test`: each does all of its own set-up.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
JOBS ?= 4
WORKCELLS := tests/hardware/workcells
PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3,$(shell command -v $(name))))

# Shared libraries and the Debian packages that bring them.
SYSTEM_LIBRARIES := libOSMesa.so:libosmesa6 libusb-1.0.so:libusb-1.0-0

# Every worker computes on one core; more threads than cores would only make them wait for each other.
export OMP_NUM_THREADS ?= 1
# Every worker, and every command that a test starts, would compile what they import anew if nobody kept it.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test fast lint format bench system clean

help:  ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: $(STAMP) system  ## The whole loop in runs/demo: demonstrations, training, evaluation, report.
	$(BIN)/ibc-gym demo

test: $(STAMP) system lint  ## Everything: lint, types, all tests, the wheel in an empty environment.
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not realtime"
	$(BIN)/pytest -n 3 --dist worksteal -m realtime $(WORKCELLS)  # they wait half of the time
	$(BIN)/pytest -m realtime tests/hardware --ignore $(WORKCELLS)  # no others are, and to look for them takes a while

fast: $(STAMP)  ## The quick part of the tests.
	$(BIN)/pytest -n $(JOBS) --dist worksteal -m "not slow and not realtime and not hardware"

lint: $(STAMP)  ## Ruff and strict mypy.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: $(STAMP)  ## Let ruff put the code in shape.
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: $(STAMP) system  ## Run every benchmark but those on human data, and print its figures.
	@set -e; for file in $(filter-out benchmarks/human%,$(wildcard benchmarks/*.py)); do echo "== $$file"; PYTHONPATH=. $(BIN)/python $$file; done

clean:  ## Remove the environment and what was built; runs/ is kept.
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# Install Debian packages if we may (root, or sudo that asks no password); fails if not.
define apt_install
{ command -v apt-get >/dev/null || exit 1; \
  if test "$$(id -u)" = 0; then sudo=; elif sudo -n true 2>/dev/null; then sudo="sudo -n"; else exit 1; fi; \
  echo "Installing $(1)"; \
  $$sudo apt-get update -qq && $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends $(1); }
endef

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' \
	  || { echo "Everything together needs Python 3.11 or 3.12; name it with: make PYTHON=/path/to/python3.11"; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || ( $(call apt_install,python3-venv) && $(PYTHON) -m venv $(VENV) ) \
	  || { rm -rf $(VENV); echo "Python lacks its venv module: sudo apt-get install -y python3-venv"; exit 1; }
	$(BIN)/pip install -c constraints.txt -e '.[dev]'
	@touch $@

system:  ## Install the system libraries for images and cameras, if missing and if we may.
	@missing=""; for pair in $(SYSTEM_LIBRARIES); do \
	  PATH="$$PATH:/sbin:/usr/sbin" ldconfig -p | grep -q "$${pair%%:*}" || missing="$$missing $${pair##*:}"; \
	done; \
	test -z "$$missing" || ( $(call apt_install,$$missing) ) \
	  || echo "Missing, and needed for images and cameras alone: sudo apt-get install -y$$missing"
