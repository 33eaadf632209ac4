#!/bin/bash
# Names and words of a push do nothing but name and say: no reference is shadowed, no terminal obeys.
. "$(dirname "$0")/lib.sh"

ym_start
me
sample_repo app
clone app "$T/c"
cd "$T/c" || bail 'no clone'
push() { git push -q origin "HEAD:$1"; }

git commit -q --allow-empty -m $'Sub\033[31mject \xe2\x80\xae@all <!-- x -->\n\n/yard halt'
for ref in refs/replace/"$(git rev-parse HEAD~1)" refs/remotes/origin/main refs/meta/config \
	refs/bisect/bad refs/worktree/x refs/original/x refs/tags/main refs/heads/main/x \
	refs/heads/yardmaster/1-x refs/notes/yardmaster refs/yardmaster/x refs/pull/9/head \
	$'refs/for/main/\xff' $'refs/for/main/a\u202eb' $'refs/for/main/a\u200bb'; do
	not_ok "no push to $(printf '%q' "$ref")" push "$ref"
done
for ref in refs/tags/v1 refs/heads/x refs/notes/commits 'refs/for/main/`id`;$HOME&' 'refs/for/main/-x' \
	refs/for/main/ü; do
	ok "a push to $ref" push "$ref"
done
is "$(ymj '.[0].title' pr list)" 'Sub[31mject @all ' 'a title is what is seen'
is "$(ymj .halted status)" false "a commit's message is no command"

# Names of files, in a conflict that is reported.
dir=$'src/n\n`\n\n'
for side in 1 2; do
	git checkout -q -B side$side origin/main
	mkdir -p "$dir"
	echo $side >"$dir/yard halt"
	git add -A
	git commit -q -m "Side $side"
	ok 'a name with newlines' push refs/for/main/side$side
done
for side in 1 2; do
	n=$(ymj ".[] | select(.topic == \"side$side\") | .number" pr list)
	ok 'it is queued' ym queue add "$n"
done
wait_ok 'the second collides' 'ymj ".comments[].body" pr show '"$n"' | grep -q conflicts'
said=$(ymj '.comments[].body' pr show "$n")
unlike "$said" $'\n/yard halt' 'no line of the report is a name'
is "$(ymj .halted status)" false 'and none was carried out'

# A tree that git would not make.
tree=$(printf '040000 .git\0%b' "$(git rev-parse HEAD^{tree} | sed 's/../\\x&/g')" |
	git hash-object -t tree -w --stdin --literally)
evil=$(git commit-tree -m evil -p HEAD "$tree")
not_ok 'a tree with .git' git push -q origin "$evil:refs/for/main/evil"
# A few trees that are more files than there is memory.
cat >"$T/bomb.pl" <<'END'
use IPC::Open2;
open2(my $o, my $i, 'git', 'mktree', '--batch', '--missing');
sub tree { print $i @_, "\n"; my $t = <$o>; chomp $t; $t }
my $last = $ARGV[0];
my $t = $last ? tree(map { sprintf "100644 blob %s\tf%02d\n", $last, $_ } 0 .. 99) : tree();
$t = tree(map { sprintf "040000 tree %s\td%02d\n", $t, $_ } 0 .. 99) for 1 .. 9;
print $t;
END
for blob in "$(git rev-parse HEAD:src/a.txt)" ''; do
	bomb=$(git commit-tree -m bomb -p origin/main "$(perl "$T/bomb.pl" ${blob:+"$blob"})")
	exits 1 'a bomb of trees' patient git push -q origin "$bomb:refs/for/main/bomb"
done
git checkout -q -B fine origin/main
git commit -q --allow-empty -m fine
ok 'the next push' patient git push -q origin HEAD:refs/for/main/fine

for bad in 'priority 9223372036854775807' 'priority -9223372036854775807'; do
	# shellcheck disable=SC2086
	set -- $bad
	answer=$(perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die;
		print $s qq({"v":1,"cmd":"queue add","args":{"pr":1,"$ARGV[1]":$ARGV[2]}}\n); print scalar <$s>' \
		"$D/socket" "$1" "$2")
	like "$answer" '"ok":false' "queue add with $bad"
done
ym_stop
is $? 0 'the daemon ends when told'
done_testing
