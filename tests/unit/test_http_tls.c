/* test_http_tls.c - whom the HTTP client believes, and which TLS it does with */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http_fixture.h"

static void run(struct fx *f, const char *const *argv)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 2);
		if (chdir(f->dir) == 0)
			execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define RUN(f, ...) run(f, (const char *const[]){__VA_ARGS__, NULL})

/* A CA of our own and a certificate of it for `name`. */
static void make_certificates(struct fx *f, const char *name)
{
	autofree char *subject = xasprintf("/CN=%s", name);
	autofree char *alt = xasprintf("subjectAltName=%s", name);

	f->dir = xstrdup("/tmp/yard-http-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	RUN(f, "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key",
	    "-out", "ca.pem", "-subj", "/CN=test CA", "-days", "2");
	RUN(f, "openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
	    "req.pem", "-subj", subject, "-addext", alt);
	RUN(f, "openssl", "x509", "-req", "-in", "req.pem", "-CA", "ca.pem", "-CAkey", "ca.key",
	    "-CAcreateserial", "-out", "cert.pem", "-days", "2", "-copy_extensions", "copy");
	RUN(f, "sh", "-c", "printf '{}' >x");
}

/* openssl's own server; it says where it listens. */
static void serve_tls(struct fx *f, const char *version)
{
	int out[2];
	char line[4096] = "";
	size_t n = 0;
	const char *at = NULL;

	if (f->tls) {
		kill(f->tls, SIGKILL);
		waitpid(f->tls, NULL, 0);
	}
	assert_int_equal(pipe(out), 0);
	f->tls = fork();
	if (!f->tls) {
		dup2(open("/dev/null", O_WRONLY), 2);
		dup2(out[1], 1);
		if (chdir(f->dir) == 0)
			execlp("openssl", "openssl", "s_server", "-accept", "127.0.0.1:0", "-key",
			       "key.pem", "-cert", "cert.pem", "-WWW", version, "-cipher",
			       "ALL:@SECLEVEL=0", NULL);
		_exit(127);
	}
	close(out[1]);
	while (!at && n < sizeof(line) - 1) {
		ssize_t r = read(out[0], line + n, sizeof(line) - 1 - n);

		assert_true(r > 0);
		n += (size_t)r;
		line[n] = '\0';
		at = strchr(line, '\n') ? strstr(line, "ACCEPT 127.0.0.1:") : NULL;
	}
	f->tls_port = atoi(at + 17);
	close(out[0]);
}

static void fetch_tls(struct fx *f, struct got *g, const char *host)
{
	autofree char *url = xasprintf("https://%s:%d/x", host, f->tls_port);
	struct http_req r = request("GET", url);

	got_release(g);
	start(f, &r, g);
	await(f, g);
}

static void a_private_ca_is_believed_and_no_other(void **state)
{
	struct fx *f = *state;
	autofree char *ca = NULL;
	struct got g = {0};

	make_certificates(f, "DNS:localhost");
	ca = path_join(f->dir, "ca.pem");
	serve_tls(f, "-tls1_2");
	client(f, ca, NULL);
	fetch_tls(f, &g, "localhost");
	if (g.end != HTTP_WHOLE)
		fail_msg("%s", g.text);
	assert_string_equal(g.body, "{}");
	fetch_tls(f, &g, "127.0.0.1"); /* not the name that it was made for */
	assert_int_equal(g.end, HTTP_UNSENT);
	assert_non_null(strstr(g.text, "127.0.0.1"));
	client(f, NULL, NULL); /* the system's authorities do not know it */
	fetch_tls(f, &g, "localhost");
	assert_int_equal(g.end, HTTP_UNSENT);
	assert_non_null(strstr(g.text, "certificate"));
	serve_tls(f, "-tls1_1");
	client(f, ca, NULL);
	fetch_tls(f, &g, "localhost");
	assert_int_equal(g.end, HTTP_UNSENT);
	serve_tls(f, "-tls1_3");
	fetch_tls(f, &g, "localhost");
	assert_int_equal(g.end, HTTP_WHOLE);
	got_release(&g);
}

/* A libcrypto that would do with any old TLS: that there is none is for the client to see to. */
static void weaken_libcrypto(char *path)
{
	static const char conf[] = "openssl_conf = a\n[a]\nssl_conf = b\n[b]\nsystem_default = c\n"
				   "[c]\nMinProtocol = TLSv1\nCipherString = DEFAULT:@SECLEVEL=0\n";
	int fd = mkstemp(path);

	if (fd < 0 || write(fd, conf, sizeof(conf) - 1) != sizeof(conf) - 1)
		abort();
	close(fd);
	setenv("OPENSSL_CONF", path, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_private_ca_is_believed_and_no_other),
	};
	char conf[] = "/tmp/yard-openssl-XXXXXX";
	int rc;

	weaken_libcrypto(conf);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(conf);
	return rc;
}
