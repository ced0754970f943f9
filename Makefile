PYTHON ?= python3
VENV := target/venv
RUN := $(VENV)/bin/python infra/local/stack.py
TEMPLATES := template.yaml infra/data.yaml functions/template.yaml $(wildcard functions/*/template.yaml)
export SAM_CLI_TELEMETRY := 0

.PHONY: help up down fresh demo test clients fuzz second-opinion storm rush relevance bench bench-sales model cost timing coverage mutants generate new-endpoint try-new-endpoint publish check lambda deploy deploy-check rollback

help:
	@echo "make up        the whole product on this machine, with a programme in it"
	@echo "make demo      walks through it: follow, publish, find, buy, see the ticket"
	@echo "make down      ends it and keeps its data"
	@echo "make fresh     forgets its data, and runs it anew"
	@echo "make test      every test, beside a stack of its own"
	@echo "make coverage  the same, and how many lines the libraries' tests reach"
	@echo "make mutants   how many changes of the rules a test notices: PACKAGES=domain, sales, or both (hours)"
	@echo "make clients   the document as linters and generated clients read it, and requests made from it"
	@echo "make fuzz      the same requests for an hour, or FUZZ_SECONDS, with a seed that it prints"
	@echo "make second-opinion  the store's and the sales' tests against a DynamoDB that others wrote"
	@echo "make storm     10,000 purchases of all kinds, or STORM_PURCHASES, while KakaoPay and DynamoDB fail; prints the books"
	@echo "make rush      5,000 people, or RUSH_CONTENDERS, in the queue of one event; prints how many are let in a minute"
	@echo "make relevance how well the search finds: nDCG@10 and recall@20 of judged queries, by kind"
	@echo "make bench     cold starts beside Go, Node and Python"
	@echo "make bench-sales  orders a minute of one event over HTTP, debug and release, beside two shops over PostgreSQL; ROWS='release row'"
	@echo "make model     the same by DynamoDB's documented limits, held against runs of our code that meet on a shard"
	@echo "make cost      what 1,000 purchases, and 1,000 refunds, cost in won, from calls that are counted"
	@echo "make timing    whether the time that a public route takes tells whose an address is: 10,000 pairs, or PAIRS (hours)"
	@echo "make check     the templates, by cfn-lint and sam, and the local cloud's own rules"
	@echo "make new-endpoint PART=tickets NAME=get_ticket METHOD=get ROUTE='/v1/tickets/{ticketId}'  writes its skeleton"
	@echo "make generate  each part's openapi.json and template, and infra/api.yaml, from code and functions.yaml"
	@echo "make publish   keeps today's document as the released one"
	@echo "make lambda    the functions for AWS, with the sizes of their zips"
	@echo "make deploy-check STAGE=staging  what a stage of samconfig.toml, or its account, still lacks"
	@echo "make deploy STAGE=staging        brings the functions and all they need there; HOTFIX=1 while an alarm rings"
	@echo "make rollback STAGE=staging      the release before"

up: $(VENV)/ready
	@$(RUN) up

down fresh: $(VENV)/ready
	@$(RUN) $@

demo: up
	@$(VENV)/bin/python infra/local/demo.py http://127.0.0.1:$${SPOTLIGHT_PORT:-3000}

LIB_TESTS = cargo test --workspace --lib

# Beside a stack of their own, on free ports; what does not compile is told before one is started. Holds are short, so
# that they end while the suite runs. The permissions and the document come last: they are compared with what all others did.
# Then a stack is killed in mid-sale.
test: $(VENV)/ready
	@$(LIB_TESTS) --no-run
	@cargo test --package tests --no-run
	@$(RUN) run --set HoldSeconds=60 -- sh -c '$(LIB_TESTS) && \
		cargo test --package tests -- --skip policies:: --skip answers:: && cargo test --package tests -- policies:: answers::'
	@$(VENV)/bin/python tests/power_cut.py

second-opinion: $(VENV)/ready
	@cargo build --manifest-path infra/local/second-opinion/Cargo.toml --locked --target-dir target
	@cargo test --package store --package sales --lib --no-run
	@$(VENV)/bin/python infra/local/second_opinion.py cargo test --package store --package sales --lib

# Both beside a stack of their own. Node.js, and what .ci/clients names, read the document as its users do.
clients: $(VENV)/ready
	@$(RUN) run -- tests/clients/run

fuzz: $(VENV)/ready
	@$(RUN) run -- tests/clients/run long

# The one of `make test`, with more of everything.
storm: $(VENV)/ready
	@STORM_PURCHASES=$${STORM_PURCHASES:-10000} $(RUN) run -- cargo test --package tests --test suite -- --nocapture faults::

rush: $(VENV)/ready
	@RUSH_CONTENDERS=$${RUSH_CONTENDERS:-5000} $(RUN) run -- cargo test --package tests --test suite -- --nocapture rush::

# The table of infra/search/relevance.md, and each query that finds too little.
relevance: $(VENV)/ready
	@$(RUN) run -- cargo test --package search --lib -- --nocapture relevance

bench: $(VENV)/ready
	@$(RUN) run -- cargo bench --package tests --profile dev --bench cold_start

# `bench-sales` and `model` keep what they found in infra/throughput.
bench-sales: $(VENV)/ready
	@$(VENV)/bin/python tests/benches/sales/sales.py $(ROWS)

model: $(VENV)/ready
	@$(VENV)/bin/python tests/benches/sales/sales.py conflicts
	@$(VENV)/bin/python infra/throughput/model.py

cost: $(VENV)/ready
	@$(VENV)/bin/python tests/cost.py

timing: $(VENV)/ready
	@$(RUN) run -- cargo bench --package tests --profile dev --bench timing

coverage: LIB_TESTS = $(VENV)/bin/python infra/local/coverage.py
coverage: test

PACKAGES ?= domain sales
mutants: $(VENV)/ready
	@$(RUN) run -- $(VENV)/bin/python infra/local/mutants.py $(PACKAGES)

generate:
	@cargo run --package generate

# PART=tickets NAME=get_ticket METHOD=get ROUTE='/v1/tickets/{ticketId}'
new-endpoint:
	@$(PYTHON) infra/new_endpoint.py $(PART) $(NAME) $(METHOD) '$(ROUTE)'

# Makes one, takes it through its tests, and takes it away again.
try-new-endpoint: $(VENV)/ready
	@$(VENV)/bin/python infra/try_new_endpoint.py

publish:
	@cargo run --package generate -- publish

check: $(VENV)/ready-deploy
	@for folder in infra infra/local infra/throughput tests/streams; do $(VENV)/bin/python -m unittest discover --quiet --start-directory $$folder || exit 1; done
	@$(VENV)/bin/cfn-lint --regions ap-northeast-2 -- $(TEMPLATES)
	@for template in $(TEMPLATES); do \
		$(VENV)/bin/sam validate --lint --region ap-northeast-2 --template $$template || exit 1; done

# For operators (README): builds for AWS, all parts or PART, and brings what is built to a stage of samconfig.toml.
lambda: $(VENV)/ready-deploy
	@PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo lambda build --release --arm64 $(if $(PART),--package $(PART),--workspace) --bins --locked
	@$(VENV)/bin/python infra/built.py check $(PART)

deploy: RELEASE = $(if $(HOTFIX),hotfix,deploy)
deploy-check: RELEASE = check
rollback: RELEASE = rollback
deploy deploy-check rollback: $(VENV)/ready-deploy
	@test -n "$(STAGE)" || { echo "Say which stage of samconfig.toml: make $@ STAGE=staging"; exit 1; }
	@$(VENV)/bin/python infra/release.py $(RELEASE) $(STAGE)

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
