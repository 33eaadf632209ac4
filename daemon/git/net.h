/*
 * net.h - the `net` role: Git over the wire, and the only process that is told a credential for it.
 *
 * `yardmaster role net` speaks as the git role does (role.h): one request a line from descriptor 0, one
 * answer a line, in order, ended by end of file. libgit2 has no time-outs and reads what strangers
 * send, so each request is carried out by a worker of its own, forked for it and watched: a worker that
 * makes no progress is ended, one that crashes costs its own request only, and what it knew of a
 * credential goes with it.
 *
 * Requests
 *   fetch {repo, url, refs:["+refs/heads/main:refs/heads/main", …], auth, LIMITS}
 *       Source and destination are whole reference names; '*' may end both. "+": also when it is no
 *       fast-forward. References that are there already at the remote's value are not in the answer.
 *       A new name below another one, or above it, takes the place of what a "+" and a '*' wrote there; anything
 *       else in its way is an error.
 *       -> {updated:[{ref, old|null, new}],
 *           missing:[source refs that the remote has not; a pattern that nothing matches is none],
 *           refused:[{ref, old, new}]}       without "+", and `new` is not a descendant of `old`
 *   push  {repo, url, updates:[{ref, new|null, old|null, fast_forward?}], auth, LIMITS}
 *       `old` is the lease: what the remote must have (null: no such reference); `new` null deletes.
 *       The whole list is looked at before anything is sent, and sent only when none is stale.
 *       fast_forward true: `new` must also contain `old` (the base branch); otherwise the lease is all
 *       that is asked for.
 *       -> {results:[{ref, outcome, found|null, text}], messages}      in the order of `updates`
 *          outcome "pushed"   the remote said so
 *                  "already"  the remote was at `new`; nothing was sent for it
 *                  "stale"    the remote has `found`, which is neither `old` nor `new`
 *                  "held"     good in itself; not sent, because another update was stale or refused
 *                             before anything was sent
 *                  "refused"  `text` says why: the remote's words, or that it is no fast-forward
 *          `messages`: what the remote said on the side ("remote: …"), cleaned, its last 4 KiB
 *   ls    {url, auth, prefix?, LIMITS}
 *       -> {refs:{name:oid}, head:name|null}             head: the branch that the remote's HEAD is on
 *
 *   lfs {repo, url, objects:[{oid, size, path}], auth, LIMITS}
 *       Objects of Git LFS into the repository's store (net_lfs.h, lfs.h); those that are there are not asked for. Over
 *       https (or http on a loopback address) only; max_bytes: of all of them.
 *       -> {objects:n}       all are there; else an error that names files and says why
 *
 *   auth  null
 *       | {"token":"…"}                    basic authentication as "x-access-token", over https; over
 *                                          http to a loopback address only
 *       | {"ssh_key":"/path", "ssh_pub"?, "user":"git", "known_hosts":"/path"}
 *                                          over ssh; the private key without a passphrase, mode 0600,
 *                                          ed25519 or ECDSA: libssh2 1.10 signs with RSA by SHA-1 only
 *   LIMITS, all optional
 *       idle_seconds  60      without a byte on the wire or an object done, while connecting too
 *       max_seconds   3600    in all, however much progress there is
 *       max_bytes     8 GiB   of what the remote sends
 *       max_objects   20,000,000
 *       max_refs      200,000 that the remote advertises
 *       ca_file               https certificates are checked against this file instead of the system's
 *                             (for the name in the address; one for an IP address is never valid here)
 *       proxy                 http://host:port for https; none is taken from the environment
 *
 * Addresses: https://host[:port]/path, ssh://[user@]host[:port]/path, and http:// on a loopback address.
 * User and password inside an address are refused (ssh: a user may be there), so are other schemes,
 * local paths and the short form host:path. A redirect is followed to the same host and port only, so a
 * credential never goes to another place than it was meant for.
 *
 * Errors
 *   input        the request is wrong, or the address or key file is not usable
 *   not-found    no such repository there (or not for this credential), object to push is not in `repo`
 *   denied       the remote did not accept the credential; names the host and its kind, not its value
 *   unsafe       the certificate is not valid for the host; the host's SSH key is unknown, changed or
 *                revoked (names the file and the fingerprint); the private key is readable by others
 *   limit        over one of LIMITS but idle_seconds
 *   unavailable  away, timed out, cut off, 5xx: again later. A push may have had its effect: asked again,
 *                it says "already"
 *   corrupt      the remote sent what is no Git, or objects that do not belong together
 *
 * Once: a fetch moves references last, when every object that they need is there and connected; a push
 * that is repeated finds "already". Nothing else is fetched (no tags, no submodules), no hook, filter
 * or credential helper is run, and no configuration but the repository's own is read, of which no
 * rewriting of addresses. No token is in an answer, an error, a command line or the repository.
 */
#ifndef YM_GIT_NET_H
#define YM_GIT_NET_H

#include "git/repo.h"

#define NET_REQUEST_MAX ((size_t)4 << 20) /* bytes of one request */

/* The role's main loop on a descriptor; returns the exit code. `git` is the absolute path of git. */
int net_role_main(int fd, const char *git);

/*
 * One request in a worker, with the answer line's object: what the main loop does for each line. The
 * credential in `req` is overwritten in place. `fd`: the worker is ended when the other side of this
 * descriptor is closed; -1: none.
 */
json_t *net_request(struct gr *g, int fd, json_t *req);

#endif
