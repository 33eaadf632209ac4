/* test_git_net_ssh.c - the net role over SSH, against OpenSSH's sshd started by this user. */
#include "net_fixture.h"

#include <pwd.h>

struct ssh {
	struct server s;
	char *key, *known, *user, *url;
};

/* A server with two host keys that lets in the owner of `key`; `known` is an empty file. */
static void ssh_start(struct ssh *t, struct fx *f)
{
	struct passwd *pw = getpwuid(getuid());

	if (!pw)
		fail_msg("uid %d has no account, and sshd lets in accounts only", (int)getuid());
	net_seed(f);
	t->user = xstrdup(pw->pw_name);
	t->key = path_join(f->dir, "key");
	t->known = path_join(f->dir, "known_hosts");
	t->s.sshd = path_join(f->dir, "sshd_config");
	fx_run(f,
	       "for k in key other; do ssh-keygen -q -t ed25519 -N '' -C c -f $k; done;"
	       "ssh-keygen -q -t ed25519 -N '' -C h -f host_ed; ssh-keygen -q -t ecdsa -N '' -C h "
	       "-f"
	       " host_ec; printf 'restrict %%s\\n' \"$(cat key.pub)\" >authorized; : >known_hosts;"
	       "printf '%%s\\n' \"HostKey $PWD/host_ed\" \"HostKey $PWD/host_ec\""
	       " \"AuthorizedKeysFile $PWD/authorized\" 'StrictModes no' 'UsePAM no'"
	       " 'PasswordAuthentication no' 'KbdInteractiveAuthentication no' 'PidFile none'"
	       " >sshd_config");
	server_start(&t->s, f);
	t->url = xasprintf("ssh://%s@127.0.0.1:%d%s/remote.git", t->user, t->s.port, f->dir);
}

static void ssh_stop(struct ssh *t)
{
	server_stop(&t->s);
	free((char *)t->s.sshd);
	free(t->key);
	free(t->known);
	free(t->user);
	free(t->url);
}

/* Puts a host key into the known-hosts file. */
static void know(struct ssh *t, const char *marker, const char *key)
{
	fx_run(t->s.fx, "printf '%s[127.0.0.1]:%d %%s\\n' \"$(cat %s.pub)\" >>known_hosts", marker,
	       t->s.port, key);
}

static json_t *ssh_fetch(struct ssh *t, const char *url, const char *key)
{
	return net_ask(&t->s, "{s:s,s:s,s:[s],s:{s:s,s:s,s:s},s:i}", "op", "fetch", "url", url,
		       "refs", "+refs/heads/main:refs/heads/main", "auth", "ssh_key", key,
		       "known_hosts", t->known, "user", t->user, "idle_seconds", 20);
}

#define SHOW(a)                                                                                    \
	if (!json_flag(a, "ok"))                                                                   \
	print_message("%s\n", net_text(a))

static void fetch_and_push_with_a_deploy_key(void **state)
{
	struct ssh t = {0};
	autofree char *old = NULL, *now = NULL, *found = NULL;
	autojson json_t *a = NULL;
	autojson json_t *p = NULL;

	ssh_start(&t, *state);
	know(&t, "", "host_ed");
	a = ssh_fetch(&t, t.url, t.key);
	SHOW(a);
	assert_int_equal(json_array_size(json_object_get(a, "updated")), 1);
	fx_run(t.s.fx, "cd src; echo 4 >f4; git add -A; git commit -qm 4;"
		       "git push -q ../app.git HEAD:next");
	old = fx_sh(t.s.fx, "git -C app.git rev-parse main");
	now = fx_sh(t.s.fx, "git -C app.git rev-parse next");
	p = net_ok(&t.s, "{s:s,s:s,s:{s:s,s:s,s:s},s:[{s:s,s:s,s:s}]}", "op", "push", "url", t.url,
		   "auth", "ssh_key", t.key, "known_hosts", t.known, "user", t.user, "updates",
		   "ref", "refs/heads/main", "old", old, "new", now);
	assert_string_equal(
		json_str(json_array_get(json_object_get(p, "results"), 0), "outcome", ""),
		"pushed");
	found = fx_sh(t.s.fx, "git -C remote.git rev-parse main");
	assert_string_equal(found, now);
	/* Nothing is left of the folder that libgit2 was given. */
	fx_run(t.s.fx, "for d in \"$(dirname \"$PWD\")\" /tmp; do"
		       " ! ls -d $d/yardmaster-net-* 2>/dev/null; done");
	ssh_stop(&t);
}

/* The server has two keys, the file one: the server is asked for that one. The user of the credential is
 * enough too. */
static void one_known_key_of_two_is_enough(void **state)
{
	static const char *const keys[] = {"host_ed", "host_ec"};
	autofree char *url = NULL;
	struct ssh t = {0};

	ssh_start(&t, *state);
	url = xasprintf("ssh://127.0.0.1:%d%s/remote.git", t.s.port, t.s.fx->dir);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		autojson json_t *a = NULL;

		fx_run(t.s.fx, ": >known_hosts");
		know(&t, "", keys[i]);
		fx_run(t.s.fx, "ssh-keygen -q -H -f known_hosts; rm known_hosts.old;"
			       "grep -q '^|1|' known_hosts");
		a = ssh_fetch(&t, url, t.key);
		SHOW(a);
		assert_true(json_flag(a, "ok"));
	}
	ssh_stop(&t);
}

static void unknown_changed_and_revoked_hosts_are_refused(void **state)
{
	struct ssh t = {0};
	autofree char *print = NULL;
	autojson json_t *unknown = NULL;
	autojson json_t *changed = NULL;
	autojson json_t *revoked = NULL;
	autojson json_t *missing = NULL;

	ssh_start(&t, *state);
	unknown = ssh_fetch(&t, t.url, t.key);
	print = fx_sh(t.s.fx, "for k in host_ed host_ec; do ssh-keygen -l -f $k.pub; done |"
			      "cut -d' ' -f2 | tr '\\n' ' '");
	assert_string_equal(fx_error(unknown), "unsafe");
	assert_non_null(strstr(net_text(unknown), t.known));
	{
		const char *at = strstr(net_text(unknown), "SHA256:");
		autofree char *shown = at ? xstrndup(at, strcspn(at, ",")) : xstrdup("none");

		assert_non_null(strstr(print, shown));
	}
	know(&t, "", "other");
	changed = ssh_fetch(&t, t.url, t.key);
	assert_string_equal(fx_error(changed), "unsafe");
	assert_non_null(strstr(net_text(changed), "another one"));
	know(&t, "", "host_ed");
	know(&t, "@revoked ", "host_ed");
	revoked = ssh_fetch(&t, t.url, t.key);
	assert_string_equal(fx_error(revoked), "unsafe");
	assert_non_null(strstr(net_text(revoked), "revoked"));
	fx_run(t.s.fx, "rm known_hosts; ! grep -q 'Accepted' sshd.log");
	missing = ssh_fetch(&t, t.url, t.key);
	assert_string_equal(fx_error(missing), "not-found");
	assert_non_null(strstr(net_text(missing), t.known));
	ssh_stop(&t);
}

static void wrong_keys_are_named(void **state)
{
	struct ssh t = {0};
	autofree char *other = NULL, *gone = NULL;
	autojson json_t *denied = NULL;
	autojson json_t *open = NULL;
	autojson json_t *no_key = NULL;
	autojson json_t *no_repo = NULL;
	autojson json_t *broken = NULL;

	ssh_start(&t, *state);
	know(&t, "", "host_ed");
	other = path_join(t.s.fx->dir, "other");
	denied = ssh_fetch(&t, t.url, other);
	assert_string_equal(fx_error(denied), "denied");
	assert_non_null(strstr(net_text(denied), "127.0.0.1 did not accept the SSH key"));
	assert_non_null(strstr(net_text(denied), other));
	assert_non_null(strstr(net_text(denied), "take an ed25519 one"));
	fx_run(t.s.fx, "chmod 644 other");
	open = ssh_fetch(&t, t.url, other);
	assert_string_equal(fx_error(open), "unsafe");
	fx_run(t.s.fx, "chmod 600 other; echo rubbish >other");
	broken = ssh_fetch(&t, t.url, other);
	assert_string_equal(fx_error(broken), "denied");
	fx_run(t.s.fx, "rm other");
	no_key = ssh_fetch(&t, t.url, other);
	assert_string_equal(fx_error(no_key), "not-found");
	gone = xasprintf("%s-gone", t.url);
	no_repo = ssh_fetch(&t, gone, t.key);
	assert_string_equal(fx_error(no_repo), "not-found");
	ssh_stop(&t);
}

static void servers_that_hang_are_ended(void **state)
{
	static const struct {
		const char *name, *text;
		bool accept;
		const char *command;
	} rows[] = {
		{"before the handshake", "connecting", true, ""},
		{"before the references", "list of references", false, "command=\"sleep 20\" "},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct ssh t = {.s.bend = {BEND_HANG, .accept = rows[i].accept}};
		autojson json_t *a = NULL;

		fx_run(*state, "rm -rf * .[a-z]*");
		ssh_start(&t, *state);
		know(&t, "", "host_ed");
		fx_run(t.s.fx, "printf '%%s%%s\\n' '%s' \"$(cat key.pub)\" >authorized",
		       rows[i].command);
		a = net_ask(&t.s, "{s:s,s:s,s:{s:s,s:s,s:s},s:i}", "op", "ls", "url", t.url, "auth",
			    "ssh_key", t.key, "known_hosts", t.known, "user", t.user,
			    "idle_seconds", 3);
		if (strcmp(fx_error(a), "unavailable") || !strstr(net_text(a), rows[i].text))
			print_error("%s: %s\n", rows[i].name, json_text(a));
		assert_string_equal(fx_error(a), "unavailable");
		assert_non_null(strstr(net_text(a), rows[i].text));
		ssh_stop(&t);
	}
}

/* What the hook left running ends soon by itself. */
static void a_push_whose_hook_hangs_is_ended(void **state)
{
	struct ssh t = {0};
	autofree char *old = NULL, *now = NULL;
	autojson json_t *a = NULL;

	ssh_start(&t, *state);
	know(&t, "", "host_ed");
	json_decref(ssh_fetch(&t, t.url, t.key));
	fx_run(t.s.fx, "cd src; echo 4 >f4; git add -A; git commit -qm 4;"
		       "git push -q ../app.git HEAD:next; cd ../remote.git;"
		       "git config receive.keepAlive 0;"
		       "printf '#!/bin/sh\\nexec sleep 20\\n' >hooks/pre-receive;"
		       "chmod +x hooks/pre-receive");
	old = fx_sh(t.s.fx, "git -C app.git rev-parse main");
	now = fx_sh(t.s.fx, "git -C app.git rev-parse next");
	a = net_ask(&t.s, "{s:s,s:s,s:{s:s,s:s,s:s},s:[{s:s,s:s,s:s}],s:i}", "op", "push", "url",
		    t.url, "auth", "ssh_key", t.key, "known_hosts", t.known, "user", t.user,
		    "updates", "ref", "refs/heads/main", "old", old, "new", now, "idle_seconds", 3);
	assert_string_equal(fx_error(a), "unavailable");
	assert_non_null(strstr(net_text(a), "sending objects"));
	ssh_stop(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FX_TEST(fetch_and_push_with_a_deploy_key),
		FX_TEST(one_known_key_of_two_is_enough),
		FX_TEST(unknown_changed_and_revoked_hosts_are_refused),
		FX_TEST(wrong_keys_are_named),
		FX_TEST(servers_that_hang_are_ended),
		FX_TEST(a_push_whose_hook_hangs_is_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
