/* Results: memory, and what callers read of them. Pure. */
#include "commit/result.h"

#include "base/alloc.h"

#include <string.h>

static void point_home(vouch_tx_result *r)
{
    r->results = r->few;
    r->capacity = RESULT_FEW;
    r->queue_errors = r->few_errors.queue;
    r->exec_errors = r->few_errors.exec;
}

vouch_tx_result *result_new(size_t marker_room)
{
    vouch_tx_result *r = alloc_get(sizeof *r + marker_room);
    if (!r)
        return NULL;
    memset(r, 0, offsetof(vouch_tx_result, few));
    r->copies = -1;
    point_home(r);
    arena_seed(&r->arena, r->room, sizeof r->room);
    return r;
}

/* All that grows with the commands, in one piece. */
static bool grow(vouch_tx_result *r, size_t commands)
{
    const size_t each = sizeof(vouch_result) + sizeof *r->queue_errors + sizeof *r->exec_errors,
                 extra = RESULT_EXTRA * sizeof *r->queue_errors;
    if (r->results != r->few)
        alloc_free(r->results);
    point_home(r);
    if (commands > (SIZE_MAX - extra) / each)
        return false;
    char *p = alloc_get(commands * each + extra);
    if (!p)
        return false;
    r->results = (vouch_result *)p;
    r->exec_errors = (vouch_exec_error *)(r->results + commands);
    r->queue_errors = (vouch_queue_error *)(r->exec_errors + commands);
    r->capacity = commands;
    return true;
}

_Static_assert(sizeof(vouch_result) % 8 == 0 && sizeof(vouch_exec_error) % 8 == 0,
               "what follows is aligned");

bool result_begin(vouch_tx_result *r, size_t commands)
{
    r->count = r->queue_error_count = r->exec_error_count = 0;
    arena_reset(&r->arena);
    if (commands > r->capacity && !grow(r, commands))
        return false;
    if (!r->arena.chunk)
        arena_seed(&r->arena, r->room, sizeof r->room);
    r->count = commands;
    memset(r->results, 0, commands * sizeof *r->results);
    return true;
}

void vouch_tx_result_free(vouch_tx_result *r)
{
    if (!r)
        return;
    arena_free(&r->arena);
    if (r->results != r->few)
        alloc_free(r->results);
    alloc_free(r);
}

/* ---- reading -------------------------------------------------------------------------------- */

vouch_tx_outcome vouch_tx_result_outcome(const vouch_tx_result *r)
{
    return r ? r->outcome : VOUCH_OUTCOME_UNKNOWN;
}

const char *vouch_tx_outcome_name(vouch_tx_outcome outcome)
{
    switch (outcome) {
    case VOUCH_OUTCOME_UNKNOWN:
        return "UNKNOWN";
    case VOUCH_OUTCOME_COMMITTED:
        return "COMMITTED";
    case VOUCH_OUTCOME_ERRORS:
        return "ERRORS";
    case VOUCH_OUTCOME_SETTLED:
        return "SETTLED";
    case VOUCH_OUTCOME_ALREADY:
        return "ALREADY";
    case VOUCH_OUTCOME_CONFLICT:
        return "CONFLICT";
    case VOUCH_OUTCOME_REFUSED_QUEUEING:
        return "REFUSED_QUEUEING";
    case VOUCH_OUTCOME_REFUSED_EXEC:
        return "REFUSED_EXEC";
    case VOUCH_OUTCOME_CANCELLED:
        return "CANCELLED";
    case VOUCH_OUTCOME_NOT_SENT:
        return "NOT_SENT";
    case VOUCH_OUTCOME_NOT_ATOMIC:
        return "NOT_ATOMIC";
    case VOUCH_OUTCOME_LAST_:
        break;
    }
    return "?";
}

size_t vouch_tx_result_count(const vouch_tx_result *r)
{
    return r ? r->count : 0;
}

const vouch_result *vouch_tx_result_at(const vouch_tx_result *r, size_t i)
{
    return r && i < r->count ? &r->results[i] : NULL;
}

const vouch_reply *vouch_tx_result_reply(const vouch_tx_result *r, size_t i)
{
    return r && i < r->count ? r->results[i].reply : NULL;
}

size_t vouch_tx_queue_errors(const vouch_tx_result *r, const vouch_queue_error **out)
{
    if (out)
        *out = r && r->queue_error_count ? r->queue_errors : NULL;
    return r ? r->queue_error_count : 0;
}

size_t vouch_tx_exec_errors(const vouch_tx_result *r, const vouch_exec_error **out)
{
    if (out)
        *out = r && r->exec_error_count ? r->exec_errors : NULL;
    return r ? r->exec_error_count : 0;
}

uint32_t vouch_tx_result_attempts(const vouch_tx_result *r)
{
    return r ? r->attempts : 0;
}

uint32_t vouch_tx_result_conflicts(const vouch_tx_result *r)
{
    return r ? r->conflicts : 0;
}

int64_t vouch_tx_result_copies(const vouch_tx_result *r)
{
    return r ? r->copies : -1;
}

vouch_string vouch_tx_result_marker(const vouch_tx_result *r)
{
    return r && r->has_marker ? (vouch_string){r->marker, r->marker_size} : (vouch_string){NULL, 0};
}
