#!/bin/bash
# A push that was cut off between the ref and the ledger does not close the PR's topic for ever.
. "$(dirname "$0")/lib.sh"

ym_start
me
sample_repo app
clone app "$T/c"
git -C "$T/c" checkout -q -b work
commit_file "$T/c" src/x.txt one 'First'
ok 'a PR is opened' git -C "$T/c" push -q origin HEAD:refs/for/main/x
first=$(git -C "$T/c" rev-parse HEAD)
commit_file "$T/c" src/x.txt two 'Second'
second=$(git -C "$T/c" rev-parse HEAD)
# What a kill -9 leaves behind: the ref has moved, the row has not.
git -C "$T/c" push -q origin HEAD:refs/heads/carrier
git -C "$(repo_path app)" update-ref refs/pull/1/head "$second" "$first"
commit_file "$T/c" src/x.txt three 'Third'
third=$(git -C "$T/c" rev-parse HEAD)
ok 'the next push goes through' git -C "$T/c" push -q origin HEAD:refs/for/main/x
is "$(ymj .head pr show 1)" "$third" 'the ledger has it'
is "$(git -C "$(repo_path app)" rev-parse refs/pull/1/head)" "$third" 'and the ref'
git -C "$(repo_path app)" update-ref refs/pull/1/head "$second" "$third"
git -C "$T/c" checkout -q --detach "$second"
ok 'the very push that was cut off may be repeated' git -C "$T/c" push -q origin HEAD:refs/for/main/x
is "$(ymj .head pr show 1)" "$second" 'and is known'
ok 'closed' ym pr close 1
git -C "$T/c" checkout -q work
ok 'the topic begins anew' git -C "$T/c" push -q origin HEAD:refs/for/main/x
is "$(ymj .number pr show 2)" 2 'as another PR'
ym_stop
done_testing
