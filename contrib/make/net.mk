# The tests of the net role have a TLS server in them; the program itself needs libcrypto alone.
$(B)/tests/unit/test_git_net $(B)/tests/unit/test_git_net_ssh: LINK += -Wl,--no-as-needed -lssl
# They start the real role too.
$(B)/tests/unit/test_git_net: | $(B)/yardmaster
