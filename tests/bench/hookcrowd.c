/*
 * hookcrowd.c - clients that take up a receiver's connections and do nothing useful with them.
 *
 *   hookcrowd PORT idle|headers|body|flood N
 *
 * Opens N connections and keeps them: `idle` sends nothing; `headers` a header's byte now and then; `body` the same
 * of a body; `flood` headers without an end, as fast as they are taken. A connection that the other side closes is
 * opened again. Prints "ready" once N were opened, and ends when standard input does, with how many were closed.
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

struct crowd {
	int port, epfd;
	const char *first, *next;
	size_t closed;
};

static int open_one(struct crowd *c)
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
	return fd;
}

/* A closed one is replaced, at most `max` a round, so that the crowd does not become an attack of another kind. */
static void round_of(struct crowd *c, int *fds, int n, int max)
{
	struct epoll_event events[256];
	int k = epoll_wait(c->epfd, events, 256, 0);
	char answer[4096];

	for (int i = 0; i < k && max; i++)
		for (int j = 0; j < n; j++)
			if (fds[j] == events[i].data.fd &&
			    recv(fds[j], answer, sizeof(answer), MSG_DONTWAIT) <= 0) {
				close(fds[j]);
				c->closed++;
				fds[j] = open_one(c);
				max--;
				break;
			}
}

int main(int argc, char **argv)
{
	static const char head[] = "POST /webhook/github HTTP/1.1\r\nHost: x\r\n";
	static const char body[] =
		"POST /webhook/github HTTP/1.1\r\nHost: x\r\nX-GitHub-Event: issues\r\n"
		"X-GitHub-Delivery: slow\r\nContent-Type: application/json\r\n"
		"Content-Length: 60000\r\nX-Hub-Signature-256: sha256="
		"0000000000000000000000000000000000000000000000000000000000000000\r\n\r\n{";
	struct crowd c = {.first = "", .next = ""};
	struct pollfd in = {.fd = 0, .events = POLLIN};
	bool flood = argc == 4 && !strcmp(argv[2], "flood");
	int n, *fds;

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
	}
	c.epfd = epoll_create1(EPOLL_CLOEXEC);
	fds = xcalloc((size_t)n + 1, sizeof(*fds));
	for (int i = 0; i < n; i++)
		fds[i] = open_one(&c);
	puts("ready");
	fflush(stdout);
	while (poll(&in, 1, flood ? 0 : 50) == 0) {
		for (int i = 0; i < n && *c.next; i++)
			send(fds[i], c.next, strlen(c.next), MSG_DONTWAIT | MSG_NOSIGNAL);
		round_of(&c, fds, n, 100);
	}
	printf("closed=%zu\n", c.closed);
	return 0;
}
