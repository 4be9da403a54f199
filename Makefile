# make demo   compose, render, pretrain and probe in minutes on a CPU
#             (MUSIC=folder takes your own music instead)
# make test   doctests and all tests, in two processes of one thread each;
#             PYTEST_ARGS="-k floors" picks some
# make test-faults   tests/faults: jobs killed, disks full, files damaged; the best
#             part of an hour, into results/faults and a table (PYTEST_ARGS as above)
# make lint   ruff, yamllint, codespell
# make bench  the scripts in tests/benchmarks, into results/bench and its table.md
# make clean  remove what these targets made
#
# Each builds the virtual environment .venv first if it is missing or older
# than what it was built from. PYTHON=python3.12 picks another interpreter.

PYTHON ?= python3
PYTEST_ARGS ?=
MUSIC ?=

VENV := .venv
RUN := $(VENV)/bin/python
STAMP := $(VENV)/.complete
# teacher_fits.py wants a folder of music; table.py comes last.
BENCHMARKS := $(filter-out tests/benchmarks/_% %/table.py %/teacher_fits.py, \
	$(wildcard tests/benchmarks/*.py))

FAULTS := results/faults/report.jsonl

.PHONY: demo test test-faults lint bench clean

demo: $(STAMP)
	$(RUN) templates/minimusic/demo.py $(if $(MUSIC),--music "$(MUSIC)")

test: $(STAMP)
	OMP_NUM_THREADS=1 $(RUN) -m pytest -n 2 --dist loadfile \
		--no-loadscope-reorder $(PYTEST_ARGS)

# The table comes whatever the tests say.
test-faults: $(STAMP)
	mkdir -p $(dir $(FAULTS)) && : > $(FAULTS)
	OMP_NUM_THREADS=1 MERT_SB_FAULTS_REPORT="$(CURDIR)/$(FAULTS)" \
		$(RUN) -m pytest tests/faults $(PYTEST_ARGS); status=$$?; \
		$(RUN) tests/faults/table.py $(FAULTS); exit $$status

lint: $(STAMP)
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m yamllint .
	$(RUN) -m codespell_lib

bench: $(STAMP)
ifeq ($(BENCHMARKS),)
	@echo "no benchmarks in tests/benchmarks"
else
	@set -e; for script in $(BENCHMARKS); do \
		echo "== $$script"; PYTHONPATH=. $(RUN) "$$script"; \
	done
	PYTHONPATH=. $(RUN) tests/benchmarks/table.py > results/bench/table.md
endif

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(STAMP): setup.cfg pyproject.toml tests/utils/setup_env.py
	$(PYTHON) tests/utils/setup_env.py $(VENV) ".[test,demo]"
	@touch $@
