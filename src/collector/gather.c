/* What is gathered, and when it has to go. Pure: it is told the time. May call base and command.
 *
 *     add ─> next ──gather_turn──> flying ──tell──> empty
 *
 * Invariants
 *   1. A load has as many receivers as its batch has commands behind the lead.
 *   2. `flying` is empty unless in flight, or inside tell.c: so an add from a callback finds `next`.
 *   3. Room for a command's receiver is there before the command is added: what the batch accepted is
 *      always counted. */
#include "collector/collector.h"

#include "base/alloc.h"
#include "base/error.h"

#include <assert.h>
#include <string.h>

#define DEFAULT_MAX_AGE_MS    250
#define DEFAULT_MAX_COMMANDS  1000
#define DEFAULT_MAX_BYTES     ((size_t)256 << 10)
#define DEFAULT_HELD_COMMANDS 65536
#define DEFAULT_HELD_BYTES    ((size_t)16 << 20)

/* ---- options -------------------------------------------------------------------------------- */

static vouch_status wrong(vouch_error *error, const char *field, const char *what)
{
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "options->%s: %s", field, what);
}

static size_t or_default(size_t given, size_t otherwise)
{
    return given ? given : otherwise;
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static vouch_status check_times(const vouch_collector_options *o, vouch_error *error)
{
    if (o->max_age_ms < VOUCH_NO_DEADLINE || o->max_age_ms > VOUCH_COLLECTOR_MAX_AGE_MS)
        return wrong(error, "max_age_ms", "out of range");
    if (o->deadline_ms < VOUCH_NO_DEADLINE || o->deadline_ms > GATHER_DEADLINE_MAX_MS)
        return wrong(error, "deadline_ms", "out of range");
    if (o->strict_order && o->reorder_ok)
        return wrong(error, "strict_order", "not together with reorder_ok");
    return VOUCH_OK;
}

static vouch_status read_options(struct gather *g, const vouch_collector_options *o,
                                 vouch_error *error)
{
    if (o->size != sizeof *o)
        return wrong(error, "size", "not set by VOUCH_COLLECTOR_OPTIONS_INIT");
    vouch_status status = check_times(o, error);
    if (status)
        return status;
    g->strict_order = o->strict_order != 0;
    g->max_age = o->max_age_ms == VOUCH_NO_DEADLINE
                     ? GATHER_NEVER
                     : (o->max_age_ms ? o->max_age_ms : DEFAULT_MAX_AGE_MS) * 1000;
    g->max_commands = or_default(o->max_commands, DEFAULT_MAX_COMMANDS);
    g->max_bytes = or_default(o->max_bytes, DEFAULT_MAX_BYTES);
    g->max_held_commands =
        or_default(o->max_held_commands, larger(g->max_commands, DEFAULT_HELD_COMMANDS));
    g->max_held_bytes = or_default(o->max_held_bytes, larger(g->max_bytes, DEFAULT_HELD_BYTES));
    if (g->max_held_commands > VOUCH_COLLECTOR_MAX_HELD)
        return wrong(error, "max_held_commands", "over VOUCH_COLLECTOR_MAX_HELD");
    if (g->max_held_commands < g->max_commands)
        return wrong(error, "max_held_commands", "less than max_commands");
    if (g->max_held_bytes < g->max_bytes)
        return wrong(error, "max_held_bytes", "less than max_bytes");
    return VOUCH_OK;
}

/* ---- loads ---------------------------------------------------------------------------------- */

/* Empty but for the lead. Once this has worked it always does: clearing keeps the memory. */
static bool load_clear(struct load *l)
{
    vouch_batch_clear(l->batch);
    l->count = 0;
    if (l->lead && vouch_batch_add(l->batch, "TIME") != 0)
        return false;
    l->lead_bytes = l->batch->size;
    return true;
}

static bool load_init(struct load *l, bool server_time)
{
    l->lead = server_time;
    l->batch = vouch_batch_new();
    return l->batch && load_clear(l);
}

static size_t load_bytes(const struct load *l)
{
    return l->batch->size - l->lead_bytes;
}

vouch_status gather_init(struct gather *g, const vouch_collector_options *options,
                         vouch_error *error)
{
    static const vouch_collector_options none = VOUCH_COLLECTOR_OPTIONS_INIT;
    const vouch_collector_options *o = options ? options : &none;
    memset(g, 0, sizeof *g);
    vouch_status status = read_options(g, o, error);
    if (status)
        return status;
    g->next = &g->loads[0];
    g->flying = &g->loads[1];
    for (size_t i = 0; i < 2; i++)
        if (!load_init(&g->loads[i], o->server_time != 0))
            return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY,
                             "out of memory for a collector");
    return VOUCH_OK;
}

void gather_free(struct gather *g)
{
    for (size_t i = 0; i < 2; i++) {
        vouch_batch_free(g->loads[i].batch);
        alloc_free(g->loads[i].receivers);
    }
}

/* ---- when ----------------------------------------------------------------------------------- */

/* When what is gathered is due; GATHER_NEVER if nothing is, or it may not go. */
static int64_t due_at(const struct gather *g)
{
    const struct load *l = g->next;
    if (!l->count || g->held || g->in_flight)
        return GATHER_NEVER;
    if (l->count >= g->max_commands || load_bytes(l) >= g->max_bytes)
        return g->not_before;
    if (g->max_age == GATHER_NEVER)
        return GATHER_NEVER;
    int64_t old = l->since + g->max_age;
    return old > g->not_before ? old : g->not_before;
}

bool gather_is_due(const struct gather *g, int64_t now)
{
    return due_at(g) <= now;
}

bool gather_wants_look(const struct gather *g, int64_t now)
{
    return g->in_flight && (now >= g->look || g->next->count >= g->look_count);
}

int64_t gather_wake(const struct gather *g)
{
    return g->in_flight ? g->look : due_at(g);
}

/* ---- adding --------------------------------------------------------------------------------- */

static vouch_status full(vouch_error *error, const char *what)
{
    return error_set(error, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                     "the collector holds options->%s; service or flush it, then add again", what);
}

vouch_status gather_room(struct gather *g, vouch_error *error)
{
    struct load *l = g->next;
    if (gather_pending(g) >= g->max_held_commands)
        return full(error, "max_held_commands");
    if (load_bytes(l) + load_bytes(g->flying) >= g->max_held_bytes)
        return full(error, "max_held_bytes");
    if (l->count < l->capacity)
        return VOUCH_OK;
    void *p = l->receivers;
    if (!alloc_grow(&p, &l->capacity, l->count + 1, sizeof *l->receivers))
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "out of memory for a command");
    l->receivers = p;
    return VOUCH_OK;
}

bool gather_count(struct gather *g, vouch_collected callback, void *user, int64_t now)
{
    struct load *l = g->next;
    if (!l->count)
        l->since = now;
    l->receivers[l->count++] = (struct receiver){callback, user};
    assert(l->batch->count == l->lead + l->count); /* 1 */
    return gather_is_due(g, now) || gather_wants_look(g, now);
}

/* ---- what became of it ---------------------------------------------------------------------- */

void gather_turn(struct gather *g)
{
    struct load *l = g->flying;
    assert(!g->in_flight && !l->count); /* 2 */
    g->flying = g->next;
    g->next = l;
}

void gather_launched(struct gather *g, int64_t now)
{
    gather_turn(g);
    g->in_flight = true;
    g->not_before = 0;
    gather_looked(g, now);
}

void gather_refused(struct gather *g, int64_t now)
{
    g->not_before = now + GATHER_LOOK_US;
}

void gather_looked(struct gather *g, int64_t now)
{
    g->look = now + GATHER_LOOK_US;
    g->look_count = g->next->count + g->max_commands;
}

void gather_told(struct gather *g)
{
    g->in_flight = false;
    bool cleared = load_clear(g->flying);
    assert(cleared);
    (void)cleared;
}
