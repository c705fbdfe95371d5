/* The words of a call: what to do, with which costs, checked before anything is sent. Pure. */
#include "base/error.h"
#include "base/number.h"
#include "command/slot.h"
#include "ratelimit/limiter.h"

#include <string.h>

/* ---- keys ----------------------------------------------------------------------------------- */

struct key {
    const char *data;
    size_t size;
    char number[NUMBER_DOUBLE_MAX];
};

/* As it is sent; false if it is no argument at all, which is refused when it is sent. */
static bool read_key(vouch_arg a, struct key *out)
{
    out->data = out->number;
    switch (a.kind) {
    case VOUCH_ARG_TEXT:
    case VOUCH_ARG_BYTES:
        out->data = a.as.data;
        out->size = a.kind == VOUCH_ARG_BYTES ? a.size : out->data ? strlen(out->data) : 0;
        return out->data || (a.kind == VOUCH_ARG_BYTES && !a.size);
    case VOUCH_ARG_INT:
        out->size = number_write_i64(out->number, a.as.i);
        return true;
    case VOUCH_ARG_UINT:
        out->size = number_write_u64(out->number, a.as.u);
        return true;
    case VOUCH_ARG_FLOAT:
    case VOUCH_ARG_DOUBLE:
        out->size = number_write_double(out->number, a.as.d);
        return true;
    default:
        return false;
    }
}

static bool same(const struct key *a, const struct key *b)
{
    return a->size == b->size && (!a->size || memcmp(a->data, b->data, a->size) == 0);
}

static uint16_t slot(const struct key *k)
{
    return slot_of(k->size ? k->data : "", k->size);
}

static vouch_status check_keys(vouch_args keys, vouch_error *e)
{
    struct key all[VOUCH_LIMITS_MAX];
    for (size_t i = 0; i < keys.n; i++) {
        struct key *k = &all[i];
        if (!read_key(keys.v[i], k))
            return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "key %zu: NULL, or no argument", i);
        for (size_t j = 0; j < i; j++)
            if (same(k, &all[j]))
                return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                                 "keys %zu and %zu are both '%.*s': each limit needs its own", j, i,
                                 (int)(k->size > 64 ? 64 : k->size), k->data);
        if (i && slot(k) != slot(&all[0]))
            return error_set(
                e, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                "keys '%.*s' and '%.*s' are in different slots: give them one hash tag, "
                "as in {tag}",
                (int)(all[0].size > 64 ? 64 : all[0].size), all[0].data,
                (int)(k->size > 64 ? 64 : k->size), k->data);
    }
    return VOUCH_OK;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static vouch_status wrong(vouch_error *e, const char *what)
{
    return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%s", what);
}

static vouch_status check_cost(const vouch_limit_spec *s, int64_t cost, vouch_error *e)
{
    if (cost < 0)
        return wrong(e, "cost: negative; VOUCH_LIMIT_REFUND gives back");
    if (cost > VOUCH_LIMIT_MAX)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT, "cost: more than VOUCH_LIMIT_MAX");
    if (s->kind == VOUCH_LIMIT_CONCURRENCY && cost > VOUCH_LEASE_COST_MAX)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "cost: of CONCURRENCY, more than VOUCH_LEASE_COST_MAX");
    return VOUCH_OK;
}

static vouch_status check_lease(const struct vouch_limiter *l, vouch_limit_action action,
                                const vouch_limit_options *o, bool used, vouch_error *e)
{
    size_t size = !o || !o->lease ? 0 : o->lease_size ? o->lease_size : strlen(o->lease);
    if (size > VOUCH_LEASE_MAX)
        return error_set(e, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "options->lease: longer than VOUCH_LEASE_MAX");
    if (size && !l->leases)
        return wrong(e, "options->lease: no limit is CONCURRENCY");
    if (!size && used && action != VOUCH_LIMIT_PEEK)
        return wrong(e, "options->lease: CONCURRENCY needs a name for its lease");
    return VOUCH_OK;
}

static const char *name_of(vouch_limit_action action)
{
    switch (action) {
    case VOUCH_LIMIT_TAKE:
        return "take";
    case VOUCH_LIMIT_PEEK:
        return "peek";
    case VOUCH_LIMIT_REFUND:
        return "refund";
    case VOUCH_LIMIT_EXTEND:
        return "extend";
    case VOUCH_LIMIT_RELEASE:
        return "release";
    case VOUCH_LIMIT_ACTION_LAST_:
        break;
    }
    return NULL;
}

static vouch_status check(const struct vouch_limiter *l, vouch_limit_action action, vouch_args keys,
                          const vouch_limit_options *o, vouch_error *e)
{
    if (!l)
        return wrong(e, "the limiter is NULL");
    if (!name_of(action))
        return wrong(e, "action: there is no such action");
    if (o && o->size != sizeof *o)
        return wrong(e, "options->size: not set by VOUCH_LIMIT_OPTIONS_INIT");
    if (keys.n != l->n || !keys.v)
        return error_set(e, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "%zu keys for %zu limits", keys.n,
                         l->n);
    return check_keys(keys, e);
}

/* To take a lease again by its name renews it. */
static bool repeatable(vouch_limit_action action, bool only_leases)
{
    return action == VOUCH_LIMIT_PEEK || action == VOUCH_LIMIT_EXTEND ||
           (action == VOUCH_LIMIT_TAKE && only_leases);
}

vouch_status limit_words(const struct vouch_limiter *l, vouch_limit_action action, vouch_args keys,
                         int64_t cost, const vouch_limit_options *o, struct limit_words *out,
                         vouch_error *e)
{
    bool used = false; /* a limit that takes leases */
    vouch_status status = check(l, action, keys, o, e);
    if (status)
        return status;
    out->n = 2;
    out->repeatable = repeatable(action, l->only_leases);
    for (size_t i = 0; i < l->n; i++) {
        const vouch_limit_spec *s = &l->specs[i];
        int64_t one = o && o->costs ? o->costs[i] : cost;
        status = check_cost(s, one, e);
        if (status)
            return status;
        used = used || (one && s->kind == VOUCH_LIMIT_CONCURRENCY);
        out->v[out->n++] = vouch_text(limiter_letter(s->kind));
        out->v[out->n++] = vouch_int(s->limit);
        out->v[out->n++] = vouch_int(s->period_us);
        out->v[out->n++] = vouch_int(s->burst);
        out->v[out->n++] = vouch_int(one);
    }
    out->v[0] = vouch_text(name_of(action));
    out->v[1] = vouch_text("");
    if (o && o->lease)
        out->v[1] = o->lease_size ? vouch_bytes(o->lease, o->lease_size) : vouch_text(o->lease);
    return check_lease(l, action, o, used, e);
}
