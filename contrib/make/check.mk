# The targets that check: `make help` shows them. What `make check` runs is the table in contrib/check.

## check: install what is missing, build from nothing, run all tests (as root: go on unprivileged)
check:
	@contrib/bootstrap check
	@tests/forge/install build
	@SANITIZE="$(SANITIZE)" contrib/unpriv --memory --bring build-check/log --bring build/forge-npm contrib/check

## check-long: the slow tests, all integration tests with the sanitizers, the analysers
check-long:
	@contrib/bootstrap long
	@tests/forge/install build
	@contrib/unpriv --bring build-check/log --bring build/forge-npm contrib/check --long

## container-check: build contrib/Containerfile with podman and try the image (root and the network needed)
container-check:
	contrib/container-check

## bootstrap-check: prove the package lists in an empty Debian (root and the network needed)
bootstrap-check:
	@contrib/bootstrap long
	contrib/bootstrap-check

# These unit tests take long with sanitizers, most of it in git: `make check` runs them without, check-long with.
SLOW := $(patsubst %,tests/unit/test_%,git_ancestry git_attr git_kill git_layer git_merge git_modules git_net git_notes \
	git_replay git_role git_worktree queue_stand run_ends)
slow-list:
	@echo $(SLOW)
# The ordinary build of `make check` has only those that run with it; this compiler looks for mistakes in the others,
# which are built with the sanitizers. check-long builds all, with this compiler too.
ORDINARY := $(SLOW:%=$(B)/%) $(SIM) $(REPLAY) $(B)/tests/bench/hookcrowd $(B)/tests/check/ask
sanitized-programs: $(B)/tests/check/ask $(B)/forge-npm/installed $(filter-out $(SLOW:%=$(B)/%),$(UNIT)) $(SIM)
ONLY_READ = $(filter-out $(ORDINARY:$(B)/%=%.c),$(UNIT_SRC) $(sort $(wildcard tests/bench/*.c)))
ordinary-programs: $(ORDINARY) $(B)/forge-npm/installed $(B)/gen/embed_data.c
	@printf '%s\n' $(ONLY_READ) | xargs -n 8 -P $$(nproc) $(CC) $(ALL_CFLAGS) -fsyntax-only

# What the integration tests ask through (see there); never with sanitizers, which make its starts of programs slow.
$(B)/tests/check/ask: tests/check/ask.c
	@mkdir -p $(@D)
	$(call say,LINK,$@)
	$(Q)$(CC) -std=gnu17 -D_GNU_SOURCE -O1 -g1 $(WARN) -o $@ $< -ljq -lpthread

# Every test program, so that a build shows whether all of them compile.
test-programs: $(B)/tests/check/ask $(UNIT) $(SIM) $(REPLAY) $(BENCH) $(B)/tests/bench/hookload $(B)/tests/bench/hookcrowd $(B)/tests/bench/replay_merges

## sim: run the simulations
sim: $(SIM:%=%.run)
	@[ -n "$(SIM)" ] || { echo "sim: there is no tests/sim/sim_*.c" >&2; exit 1; }
$(SIM:%=%.run): %.run: %
	@echo "== $<"; $<

## sim-long: ten times the schedules, from other seeds
sim-long: $(SIM)
	@SIM_SCHEDULES=1000000 SIM_SEED=10000001 $(B)/tests/sim/sim_engine
	@SIM_SCHEDULES=100000 SIM_SEED=10000001 $(B)/tests/sim/sim_queue

## mutations: break one rule after the other and see a test notice
MUTATED := tests/sim/sim_queue tests/unit/test_queue_stand tests/unit/test_git_replay
mutations: $(MUTATED:%=$(B)/%)
	@B="$(B)" CC="$(CC)" CFLAGS="$(ALL_CFLAGS)" LINK="$(LINK) $(FAST_LD)" LIBS="$(PKG_LIBS) -lcmocka" contrib/mutations $(NAMES)

## analyze: gcc's analyser, clang-tidy and cppcheck on every source file
ANALYZED  := $(sort $(wildcard daemon/*.c daemon/*/*.c hooks/*.c))
# Not for base/err.c, which defines what contrib/analyze.h redefines, and not where OpenSSL's headers must
# come before ours.
UNKNOWING := daemon/base/err.c $(shell grep -ls '^.include <openssl/' daemon/*/*.c)
KNOWN      = $(ALL_CFLAGS) $(if $(filter $(UNKNOWING),$<),,-include contrib/analyze.h)
analyze:
	@contrib/bootstrap long
	@$(MAKE) --no-print-directory analyze-gcc analyze-tidy analyze-cppcheck
analyze-gcc: $(ANALYZED:%.c=build-analyze/%.gcc)
analyze-tidy: $(ANALYZED:%.c=build-analyze/%.tidy)
# gcc 12: what is stolen from an autofree variable looks like a leak, a struct that a function returns
# like one that nobody wrote, and a pointer that is NULL by a rule between two arguments like a mistake.
build-analyze/%.gcc: %.c contrib/analyze.h
	@mkdir -p $(@D)
	@gcc $(KNOWN) -O1 -fanalyzer -Wno-analyzer-malloc-leak \
		-Wno-analyzer-use-of-uninitialized-value -Wno-analyzer-null-dereference -c -o $@ $<
build-analyze/%.tidy: %.c contrib/analyze.h .clang-tidy
	@mkdir -p $(@D)
	@clang-tidy --quiet $< -- $(KNOWN) 2>$@.tmp || { cat $@.tmp; exit 1; }
	@mv $@.tmp $@
# It says nothing about a file that it could not read, so it is first shown a mistake that it must find.
CPPCHECK := cppcheck -q --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--std=c11 -Idaemon -I. -DYM_VERSION='"0"' --include=contrib/cppcheck.h \
		--suppressions-list=contrib/cppcheck.txt
analyze-cppcheck:
	@mkdir -p build-analyze
	@printf 'int f(void);\nint f(void)\n{\n\tint a[3] = {0};\n\n\treturn a[3];\n}\n' >build-analyze/mistake.c
	@if $(CPPCHECK) build-analyze/mistake.c 2>/dev/null; then \
		echo "analyze: cppcheck finds nothing in a file with a mistake: it does not see the code" >&2; exit 1; fi
	$(CPPCHECK) daemon hooks

## coverage: line coverage of unit tests, simulations and integration tests, as a table
# The counters are a file that each process maps (%c) and shares with the others of its program (%m): so
# what ends by a signal or by _exit() counts, and daemon, roles and keepers need nothing from their
# environment. Only what runs inside of a sandbox cannot reach the file (runner/inside.c, hooks in an
# agent's worktree) and is not counted.
coverage:
	@contrib/bootstrap long
	@contrib/unpriv $(MAKE) -s -j2 B=build-coverage CC=clang SANITIZE= \
		CFLAGS='-O0 -U_FORTIFY_SOURCE -fcoverage-mapping -mllvm -runtime-counter-relocation \
		-Wno-unused-command-line-argument \
		-fprofile-instr-generate=$$(CURDIR)/build-coverage/%m%c.profraw' coverage-run
# test_git_kill takes minutes and covers what test_git_role does.
COVERAGE_UNIT = $(filter-out %/test_git_kill,$(UNIT))
coverage-run: $(COVERAGE_UNIT) $(SIM) $(B)/yardmaster $(B)/yardmaster-keeper
	@rm -f $(B)/*.profraw
	@SIM_SCHEDULES=2000; export SIM_SCHEDULES; for t in $(COVERAGE_UNIT) $(SIM); do \
		timeout 300 $$t >$$t.log 2>&1 || { \
		echo "coverage: $$t failed; what it covered until then counts"; tail -n 20 $$t.log; }; \
	done
	@YARDMASTER_BUILD=$(CURDIR)/$(B) timeout 1800 prove -Q -j2 $$(contrib/scripts --tests check) 2>&1 | \
		grep -v ': line [0-9]*: *[0-9]* Killed' || true
	llvm-profdata merge -o $(B)/all.profdata $(B)/*.profraw
	llvm-cov report -instr-profile=$(B)/all.profdata \
		$(foreach t,$(filter-out %.profraw,$^),-object $(t)) \
		-ignore-filename-regex='tests/|gen/' >$(B)/coverage.txt
	@awk '/^(daemon|hooks)/ { split($$1, p, "/"); room = p[1] == "hooks" ? "hooks" : p[3] ? p[2] : "main"; \
		lines[room] += $$8; missed[room] += $$9 } \
		END { for (r in lines) printf "%-10s %6d lines %6.1f %%\n", r, lines[r], \
			100 * (lines[r] - missed[r]) / lines[r] }' $(B)/coverage.txt | sort
	@awk '/^(daemon|hooks|TOTAL)/ { printf "%-36s %6s lines %8s\n", $$1, $$8, $$10 }' $(B)/coverage.txt

## help: this list
help:
	@sed -n 's/^## /  make /p' GNUmakefile contrib/make/*.mk | sort | \
		awk -F': ' '{ n = $$1; sub(/^[^:]*: /, ""); printf "%-24s %s\n", n, $$0 }'

.PHONY: check check-long bootstrap-check container-check slow-list ordinary-programs sanitized-programs test-programs sim sim-long mutations analyze analyze-gcc analyze-tidy \
	analyze-cppcheck coverage coverage-run help $(SIM:%=%.run)
