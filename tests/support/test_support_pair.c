/* Both ends of a proxied connection, for exact tests of the bytes between them. */
#include "test_support.h"

#include "clock.h"
#include "temp.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int64_t soon(void)
{
    return ts_deadline(SOON_MS);
}

void pair_start(pair *p, ts_transport transport)
{
    *p = (pair){.client = -1, .server = -1};
    ts_temp_make(p->folder);
    p->upstream = ts_address_new(transport, p->folder, "up");
    p->listener = ts_listen(&p->upstream);
    ck_assert_int_ge(p->listener, 0);
    p->proxy = ts_proxy_start(&(ts_proxy_options){.transport = transport, .upstream = p->upstream});
}

void pair_connect_only(pair *p, int index, const ts_plan *plan)
{
    if (plan)
        ts_proxy_plan(p->proxy, index, plan);
    ts_address address = ts_proxy_address(p->proxy);
    p->client = ts_connect(&address, soon());
    ck_assert_int_ge(p->client, 0);
    ck_assert(ts_proxy_wait_connections(p->proxy, index + 1, soon()));
}

static void wait_readable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, SOON_MS), 1);
}

void pair_connect(pair *p, int index, const ts_plan *plan)
{
    pair_connect_only(p, index, plan);
    wait_readable(p->listener);
    p->server = accept4(p->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    ck_assert_int_ge(p->server, 0);
}

void pair_disconnect(pair *p)
{
    if (p->client >= 0)
        close(p->client);
    if (p->server >= 0)
        close(p->server);
    p->client = p->server = -1;
}

void pair_stop(pair *p)
{
    pair_disconnect(p);
    ts_proxy_free(p->proxy);
    close(p->listener);
    ts_temp_remove(p->folder);
}

void write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
        ck_assert(sent > 0);
        bytes += sent;
        length -= (size_t)sent;
    }
}

long read_chunk(int fd, char *bytes, size_t size)
{
    wait_readable(fd);
    ssize_t got = recv(fd, bytes, size, 0);
    if (got < 0)
        ck_assert_int_eq(errno, ECONNRESET);
    return got;
}

void read_exactly(int fd, const char *bytes, size_t length)
{
    char *came = malloc(length + 1);
    for (size_t at = 0; at < length;) {
        long got = read_chunk(fd, came + at, length - at);
        ck_assert_int_gt(got, 0);
        at += (size_t)got;
    }
    ck_assert(memcmp(came, bytes, length) == 0);
    free(came);
}

int read_exactly_to_end(int fd, const char *bytes, size_t length)
{
    read_exactly(fd, bytes, length);
    char more;
    long got = read_chunk(fd, &more, 1);
    ck_assert_msg(got <= 0, "a byte too many was forwarded");
    return (int)got;
}

bool nothing_to_read(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_PEEK) < 0 && errno == EAGAIN;
}
