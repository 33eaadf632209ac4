# Speed and memory against the peers, on this machine, in one run. One line a measure:
#   bench: NAME ours=VALUE UNIT peer=NAME:VALUE ratio=R goal=G      (a ratio above 1 is better)
bench: $(BENCH)
	@for b in $(BENCH); do $$b || exit 1; done
.PHONY: bench
