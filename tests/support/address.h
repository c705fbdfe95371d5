#ifndef TS_ADDRESS_H
#define TS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

/* Where something listens: a Unix socket, or a port of this machine's loopback. */

typedef enum ts_transport {
    TS_UNIX, /* a Unix socket */
    TS_TCP,  /* 127.0.0.1 */
    TS_TCP6  /* ::1 */
} ts_transport;

typedef struct ts_address {
    ts_transport transport;
    char path[sizeof((struct sockaddr_un *)0)->sun_path]; /* TS_UNIX */
    int port;                                             /* TS_TCP, TS_TCP6 */
} ts_address;

/* Room enough for any address written as a URL. */
enum { TS_URL_MAX = 160 };

/* An address for listening: transport TS_UNIX takes the socket "<folder>/<name>", the others take
 * port 0, which ts_listen turns into a free one. */
ts_address ts_address_new(ts_transport transport, const char *folder, const char *name);
/* Writes unix:///path/to/socket, redis://127.0.0.1:port or redis://[::1]:port, and returns url. */
const char *ts_address_url(const ts_address *address, char *url, size_t size);
/* The same with TLS: rediss://… Not of a Unix socket. */
const char *ts_address_url_tls(const ts_address *address, char *url, size_t size);

/* A listening, non-blocking, close-on-exec socket, or -1 and errno. Port 0 is replaced by a free
 * port outside the range of the ports that clients get, so that it can be taken again later. */
int ts_listen(ts_address *address);
/* Starts to connect: a non-blocking, close-on-exec socket with TCP_NODELAY, or -1 and errno. */
int ts_connect_start(const ts_address *address);
/* The same, connected; -1 and errno (ETIMEDOUT when the deadline passed). */
int ts_connect(const ts_address *address, int64_t deadline);

/* A port that nobody listened on a moment ago, on both loopbacks: whoever binds it must be ready
 * to lose the race and to ask again. Never 6379. */
int ts_free_port(void);
/* Whether this machine has ::1. */
bool ts_have_ipv6(void);

/* Close with a reset: what the peer has not been given is lost, and it sees ECONNRESET. A Unix
 * socket cannot reset: its peer sees the end, or ECONNRESET if it had written what is unread. */
void ts_close_reset(int fd);

#endif
