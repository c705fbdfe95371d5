/* The retry policy that callers see: its defaults, its checks, and its one step, which the library
 * itself takes too. Pure. */
#include "base/error.h"
#include "base/retry.h"

#include <vouch/retry.h>

#define DEFAULT_CONFLICTS      16
#define DEFAULT_OUTAGES        8
#define DEFAULT_BASE_MS        1
#define DEFAULT_OUTAGE_BASE_MS 20
#define DEFAULT_CAP_MS         500
#define DEFAULT_AGE            8

static const vouch_retry defaults = VOUCH_RETRY_INIT;

static vouch_status wrong(vouch_error *error, const char *field, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "retry->%s: %s", field, what);
}

static bool is_duration(int64_t ms)
{
    return ms >= 0 && ms <= VOUCH_RETRY_MAX_MS;
}

vouch_status vouch_retry_check(const vouch_retry *policy, vouch_error *error)
{
    const vouch_retry *p = policy ? policy : &defaults;
    error_clear(error);
    if (p->size != sizeof *p)
        return wrong(error, "size", "not set by VOUCH_RETRY_INIT");
    if (p->jitter > VOUCH_JITTER_NONE)
        return wrong(error, "jitter", "none of VOUCH_JITTER_…");
    if (!is_duration(p->base_ms))
        return wrong(error, "base_ms", "below 0 or over VOUCH_RETRY_MAX_MS");
    if (!is_duration(p->cap_ms))
        return wrong(error, "cap_ms", "below 0 or over VOUCH_RETRY_MAX_MS");
    if (!is_duration(p->outage_base_ms))
        return wrong(error, "outage_base_ms", "below 0 or over VOUCH_RETRY_MAX_MS");
    return VOUCH_OK;
}

static uint32_t budget(uint32_t given, uint32_t otherwise)
{
    return given == VOUCH_RETRY_NONE ? 0 : given ? given : otherwise;
}

static int64_t either(int64_t given, int64_t otherwise)
{
    return given ? given : otherwise;
}

/* On which doubling the ceiling of this conflict stands: it rises up to `age`, then from the base again.
 * Waits that only grow starve who has lost often, next to those who begin anew without any; waits that
 * fall and stay short make it lose many times more in a row (seen: 100 and more, of 8 processes on one
 * key). */
static unsigned aged(const vouch_retry *p, uint32_t conflicts)
{
    uint32_t age = p->age ? p->age : DEFAULT_AGE;
    return p->age == VOUCH_RETRY_NONE ? conflicts : (conflicts - 1) % age + 1;
}

_Static_assert((int)VOUCH_JITTER_FULL == (int)RETRY_JITTER_FULL &&
                   (int)VOUCH_JITTER_EQUAL == (int)RETRY_JITTER_EQUAL &&
                   (int)VOUCH_JITTER_DECORRELATED == (int)RETRY_JITTER_DECORRELATED &&
                   (int)VOUCH_JITTER_NONE == (int)RETRY_JITTER_NONE,
               "the public names are the same kinds");

bool vouch_retry_next(const vouch_retry *policy, vouch_retry_state *state, vouch_retry_kind kind,
                      int64_t *delay_us)
{
    const vouch_retry *p = policy ? policy : &defaults;
    bool conflict = kind == VOUCH_RETRY_CONFLICT;
    if (!state || !delay_us || (!conflict && kind != VOUCH_RETRY_OUTAGE) ||
        vouch_retry_check(p, NULL) != VOUCH_OK)
        return false;
    uint32_t *failures = conflict ? &state->conflicts : &state->outages;
    uint32_t most =
        conflict ? budget(p->conflicts, DEFAULT_CONFLICTS) : budget(p->outages, DEFAULT_OUTAGES);
    if (*failures != UINT32_MAX)
        ++*failures;
    if (*failures > most)
        return false;
    struct retry_policy step = {.base_ms = conflict
                                               ? either(p->base_ms, DEFAULT_BASE_MS)
                                               : either(p->outage_base_ms, DEFAULT_OUTAGE_BASE_MS),
                                .cap_ms = either(p->cap_ms, DEFAULT_CAP_MS),
                                .jitter = (enum retry_jitter)p->jitter};
    struct retry_random random = {state->random};
    uint64_t drawn = retry_random_next(&random);
    state->random = random.state;
    state->delay_us =
        retry_delay_us(&step, conflict ? aged(p, *failures) : *failures, state->delay_us, drawn);
    *delay_us = state->delay_us;
    return true;
}
