# The packages that the GitHub stand-in of tests/forge needs, from npm. Once there they are not asked for again.

$(B)/forge-npm/installed: tests/forge/package-lock.json tests/forge/install
	@mkdir -p $(B)
	tests/forge/install $(B)

test-programs: $(B)/forge-npm/installed
