#!/bin/bash
# Nonsense on the socket is answered with an error, whatever its shape; the daemon goes on.
. "$(dirname "$0")/lib.sh"

ym_start
me
sample_repo app
issue 'An issue' >/dev/null

# Every command with arguments of every wrong type. One connection each: a crash ends the test.
cat >"$T/fuzz.pl" <<'END'
use strict; use warnings; use IO::Socket::UNIX; use Socket;
my ($path, @cmds) = @ARGV;
$| = 1;
my @junk = ('null', '[]', '{}', '"x"', '""', '-1', '1e400', '1.5', '9223372036854775807', 'true',
	'[null]', '[1]', '[{}]', '[[]]', '["a",null]', '{"a":null}', '"\ud83d\ude00"', '"-x"', '"#"', '1');
my @keys = qw(number pr id repo name title body label add remove state head reason priority rounds
	run follow commit limit uid permission from base ref new path);
sub ask {
	my ($msg) = @_;
	my $s = IO::Socket::UNIX->new(Type => SOCK_STREAM, Peer => $path) or die "no daemon\n";
	local $SIG{ALRM} = sub { die "no answer to $msg\n" };
	alarm 20;
	print $s "$msg\n";
	my $line = <$s>;
	alarm 0;
	die "hung up at $msg\n" unless defined $line;
}
for my $cmd (@cmds) {
	for my $j (@junk) {
		next if $cmd eq 'halt' or $cmd eq 'repo add';
		ask(qq({"v":1,"cmd":"$cmd","args":$j})) if $j !~ /400/;
		my @all = map { qq("$_":$j) } @keys;
		ask('{"v":1,"cmd":"' . $cmd . '","args":{' . join(',', @all) . '}}') if $j !~ /400/;
		for my $k (qw(label add remove number pr id name head reason priority)) {
			my %a = (repo => '"app"', number => 1, pr => 1, id => 1, title => '"t"', body => '"b"', $k => $j);
			ask(qq({"v":1,"cmd":"$cmd","args":{) . join(',', map { qq("$_":$a{$_}) } sort keys %a) . '}}')
				if $j !~ /400/;
		}
	}
}
ask($_) for ('', 'nonsense', '{', '{"v":1', '"x"', '{}', 'null', '[]', '{"v":1}', '{"v":"1","cmd":"status"}', '{"v":1,"cmd":"status","as":7}');
END
mapfile -t commands < <(grep -oE '^	\{"[a-z -]+"' "$root/daemon/bot/api.c" | cut -d'"' -f2)
[ "${#commands[@]}" -gt 30 ] || bail 'the table of commands is not where it was'
ok 'every command takes arguments of every wrong type' perl "$T/fuzz.pl" "$D/socket" "${commands[@]}"
ok 'the daemon answers' ym status
is "$(kill -0 "$(ym_pid)" && echo up)" up 'it is the same daemon'
ym_stop
done_testing
