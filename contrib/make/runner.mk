# The tests of the runner start the real keeper.
$(B)/tests/unit/test_run_limits $(B)/tests/unit/test_run_walls $(B)/tests/unit/test_run_ends: \
	| $(B)/yardmaster-keeper
