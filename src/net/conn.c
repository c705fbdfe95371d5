/* The connection machine. Pure; may call base, the reader, and the exchanges it was offered.
 *
 * Invariants
 *   1. answered <= handed <= taken <= pulled.
 *   2. runs[head … tail) hold every command that was pulled and not answered, in the order of their
 *      bytes; replies come in that order.
 *   3. A reply of which the first byte came before the last byte of its command was handed over, or
 *      to no command, is a desync: the connection is of no more use. Where it begins decides, also
 *      in which arena it is, since a command may be handed over before it ends.
 *   4. A run without an exchange is an orphan: all its commands were handed over, their replies are
 *      swallowed.
 *   5. Once retiring, nothing more is pulled or put out, so that every command in flight was handed
 *      over whole. */
#include "net/conn.h"

#include "base/alloc.h"
#include "base/error.h"

#include <assert.h>
#include <string.h>

struct conn_run {
    struct exchange *x; /* NULL: an orphan */
    const char *bytes;
    const size_t *ends;
    size_t base, count, answered;
    uint64_t begin; /* offset of its first byte */
};

bool conn_init(struct conn *c, struct reader_limits limits, size_t window_commands,
               size_t window_bytes)
{
    memset(c, 0, sizeof *c);
    c->reader.limits = limits;
    c->window_commands = window_commands;
    c->window_bytes = window_bytes;
    c->runs = alloc_get(CONN_RUNS * sizeof *c->runs);
    if (c->runs && reader_reserve(&c->reader))
        return true;
    alloc_free(c->runs);
    return false;
}

void conn_free(struct conn *c)
{
    reader_reset(&c->reader);
    arena_free(&c->scratch);
    alloc_free(c->runs);
    c->runs = NULL;
}

void conn_restart(struct conn *c)
{
    assert(c->head == c->tail && !c->first);
    reader_restart(&c->reader);
    arena_reset(&c->scratch);
    c->head = c->tail = c->out = 0;
    c->pulled = c->taken = c->handed = c->answered = c->turn = 0;
    c->pending = 0;
    c->retiring = c->early = false;
    c->solo = NULL;
    c->fault = NULL;
    c->stray[0] = 0;
}

static inline struct conn_run *run_at(const struct conn *c, size_t i)
{
    return &c->runs[i % CONN_RUNS];
}

static inline uint64_t command_end(const struct conn_run *r, size_t i)
{
    return r->begin + (r->ends[i] - r->base);
}

/* ---- who may have something to pull --------------------------------------------------------- */

void conn_offer(struct conn *c, struct exchange *x)
{
    if (x->offered || c->retiring)
        return;
    x->offered = true;
    x->next = NULL;
    x->previous = c->last;
    if (c->last)
        c->last->next = x;
    else
        c->first = x;
    c->last = x;
}

void conn_withdraw(struct conn *c, struct exchange *x)
{
    if (!x->offered)
        return;
    x->offered = false;
    if (x->previous)
        x->previous->next = x->next;
    else
        c->first = x->next;
    if (x->next)
        x->next->previous = x->previous;
    else
        c->last = x->previous;
    x->next = x->previous = NULL;
}

/* ---- out ------------------------------------------------------------------------------------ */

static bool has_room(const struct conn *c)
{
    return !c->retiring && c->pending < c->window_commands &&
           c->pulled - c->answered < c->window_bytes && c->tail - c->head < CONN_RUNS;
}

/* Commands of the run that end within the window's bytes, but at least one: a command larger than
 * the window must pass too. */
static size_t fitting(const struct conn *c, const struct run *run)
{
    uint64_t room = c->window_bytes - (c->pulled - c->answered);
    if (run->ends[run->count - 1] - run->base <= room)
        return run->count;
    size_t low = 1, high = run->count;
    while (low < high) { /* the first command that ends at or beyond the window is the last to go */
        size_t middle = (low + high) / 2;
        if (run->ends[middle - 1] - run->base >= room)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

void conn_solo(struct conn *c, struct exchange *x)
{
    c->solo = x;
}

/* Whose turn it is, or NULL. */
static struct exchange *next_up(const struct conn *c)
{
    if (!has_room(c))
        return NULL;
    if (!c->solo)
        return c->first;
    return c->solo->offered && c->pending == c->solo->pending ? c->solo : NULL;
}

static void pull_one(struct conn *c, struct exchange *x)
{
    size_t room = c->window_commands - c->pending;
    struct run run = {0};
    if (!x->pull(x, room < CONN_QUANTUM ? room : CONN_QUANTUM, &run)) {
        conn_withdraw(c, x);
        return;
    }
    assert(run.count && run.count <= room);
    size_t count = fitting(c, &run);
    if (count < run.count) {
        x->on_unsent(x, run.count - count);
        run.last = false;
    }
    conn_withdraw(c, x);
    if (!run.last)
        conn_offer(c, x);
    *run_at(c, c->tail++) =
        (struct conn_run){x, run.bytes, run.ends, run.base, count, 0, c->pulled};
    if (c->answered > c->turn)
        c->turn = c->pulled;
    c->pulled += run.ends[count - 1] - run.base;
    c->pending += count;
    x->pending += count;
}

bool conn_wants_out(const struct conn *c)
{
    return !c->retiring && (c->taken < c->pulled || next_up(c));
}

size_t conn_output(struct conn *c, struct span *spans, size_t max)
{
    for (struct exchange *x = next_up(c); x; x = next_up(c))
        pull_one(c, x);
    if (c->retiring || c->taken == c->pulled)
        return 0;
    size_t n = 0;
    for (size_t i = c->out; i != c->tail; i++) {
        const struct conn_run *r = run_at(c, i);
        size_t skip = c->taken > r->begin ? (size_t)(c->taken - r->begin) : 0;
        size_t size = r->ends[r->count - 1] - r->base;
        if (skip == size)
            continue;
        struct span s = {r->bytes + skip, size - skip};
        if (n && spans[n - 1].bytes + spans[n - 1].size == s.bytes)
            spans[n - 1].size += s.size;
        else if (n < max)
            spans[n++] = s;
        else
            break;
    }
    return n;
}

void conn_taken(struct conn *c, size_t n)
{
    assert(n <= c->pulled - c->taken); /* invariant 1 */
    c->taken += n;
    while (c->out != c->tail &&
           command_end(run_at(c, c->out), run_at(c, c->out)->count - 1) <= c->taken)
        c->out++;
}

void conn_handed(struct conn *c, size_t n)
{
    assert(n <= c->taken - c->handed); /* invariant 1 */
    c->handed += n;
}

/* ---- in ------------------------------------------------------------------------------------- */

static bool desync(struct conn *c, const struct vouch_reply *reply)
{
    if (vouch_reply_is_error(reply))
        error_escape(c->stray, sizeof c->stray, reply->as.text, reply->n);
    c->fault = "a reply to a command that was not sent";
    return false;
}

bool conn_received(struct conn *c, const char *bytes, size_t n)
{
    c->received += n;
    while (n) {
        struct conn_run *r = c->head != c->tail ? run_at(c, c->head) : NULL;
        struct exchange *x = r ? r->x : NULL;
        if (!c->reader.inside)
            c->early = !r || (x && command_end(r, r->answered) > c->handed);
        struct arena *arena = c->early ? &c->scratch : x ? x->arena : NULL;
        size_t used = 0;
        enum reader_event event = reader_read(&c->reader, arena, bytes, n, &used);
        bytes += used;
        n -= used;
        if (event == READER_MORE)
            return true;
        if (event == READER_BAD) {
            c->fault = c->reader.fault;
            return false;
        }
        if (c->early || !r)
            return desync(c, c->reader.reply); /* invariant 3 */
        if (x)
            c->answered = command_end(r, r->answered);
        c->pending--;
        if (++r->answered == r->count) {
            /* A run goes when it is answered, so it was taken: `out` is not behind it. */
            c->head++;
        }
        if (x) {
            x->pending--;
            x->on_reply(x, c->reader.reply, c->reader.fate);
        }
    }
    return true;
}

/* ---- the end -------------------------------------------------------------------------------- */

/* How many of the run's commands were handed over whole. */
static size_t handed_count(const struct conn *c, const struct conn_run *r)
{
    if (!r->x)
        return r->count;
    size_t n = r->count;
    while (n > r->answered && command_end(r, n - 1) > c->handed)
        n--;
    return n;
}

void conn_lost(struct conn *c, vouch_cause cause)
{
    while (c->first)
        conn_withdraw(c, c->first);
    struct exchange *losers = NULL, **end = &losers;
    for (size_t i = c->head; i != c->tail; i++) {
        struct conn_run *r = run_at(c, i);
        if (!r->x)
            continue;
        struct exchange *x = r->x;
        if (x->maybe + x->unsent == 0) {
            x->next = NULL;
            *end = x;
            end = &x->next;
        }
        size_t handed = handed_count(c, r);
        x->maybe += handed - r->answered;
        x->unsent += r->count - handed;
    }
    c->head = c->tail = c->out = 0;
    c->pending = 0;
    c->retiring = true;
    while (losers) {
        struct exchange *x = losers;
        losers = x->next;
        size_t maybe = x->maybe, unsent = x->unsent;
        x->next = NULL;
        x->maybe = x->unsent = x->pending = 0;
        x->on_lost(x, maybe, unsent, cause);
    }
}

void conn_retire(struct conn *c)
{
    c->retiring = true;
    c->solo = NULL;
    while (c->first)
        conn_withdraw(c, c->first);
    size_t tail = c->tail;
    for (size_t i = c->head; i != tail; i++) {
        struct conn_run *r = run_at(c, i);
        size_t handed = handed_count(c, r), back = r->count - handed;
        r->count = handed;
        if (r->answered == r->count && c->tail == tail)
            c->tail = i; /* from here on nothing was handed over */
        c->pending -= back;
        if (r->x && back) {
            r->x->pending -= back;
            r->x->on_unsent(r->x, back);
        }
    }
    c->out = c->tail;
}

void conn_abandon(struct conn *c, struct exchange *x, size_t *maybe, size_t *unsent)
{
    *maybe = *unsent = 0;
    conn_withdraw(c, x);
    if (c->solo == x)
        c->solo = NULL;
    if (!x->pending)
        return;
    for (size_t i = c->head; i != c->tail; i++) {
        struct conn_run *r = run_at(c, i);
        if (r->x != x)
            continue;
        size_t handed = handed_count(c, r);
        *maybe += handed - r->answered;
        *unsent += r->count - handed;
        c->pending -= r->count - handed;
        r->count = handed;
        r->x = NULL;
        r->ends = NULL;
    }
    x->pending = 0;
    if (run_at(c, c->head)->x == NULL)
        reader_abandon(&c->reader);
    conn_retire(c);
}

bool conn_is_over(const struct conn *c)
{
    if (!c->retiring)
        return false;
    for (size_t i = c->head; i != c->tail; i++)
        if (run_at(c, i)->x)
            return false;
    return true;
}
