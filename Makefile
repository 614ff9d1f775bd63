# make demo    a real Galera cluster under load, writers failing, figures at the end
# make test    everything that CI runs
# make test-long  the same at length, and what takes long: mutants, fuzzing, valgrind, Miri
# make bench   what a call costs
# make         the extension: target/release/libamm.so

LIBRARY := target/release/libamm.so

.PHONY: all demo test mutants fuzz miri valgrind test-unit test-long test-models test-simulation test-phpt test-laravel test-integration lint bench install-deps sid install clean

all: install-deps
	cargo build --release -p amm

install-deps:
	@tests/install.sh

# MySQL with Group Replication; says so where it cannot be had, and the tests
# of it are then ignored.
sid: install-deps
	@tests/sid.sh >/dev/null || [ $$? = 3 ]

demo: all
	cargo build --release -p amm-rig --bin demo
	target/release/demo --extension $(LIBRARY)

test: all sid lint test-unit test-models test-simulation test-phpt test-laravel test-integration

lint:
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings

test-unit:
	cargo test --quiet

# The claims, leases and records of shared memory in every interleaving.
test-models:
	cargo test --quiet --profile models -p amm-models

# That the models can fail: each error of a list is made, and must be seen.
mutants:
	cargo run --quiet --profile models -p amm-models --bin mutants
	cargo run --quiet --profile models -p amm-simulation --bin simulation-mutants

# By coverage, each target for FUZZ seconds. `cargo test` replays the corpus.
FUZZ := 60
fuzz:
	tests/fuzz/run $(FUZZ)

miri:
	tests/miri

valgrind: all
	tests/phpt/run -m

# Ends with 3 what the machine has no tools for; it has said so.
test-long: export AMM_LONG := 1
test-long: test mutants valgrind
	tests/fuzz/run $(FUZZ) || [ $$? = 3 ]
	tests/miri || [ $$? = 3 ]

# Thousands of seeds of hosts, processes and servers in one thread; more with
# AMM_LONG=1.
test-simulation:
	cargo test --quiet --release -p amm-simulation

test-phpt: all
	tests/phpt/run

test-laravel: all
	php/laravel/tests/run

test-integration: all sid
	cargo test --quiet -p amm-rig -- --test-threads=1 --nocapture

bench: all
	cargo build --release -p amm-rig --bin bench
	target/release/bench --extension $(LIBRARY)

# Copies the library to where the php on the PATH looks for extensions.
install: all
	install -m 0644 $(LIBRARY) "$$(php-config --extension-dir)/amm.so"
	@echo "Add to your php.ini (or a file in conf.d):  extension=amm.so"

clean:
	cargo clean
