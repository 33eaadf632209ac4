/*
 * role.h - the `git` role: the only process that touches Git objects.
 *
 * `yardmaster role git` reads one request a line from descriptor 0 (a socket pair), answers one line
 * a request, in order, and ends at end of file. Nothing here trusts a repository's content: no hook,
 * filter, fsmonitor, alias or config of a worktree is ever executed or obeyed.
 *
 *   request  {"id":7,"op":"land","repo":"/srv/ym/repos/app.git", …}
 *   answer   {"id":7,"ok":true, …}
 *            {"id":7,"ok":false,"error":{"code":"exists","text":"…"}}     (code: err_code_name)
 *
 * Expected outcomes (conflict, unchanged, refused, moved) are ok:true with "outcome". Every
 * operation may be repeated: the second time finds what the first one did and says the same. Object
 * ids are 40 (or 64) lower-case hexadecimal digits. `null` and absent are the same.
 *
 * Repositories
 *   init      {repo, base}              bare, HEAD on base, gc.auto=0
 *   import    {repo, from, base?}       the same, with the branches and tags of `from` (a path);
 *                                       without base: the branch of its HEAD
 *                                       -> {base_oid, base}
 *   ref       {repo, ref}               -> {oid|null}
 *   refs      {repo, prefix}            -> {refs:{name:oid}}
 *   ref-set   {repo, ref, old, new, any?}
 *                                       old null: must not exist; any true: whatever it is;
 *                                       new null: delete
 *                                       -> {outcome:"set"|"moved", found:oid|null}
 *   file      {repo, commit, path, max} -> {found:bool, oid, text}
 *   files     {repo, commit, dir}       -> {files:[{path, oid, size}]}  direct children
 *   log       {repo, not, commit, max}  -> {commits:[{oid, subject, body, author,
 *                                          message}], more:bool}  newest first; not: one or a list
 *   changed   {repo, base, head}        head against its merge base with base
 *                                       -> {merge_base, files:[{path, status:"A|M|D|R"}],
 *                                          insertions, deletions}
 *   diff      {repo, base, head, max}   -> {text, cut:bool}  also:[oid] (optional): of the merge bases with
 *                                       these and the base the nearest one
 *   trees     {repo, commits:[oid]}     -> {trees:{oid: {tree, parent|null} | null}}  null: not here;
 *                                       parent: the first one
 *   contains  {repo, commit, in}        -> {contains:bool}  `in` has `commit` in its history
 *   contained {repo, base, head, heads:[oid]}
 *                                       which of heads are below head (it contains them, base does
 *                                       not), and which are above (they contain it); one that is not
 *                                       in the repository is neither
 *                                       -> {below:[oid], above:[oid]}
 *   tree-read {repo, commit, paths, oids?}
 *                                       every file at or below the paths; oids true: without text
 *                                       -> {files:[{path, oid, text}]}
 *   config-set {repo, values:{key:text}}
 *   remove    {path}                    a folder of ours, whoever wrote below it
 *   maintain  {repo}                    few packs again, a commit-graph (maintain.h)
 *   sweep     {repo, before_ms, last, keep:[name]}
 *                                       what killed processes left, of before that time: unfinished objects
 *                                       and packs, and worktrees of tasks up to number `last` that are not
 *                                       in keep -> {removed}
 *
 * Worktrees of tasks, checkouts of candidates
 *   worktree-add {repo, name, path, gitdir, branch, start}
 *       worktree `name` of the repository at `path` (mode 0700) on `branch`, made at `start` (a
 *       branch that exists stays where it is). `gitdir` is a private Git directory for the sandbox:
 *       own refs, index and config, HEAD on `branch`, objects/info/alternates naming /yard/objects
 *       -> {head}
 *   worktree-restore {repo, path, gitdir, commit, keep_files?}
 *       the files of `commit`, and nothing untracked but what its .gitignore names. With keep_files they
 *       stay as they are, and only the private Git directory is made anew: HEAD and index at `commit`
 *   worktree-rebase {repo, path, gitdir, head, onto, from?}
 *       the worktree's branch is moved from `head` to `onto`, and its files are what a merge of the
 *       two leaves: with Git's conflict markers where both changed the same lines. With `from`, a commit
 *       below `head`, only what changed since that is merged, whatever the history says: `onto` does not get
 *       back what was taken out of it. Nothing is committed; untracked files as in worktree-restore
 *       -> {outcome:"clean"} | {outcome:"conflict", conflicts:[…]}
 *   worktree-commit {repo, name, path, branch, parent, base, allow:[glob], protect:[glob],
 *                    except:[glob], max_file_bytes, max_files, max_bytes, message, author_name,
 *                    author_email, time_ms, sign_key, since_ms?, secrets?:[text]}
 *       the host's commit from the files of the worktree, with a private index; nothing that is
 *       ignored is added. `parent` becomes the commit's parent; the checks hold for the whole diff
 *       from `base` to the new tree; `branch` is moved from `parent` to the commit
 *       every answer has ignored:[path] and ignored_more:bool: what a .gitignore names and was
 *       changed since since_ms, and therefore is no part of it
 *       -> {outcome:"committed", commit, tree, files:[path]}
 *          {outcome:"unchanged"}                       the tree equals base's
 *          {outcome:"refused", path, reason, text}     reason: outside-allow, protected, symlink,
 *                               dot-git, submodule, file-size, file-count, total-size, name,
 *                               conflict-marker (of worktree-rebase), secret (one of `secrets`, as it is
 *                               or encoded: base/mask.h), encoding (not as its attribute
 *                               says), lfs (a new version of a file of Git LFS), special (a FIFO, socket or device instead of a tracked file)
 *   worktree-remove {repo, name, path, gitdir, branch, delete_branch:bool}
 *   checkout  {repo, commit, path, gitdir, base_branch?, base_oid?, origin?}
 *       a fresh folder with the commit's files and a private Git directory with HEAD detached there
 *       -> {filters?: names of `filter` attributes, which are never run}
 *   submodules:{own, forge?, allowed:[text]}   (here, in worktree-add, -restore, -rebase and -commit) submodules have their
 *       files (modules.h, module_url.h); absent: empty folders. When histories are to be fetched for it nothing is done and
 *       -> {outcome:"wants", fetch:[{op, repo, url, refs, credential:bool, what, optional?}]}
 *       requests for the net role, without "auth": the forge's only where credential says so. Afterwards this one comes
 *       again with the addresses in fetched:[url]
 *   lfs   (here and in worktree-add, -restore, -rebase): true: files of Git LFS get their bytes. Where an object is not in
 *       the repository's store it is wanted from lfs_url, as the histories of submodules are ({op:"lfs", …, as}: what goes
 *       into fetched:[text]); else, and the second time, that is an error "denied" that names files and objects (lfs.h).
 *       Absent: they stay pointers
 *   base_branch, base_oid, origin (here and in worktree-add, -restore, -rebase): what the private Git directory
 *       shows beside HEAD (gitdir.h)
 *   layer-save {repo, commit, path, layer, max_bytes?}
 *       what is in `path` and not in `commit`, copied whole to `layer` (atomically; existing: kept)
 *   layer-apply {layer, path}           copied (reflinks where possible), files that are there stay
 *                                       -> {found:bool}
 *
 * Merging
 *   merge     {repo, base, head, merge_base?}
 *       verdict and tree in memory, nothing written
 *       -> {outcome:"clean", tree} | {outcome:"conflict", conflicts:[{path, kind, lines:[[a,b]]}]}
 *          {outcome:"refused", reason:"unrelated"|"git-failed", text}      (merge.h)
 *       lines: 1-based ranges in base's version of the file. A submodule that both moved, in three versions, also
 *       has commits:[oid] of ancestor, base and head, and why?, the reason that its history could not be had; one that
 *       only moves forward is merged where that is to be had (submodule.h)
 *   submodules   (here, in candidate and verify) as in checkout, with {outcome:"wants"} and fetched:[url]. What is marked
 *       there as optional and could not be had is in unfetched:{url: why} when the request comes again
 *   candidate {repo, base, head, merge_base?, merge_base_landed?, method:"merge"|"rebase"|"squash",
 *              message, fields?:{title, body, number, author, base, topic}, author_name, author_email, time_ms, ref, sign_key,
 *              brought_back?:[oid]}
 *       merge_base counts only when head contains it, and does not contain merge_base_landed (the
 *       commit that it landed as); the answer's merge_base is the one that was used, or null
 *       commits written as one pack, `ref` set to the last one. merge: a two-parent commit; rebase:
 *       each commit of merge_base..head replayed (replay.h); squash: one commit. Signed with
 *       sign_key, as in worktree-commit: a key that does not sign is an error, never an unsigned
 *       commit
 *       -> {outcome:"built", commit, tree} | {outcome:"conflict", …} | {outcome:"merged"|"empty"}
 *          {outcome:"refused", reason:"rebase-differs"|"unrelated"|"git-failed", text, paths?}   (candidate.h)
 *          {outcome:"refused", reason:"brings-back", text, commits:[{commit, subject}], lost:[oid]}
 *       head has commits that were taken out of base (rewound.h); lost: the newest of them. brought_back: those of
 *       an earlier answer's lost that a person wants back all the same
 *       each conflict also has by:[oid], the landings on base that brought the lines (culprit.h); that of a
 *       rebase has commit and subject of the step that did not apply, and merges_clean:bool, whether
 *       a merge of the head would do. A rebase says left_out:[{commit, subject, why}] and
 *       merges:[{commit, subject}], the merge commits that it has no use for
 *   verify    {repo, base, head, merge_base?, method, candidate}
 *       recomputed with `git merge-tree --write-tree`, another implementation than the one that
 *       built it, with empty configuration
 *       -> {same:bool, expected, found, git_version, merge:"clean"|"conflict", commits?, left_out?,
 *           merges?}
 *       of a rebase, commits: [{from, commit}], which became which, oldest first.
 *       merge: of head onto base; a rebase that lands where it conflicts has nothing to be compared with
 *   land      {repo, branch, old, new, receipt:{…}, keep:[{ref, oid}]}
 *       one ref transaction: refs/heads/BRANCH old -> new (which must be a descendant), the note on
 *       `new` in refs/notes/yardmaster, the refs in keep
 *       -> {outcome:"landed"|"already"|"moved", found}
 *   receipt   {repo, commit, exact?}    -> {found:bool, receipt, on}
 *       `commit` may be the beginning of a name. Without `exact` also of a commit that a rebase
 *       brought before its last one; `on` is the commit that has the note
 *   notes-merge {repo, from?}           -> {ours, theirs}, the tips or null
 *       the notes of the ref `from` are added to refs/notes/yardmaster, which then contains it; of a
 *       commit that has one in both, ours stays
 */
#ifndef YM_GIT_ROLE_H
#define YM_GIT_ROLE_H

/* The role's main loop on a descriptor; returns the exit code. `git` is the absolute path of git. */
int git_role_main(int fd, const char *git);

#endif
