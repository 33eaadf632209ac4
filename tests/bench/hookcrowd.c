/*
 * hookcrowd.c - clients that take up a receiver's connections and do nothing useful with them.
 *
 *   hookcrowd PORT idle|headers|body|flood|announce|hold N
 *
 * Opens N connections and keeps them: `idle` sends nothing; `headers` a header's byte now and then; `body` the same
 * of a body; `flood` headers without an end, as fast as they are taken; `announce` says that a megabyte comes and sends
 * one byte of it, `hold` all but one. A connection that the other side closes is opened again. Prints "ready" once N
 * were opened, and ends when standard input does, with how many were closed.
 */
#include "base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define LARGE ((size_t)1 << 20)

struct crowd {
	int port, epfd;
	const char *first, *next;
	size_t held; /* bytes that are sent behind the first ones */
	size_t closed;
};

struct client {
	int fd;
	size_t left; /* of crowd.held */
};

static struct client open_one(struct crowd *c)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)c->port)};
	struct epoll_event ev = {.events = EPOLLIN | EPOLLRDHUP};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		perror("hookcrowd: connect");
		exit(1);
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	ev.data.fd = fd;
	epoll_ctl(c->epfd, EPOLL_CTL_ADD, fd, &ev);
	send(fd, c->first, strlen(c->first), MSG_DONTWAIT | MSG_NOSIGNAL);
	return (struct client){fd, c->held};
}

static void push(struct client *c)
{
	static char zeros[65536];

	while (c->left) {
		ssize_t n = send(c->fd, zeros, c->left < sizeof(zeros) ? c->left : sizeof(zeros),
				 MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n <= 0)
			return;
		c->left -= (size_t)n;
	}
}

/* A closed one is replaced, at most `max` a round, so that the crowd does not become an attack of another kind. */
static void round_of(struct crowd *c, struct client *v, int n, int max)
{
	struct epoll_event events[256];
	int k = epoll_wait(c->epfd, events, 256, 0);
	char answer[4096];

	for (int i = 0; i < k && max; i++)
		for (int j = 0; j < n; j++)
			if (v[j].fd == events[i].data.fd &&
			    recv(v[j].fd, answer, sizeof(answer), MSG_DONTWAIT) <= 0) {
				close(v[j].fd);
				c->closed++;
				v[j] = open_one(c);
				max--;
				break;
			}
}

int main(int argc, char **argv)
{
	static const char head[] = "POST /webhook/github HTTP/1.1\r\nHost: x\r\n";
#define BODY(length)                                                                               \
	"POST /webhook/github HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: issues\r\n"                   \
	"X-GitHub-Delivery: slow\r\nContent-Type: application/json\r\n"                            \
	"Content-Length: " length "\r\nX-Hub-Signature-256: sha256="                               \
	"0000000000000000000000000000000000000000000000000000000000000000\r\n\r\n{"
	static const char body[] = BODY("60000"), large[] = BODY("1048576");
	struct crowd c = {.first = "", .next = ""};
	struct pollfd in = {.fd = 0, .events = POLLIN};
	bool flood = argc == 4 && !strcmp(argv[2], "flood");
	struct client *v;
	int n;

	if (argc != 4)
		return 2;
	c.port = (int)strtol(argv[1], NULL, 10);
	n = (int)strtol(argv[3], NULL, 10);
	if (flood || !strcmp(argv[2], "headers")) {
		c.first = head;
		c.next = flood ? "X-Flood: 0123456789012345678901234567890123456789012345678\r\n"
			       : "X";
	} else if (!strcmp(argv[2], "body")) {
		c.first = body;
		c.next = " ";
	} else if (!strcmp(argv[2], "announce") || !strcmp(argv[2], "hold")) {
		c.first = large;
		c.held = argv[2][0] == 'h' ? LARGE - 2 : 0;
	}
	c.epfd = epoll_create1(EPOLL_CLOEXEC);
	v = xcalloc((size_t)n + 1, sizeof(*v));
	for (int i = 0; i < n; i++)
		v[i] = open_one(&c);
	puts("ready");
	fflush(stdout);
	while (poll(&in, 1, flood ? 0 : 50) == 0) {
		for (int i = 0; i < n && *c.next; i++)
			send(v[i].fd, c.next, strlen(c.next), MSG_DONTWAIT | MSG_NOSIGNAL);
		for (int i = 0; i < n; i++)
			push(&v[i]);
		round_of(&c, v, n, 100);
	}
	printf("closed=%zu\n", c.closed);
	return 0;
}
