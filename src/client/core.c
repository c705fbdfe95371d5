/* The client without I/O. Pure: it is told the time, and bytes go through its links.
 *
 * Invariants
 *   1. Operations leave the list only by core_end; advance and expire never remove one.
 *   2. A lane waits in the queue only while there are VOUCH_CLIENT_MAX_CONNECTIONS links. */
#include "client/core.h"

#include "base/alloc.h"
#include "base/error.h"

#include <string.h>

void core_init(struct core *c, const struct settings *settings, uint64_t seed)
{
    memset(c, 0, sizeof *c);
    c->settings = *settings;
    c->nodes = 1;
    c->random.state = seed;
}

static void discard(const struct block_kind *kind, void *block)
{
    if (kind->discard)
        kind->discard(block);
    alloc_free(block);
}

static void clear_shelf(struct core_shelf *shelf)
{
    while (shelf->spares) {
        struct core_spare *s = shelf->spares;
        shelf->spares = s->next;
        discard(&shelf->kind, s);
    }
    shelf->count = 0;
}

void core_free(struct core *c)
{
    while (c->ops) {
        struct vouch_op *op = c->ops;
        if (!op->done)
            op->ops->expire(op, VOUCH_CAUSE_CANCELLED);
        core_end(c, op);
    }
    for (size_t i = 0; i < c->link_count; i++)
        link_free(c->links[i]);
    for (size_t i = 0; i < CORE_SHELVES; i++)
        clear_shelf(&c->shelves[i]);
    settings_free(&c->settings);
}

static struct core_shelf *shelf_of(struct core *c, const struct block_kind *kind)
{
    for (size_t i = 0; i < CORE_SHELVES; i++)
        if (c->shelves[i].kind.size == kind->size && c->shelves[i].kind.discard == kind->discard)
            return &c->shelves[i];
    return NULL;
}

void *core_block(struct core *c, const struct block_kind *kind, bool *used)
{
    struct core_shelf *shelf = shelf_of(c, kind);
    *used = shelf && shelf->spares;
    if (!*used)
        return alloc_zeroed(1, kind->size);
    struct core_spare *s = shelf->spares;
    shelf->spares = s->next;
    shelf->count--;
    return s;
}

void core_release(struct core *c, const struct block_kind *kind, void *block)
{
    struct core_shelf *shelf = c ? shelf_of(c, kind) : NULL;
    if (c && !shelf) {
        shelf = &c->shelves[c->next_shelf++ % CORE_SHELVES];
        clear_shelf(shelf);
        shelf->kind = *kind;
    }
    if (!shelf || shelf->count == CORE_SPARES_MAX) {
        discard(kind, block);
        return;
    }
    struct core_spare *s = block;
    s->next = shelf->spares;
    shelf->spares = s;
    shelf->count++;
}

int64_t core_backoff_us(struct core *c, unsigned failures)
{
    c->counts.waits++;
    struct retry_policy p = {c->settings.retry_min_ms, c->settings.retry_max_ms, RETRY_JITTER_FULL};
    return retry_delay_us(&p, failures, 0, retry_random_next(&c->random));
}

/* ---- operations ----------------------------------------------------------------------------- */

vouch_status core_start(struct core *c, struct vouch_op *op, vouch_error *error)
{
    if (c->op_count >= VOUCH_CLIENT_MAX_OPERATIONS)
        return error_set(error, VOUCH_ELIMIT, VOUCH_CAUSE_LIMIT,
                         "more than VOUCH_CLIENT_MAX_OPERATIONS operations in progress");
    op->core = c;
    op->next = NULL;
    op->previous = c->ops_last;
    *(c->ops_last ? &c->ops_last->next : &c->ops) = op;
    c->ops_last = op;
    c->op_count++;
    if (c->interrupted) {
        c->interrupted = false;
        op->ops->expire(op, VOUCH_CAUSE_INTERRUPTED);
    }
    return VOUCH_OK;
}

void core_end(struct core *c, struct vouch_op *op)
{
    *(op->previous ? &op->previous->next : &c->ops) = op->next;
    *(op->next ? &op->next->previous : &c->ops_last) = op->previous;
    op->core = NULL;
    c->op_count--;
}

void core_advance(struct core *c, int64_t now)
{
    c->now = now;
    for (size_t i = 0; i < c->link_count; i++)
        link_advance(c->links[i], now);
    for (struct vouch_op *op = c->ops; op; op = op->next) {
        if (!op->done)
            op->ops->advance(op, now);
        if (!op->done && now >= op->deadline)
            op->ops->expire(op, VOUCH_CAUSE_DEADLINE);
    }
    /* What an expired operation left behind is closed now: a blocking call is about to return. */
    for (size_t i = 0; i < c->link_count; i++)
        if (c->links[i]->state == LINK_RETIRING)
            link_advance(c->links[i], now);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t core_wake(const struct core *c)
{
    int64_t wake = OP_NEVER;
    for (size_t i = 0; i < c->link_count; i++)
        wake = earlier(wake, link_wake(c->links[i]));
    for (const struct vouch_op *op = c->ops; op; op = op->next)
        if (!op->done)
            wake = earlier(wake, earlier(op->wake, op->deadline));
    return wake;
}

void core_interrupt(struct core *c)
{
    bool any = false;
    for (struct vouch_op *op = c->ops; op; op = op->next) {
        if (op->done)
            continue;
        any = true;
        op->ops->expire(op, VOUCH_CAUSE_INTERRUPTED);
    }
    c->interrupted = !any;
}

/* ---- connections ---------------------------------------------------------------------------- */

static bool suits(const struct link *l, const struct lane *lane)
{
    if (l->node != lane->node || l->leased || l->state == LINK_RETIRING)
        return false;
    return !lane->leased || !l->lanes;
}

static struct link *find(const struct core *c, const struct lane *lane)
{
    struct link *any = NULL;
    for (size_t i = 0; i < c->link_count; i++) {
        if (!suits(c->links[i], lane))
            continue;
        if (c->links[i]->state == LINK_READY)
            return c->links[i];
        if (!any)
            any = c->links[i];
    }
    return any;
}

static void enqueue(struct core *c, struct lane *l)
{
    l->waiting = true;
    l->next_waiting = NULL;
    *(c->waiting_last ? &c->waiting_last->next_waiting : &c->waiting) = l;
    c->waiting_last = l;
}

void core_attach(struct core *c, struct lane *l)
{
    struct link *link = find(c, l);
    if (!link && c->link_count == VOUCH_CLIENT_MAX_CONNECTIONS) {
        enqueue(c, l);
        return;
    }
    if (!link) {
        link = link_new(c, l->node);
        if (!link) {
            struct lane_failure f = {VOUCH_CAUSE_MEMORY, "", "out of memory for a connection"};
            lane_outage(l, &f, true);
            return;
        }
        c->links[c->link_count++] = link;
    }
    link_attach(link, l);
}

void core_forget(struct core *c, struct lane *l)
{
    struct lane *previous = NULL;
    for (struct lane *i = c->waiting; i != l; i = i->next_waiting)
        previous = i;
    *(previous ? &previous->next_waiting : &c->waiting) = l->next_waiting;
    if (c->waiting_last == l)
        c->waiting_last = previous;
    l->waiting = false;
}

void core_freed(struct core *c)
{
    struct lane *next;
    for (struct lane *l = c->waiting; l; l = next) {
        next = l->next_waiting;
        struct link *link = find(c, l);
        if (!link)
            continue;
        core_forget(c, l);
        link_attach(link, l);
    }
}
