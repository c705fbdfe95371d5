/* vouch/retry.h: how often, and how soon, something is tried again. */
#ifndef VOUCH_RETRY_H
#define VOUCH_RETRY_H

#include <vouch/error.h>

VOUCH_BEGIN

/* In a budget of vouch_retry: not even once. */
#define VOUCH_RETRY_NONE UINT32_MAX
/* Highest base and cap of the waits, in milliseconds: a day. */
#define VOUCH_RETRY_MAX_MS INT64_C(86400000)

/* How a wait is drawn, given its ceiling. */
typedef enum vouch_jitter {
    VOUCH_JITTER_FULL = 0,         /* anywhere from 0 to the ceiling: the default */
    VOUCH_JITTER_EQUAL = 1,        /* anywhere in the upper half of it */
    VOUCH_JITTER_DECORRELATED = 2, /* from the base to three times the wait before, at most the cap;
                                      does not age */
    VOUCH_JITTER_NONE = 3,         /* the ceiling itself */
    VOUCH_JITTER_LAST_ = 0x7fffffff
} vouch_jitter;

/* What is tried again. Each has a budget of its own. */
typedef enum vouch_retry_kind {
    VOUCH_RETRY_CONFLICT = 1, /* somebody else was faster */
    VOUCH_RETRY_OUTAGE = 2, /* no connection, a lost one, a refusal that passes (LOADING, OOM …) */
    VOUCH_RETRY_KIND_LAST_ = 0x7fffffff
} vouch_retry_kind;

/* What the hook is told. Later versions append. */
typedef struct vouch_retry_wait {
    uint32_t size;         /* of this struct, as the library knows it */
    vouch_retry_kind kind; /* what happened */
    uint32_t failures;     /* of this kind, in this call, this one included */
    vouch_cause cause;     /* why */
    int64_t delay_us;      /* how long it is going to wait, in microseconds */
} vouch_retry_wait;

/* Called before each wait; `wait` is borrowed for the call. Returning false gives up, as if the budget
 * were used up. Runs inside calls of the client, of which it may call nothing but
 * vouch_client_stats. */
typedef bool (*vouch_retry_hook)(const vouch_retry_wait *wait, void *user);

/* A retry policy. Begin with VOUCH_RETRY_INIT.
 *
 * The ceiling of the nth wait is base * 2^(n-1), at most cap. After conflicts it ages: each `age` waits
 * it begins from the base again, so that who has lost often does not wait ever longer while others
 * begin anew, and nobody starves. */
typedef struct vouch_retry {
    uint32_t size;          /* set by the initialiser */
    uint32_t jitter;        /* VOUCH_JITTER_…; default FULL */
    uint32_t conflicts;     /* how many it survives; default 16; or VOUCH_RETRY_NONE */
    uint32_t outages;       /* how many it survives; default the client's (stepping form: 8); or
                           VOUCH_RETRY_NONE */
    int64_t base_ms;        /* first ceiling after a conflict; default 1 */
    int64_t cap_ms;         /* highest ceiling; default 500 */
    int64_t outage_base_ms; /* first ceiling after a refusal that passes; default 20. (Connections
                               are opened again as the client's options say) */
    uint32_t age; /* waits from base to base; default 8; or VOUCH_RETRY_NONE: ever longer */
    uint32_t reserved;
    vouch_retry_hook on_wait; /* or NULL */
    void *user;               /* given to it */
} vouch_retry;

/* Every default. */
#define VOUCH_RETRY_INIT                                                                           \
    {                                                                                              \
        sizeof(vouch_retry), 0, 0, 0, 0, 0, 0, 0, 0, NULL, NULL                                    \
    }

/* ---- the stepping form: for callers who wait in a loop of their own ------------------------- */

/* Where such a caller stands. */
typedef struct vouch_retry_state {
    uint64_t random;    /* any value; better not the same in every process */
    uint32_t conflicts; /* so far */
    uint32_t outages;   /* so far */
    int64_t delay_us;   /* the wait before; 0 before the first */
} vouch_retry_state;

/* At the beginning of a call; `seed` is any integer. */
#define VOUCH_RETRY_STATE_INIT(seed)                                                               \
    {                                                                                              \
        (uint64_t)(seed), 0, 0, 0                                                                  \
    }

/* It failed once more, in this way: counts that. True if it should be tried again, after *delay_us
 * microseconds (0 to the cap); false if the budget is used up, or an argument is wrong (a policy that
 * vouch_retry_check refuses, a kind that does not exist, NULL). `policy` may be NULL: every default.
 * The hook is not called. Does no I/O, reads no clock. */
VOUCH_API bool vouch_retry_next(const vouch_retry *policy, vouch_retry_state *state,
                                vouch_retry_kind kind, int64_t *delay_us);

/* VOUCH_OK if a call would take this policy; else VOUCH_EINVAL, and the message says which field is
 * wrong. NULL is every default. */
VOUCH_API VOUCH_MUST vouch_status vouch_retry_check(const vouch_retry *policy, vouch_error *error);

VOUCH_END
#endif
