/* The search for an order.
 *
 * Invariants
 *   1. What is placed next was called before anything that must still be placed had come back: else the
 *      order would put it before what was over when it began.
 *   2. Whether the rest can be placed depends on what was placed and on the keys' values, and on nothing
 *      else. So no such pair is tried twice.
 *   3. Operations that share no key, not even through others, do not bind each other but by time, and
 *      each key is linearizable by itself exactly if all are together (Herlihy and Wing). So groups of
 *      keys are searched one by one. */
#include "linear.h"

#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what was tried ------------------------------------------------------------------------- */

struct place {
    uint64_t
        placed; /* bit i: operation i; 0: an empty slot, since nobody comes back to the start */
    int64_t values[LINEAR_KEYS];
};

struct memory {
    struct place *slots;
    size_t room, used; /* room is a power of two */
};

static uint64_t mix(uint64_t h, uint64_t v)
{
    h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
    return h ^ (h >> 32);
}

static struct place *find(const struct memory *m, const struct place *p)
{
    uint64_t h = mix(1, p->placed);
    for (size_t i = 0; i < LINEAR_KEYS; i++)
        h = mix(h, (uint64_t)p->values[i]);
    for (size_t i = h;; i++) {
        struct place *slot = &m->slots[i & (m->room - 1)];
        if (!slot->placed || memcmp(slot, p, sizeof *p) == 0)
            return slot;
    }
}

static void grow(struct memory *m)
{
    struct memory bigger = {NULL, m->room ? m->room * 2 : 1024, m->used};
    bigger.slots = ts_alloc(bigger.room * sizeof *bigger.slots);
    for (size_t i = 0; i < m->room; i++)
        if (m->slots[i].placed)
            *find(&bigger, &m->slots[i]) = m->slots[i];
    free(m->slots);
    *m = bigger;
}

/* False if it was there already. */
static bool remember(struct memory *m, const struct place *p)
{
    if (m->used * 2 >= m->room)
        grow(m);
    struct place *slot = find(m, p);
    if (slot->placed)
        return false;
    *slot = *p;
    m->used++;
    return true;
}

/* ---- the search ----------------------------------------------------------------------------- */

struct search {
    const struct linear_op
        *ops[LINEAR_OPS]; /* of one group of keys, those that may have happened */
    size_t count;
    uint64_t wanted; /* that must have */
    struct memory memory;
};

/* Applies it; false, and nothing is changed, if it saw something else than is there. */
static bool take(const struct linear_way *w, int64_t values[static LINEAR_KEYS])
{
    for (size_t i = 0; i < w->count; i++)
        if (w->touch[i].saw && w->touch[i].seen != values[w->touch[i].key])
            return false;
    for (size_t i = 0; i < w->count; i++)
        if (w->touch[i].wrote)
            values[w->touch[i].key] = w->touch[i].written;
    return true;
}

/* When the first of those that must still be placed came back. */
static int64_t first_back(const struct search *s, uint64_t placed)
{
    int64_t first = INT64_MAX;
    for (size_t i = 0; i < s->count; i++)
        if ((s->wanted & ~placed) >> i & 1 && s->ops[i]->back < first)
            first = s->ops[i]->back;
    return first;
}

static enum linear_verdict place_rest(struct search *s, const struct place *at)
{
    if ((at->placed & s->wanted) == s->wanted)
        return LINEAR_YES;
    int64_t limit = first_back(s, at->placed);
    for (size_t i = 0; i < s->count; i++) {
        const struct linear_op *op = s->ops[i];
        if (at->placed >> i & 1 || op->call > limit)
            continue;
        for (size_t w = 0; w < op->count; w++) {
            struct place next = *at;
            next.placed |= UINT64_C(1) << i;
            if (!take(&op->ways[w], next.values) || !remember(&s->memory, &next))
                continue;
            if (s->memory.used > LINEAR_STATES)
                return LINEAR_UNDECIDED;
            enum linear_verdict verdict = place_rest(s, &next);
            if (verdict != LINEAR_NO)
                return verdict;
        }
    }
    return LINEAR_NO;
}

/* ---- groups of keys ------------------------------------------------------------------------- */

static unsigned keys_of(const struct linear_op *op)
{
    unsigned keys = 0;
    for (size_t w = 0; w < op->count; w++)
        for (size_t i = 0; i < op->ways[w].count; i++)
            keys |= 1U << op->ways[w].touch[i].key;
    return keys;
}

/* All keys that are bound to these by some operation. */
static unsigned group_of(const struct linear_op *ops, size_t count, unsigned keys)
{
    for (unsigned before = 0; before != keys;) {
        before = keys;
        for (size_t i = 0; i < count; i++)
            if (ops[i].fate != LINEAR_NOT && keys_of(&ops[i]) & keys)
                keys |= keys_of(&ops[i]);
    }
    return keys;
}

static int by_call(const void *a, const void *b)
{
    const struct linear_op *const *x = a, *const *y = b;
    return ((*x)->call > (*y)->call) - ((*x)->call < (*y)->call);
}

static enum linear_verdict check_group(const struct linear_op *ops, size_t count, unsigned keys)
{
    struct search s = {.count = 0};
    struct place start = {.placed = 0};
    for (size_t i = 0; i < count; i++)
        if (ops[i].fate != LINEAR_NOT && keys_of(&ops[i]) & keys)
            s.ops[s.count++] = &ops[i];
    /* The order of calls is mostly nearly right, and so soon found. */
    qsort(s.ops, s.count, sizeof(const struct linear_op *), by_call);
    for (size_t i = 0; i < s.count; i++)
        if (s.ops[i]->fate == LINEAR_DONE)
            s.wanted |= UINT64_C(1) << i;
    for (size_t i = 0; i < LINEAR_KEYS; i++)
        start.values[i] = LINEAR_ABSENT;
    enum linear_verdict verdict = place_rest(&s, &start);
    free(s.memory.slots);
    return verdict;
}

enum linear_verdict linear_check(const struct linear_op *ops, size_t count)
{
    if (count > LINEAR_OPS)
        ts_die("a history of %zu operations; LINEAR_OPS is %d", count, LINEAR_OPS);
    unsigned done = 0;
    for (unsigned key = 0; key < LINEAR_KEYS; key++) {
        if (done >> key & 1)
            continue;
        unsigned group = group_of(ops, count, 1U << key);
        enum linear_verdict verdict = check_group(ops, count, group);
        if (verdict != LINEAR_YES)
            return verdict;
        done |= group;
    }
    return LINEAR_YES;
}

/* ---- for the eye, and by hand --------------------------------------------------------------- */

static void print_way(const struct linear_way *w)
{
    for (size_t i = 0; i < w->count; i++) {
        const struct linear_touch *t = &w->touch[i];
        printf(" k%u", t->key);
        if (t->saw)
            printf("=%lld", (long long)t->seen);
        if (t->wrote)
            printf(":=%lld", (long long)t->written);
    }
}

void linear_print(const struct linear_op *ops, size_t count)
{
    static const char *const fates[] = {"done ", "maybe", "not  "};
    const struct linear_op *sorted[LINEAR_OPS] = {NULL};
    for (size_t i = 0; i < count; i++)
        sorted[i] = &ops[i];
    qsort(sorted, count, sizeof(const struct linear_op *), by_call);
    for (size_t i = 0; i < count; i++) {
        const struct linear_op *op = sorted[i];
        printf("  %9.3f %9.3f ms  client %d  %s %-8s", (double)(op->call - sorted[0]->call) / 1e6,
               (double)(op->back - sorted[0]->call) / 1e6, op->client, fates[op->fate], op->name);
        for (size_t w = 0; w < op->count; w++) {
            printf(w ? "  or" : "");
            print_way(&op->ways[w]);
        }
        printf("\n");
    }
}

struct linear_way linear_read(uint8_t key, int64_t seen)
{
    return (struct linear_way){1, {{key, true, false, seen, 0}}};
}

struct linear_way linear_write(uint8_t key, int64_t written)
{
    return (struct linear_way){1, {{key, false, true, 0, written}}};
}

struct linear_way linear_change(uint8_t key, int64_t seen, int64_t written)
{
    return (struct linear_way){1, {{key, true, true, seen, written}}};
}

struct linear_way linear_both(struct linear_way a, struct linear_way b)
{
    return (struct linear_way){2, {a.touch[0], b.touch[0]}};
}
