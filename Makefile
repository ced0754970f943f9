# `make up` brings the whole product up on this machine, `make demo` walks through it, `make test` proves it.
PYTHON ?= python3
VENV := target/venv
RUN := $(VENV)/bin/python infra/local/stack.py

.PHONY: up down demo test deploy generate check
.DEFAULT_GOAL := up

up: $(VENV)/ready
	@$(RUN) up

down: $(VENV)/ready
	@$(RUN) down

demo: up
	@$(VENV)/bin/python infra/local/demo.py http://127.0.0.1:$${SPOTLIGHT_PORT:-3000}

test: $(VENV)/ready
	@cargo test --workspace --lib --no-run
	@cargo test -p tests --no-run
	@$(RUN) run -- sh -c 'cargo test --workspace --lib && cargo test -p tests'

# Writes openapi.json and infra/api.yaml from the code.
generate:
	@cargo run --package generate

check: $(VENV)/ready-deploy
	@$(VENV)/bin/cfn-lint --regions ap-northeast-2 -- template.yaml infra/data.yaml functions/*/template.yaml
	@for template in template.yaml infra/data.yaml functions/*/template.yaml; do \
		$(VENV)/bin/sam validate --lint --region ap-northeast-2 --template $$template || exit 1; done

# For operators: make deploy STAGE=staging (README).
deploy: $(VENV)/ready-deploy
	@test -n "$(STAGE)" || { echo "Say which stage of samconfig.toml: make deploy STAGE=staging"; exit 1; }
	@$(VENV)/bin/python infra/release.py $(STAGE)

# Both are made anew when the pinned versions change.
$(VENV)/ready: infra/local/requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer runs the local cloud: install it, or name it with PYTHON=<command>."; exit 1; }
	@echo "preparing Python tools in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: install it (Debian: python3-venv)."; exit 1; }
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/ready-deploy: infra/local/requirements-deploy.txt $(VENV)/ready
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check -r infra/local/requirements.txt -r $<
	@touch $@
