/* Sockets: with the driver, the only code of vouch that makes system calls about connections.
 *
 * A plain socket's account is simple: what sendmsg accepted, the kernel has, and the server will get
 * it even if this process dies; what it did not accept was never handed over. No TCP Fast Open: it
 * would hand bytes over before there is a connection, perhaps twice. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/transport.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void describe(int error, char why[static TRANSPORT_WHY_MAX])
{
    char text[TRANSPORT_WHY_MAX] = "";
    if (strerror_r(error, text, sizeof text) != 0)
        (void)snprintf(text, sizeof text, "error %d", error);
    error_escape(why, TRANSPORT_WHY_MAX, text, strlen(text));
}

static enum transport_result failed(struct transport *t, int error)
{
    describe(error, t->why);
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
    if (error)
        return failed(t, error);
    t->stage = TRANSPORT_OPEN;
    return TRANSPORT_DONE;
}

static enum transport_result socket_send(struct transport *t, const struct span *spans, size_t n,
                                         size_t *taken, size_t *handed)
{
    struct iovec parts[TRANSPORT_SPANS];
    *taken = *handed = 0;
    if (n == 0)
        return TRANSPORT_DONE;
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
    if (t->stage != TRANSPORT_OPEN)
        return POLLOUT;
    return wants_out ? POLLIN | POLLOUT : POLLIN;
}

static void socket_shut(struct transport *t)
{
    (void)shutdown(t->fd, SHUT_RDWR);
}

static void socket_close(struct transport *t)
{
    (void)close(t->fd);
    alloc_free(t);
}

static const struct transport_ops socket_ops = {socket_connect, socket_send, socket_receive,
                                                socket_events,  socket_shut, socket_close};

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

struct transport *transport_socket_open(const struct endpoint_address *address,
                                        char why[static TRANSPORT_WHY_MAX])
{
    struct transport *t = alloc_zeroed(1, sizeof *t);
    if (!t) {
        describe(ENOMEM, why);
        return NULL;
    }
    t->ops = &socket_ops;
    t->fd = open_socket(address);
    if (t->fd < 0) {
        describe(errno, why);
        alloc_free(t);
        return NULL;
    }
    return t;
}
