# The five verbs of a Dagster integration. None of them needs an active virtual environment.
.PHONY: install build test ruff check

install:
	python3 -m venv .venv
	.venv/bin/pip install -e '.[dev,demo]'

build:
	.venv/bin/pip wheel . --no-deps --wheel-dir dist

test:
	.venv/bin/pytest -n 2 --dist loadfile

ruff:
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

check:
	.ci/run check
