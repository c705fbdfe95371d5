/* Sockets and the resolver: with the driver, the only code of vouch that makes system calls about
 * connections.
 *
 * A plain socket's account is simple: what sendmsg accepted, the kernel has, and the server will get
 * it even if this process dies; what it did not accept was never handed over. No TCP Fast Open: it
 * would hand bytes over before there is a connection, perhaps twice. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/transport.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

_Static_assert(sizeof(struct sockaddr_storage) <= ENDPOINT_ADDRESS_BYTES, "room for any address");
_Static_assert(sizeof(((struct sockaddr_un *)0)->sun_path) <= ENDPOINT_PATH_MAX, "sun_path");

/* ---- addresses ------------------------------------------------------------------------------ */

void endpoint_text(const struct endpoint *e, char out[static ENDPOINT_TEXT_MAX])
{
    const char *format = e->local ? "unix:%s" : strchr(e->host, ':') ? "[%s]:%u" : "%s:%u";
    (void)snprintf(out, ENDPOINT_TEXT_MAX, format, e->host, (unsigned)e->port);
}

static bool resolve_local(const struct endpoint *e, struct endpoint_addresses *out)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    size_t n = strlen(e->host);
    assert(n < sizeof a.sun_path);
    memcpy(a.sun_path, e->host, n + 1);
    out->n = 1;
    out->v[0].family = AF_UNIX;
    out->v[0].size = sizeof a;
    memcpy(out->v[0].address.bytes, &a, sizeof a);
    return true;
}

bool endpoint_resolve(const struct endpoint *e, struct endpoint_addresses *out, char *why,
                      size_t why_size)
{
    out->n = 0;
    if (e->local)
        return resolve_local(e, out);
    char port[8];
    (void)snprintf(port, sizeof port, "%u", (unsigned)e->port);
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    int result = getaddrinfo(e->host, port, &hints, &list);
    if (result != 0) {
        const char *words = gai_strerror(result);
        error_escape(why, why_size, words, strlen(words));
        return false;
    }
    for (const struct addrinfo *i = list; i && out->n < ENDPOINT_ADDRESSES_MAX; i = i->ai_next) {
        if (i->ai_addrlen > ENDPOINT_ADDRESS_BYTES)
            continue;
        struct endpoint_address *a = &out->v[out->n++];
        a->family = i->ai_family;
        a->size = (uint32_t)i->ai_addrlen;
        memcpy(a->address.bytes, i->ai_addr, i->ai_addrlen);
    }
    freeaddrinfo(list);
    if (out->n == 0)
        error_escape(why, why_size, "no address", sizeof "no address" - 1);
    return out->n > 0;
}

/* ---- the socket ----------------------------------------------------------------------------- */

static enum transport_result failed(struct transport *t, int error)
{
    t->error = error;
    return TRANSPORT_FAILED;
}

static enum transport_result socket_connect(struct transport *t)
{
    struct pollfd p = {.fd = t->fd, .events = POLLOUT};
    if (poll(&p, 1, 0) <= 0)
        return TRANSPORT_AGAIN;
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    return error ? failed(t, error) : TRANSPORT_DONE;
}

static enum transport_result socket_send(struct transport *t, const struct span *spans, size_t n,
                                         size_t *taken, size_t *handed)
{
    struct iovec parts[TRANSPORT_SPANS];
    *taken = *handed = 0;
    if (n > TRANSPORT_SPANS)
        n = TRANSPORT_SPANS;
    for (size_t i = 0; i < n; i++) {
        /* sendmsg does not write to what it sends; iovec has no const. */
        union {
            const char *from;
            void *to;
        } p = {spans[i].bytes};
        parts[i] = (struct iovec){p.to, spans[i].size};
    }
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = n};
    ssize_t sent;
    do
        sent = sendmsg(t->fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? TRANSPORT_AGAIN : failed(t, errno);
    *taken = *handed = (size_t)sent;
    return TRANSPORT_DONE;
}

static enum transport_result socket_receive(struct transport *t, char *bytes, size_t size,
                                            size_t *got)
{
    ssize_t n;
    *got = 0;
    do
        n = recv(t->fd, bytes, size, 0);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? TRANSPORT_AGAIN : failed(t, errno);
    *got = (size_t)n;
    return n == 0 ? TRANSPORT_ENDED : TRANSPORT_DONE;
}

static short socket_events(const struct transport *t, bool wants_out)
{
    (void)t;
    return wants_out ? POLLIN | POLLOUT : POLLIN;
}

static void socket_close(struct transport *t)
{
    (void)close(t->fd);
    alloc_free(t);
}

static const struct transport_ops socket_ops = {socket_connect, socket_send, socket_receive,
                                                socket_events, socket_close};

static void set(int fd, int level, int option, int value)
{
    /* These make a connection better, and none of them makes it wrong by failing. */
    (void)setsockopt(fd, level, option, &value, sizeof value);
}

static int open_socket(const struct endpoint_address *a)
{
    int fd = socket(a->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (a->family != AF_UNIX) {
        set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
        set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
        set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
    }
    struct sockaddr_storage address;
    memcpy(&address, a->address.bytes, a->size);
    if (connect(fd, (const struct sockaddr *)&address, a->size) == 0 || errno == EINPROGRESS)
        return fd;
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

struct transport *transport_socket_open(const struct endpoint_address *address, int *error)
{
    struct transport *t = alloc_zeroed(1, sizeof *t);
    if (!t) {
        *error = ENOMEM;
        return NULL;
    }
    t->ops = &socket_ops;
    t->fd = open_socket(address);
    if (t->fd < 0) {
        *error = errno;
        alloc_free(t);
        return NULL;
    }
    return t;
}
