/* Transactions written as text, for tests that have many: commands are lines such as "SET x 1", one
 * behind the other with ';' between them. */
#ifndef LIVE_DEED_H
#define LIVE_DEED_H

#include "rig.h"

/* A server behind the proxy, a client, and the last transaction that it ran. */
struct deed {
    struct rig rig;
    vouch_client *client;
    vouch_tx_options options; /* of the runs to come */
    vouch_retry retry;        /* used by them */
    vouch_tx_result *result;
    vouch_error error;
    vouch_status status;
    unsigned tokens;
    char token[32];
};

/* In the ways that a transaction can be run. */
enum deed_mode { DEED_PLAIN, DEED_STRICT, DEED_RESOLVE, DEED_TOKEN, DEED_MODES };

/* Starts all; DEBUG may be called on the server, and it minds if it cannot write snapshots. */
void deed_begin(struct deed *d, ts_server_kind kind, uint32_t protocol);
/* With a client of these options. */
void deed_begin_with(struct deed *d, ts_server_kind kind, const vouch_client_options *options);
void deed_end(struct deed *d);

/* Options of that mode, else defaults; a token is a new one each time. */
void deed_mode(struct deed *d, enum deed_mode mode);

/* Lines on the truth's connection. A reply that is an error ends the test, but for a line that begins
 * with '!'. "@pass 5" waits until the server's clock has gone on by 5 ms, "@gone x" until there is no x,
 * "@evict x" frees memory until it is gone. */
void deed_tell(struct deed *d, const char *lines);
/* Sends a line on a connection of its own, and waits for no reply. */
ts_conn *deed_send(struct deed *d, const char *line);
/* A line's integer, or text that is one; TS_NIL for nil. */
int64_t deed_int(struct deed *d, const char *line);

/* What a body does. */
struct plan {
    struct deed *deed;
    const char *watch;   /* keys, for vouch_tx_watch */
    const char *read;    /* lines */
    const char *peek;    /* lines */
    const char *between; /* told on the truth's connection before MULTI … */
    int times;           /* … so many times */
    void (*then)(
        struct deed *d); /* called right before MULTI, as often as it is decided; or NULL */
    const char *queue;   /* lines */
    bool cancel;         /* instead of COMMIT */
    int calls, decided;  /* of the body; and with all its replies there */
    uint32_t attempt;    /* that it was called in last */
    char heard[256];     /* the replies to `read` and `peek`, the last ones, a space behind each */
};

/* The body that does what struct plan says. */
vouch_tx_step deed_planned(vouch_tx *tx, void *user);
/* Runs it; the result and the error are in *d. */
vouch_status deed_run(struct deed *d, vouch_tx_body body, void *user);
vouch_status deed_plan(struct deed *d, struct plan *plan);
/* The same without reads: vouch_transaction_exec of these lines. */
vouch_status deed_exec(struct deed *d, const char *lines);
/* A batch of lines. */
vouch_batch *deed_batch(const char *lines);

/* The last run ended like this; `what` names the case. */
void deed_expect(const struct deed *d, const char *what, vouch_status status, vouch_effect effect,
                 vouch_tx_outcome outcome);
/* The next transaction on the client is committed, on the connection it has: nothing of the last one
 * is left on it. */
void deed_is_clean(struct deed *d, const char *what);
vouch_stats deed_stats(const struct deed *d);

#endif
