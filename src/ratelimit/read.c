/* Decisions, as the script answers them. Pure. */
#include "ratelimit/limiter.h"

#include <string.h>

enum { FIELDS = 5 };

/* NEVER is the longest. */
static bool refuses_longer(const vouch_limit *a, const vouch_limit *b)
{
    if (a->allowed || b->allowed)
        return !a->allowed && b->allowed;
    return b->retry_after_us != VOUCH_LIMIT_NEVER &&
           (a->retry_after_us == VOUCH_LIMIT_NEVER || a->retry_after_us > b->retry_after_us);
}

static bool tighter(const vouch_limit *a, const vouch_limit *b)
{
    if (!a->allowed || !b->allowed)
        return refuses_longer(a, b);
    if (a->remaining != b->remaining)
        return a->remaining < b->remaining;
    return a->reset_after_us > b->reset_after_us;
}

static bool read_limit(const vouch_reply *reply, size_t at, vouch_limit *out)
{
    int64_t v[FIELDS];
    for (size_t i = 0; i < FIELDS; i++)
        if (!vouch_reply_int64(vouch_reply_at(reply, at + i), &v[i]))
            return false;
    *out = (vouch_limit){v[0], v[1], v[2], v[3], v[4]};
    return (v[0] == 0 || v[0] == 1) && v[1] >= 1 && v[2] >= 0 && v[3] >= VOUCH_LIMIT_NEVER &&
           v[4] >= 0 && (v[0] == 1) == (v[3] == 0);
}

bool vouch_limit_read(const vouch_reply *reply, vouch_decision *out)
{
    size_t n = vouch_reply_count(reply);
    memset(out, 0, sizeof *out);
    if (vouch_reply_type(reply) != VOUCH_TYPE_ARRAY || !n || n % FIELDS ||
        n > (size_t)FIELDS * VOUCH_LIMITS_MAX)
        return false;
    out->n = n / FIELDS;
    for (size_t i = 0; i < out->n; i++) {
        if (!read_limit(reply, i * FIELDS, &out->each[i])) {
            memset(out, 0, sizeof *out);
            return false;
        }
        if (!i || tighter(&out->each[i], &out->all))
            out->all = out->each[i];
    }
    return true;
}
