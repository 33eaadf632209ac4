# The measures that need a running daemon: scripts that print the same lines.
bench: bench-daemon
bench-daemon: all $(B)/tests/bench/hookload $(B)/tests/bench/slowsync.so
	@YARDMASTER_BUILD=$(B) bash tests/bench/bench_dispatch.sh
	@YARDMASTER_BUILD=$(B) bash tests/bench/bench_memory.sh
	@YARDMASTER_BUILD=$(B) bash tests/bench/bench_runs.sh
	@YARDMASTER_BUILD=$(B) bash tests/bench/bench_receive.sh
	@YARDMASTER_BUILD=$(B) bash tests/bench/bench_hooks.sh
	@YARDMASTER_BUILD=$(B) bash tests/bench/bench_forge.sh
# A disk that is slow, for bench_receive.sh.
$(B)/tests/bench/slowsync.so: tests/bench/slowsync.c
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CC) -O2 -Wall -Wextra -fPIC -shared -o $@ $< -ldl
# Minutes, and a gigabyte of writing: not part of `make bench`.
bench-growth: all $(B)/tests/bench/hookload
	@YARDMASTER_BUILD=$(B) bash tests/bench/bench_growth.sh
.PHONY: bench-daemon bench-growth
