# Each target sets up what it needs. `make run` serves the chat at http://127.0.0.1:5005/chat; PORT=5006 make run uses another port.
.PHONY: run test train bench evaluate check translations lock setup setup-dev
python := .venv/bin/python -W ignore

run: setup
	@$(python) -m bot train
	@$(python) -m bot serve

test: setup-dev
	@$(python) -m bot train
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/python -m pytest -n 3 --dist loadfile

train: setup
	@$(python) -m bot train

bench: setup-dev
	@$(python) -m bot train
	@$(python) tools/bench.py

evaluate: setup-dev
	@$(python) -m bot train
	@$(python) tools/ablation.py

check: setup
	@$(python) -m bot check
	@$(python) -m bot catalogues report

translations: setup
	@$(python) -m bot catalogues update

# Locks anew after a change of pyproject.toml. uv.lock names download addresses, so only the exported files are kept.
lock: setup-dev
	@.venv/bin/uv lock --quiet
	@.venv/bin/uv export --quiet --no-dev --no-header --output-file requirements.lock >/dev/null
	@.venv/bin/uv export --quiet --all-groups --no-header --output-file requirements-dev.lock >/dev/null

setup:
	@tools/setup.sh requirements.lock

setup-dev:
	@tools/setup.sh requirements-dev.lock
