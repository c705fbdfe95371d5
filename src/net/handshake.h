/* net/handshake.h: what a connection says before anybody uses it; an exchange, pure. */
#ifndef NET_HANDSHAKE_H
#define NET_HANDSHAKE_H

#include "net/exchange.h"

#include <stdint.h>
#include <vouch/error.h>

struct greeting {
    uint32_t protocol;    /* 2 or 3 */
    const char *username; /* or NULL */
    const char *password; /* or NULL */
    const char *name;     /* CLIENT SETNAME, or NULL */
    uint32_t database;
    bool probe_multi; /* find out whether this user may use MULTI */
};

enum handshake_state {
    HANDSHAKE_RUNNING,
    HANDSHAKE_READY,
    HANDSHAKE_FAILED,   /* see cause, permanent, code, message */
    HANDSHAKE_NO_PROBE, /* the probe left the connection inside MULTI: open another without it */
};

#define HANDSHAKE_COMMANDS 6

struct handshake {
    struct exchange x; /* first */
    struct greeting greeting;
    struct arena arena;
    enum handshake_state state;
    uint32_t protocol; /* in force once READY */
    bool may_multi;    /* once READY: MULTI is not denied to this user */
    bool renewal;      /* AUTH alone */
    bool queueing;     /* the probe's MULTI was accepted */

    vouch_cause cause;
    bool permanent; /* trying again will not help: the address, the password or a right is wrong */
    char code[VOUCH_CODE_MAX];
    char message[VOUCH_MESSAGE_MAX];

    /* The commands of this round trip. */
    char *bytes;
    size_t size, capacity;
    size_t ends[HANDSHAKE_COMMANDS];
    uint8_t steps[HANDSHAKE_COMMANDS]; /* of enum handshake_step */
    size_t count, sent, answered;
};

/* The same for one round trip, AUTH with this user and password, on a connection that is in use: READY
 * or FAILED. It must go alone (conn_solo). */
bool handshake_init_renewal(struct handshake *h, const struct greeting *greeting);
/* Prepares the first round trip; then offer &h->x. False when memory is short. The strings of the
 * greeting are borrowed until handshake_free. */
bool handshake_init(struct handshake *h, const struct greeting *greeting);
void handshake_free(struct handshake *h);
/* The server said this error before it was asked anything: it turns the connection away. */
void handshake_turned_away(struct handshake *h, const char *words);

#endif
