# make demo and make test each do all that a fresh Debian 12 with the Swift 6.3 toolchain needs: install what is missing,
# build, run. `make help` lists the rest.

.PHONY: help demo build board board-arm64 man overlays packages lint clean \
	test test-long test-arm64 test-board test-man test-packages test-setup fuzz sanitize evidence bench \
	packages-build packages-test packages-evidence packages-bench packages-machine packages-packages packages-test-packages packages-setup \
	packages-man
.DEFAULT_GOAL := help

BOARD_PROGRAMS := entropy-source rsagen curve25519gen entropy-target entropy-config
PROGRAMS := $(BOARD_PROGRAMS) entropy-sink
# Built for the board, so that it can be tested there; not for use.
BOARD_TESTS := evidence
BOARD_BUILD := swift build --build-system native --swift-sdks-path .build-board/sdk --swift-sdk bbb \
	--configuration release --scratch-path .build-board/build

help:
	@echo "make demo   provision a software TPM, send one chunk from a source to a sink, show each step"
	@echo "make test   the tests on this machine: seven minutes on two cores, with the build"
	@echo "make test-long  the tests that take minutes, and those of the board's programs under an emulated Cortex-A8"
	@echo "make test-board  emulated machines: the source on the board's kernel with noise that is there, or missing; a board from installation to removal"
	@echo "make fuzz   every parser under libFuzzer, for a short time; RUNS, TIME and SUBJECTS make it longer (CONTRIBUTING.md)"
	@echo "make sanitize  the tests under AddressSanitizer, those of the sink also under ThreadSanitizer (this machine's build only)"
	@echo "make evidence  speed, false alarms, and what rngtest, ent and dieharder say of 1 GB of output; SIZE makes it less"
	@echo "make bench  every figure beside its peer and its limit: a table, docs/benchmarks; RUNS and PARTS make it less"
	@echo "make build  the six programs for this machine, optimized, in .build/release"
	@echo "make board  the five programs of the board for armv7, in .build-board/build/release"
	@echo "make board-arm64  the same for 64-bit boards, in .build-arm64/build/release"
	@echo "make packages  Debian packages: source and tools for the board and this machine, the sink; in .build-packages"
	@echo "make test-arm64  a key and a packet by the programs for 64-bit boards"
	@echo "make test-packages  what they hold, and their installation in a fresh Debian 12; as root"
	@echo "make test-setup  the overlays in the board's device tree, the setup script on prepared trees"
	@echo "make man    the manual pages and bash completions, in .build-man; PROGRAM_DIRECTORY names programs that are built"
	@echo "make test-man  the same made anew and checked: mandoc, groff, options, examples, completions"
	@echo "make lint   the code's format"
	@echo "make clean  remove everything that was built"

demo: packages-build
	set -e; for program in $(PROGRAMS); do swift build --product $$program; done
	@provisioning/demo.sh .build/debug

# What takes minutes: many kills, many packets, slow links, sinks that nobody answers for.
LONG_TESTS := KillTests|EnduranceTests|SlowLinkTests|BlackHoleTests

# The other ones, in parts that run at the same time.
TEST_PARTS := '--filter ProgramTests[.][A-M] --skip $(LONG_TESTS)' '--filter ProgramTests[.][N-R] --skip $(LONG_TESTS)' \
	'--filter ProgramTests[.][S-Z] --skip $(LONG_TESTS)' '--skip ProgramTests'

# On this machine, without what takes minutes.
test: packages-test
	swift build --build-tests
	@TEST_BUILDS=host Tests/run.sh $(TEST_PARTS)

# What takes minutes, and every test of a program that has a build as its argument once more, with the board's programs.
test-long: packages-test board
	swift build --build-tests
	@TEST_BUILDS="host board" Tests/run.sh '--filter KillTests' '--filter SlowLinkTests' '--filter EnduranceTests|BlackHoleTests'
	@TEST_BUILDS=board Tests/run.sh \
		'--filter ProgramTests[.][A-M].*\(_: --skip $(LONG_TESTS)' \
		'--filter ProgramTests[.][N-R].*\(_: --skip $(LONG_TESTS)' \
		'--filter ProgramTests[.][S-Z].*\(_: --skip $(LONG_TESTS)'

# Not in `make test`: to build for one more processor takes two minutes.
test-arm64: packages-test board-arm64
	swift build --build-tests
	@swift test --skip-build --filter Arm64Tests

test-board: packages-machine packages
	@mkdir -p .build-machine
	@echo "test-board: a whole Debian is booted beside the seven machines; what it says comes after them"
	@Tests/Machine/test-debian.sh .build-packages .build/release >.build-machine/test-debian.log 2>&1 & \
	debian=$$!; result=0; trap 'kill $$debian; wait $$debian; exit 1' HUP INT TERM; \
	Tests/Machine/test.sh || result=$$?; \
	wait $$debian || result=$$?; \
	cat .build-machine/test-debian.log; exit $$result

# RUNS executions of each of the SUBJECTS, or TIME seconds.
fuzz: packages-test
	@RUNS=$(RUNS) TIME=$(TIME) Tests/Fuzz/run.sh $(SUBJECTS)

# LONG_TESTS tell nothing more here.
SINK_TESTS := EntropySinkTests|SinkNetworkTests|SinkServiceTests|SinkStatusTests|SilentSignerTests|BrokenChunkTests|ReplayTests|OriginalTests|DiskTests

sanitize: packages-test
	swift build --build-tests --sanitize=address --scratch-path .build-address
	@TEST_BUILDS=host SCRATCH_PATH=.build-address \
		LSAN_OPTIONS=suppressions=$(CURDIR)/Tests/leaks.txt:print_suppressions=0 Tests/run.sh $(TEST_PARTS)
	swift build --build-tests --sanitize=thread --scratch-path .build-thread
	SCRATCH_PATH=.build-thread TSAN_OPTIONS=halt_on_error=1 swift test --skip-build --sanitize=thread --scratch-path .build-thread --filter '$(SINK_TESTS)'

# Writes docs/evidence.md, unless SIZE is less than 1G (Tests/Evidence/run.sh).
evidence: packages-evidence
	@SIZE=$(SIZE) REPORT=$(REPORT) Tests/Evidence/run.sh

# Writes docs/benchmarks, unless RUNS is less than 5 or PARTS are named (Tests/Benchmarks/run.py). What it compares with is a
# package of its own.
bench: packages-bench build board
	swift build --configuration release --package-path Tests/Benchmarks --scratch-path .build-benchmarks
	@RUNS=$(RUNS) Tests/Benchmarks/run.py $(PARTS)

# The Swift runtime goes into the programs: a server needs Debian's libraries only.
build: packages-build
	set -e; for program in $(PROGRAMS); do swift build --configuration release --static-swift-stdlib --product $$program; done

board: packages-build
	provisioning/bbb/make-sdk.sh .build-board/sdk armhf
	set -e; for program in $(BOARD_PROGRAMS) $(BOARD_TESTS); do $(BOARD_BUILD) --product $$program; done

# For 64-bit boards, by the same recipe.
board-arm64: packages-build
	provisioning/bbb/make-sdk.sh .build-arm64/sdk arm64
	set -e; for program in $(BOARD_PROGRAMS); do $(subst .build-board,.build-arm64,$(BOARD_BUILD)) --product $$program; done

# Manual pages and completions, of the programs in PROGRAM_DIRECTORY.
PROGRAM_DIRECTORY := .build/debug
man: packages-packages
	set -e; test $(PROGRAM_DIRECTORY) != .build/debug || for program in $(PROGRAMS); do swift build --product $$program; done
	@provisioning/man/make-man.py $(PROGRAM_DIRECTORY) .build-man

test-man: packages-man man
	@Tests/Man/test.sh $(PROGRAM_DIRECTORY)

overlays: packages-packages
	@provisioning/bbb/make-overlays.sh .build-overlays

# Debian packages for the board and for servers, in .build-packages.
packages: packages-packages build board overlays
	@$(MAKE) --no-print-directory man PROGRAM_DIRECTORY=.build/release
	@provisioning/debian/make-packages.sh

# The packages that make packages made: in themselves, and installed, upgraded, removed and purged in a fresh Debian.
test-packages: packages-test-packages packages
	@Tests/Packages/test.sh

# The overlays in the board's device tree, and the setup script on prepared trees.
test-setup: packages-setup overlays
	swift build --product rsagen
	@Tests/DeviceTree/test.sh .build-overlays
	@Tests/Setup/test.sh .build-overlays .build/debug

lint:
	swift format lint --strict --recursive Package.swift Sources Tests tpm provisioning
	for script in provisioning/*.sh provisioning/bbb/*.sh Tests/Fuzz/run.sh Tests/Evidence/run.sh Tests/Machine/*.sh Tests/Machine/init* \
		Tests/*/test.sh Tests/checks.sh Tests/run.sh provisioning/debian/*.sh provisioning/bbb/setup .ci/run; do sh -n $$script || exit 1; done

clean:
	rm -rf .build .build-board .build-fuzz .build-address .build-thread .build-machine .build-evidence .build-benchmarks .build-arm64 .build-man .build-overlays .build-packages .build-devicetree

packages-build:
	@provisioning/install-packages.sh build

packages-test:
	@provisioning/install-packages.sh build test

packages-evidence:
	@provisioning/install-packages.sh build evidence

packages-bench:
	@provisioning/install-packages.sh build test bench

packages-machine:
	@provisioning/install-packages.sh machine

packages-packages:
	@provisioning/install-packages.sh build packages

packages-test-packages:
	@provisioning/install-packages.sh build packages test-packages

packages-setup:
	@provisioning/install-packages.sh build packages

packages-man:
	@provisioning/install-packages.sh build packages man
