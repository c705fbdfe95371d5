/* The inside of the model, shared by its files only. */
#ifndef LIVE_LIMIT_MODEL_PARTS_H
#define LIVE_LIMIT_MODEL_PARTS_H

#include "limit_model.h"

__extension__ typedef __int128 wide;

struct taken {
    int64_t time, cost;
};

/* One limit and all that is known of it, whatever its kind. */
struct one {
    vouch_limit_spec spec;
    int64_t most;                 /* burst, or limit */
    int64_t expires;              /* of the key, in milliseconds */
    int64_t start, before, count; /* windows, as they are seen now */
    int64_t kept[3];              /* … and as they were last written */
    wide paid;                    /* buckets: when the debt is paid, in 1 / limit microseconds */
    struct taken *log;
    size_t logged, room;
    struct {
        int64_t slots, ends;
    } leases[MODEL_LEASES];
};

static inline int64_t up(wide a, wide b)
{
    return (int64_t)(a >= 0 ? (a + b - 1) / b : -(-a / b));
}

static inline int64_t at_least_0(int64_t v)
{
    return v < 0 ? 0 : v;
}

/* The key is written, and is worth nothing from `last` on; at once: it is removed. */
static inline void written(struct one *l, int64_t last, int64_t now)
{
    l->expires = last > now ? up(last, 1000) : MODEL_ABSENT;
}

/* limit_model_leases.c. Slots of a lease, of all, and when the last of them ends; `lease` may be -1. */
int64_t slots_of(const struct one *l, int lease, int64_t now);
int64_t leases_used(const struct one *l, int64_t now);
int64_t last_end(const struct one *l, int64_t now);
/* True if something had to be put right. */
bool leases_open(struct one *l, int64_t now);
int64_t leases_wait(const struct one *l, int64_t cost, int lease, int64_t now);
/* So many slots for the lease; fewer than none: none any more; 0: as they are. */
void leases_put(struct one *l, int64_t change, int lease, int64_t now);

#endif
