/* net/transport.h: what carries a connection's bytes. The one seam at which I/O happens: a socket
 * here; the same with TLS above it has its seat behind the same functions. Never blocks. */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include "net/conn.h"
#include "net/endpoint.h"

enum transport_result {
    TRANSPORT_DONE,
    TRANSPORT_AGAIN, /* nothing now: wait for what `events` says */
    TRANSPORT_ENDED, /* the peer closed in an orderly way (receive only) */
    TRANSPORT_FAILED /* see `error` */
};

struct transport;

struct transport_ops {
    /* Goes on with connecting. */
    enum transport_result (*connect)(struct transport *t);
    /* Moves bytes out. *taken: how many it keeps or passed on, from the spans' beginning; *handed:
     * how many of all taken so far the kernel got now. A plain socket hands over what it takes; TLS
     * takes into a record and hands it over once the record is out. Both are set also when it
     * fails. */
    enum transport_result (*send)(struct transport *t, const struct span *spans, size_t n,
                                  size_t *taken, size_t *handed);
    enum transport_result (*receive)(struct transport *t, char *bytes, size_t size, size_t *got);
    /* What to poll for; wants_out: there are bytes that send would take. */
    short (*events)(const struct transport *t, bool wants_out);
    void (*close)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
    int fd;
    int error; /* an errno value, after TRANSPORT_FAILED */
};

/* The most spans that send looks at. */
#define TRANSPORT_SPANS 64

/* Begins to connect a socket. NULL, and *error, when that fails at once; ENOMEM included. */
struct transport *transport_socket_open(const struct endpoint_address *address, int *error);

#endif
