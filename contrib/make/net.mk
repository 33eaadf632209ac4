# The tests of the net role have a TLS server in them; the program itself needs libcrypto alone. Two of
# them start the real role.
NET_TESTS := $(B)/tests/unit/test_git_net $(B)/tests/unit/test_git_net_ssh $(B)/tests/unit/test_outbox_net
$(NET_TESTS): LINK += -Wl,--no-as-needed -lssl
$(NET_TESTS): | $(B)/yardmaster-daemon
