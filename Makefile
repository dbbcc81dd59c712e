# `make help` lists what there is. Everything runs without root, without a
# server and, but for Go modules, without a network; only test-peers installs
# Debian packages.

SHELL       := bash
.SHELLFLAGS := -eu -o pipefail -c

BIN     := bin/kubectl-schemahero-plugin
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)

REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)

# What the files in release archives are dated.
COMMIT_TIME ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)

# The scripts that run under the race detector: those that do most at once. One
# start of the program takes a second there, so all of them would take minutes.
RACE_SCRIPTS ?= mirror|projects|interrupt

# How often each fuzz target runs. A number and not a time: before Go 1.27 a time
# that runs out fails now and then with "context deadline exceeded"
# (golang.org/issue/75804).
FUZZTIME ?= 10000x

# Go needs a place for modules and builds. If there is no HOME (cron, some
# containers), it is in the checkout, in a folder that Go ignores.
ifeq ($(strip $(HOME)),)
export GOPATH   ?= $(CURDIR)/.cache/go
export GOCACHE  ?= $(CURDIR)/.cache/go-build
export XDG_CACHE_HOME ?= $(CURDIR)/.cache
endif

# The version comes from -ldflags; git's own stamp fails in a checkout that
# belongs to another user.
export GOFLAGS := $(or $(GOFLAGS),-buildvcs=false)

# Where test-peers keeps the tools that it builds from source.
PEERS_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/kubectl-schemahero-plugin/peers

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/kubectl-schemahero-plugin
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION) -X main.revision=$(REVISION)" -o $(BIN) ./cmd/kubectl-schemahero-plugin

.PHONY: test
test: lint unit race fuzz ## Run everything that needs no server: lint, unit and script tests, race, fuzz

.PHONY: unit
unit: ## Run the unit and script tests
	go test ./...
	go -C hack test ./...
	go -C testdata/sbom test ./...

.PHONY: race
race: ## Run the same tests under the race detector, without the long ones
	go test -race -short $$(go list ./... | grep -v /cmd/)
	go test -race -short -run '^TestLayouts$$|^TestScript$$/^($(RACE_SCRIPTS))' ./cmd/...

# Ten runs to make an input smaller: by default it is a minute, which is all that
# a target would do.
.PHONY: fuzz
fuzz: ## Run each fuzz target FUZZTIME times (FUZZTIME=10000000x for a night)
	@go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2, names[i]; n = 0 }' \
	| while read -r package target; do \
		go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 10x "$$package" </dev/null; \
	done

.PHONY: lint
lint: ## Check format, vet for three systems, golangci-lint, actionlint
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted (gofmt -w):"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go -C hack vet ./...
	GOOS=darwin go vet ./...
	GOOS=windows go vet ./...
	go tool -modfile=hack/golangci-lint/go.mod golangci-lint run ./...
	go -C hack tool -modfile=golangci-lint/go.mod golangci-lint run ./...
	go tool -modfile=hack/actionlint/go.mod actionlint .github/workflows/*.y*ml docs/ci/*.yaml

.PHONY: test-peers
test-peers: build ## Run against real peers: docker-registry, oras, the SchemaHero host (Debian; installs packages)
	go -C testdata/driver vet ./...
	go -C testdata/driver test ./...
	go -C testdata/peers vet ./...
	go -C testdata/peers vet -tags cluster ./...
	PLUGIN_BIN=$(CURDIR)/$(BIN) PEERS_CACHE=$(PEERS_CACHE) go -C testdata/peers test -count=1 -v -timeout 45m ./...

.PHONY: test-windows
test-windows: ## Run units, scripts and the main job as on Windows: under Wine (Debian; installs packages)
	./testdata/windows.sh

.PHONY: test-cluster
test-cluster: build ## Run SchemaHero's operator on a whole Kubernetes node, with the drivers of a lock (root, Debian; SCHEMAHERO=DIR, a clone of its repository)
	PLUGIN_BIN=$(CURDIR)/$(BIN) PEERS_CACHE=$(PEERS_CACHE) SCHEMAHERO=$(abspath $(SCHEMAHERO)) go -C testdata/peers test -count=1 -v -tags cluster -timeout 90m -run '^TestCluster$$' .

.PHONY: crash
crash: ## Kill 300 syncs at random points, let 16 processes sync 20 times each into one home, and reset uploads a hundred times
	go test ./cmd/kubectl-schemahero-plugin -run '^(TestKilled|TestManyProcesses)$$' -count=1 -v -timeout 30m -kills 300 -rounds 20
	go test -race ./pkg/registry -run '^TestUpload' -count=100 -timeout 30m

.PHONY: bench
bench: build ## Measure against the oras loop and the least there can be, into docs/performance.md (BENCH="-only cold": a part, printed only)
	@mkdir -p bin
	go -C hack run ./bench -plugin "$(CURDIR)/$(BIN)" -oras "$(PEERS_CACHE)/oras.land_oras@v1.3.6/oras" $(BENCH) | tee bin/bench.md
	@[ -n "$(BENCH)" ] || go -C hack run ./picture page "$(CURDIR)/bin/bench.md" "$(CURDIR)/docs/performance.md"
	@$(MAKE) --no-print-directory pictures

# The one of a terminal is drawn by the demo.
.PHONY: pictures
pictures: ## Draw docs/performance.svg from the tables of docs/performance.md
	go -C hack run ./picture bars "$(CURDIR)/docs/performance.md" >docs/performance.svg

.PHONY: krew
krew: ## Write release archives, checksums and krew manifest to dist, the same bytes for one commit
	go -C hack run ./release -version "$(VERSION)" -revision "$(REVISION)" -time "$(COMMIT_TIME)"

.PHONY: image
image: ## Write the container image to dist, as an OCI image layout in a tar: the same bytes for one commit, without docker
	go -C hack run ./release -image -version "$(VERSION)" -revision "$(REVISION)" -time "$(COMMIT_TIME)"

.PHONY: docs
docs: ## Write docs/cli and docs/schema from the program
	go test ./pkg/cli ./pkg/cli/hint -run '^TestDocs$$' -update
	go -C hack run ./schema $(CURDIR)/docs/schema/schemahero-plugins.json

.PHONY: demo
demo: build ## Show the main job from nothing, and draw docs/tour.svg of it
	./testdata/demo.sh

.PHONY: cover
cover: ## Write the coverage of the unit tests to bin/cover.html
	@mkdir -p bin
	go test -coverpkg=./... -coverprofile=bin/cover.out ./...
	go tool cover -html=bin/cover.out -o bin/cover.html
	go tool cover -func=bin/cover.out | tail -n 1

.PHONY: clean
clean: ## Remove what was built
	rm -rf bin dist
