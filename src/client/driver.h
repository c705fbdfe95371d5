/* client/driver.h: moves a core's bytes through sockets, with poll(2). */
#ifndef CLIENT_DRIVER_H
#define CLIENT_DRIVER_H

#include "client/core.h"
#include "net/resolver.h"
#include "net/tls.h"

#include <stdatomic.h>
#include <sys/types.h>

/* Bytes received at once. */
#define DRIVER_BUFFER ((size_t)64 << 10)
/* Times a connection is read before the others, and the writes, have their turn. */
#define DRIVER_READS 16

/* A connection that was heard of so recently is not asked again whether it is still there. */
#define DRIVER_FRESH_US 20

/* What the driver has for one link. */
struct seat {
    int64_t heard_at; /* when something was received last */
    struct transport *transport;
    bool resolving; /* waits for the client's look-up */
    struct endpoint_addresses addresses;
    size_t next_address;
    int64_t address_by; /* when to try the next address */
};

/* Connections that are shut, and not closed yet. */
#define DRIVER_SHUT_MAX 64

struct vouch_client {
    struct core core;
    struct seat *seats[VOUCH_CLIENT_MAX_CONNECTIONS]; /* one for each of core.links */
    /* A descriptor is closed only after vouch_client_watch has left it out, since closed it could
     * come back at once as another's, and a caller's event loop would not know. */
    struct transport *shut[DRIVER_SHUT_MAX];
    size_t shut_count, shut_told; /* of these, the first so many were left out once */
    char *buffer;
    struct tls_context *tls; /* NULL: none */
    struct resolver *lookup; /* of the host, or NULL */
    int64_t lookup_began;
    int wake_fd;          /* an eventfd, written by interrupt */
    atomic_int interrupt; /* DRIVER_INTERRUPT, DRIVER_WAKE */
    pid_t pid;            /* of the process that opened it */
    unsigned char *alive; /* 1, in memory that a fork leaves zeroed to the child; or NULL */
};

enum { DRIVER_INTERRUPT = 1, DRIVER_WAKE = 2 };

/* Ends a wait, and nothing else. Safe from any thread and from signal handlers. */
void client_wake(struct vouch_client *client);

/* This process is a child of the one that opened it. Asked at every call; getpid() would be a system
 * call each time. */
bool client_is_forked(const struct vouch_client *client);
/* It is about to be released. */
void client_forget_fork(struct vouch_client *client);

/* Sends, receives, connects: all that can be done without waiting. Then waits, at most until the
 * core wants to be woken, if there is nothing to do and `wait`. */
void driver_step(struct vouch_client *client, bool wait);
/* What was started goes out: what the first wait would say. Nothing is read for it. */
void driver_push(struct vouch_client *client);
/* Ends what is in progress, closes all descriptors. */
void driver_free(struct vouch_client *client);

/* Its link is OPENING: goes on with that. True if anything happened. */
bool seat_connect(struct vouch_client *client, struct link *l, struct seat *s);
/* Gives up what it has. */
void seat_close(struct vouch_client *client, struct seat *s);
/* Closes the first n of those that were shut. */
void driver_close_shut(struct vouch_client *client, size_t n);

/* VOUCH_OK if this process may use it now; else EFORKED or EBUSY, as an error. */
vouch_status client_usable(const struct vouch_client *client, vouch_error *error);
/* Starts an operation. No byte moves: what is started together goes out together, with the next
 * vouch_client_ready or client_drive. */
vouch_status client_start(struct vouch_client *client, struct vouch_op *op, vouch_error *error);
/* Blocks until the operation is done. */
void client_drive(struct vouch_client *client, const struct vouch_op *op);
/* The time by the client's clock, in microseconds. */
int64_t client_now(void);

#endif
