/* Sockets on this machine: listen, connect, find a free port. Everything made here is
 * non-blocking and close-on-exec, so that no server started later keeps a connection alive. */
#include "address.h"

#include "base.h"
#include "clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    PORT_FIRST = 20000, /* below the kernel's ephemeral range, above the well-known ports */
    PORT_COUNT = 12000,
    PORT_TRIES = 200,
    BACKLOG = 511
};

typedef struct socket_name {
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_in ip4;
        struct sockaddr_in6 ip6;
    } name;
    socklen_t length;
} socket_name;

static socket_name name_of(const ts_address *address)
{
    socket_name result;
    memset(&result, 0, sizeof result);
    switch (address->transport) {
    case TS_UNIX:
        result.name.local.sun_family = AF_UNIX;
        memcpy(result.name.local.sun_path, address->path, sizeof address->path);
        result.length = sizeof result.name.local;
        break;
    case TS_TCP:
        result.name.ip4.sin_family = AF_INET;
        result.name.ip4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        result.name.ip4.sin_port = htons((uint16_t)address->port);
        result.length = sizeof result.name.ip4;
        break;
    case TS_TCP6:
        result.name.ip6.sin6_family = AF_INET6;
        result.name.ip6.sin6_addr = in6addr_loopback;
        result.name.ip6.sin6_port = htons((uint16_t)address->port);
        result.length = sizeof result.name.ip6;
        break;
    }
    return result;
}

static int open_socket(const socket_name *name)
{
    return socket(name->name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int close_keeping_errno(int fd)
{
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

ts_address ts_address_new(ts_transport transport, const char *folder, const char *name)
{
    ts_address address = {.transport = transport};
    if (transport == TS_UNIX) {
        int length = snprintf(address.path, sizeof address.path, "%s/%s", folder, name);
        if (length < 0 || (size_t)length >= sizeof address.path)
            ts_die("the socket's name is too long: %s/%s", folder, name);
    }
    return address;
}

static const char *write_url(const ts_address *address, const char *scheme, char *url, size_t size)
{
    int length = 0;
    switch (address->transport) {
    case TS_UNIX:
        length = snprintf(url, size, "unix://%s", address->path);
        break;
    case TS_TCP:
        length = snprintf(url, size, "%s://127.0.0.1:%d", scheme, address->port);
        break;
    case TS_TCP6:
        length = snprintf(url, size, "%s://[::1]:%d", scheme, address->port);
        break;
    }
    if (length < 0 || (size_t)length >= size)
        ts_die("no room for a URL in %zu bytes", size);
    return url;
}

const char *ts_address_url(const ts_address *address, char *url, size_t size)
{
    return write_url(address, "redis", url, size);
}

const char *ts_address_url_tls(const ts_address *address, char *url, size_t size)
{
    if (address->transport == TS_UNIX)
        ts_die("there is no URL for TLS on a Unix socket");
    return write_url(address, "rediss", url, size);
}

static int listen_once(const ts_address *address)
{
    socket_name name = name_of(address);
    int fd = open_socket(&name);
    if (fd < 0)
        return -1;
    int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->transport == TS_UNIX)
        unlink(address->path);
    if (bind(fd, &name.name.any, name.length) != 0 || listen(fd, BACKLOG) != 0)
        return close_keeping_errno(fd);
    return fd;
}

static int random_port(void)
{
    unsigned number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        ts_die("no random numbers: %s", strerror(errno));
    return PORT_FIRST + (int)(number % PORT_COUNT);
}

int ts_listen(ts_address *address)
{
    if (address->transport == TS_UNIX || address->port != 0)
        return listen_once(address);
    for (int i = 0; i < PORT_TRIES; i++) {
        address->port = random_port();
        int fd = listen_once(address);
        if (fd >= 0)
            return fd;
        if (errno != EADDRINUSE)
            break;
    }
    address->port = 0;
    return -1;
}

static bool can_listen(ts_transport transport, int port)
{
    ts_address address = {.transport = transport, .port = port};
    int fd = listen_once(&address);
    if (fd < 0)
        return errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT;
    close(fd);
    return true;
}

int ts_free_port(void)
{
    for (int i = 0; i < PORT_TRIES; i++) {
        int port = random_port();
        if (can_listen(TS_TCP, port) && can_listen(TS_TCP6, port))
            return port;
    }
    ts_die("no free port found in %d tries", PORT_TRIES);
}

bool ts_have_ipv6(void)
{
    ts_address address = {.transport = TS_TCP6};
    int fd = ts_listen(&address);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

int ts_connect_start(const ts_address *address)
{
    socket_name name = name_of(address);
    int fd = open_socket(&name);
    if (fd < 0)
        return -1;
    int on = 1;
    if (address->transport != TS_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd, &name.name.any, name.length) != 0 && errno != EINPROGRESS)
        return close_keeping_errno(fd);
    return fd;
}

int ts_connect(const ts_address *address, int64_t deadline)
{
    int fd = ts_connect_start(address);
    /* A Unix socket with a full backlog says EAGAIN and has nothing to poll for. */
    while (fd < 0 && errno == EAGAIN && ts_look_again(deadline))
        fd = ts_connect_start(address);
    if (fd < 0)
        return -1;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    if (poll(&ready, 1, ts_poll_ms(deadline)) != 1) {
        errno = ETIMEDOUT;
        return close_keeping_errno(fd);
    }
    int error = 0;
    socklen_t length = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    /* A reset comes only after the connection stood: who reads next sees its end. */
    if (error == 0 || error == ECONNRESET)
        return fd;
    errno = error;
    return close_keeping_errno(fd);
}

void ts_close_reset(int fd)
{
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}
