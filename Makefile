# make run and make test are all that is needed; each prepares .venv first.
PYTHON ?= python3
VIDEO ?= resources/sample.mp4
OUTPUT ?= clip_generation_output
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run test check bench truth sample rooms variation screenshot clean

run: $(READY)
	@if [ "$$(uname)" = Linux ] && [ -z "$$DISPLAY$$WAYLAND_DISPLAY$$QT_QPA_PLATFORM" ]; then \
		echo "No display here: doing the same job headless, results in $(OUTPUT)/"; \
		exec $(BIN)/clipgen-engine --video_path "$(VIDEO)" --output_dir "$(OUTPUT)"; \
	else \
		exec $(BIN)/clipgen "$(VIDEO)"; \
	fi

test: $(READY)
	$(BIN)/python -m pytest -n auto --dist loadfile

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(READY)
	$(BIN)/python -m tests.bench

truth: $(READY)
	$(BIN)/python -m tests.truth

sample: $(READY)
	$(BIN)/python resources/make_sample.py

rooms: $(READY)
	$(BIN)/python resources/draw_rooms.py

variation: $(READY)
	$(BIN)/python resources/draw_variation.py

screenshot: $(READY)
	@resources/install_system_packages.sh xvfb xauth
	xvfb-run -a -s "-screen 0 1920x1080x24" $(BIN)/python resources/make_screenshots.py "$(VIDEO)"

clean:
	rm -rf .venv build

$(READY): pyproject.toml constraints.txt resources/install_system_packages.sh
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' \
		|| { echo "clipgen needs Python 3.11, 3.12 or 3.13: run make PYTHON=python3.11"; exit 1; }
	@PYTHON=$(PYTHON) resources/install_system_packages.sh
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[bundled-model,dev]"
	@touch $@
