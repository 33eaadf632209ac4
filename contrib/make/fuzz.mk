# fuzz.mk - fuzz targets: tests/fuzz/fuzz_NAME.c with its seeds in tests/fuzz/corpus/NAME/.
#
#   make fuzz                  each target for FUZZ_SECONDS with libFuzzer (clang), in build-fuzz/
#   make fuzz FUZZ=chan        one of them; inputs found new stay in build-fuzz/corpus/NAME/
#   make fuzz-replay           all seeds through the normal (or SANITIZE) build, and how many
#
# An input that breaks a target is left as build-fuzz/NAME-crash-…: it goes into tests/fuzz/corpus/NAME/
# with the fix, and is replayed from then on.

FUZZ_SECONDS ?= 20
FUZZ         ?= $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC))
FUZZ_CC      ?= clang

# The ordinary rules in a folder of their own, with coverage for libFuzzer in every object.
fuzz:
	@$(MAKE) --no-print-directory B=build-fuzz CC=$(FUZZ_CC) SANITIZE=fuzzer-no-link,address,undefined \
		LEVEL=-O1 FUZZ="$(FUZZ)" fuzz-run

fuzz-run: $(FUZZ:%=$(B)/fuzz/%)
	@set -e; for t in $(FUZZ); do \
		mkdir -p $(B)/corpus/$$t; \
		$(B)/fuzz/$$t -max_total_time=$(FUZZ_SECONDS) -timeout=10 -print_final_stats=1 \
			-artifact_prefix=$(B)/$$t- $(B)/corpus/$$t tests/fuzz/corpus/$$t \
			2>$(B)/$$t.log || { tail -n 40 $(B)/$$t.log; exit 1; }; \
		awk -v t=$$t '/number_of_executed_units/ { print "fuzz " t ": " $$2 " inputs, none broke it" }' \
			$(B)/$$t.log; \
	done

$(B)/fuzz/%: $(B)/tests/fuzz/fuzz_%.o $(B)/libyard.a
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) $(LINK) $(FAST_LD) -fsanitize=fuzzer -o $@ $^ $(PKG_LIBS)

fuzz-replay: $(REPLAY)
	@set -e; for t in $(patsubst tests/fuzz/fuzz_%.c,%,$(FUZZ_SRC)); do \
		$(B)/tests/fuzz/fuzz_$$t tests/fuzz/corpus/$$t; \
	done >$(B)/fuzz-replay.log || { cat $(B)/fuzz-replay.log; exit 1; }; \
	awk '{ print; n += $$2 } END { print "fuzz-replay: " n " inputs"; exit !n }' $(B)/fuzz-replay.log

.PHONY: fuzz fuzz-run fuzz-replay
