/* net/transport.h: what carries a connection's bytes. The one seam at which I/O happens: a socket, or
 * TLS above a socket. Never blocks. */
#ifndef NET_TRANSPORT_H
#define NET_TRANSPORT_H

#include "net/conn.h"
#include "net/endpoint.h"

#include <vouch/error.h>

enum transport_result {
    TRANSPORT_DONE,
    TRANSPORT_AGAIN, /* nothing now: wait for what `events` says */
    TRANSPORT_ENDED, /* the peer closed (receive, connect) */
    TRANSPORT_FAILED /* see `why` */
};

enum transport_stage {
    TRANSPORT_CONNECTING,
    TRANSPORT_SECURING, /* connected; TLS is being set up */
    TRANSPORT_OPEN
};

/* Room for what is said of a failure. */
#define TRANSPORT_WHY_MAX 200

struct transport;

struct transport_ops {
    /* Goes on with connecting, until the stage is OPEN. */
    enum transport_result (*connect)(struct transport *t);
    /* Moves bytes out. *taken: how many it keeps or passed on, from the spans' beginning; *handed:
     * how many of all taken so far the kernel got now. A plain socket hands over what it takes; TLS
     * takes into a record and hands it over once the record is out. Both are set also when it
     * fails. Without spans it hands over what it holds. */
    enum transport_result (*send)(struct transport *t, const struct span *spans, size_t n,
                                  size_t *taken, size_t *handed);
    enum transport_result (*receive)(struct transport *t, char *bytes, size_t size, size_t *got);
    /* What to poll for; wants_out: there are bytes that send would take. */
    short (*events)(const struct transport *t, bool wants_out);
    /* Ends the connection at once, for both sides; keeps the descriptor. */
    void (*shut)(struct transport *t);
    /* Closes the descriptor, and releases the transport. Of a connection that was not shut this says
     * nothing to the peer as long as another process has it too. */
    void (*close)(struct transport *t);
};

struct transport {
    const struct transport_ops *ops;
    int fd;
    enum transport_stage stage;
    bool holds;  /* it took bytes that the kernel does not have yet */
    bool unread; /* it has more to receive, even if nothing comes in */

    /* After TRANSPORT_FAILED. */
    vouch_cause cause;           /* NONE: what the stage makes of it */
    bool permanent;              /* trying again will not help */
    char why[TRANSPORT_WHY_MAX]; /* printable */
};

/* The most spans that send looks at. */
#define TRANSPORT_SPANS 64

/* Begins to connect a socket. NULL, with the reason in `why`, when that fails at once. */
struct transport *transport_socket_open(const struct endpoint_address *address,
                                        char why[static TRANSPORT_WHY_MAX]);

#endif
