/* vouch/observe.h: what a client does, for those who run it: counters at any time, and events as they
 * happen. A client without a hook pays nothing for events; counting costs under one instruction in a
 * hundred. */
#ifndef VOUCH_OBSERVE_H
#define VOUCH_OBSERVE_H

#include <vouch/error.h>

VOUCH_BEGIN

struct vouch_client;

/* ---- counters ------------------------------------------------------------------------------- */

/* Bucket 0 counts times below 1 microsecond, bucket i those from 2^(i-1) to below 2^i microseconds,
 * the last one all from 2^30 (18 minutes) on. */
#define VOUCH_LATENCY_BUCKETS 32

/* Since the client was opened; nothing is ever taken back or set to 0. Later versions append.
 *
 * A round trip begins on a connection with the first byte handed over of commands that were taken up
 * after an answer to the round trip before, or while nothing was in flight. A batch within the
 * window is one, however many commands it has and writes it takes; n batches, one after the other,
 * are n; a batch larger than the window is one for each time that answers made room. Batches that
 * are started together share them. Handshakes are not among them. */
typedef struct vouch_stats {
    uint32_t size;             /* set by the initialiser */
    uint32_t connections;      /* open now, their handshake done */
    uint64_t commands;         /* whose result is final; = applied + not_applied + maybe */
    uint64_t applied;          /* APPLIED */
    uint64_t not_applied;      /* NOT_APPLIED */
    uint64_t maybe;            /* MAYBE_APPLIED */
    uint64_t errors;           /* of these, answered with an error */
    uint64_t retries;          /* commands handed over whole again; counted once answered or lost */
    uint64_t bytes_out;        /* handed over to the kernel; handshakes included */
    uint64_t bytes_in;         /* received; handshakes included */
    uint64_t round_trips;      /* begun: see above */
    uint64_t connects;         /* connections that completed their handshake; = connections + lost +
                                  lost_idle + given_up */
    uint64_t connect_failures; /* that could not be opened, or whose handshake failed */
    uint64_t lost;             /* lost while something was unanswered */
    uint64_t lost_idle;        /* lost while nothing was, as when the server closes idle clients */
    uint64_t given_up; /* ended by the client, because a call left it with answers to come */
    uint64_t waits;    /* backoffs: after a failure to connect, a loss, a passing refusal */
    uint64_t latency[VOUCH_LATENCY_BUCKETS]; /* round trips that were answered: from the first byte
                                                handed over to the first byte of the answer read */
    uint64_t committed;                      /* transactions */
    uint64_t conflicts; /* attempts of transactions that ended because a watched key had changed */
    uint64_t settled;   /* transactions in doubt that their marker has settled, either way */
} vouch_stats;

/* All 0, but for the size. */
#define VOUCH_STATS_INIT                                                                           \
    {                                                                                              \
        sizeof(vouch_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, {0}, 0, 0, 0          \
    }

/* Fills in as much of *stats as its size covers; what this version does not know becomes 0. Does not
 * block, does no I/O, and may be called inside callbacks of this client too; like every call on a
 * client, on its thread.
 *   VOUCH_OK
 *   VOUCH_EINVAL    an argument is NULL, or stats->size too small for itself; nothing is filled in
 *   VOUCH_EFORKED   the client is another process'; nothing is filled in */
VOUCH_API VOUCH_MUST vouch_status vouch_client_stats(const struct vouch_client *client,
                                                     vouch_stats *stats);

/* An upper bound, in microseconds, of the `quantile` (0 to 1) of the latencies: so many of them were
 * below it. 0.5 is the median, 1 the longest. At most twice the true value; INT64_MAX if that is in
 * the last bucket; -1 if there was no round trip yet, or an argument is wrong. */
VOUCH_API int64_t vouch_stats_latency_us(const vouch_stats *stats, double quantile);

/* ---- events --------------------------------------------------------------------------------- */

/* The values are ABI: never renumbered, only appended. Ignore those you do not know.
 *
 *   CONNECTED     a connection has completed its handshake
 *   LOST          one that had is gone; commands: so many were in doubt, and become RETRIED or MAYBE;
 *                 wait_ms: until the next try
 *   UNREACHABLE   one could not be opened, or its handshake failed; wait_ms: until the next try
 *   RETRIED       `commands` that were handed over before are sent again, without a wait of their
 *                 own: those in doubt may run twice, or (cause REFUSED) a script was missing
 *   WAITED        `commands` were refused for a passing reason (code: LOADING, OOM, ...) and are sent
 *                 again after wait_ms
 *   MAYBE         `commands` of an operation ended as MAYBE_APPLIED: once for a lost connection,
 *                 once when the operation ends, never for each command
 *   RENEWED       an open connection has logged in with new credentials from the hook
 *   CONFLICT      a transaction's watched key changed: it begins again after wait_ms
 *   SETTLED       a transaction was in doubt, and its marker has told: the message says what
 *   NOT_RENEWED   the hook had none, or the server refused them: the login in force stays, for as long
 *                 as it lasts; wait_ms: until the hook is asked again
 *
 * LOST comes before the RETRIED and MAYBE that follow from it. Connections that the client itself
 * ends (when it is closed, or a call left one with answers to come) end without an event. */
typedef enum vouch_event_kind {
    VOUCH_EVENT_CONNECTED = 1,   /* a connection is ready */
    VOUCH_EVENT_LOST = 2,        /* one that was ready is gone */
    VOUCH_EVENT_UNREACHABLE = 3, /* none could be opened */
    VOUCH_EVENT_RETRIED = 4,     /* sent again at once */
    VOUCH_EVENT_WAITED = 5,      /* refused for now, sent again later */
    VOUCH_EVENT_MAYBE = 6,       /* ended as MAYBE_APPLIED */
    VOUCH_EVENT_RENEWED = 7,     /* logged in anew */
    VOUCH_EVENT_NOT_RENEWED = 8, /* still the old login */
    VOUCH_EVENT_CONFLICT = 9,    /* a transaction begins again */
    VOUCH_EVENT_SETTLED = 10,    /* a doubt was turned into yes or no */
    VOUCH_EVENT_LAST_ = 0x7fffffff
} vouch_event_kind;

/* Texts are never NULL, never contain a password, and are escaped: no control bytes. */
typedef struct vouch_event {
    uint32_t size;         /* of this struct, as the library knows it: later versions append */
    vouch_event_kind kind; /* what happened */
    vouch_cause cause;     /* VOUCH_CAUSE_NONE for CONNECTED and RENEWED */
    uint32_t reserved;
    uint64_t commands;   /* how many it is about; else 0 */
    int64_t wait_ms;     /* rounded up; -1: no next try until an operation wants one */
    const char *server;  /* "host:port" or "unix:path"; "" if the operation had no connection */
    const char *code;    /* the server's code word, or "" */
    const char *message; /* what happened, in words; "" for CONNECTED and RENEWED */
} vouch_event;

/* `event` is borrowed for the call, with its texts. The hook runs inside calls of the client (open,
 * start, finish, ready, cancel, close ...), on their thread: as long as it takes, everything waits.
 * Of this client it may call only vouch_client_stats; whatever else returns VOUCH_EBUSY or does
 * nothing. No event is told in a forked child. */
typedef void (*vouch_event_hook)(const vouch_event *event, void *user);

/* "CONNECTED" and so on; for a value this version does not know, "?". Static strings. */
VOUCH_API const char *vouch_event_name(vouch_event_kind kind);

VOUCH_END
#endif
