# Everything that a developer does here. `make help` lists it.

.POSIX:
.NOTPARALLEL:
.PHONY: help demo test lint build profile measure faults fuzz model worlds crds clean tools test-build demo-build measure-build profile-build faults-build image chart-docs e2e-prometheus e2e-otlp e2e-gitops e2e-node prometheus image-check e2e machine e2e-build gitops-build worlds-build

SHELL = /bin/sh
CARGO = cargo
TARGET = $${CARGO_TARGET_DIR:-target}
PHASE = @sh dev/scripts/phase.sh
RELEASE = env CARGO=$(CARGO) sh dev/profile/release.sh "$(TARGET)"
NODE = --also kube-scheduler --also kubelet --also containerd --also containerd-shim-runc-v2 --also ctr --also helm
FLUX = --also kustomize-controller --also kstatus --also glua
# What finds or builds the Kubernetes programs is built first; of the same packages as what follows, so
# that no dependency is compiled twice for other features.
FIRST = $(PHASE) 'control-plane' $(CARGO) build --locked --bin control-plane
BUILD = "$(TARGET)/debug/control-plane" build
MAKE_IT = -- $(MAKE) --no-print-directory

help:
	@echo 'make demo    show the operator at work on a control plane of its own (KEEP=1: leave it running;'
	@echo '             CLUSTER=current: in the cluster of your kubectl, which it asks about first)'
	@echo 'make test    check the format and the lints, and run all tests'
	@echo 'make lint    check the format and the lints only'
	@echo 'make build   build the operator for use: target/release/vobiz-operator, and kubectl-vobiz, a link to it'
	@echo 'make image   pack it into an OCI image: target/image/vobiz-operator.tar'
	@echo 'make image-check     build the image once more, from a clone elsewhere: the digest must be the same'
	@echo 'make e2e     the four below; needs root (KEEP=1: leave the node running)'
	@echo 'make e2e-gitops      claims under the real controller of Flux, and by the Lua of Argo CD'
	@echo 'make e2e-prometheus  alerts, dashboard and metrics with a real Prometheus (Debian package)'
	@echo 'make e2e-otlp        traces, in a program that is built with them'
	@echo 'make e2e-node        the image, installed by the chart on a real node, and mistreated there'
	@echo 'make profile note which way the code goes as it buys 2,000 numbers: what `make build` and `make image` compile by'
	@echo 'make measure buy 2,000 numbers and print CPU, memory, calls and latency (CLAIMS=1000,4000 OWNED=10000 RATE=200/400'
	@echo '             RESYNC=30 RUNS=3 PARTS=load,latency,restart,resync,relist ACCOUNTS=100 WRONG_TOKENS=1 AGAINST=program CRDS=folder)'
	@echo 'make faults  kill the operator at every call before a Vobiz that misbehaves, 880 runs (SEED=1, RUN=7, SCENARIO=name)'
	@echo 'make fuzz    throw 2,000,000 hostile inputs at every reader of answers (SEED=1, INPUTS=100, INPUT=7)'
	@echo 'make model   check the protocol in every interleaving of more than 20 million states (MIX=lost: some of them)'
	@echo 'make worlds  plan 200 random worlds, apply them, and hold what becomes of them against the plan (WORLDS=50 SEED=7)'
	@echo 'make crds    write the custom resource definitions in crds/ and in the chart anew'
	@echo "make chart-docs  write the tables of values in the chart's README anew"
	@echo 'make clean   remove what was built here (not the Kubernetes programs, kept in ~/.cache)'

demo: tools
	$(FIRST) --workspace
	$(PHASE) 'build' $(BUILD) $(MAKE_IT) demo-build
	@set -- --operator "$(TARGET)/debug/vobiz-operator"; \
	[ '$(KEEP)' != 1 ] || set -- "$$@" --keep; \
	[ -z '$(CLUSTER)' ] || set -- "$$@" --cluster '$(CLUSTER)'; \
	[ '$(YES)' != 1 ] || set -- "$$@" --yes; \
	exec "$(TARGET)/debug/demo" "$$@"

test: tools
	$(PHASE) 'format' $(CARGO) fmt --all --check
	$(FIRST) --workspace
	$(PHASE) 'lints and test build' $(BUILD) --controller-manager --also helm $(MAKE_IT) test-build
	$(PHASE) 'tests' $(CARGO) test --workspace --locked

lint:
	$(PHASE) 'format' $(CARGO) fmt --all --check
	$(PHASE) 'lints' $(CARGO) clippy --workspace --all-targets --locked -- -D warnings

build:
	$(RELEASE) vobiz-operator -p vobiz-operator
	ln -sf vobiz-operator "$(TARGET)/release/kubectl-vobiz"

image:
	$(PHASE) 'image' sh dev/image/pack.sh "$(TARGET)"

e2e-prometheus: prometheus tools
	$(FIRST) --workspace
	$(PHASE) 'prometheus' $(CARGO) test --locked -p vobiz-operator --test cluster prometheus:: -- --ignored

e2e-otlp: tools
	$(FIRST) --workspace
	$(PHASE) 'traces' $(CARGO) test --locked -p vobiz-operator --features otlp --test cluster otlp::

image-check: image
	$(PHASE) 'second image' sh dev/image/compare.sh "$(TARGET)"

# What ends by itself comes first, so that KEEP=1 leaves the node at the end.
e2e: e2e-gitops e2e-prometheus e2e-otlp e2e-node

e2e-gitops: tools
	$(FIRST) --workspace
	$(PHASE) 'build' $(BUILD) --controller-manager $(FLUX) $(MAKE_IT) gitops-build
	$(PHASE) 'Argo CD and kstatus' $(CARGO) test --locked -p vobiz-operator --test gitops -- --include-ignored
	$(PHASE) 'Flux' $(CARGO) test --locked -p vobiz-operator --test cluster gitops:: -- --ignored

e2e-node: machine tools
	$(FIRST) -p node -p control-plane -p vobiz-sim
	$(PHASE) 'build' $(BUILD) --controller-manager $(NODE) $(MAKE_IT) e2e-build
	@keep=; if [ '$(KEEP)' = 1 ]; then keep=--keep; fi; \
	exec "$(TARGET)/debug/e2e" --image "$(TARGET)/image/vobiz-operator.tar" --pause "$(TARGET)/image/pause" $$keep

# After another compiler or version, or much that has changed. A program is compiled for it, which takes minutes.
profile: tools
	@sh dev/profile/merger.sh
	$(FIRST) -p control-plane
	$(PHASE) 'build' $(BUILD) $(MAKE_IT) profile-build
	$(PHASE) 'profile' sh dev/profile/record.sh "$(TARGET)"

# CLAIMS=1000,4000,16000 makes a curve. AGAINST= names another program that takes the same variables, CRDS= its definitions.
measure: tools
	$(FIRST) -p control-plane
	$(PHASE) 'build' $(BUILD) $(MAKE_IT) measure-build
	@set -- --operator "$(TARGET)/release/vobiz-operator"; \
	[ -z '$(CLAIMS)' ] || set -- "$$@" --claims '$(CLAIMS)'; \
	[ -z '$(OWNED)' ] || set -- "$$@" --owned '$(OWNED)'; \
	[ -z '$(RATE)' ] || set -- "$$@" --rate '$(RATE)'; \
	[ -z '$(RESYNC)' ] || set -- "$$@" --resync '$(RESYNC)'; \
	[ -z '$(PARTS)' ] || set -- "$$@" --parts '$(PARTS)'; \
	[ -z '$(RUNS)' ] || set -- "$$@" --runs '$(RUNS)'; \
	[ -z '$(ACCOUNTS)' ] || set -- "$$@" --accounts '$(ACCOUNTS)'; \
	[ -z '$(WRONG_TOKENS)' ] || set -- "$$@" --wrong-tokens '$(WRONG_TOKENS)'; \
	[ -z '$(AGAINST)' ] || set -- "$$@" --against '$(AGAINST)'; \
	[ -z '$(CRDS)' ] || set -- "$$@" --crds '$(CRDS)'; \
	exec "$(TARGET)/release/measure" "$$@"

# Each run has a place in the order that its seed makes of all; RUN= replays one.
faults: tools
	$(FIRST) -p faults -p control-plane
	$(PHASE) 'build' $(BUILD) $(MAKE_IT) faults-build
	@set -- --operator "$(TARGET)/release/vobiz-operator"; \
	[ -z '$(SEED)' ] || set -- "$$@" --seed '$(SEED)'; \
	[ -z '$(RUN)' ] || set -- "$$@" --run '$(RUN)'; \
	[ -z '$(RUNS)' ] || set -- "$$@" --runs '$(RUNS)'; \
	[ -z '$(SCENARIO)' ] || set -- "$$@" --scenario '$(SCENARIO)'; \
	exec "$(TARGET)/debug/faults" "$$@"

# Not optimised: every overflow is checked, and a million inputs take half a minute all the same.
fuzz:
	$(PHASE) 'build' $(CARGO) build --locked -p fuzz
	@set --; \
	[ -z '$(SEED)' ] || set -- "$$@" --seed '$(SEED)'; \
	[ -z '$(INPUTS)' ] || set -- "$$@" --inputs '$(INPUTS)'; \
	[ -z '$(INPUT)' ] || set -- "$$@" --input '$(INPUT)'; \
	exec "$(TARGET)/debug/fuzz" "$$@"

# In the profile of the tests, in which the operator is optimised: `make test` has built it already.
model:
	$(PHASE) 'build' $(CARGO) test --locked -p vobiz-operator --lib --no-run
	MIX='$(MIX)' $(CARGO) test --locked -p vobiz-operator --lib model:: -- --include-ignored --skip any_small --nocapture --test-threads 1

# Of the packages that `make test` builds, so that nothing is compiled for it again.
worlds: tools
	$(FIRST) --workspace
	$(PHASE) 'test build' $(BUILD) --controller-manager $(MAKE_IT) worlds-build
	@worlds='$(WORLDS)'; export WORLDS="$${worlds:-200}"; \
	exec $(CARGO) test --workspace --locked --test cluster plan::reality:: -- --nocapture

crds:
	$(CARGO) run -q -- crd > crds/new && mv crds/new crds/telephony.vobiz.ai.yaml
	cp crds/telephony.vobiz.ai.yaml charts/vobiz-operator/files/crds/

chart-docs:
	UPDATE=1 $(CARGO) test -q --locked --test chart the_readme_has_the_tables_of_the_values

clean:
	$(CARGO) clean

# The rest is used by the targets above.

tools:
	@sh dev/scripts/check-tools.sh

prometheus:
	@sh dev/scripts/check-prometheus.sh

machine:
	@sh dev/scripts/check-machine.sh

gitops-build:
	$(PHASE) 'test build' $(CARGO) test --locked -p vobiz-operator --test gitops --test cluster --no-run

e2e-build: image
	$(PHASE) 'pause' sh dev/scripts/build-pause.sh "$(TARGET)/image/pause"
	$(PHASE) 'test' $(CARGO) build --locked -p node -p control-plane -p vobiz-sim

test-build:
	$(PHASE) 'lints' $(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	$(PHASE) 'test build' $(CARGO) test --workspace --locked --no-run

worlds-build:
	$(PHASE) 'cluster tests' $(CARGO) test --workspace --locked --test cluster --no-run

measure-build: profile-build
	$(PHASE) 'operator' $(RELEASE) vobiz-operator -p vobiz-operator

profile-build:
	$(PHASE) 'measure' $(RELEASE) measure -p testbed --features cluster

faults-build:
	$(PHASE) 'operator' $(RELEASE) vobiz-operator -p vobiz-operator
	$(PHASE) 'faults' $(CARGO) build --locked -p faults -p control-plane

# In the profile of the tests: what they compile is compiled once.
demo-build:
	$(PHASE) 'operator and demo' $(CARGO) build --locked --workspace --bin vobiz-operator --bin demo
