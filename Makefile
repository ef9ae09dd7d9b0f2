# SPDX-License-Identifier: Apache-2.0
# A thin cover over meson: `make`, `make demo`, `make check` are all a newcomer needs.
# B is the build folder; CI and developers get -Werror (make WERROR=1), those who only build do not.

B        ?= build
PREFIX   ?= /usr/local
DESTDIR  ?=
SECONDS  ?= 60
JOBS     ?= 3
KEEP     ?=
WERROR   ?=
PYTHON   := /usr/bin/python3
PROGRAMS := $(B)/mse $(B)/msed $(B)/mse-enclave $(B)/mse-sim
PYTEST   := $(PYTHON) -m pytest -q -p no:cacheprovider
# Less optimized and linked by gold: half the time to build, the same time to run.
setup_asan := meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 \
	-Dc_link_args=-fuse-ld=gold -Dcpp_link_args=-fuse-ld=gold
meson_flags = $(if $(WERROR),-Dwerror=true)

.PHONY: all packages demo check check-static check-unit check-e2e check-long bench bench-server fuzz coverage mutation install format clean

all: $(B)/build.ninja
	ninja -C $(B)

$(B)/build.ninja:
	meson setup $(B) --prefix $(PREFIX) $(meson_flags)

packages:
	tools/install-packages

demo: packages
	$(MAKE) all
	KEEP=$(KEEP) $(PYTHON) test/demo/demo.py --build $(B)

check: packages
	$(MAKE) check-static check-unit check-e2e

# What reads the source: layers, banned functions, format, both compilers without a warning.
check-static: packages
	tools/check-layers
	tools/check-source
	git ls-files '*.c' '*.h' '*.cc' | xargs clang-format --dry-run -Werror
	[ -f build-clang/build.ninja ] || CC=clang CXX=clang++ meson setup build-clang -Dwerror=true
	tools/check-clang build-clang

check-unit: packages
	$(MAKE) all WERROR=1
	meson test -C $(B) --print-errorlogs
	[ -f build-asan/build.ninja ] || $(setup_asan)
	ninja -C build-asan
	meson test -C build-asan --print-errorlogs

# Much of it waits, so more processes than cores.
check-e2e: packages all
	MSE_BUILD_DIR=$(abspath $(B)) $(PYTEST) -n $(JOBS) --dist loadfile --durations 10 test/tools test/e2e

# SEED, MINUTES and PARTS: see test/long/run.py.
check-long: packages all
	[ -f build-asan/build.ninja ] || $(setup_asan)
	ninja -C build-asan src/enclave/mse-enclave
	MSE_BUILD_DIR=$(abspath $(B)) $(PYTHON) test/long/run.py

# Each check of the verifier is switched off, one at a time; a unit test has to notice.
mutation: packages
	$(PYTHON) test/mutation/mutate.py

bench: all
	MSE_BUILD_DIR=$(abspath $(B)) $(PYTHON) test/bench/bench.py

bench-server: packages all
	tools/install-packages bench
	MSE_BUILD_DIR=$(abspath $(B)) $(PYTHON) test/bench/bench_server.py $(BENCH)

fuzz: packages
	[ -f build-fuzz/build.ninja ] || CC=clang CXX=clang++ meson setup build-fuzz -Dfuzzer=true \
		-Db_sanitize=address,undefined -Db_lundef=false
	ninja -C build-fuzz fuzzers
	tools/run-fuzz build-fuzz $(SECONDS)

coverage: packages
	[ -f build-cov/build.ninja ] || meson setup build-cov -Db_coverage=true
	ninja -C build-cov
	find build-cov -name '*.gcda' -delete
	meson test -C build-cov
	gcovr -r . build-cov --filter src/ --exclude-unreachable-branches --exclude-lines-by-pattern '.*assert\(.*' \
		--json-summary build-cov/coverage.json
	tools/coverage-summary build-cov/coverage.json

# The prefix is where the programs will run; DESTDIR only where the files are put now. A build folder that was set up for
# another prefix is told, which rebuilds nothing but what holds the path.
install: all
	meson configure $(B) -Dprefix=$(PREFIX)
	ninja -C $(B)
	DESTDIR=$(if $(DESTDIR),$(abspath $(DESTDIR))) meson install -C $(B) --no-rebuild --quiet

format:
	git ls-files '*.c' '*.h' '*.cc' | xargs clang-format -i

clean:
	rm -rf build build-clang build-asan build-fuzz build-cov
