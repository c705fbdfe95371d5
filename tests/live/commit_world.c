/* What happens to the world, and what must be so at its end. */
#include "commit_world_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 60, DRAIN_ROUNDS = 400 };

static uint64_t throw_dice(struct world *w)
{
    w->dice += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = w->dice;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

int world_between(struct world *w, int low, int high)
{
    return low + (int)(throw_dice(w) % (uint64_t)(high - low + 1));
}

bool world_chance(struct world *w, int percent)
{
    return world_between(w, 1, 100) <= percent;
}

/* The first one counts. */
void world_fault(struct world *w, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    if (!*w->fault)
        (void)vsnprintf(w->fault, sizeof w->fault, format, list);
    va_end(list);
}

ts_reply *world_try(struct world *w, ...)
{
    const char *words[TS_WORDS_MAX];
    va_list list;
    va_start(list, w);
    size_t n = ts_collect_words(list, words);
    va_end(list);
    return ts_conn_command_words(w->stage->conn, n, words, NULL);
}

/* ---- what happens to the stream ------------------------------------------------------------- */

static void spell(const struct world *w, uint64_t number, char id[static ID_MAX])
{
    if (w->style == 0)
        (void)snprintf(id, ID_MAX, "%" PRIu64 "-0", number);
    else if (w->style == 1)
        (void)snprintf(id, ID_MAX, "1700000000000-%" PRIu64, number);
    else if (w->style == 2)
        (void)snprintf(id, ID_MAX, "%" PRIu64 "-9", UINT64_C(18446744073709550000) + number);
    else
        (void)snprintf(id, ID_MAX, "5-%" PRIu64, UINT64_C(9999999999999999990) + number);
}

static void add(struct world *w)
{
    char id[ID_MAX], life[16];
    (void)snprintf(life, sizeof life, "%d", w->life);
    for (int n = world_between(w, 1, 6); n; n--) {
        spell(w, w->next++, id);
        stage_do(w->stage, "XADD", STREAM, id, "life", life, "poison",
                 world_chance(w, 4) ? "1" : "0", NULL);
    }
}

static void trim(struct world *w)
{
    char id[ID_MAX], most[16];
    (void)snprintf(most, sizeof most, "%d", world_between(w, 0, 12));
    spell(w, (uint64_t)world_between(w, 1, (int)w->next), id);
    if (world_chance(w, 40))
        stage_do(w->stage, "XTRIM", STREAM, "MAXLEN", most, NULL);
    else
        stage_do(w->stage, "XDEL", STREAM, id, NULL);
}

/* Ids are used again, or not. If they are, somebody opens before the new stream can look like the old one. */
static void new_life(struct world *w)
{
    w->life++;
    if (world_chance(w, 60)) {
        w->next = 1;
        actor_renew(w, &w->actors[world_between(w, 0, ACTORS - 1)]);
    }
}

static void flush(struct world *w)
{
    stage_do(w->stage, "FLUSHALL", NULL);
    w->epoch++;
    new_life(w);
}

/* Whoever loses the state knows no more than what is pending: what nobody had is handed out before. */
static void lose_state(struct world *w, struct actor *a)
{
    ts_reply *r = world_try(w, "XPENDING", STREAM, GROUP, NULL);
    bool there = r->type == TS_REPLY_ARRAY;
    ts_reply_free(r);
    if (!there)
        return;
    actor_open(w, a);
    stage_do(w->stage, "DEL", STATE, NULL);
    w->epoch++;
    actor_renew(w, a);
}

static void mishap(struct world *w, struct actor *a)
{
    const char *whom = world_chance(w, 20) ? "vouch:lost" : a->name;
    int which = world_between(w, 1, 100);
    if (which <= 40)
        ts_reply_free(world_try(w, "XGROUP", "DELCONSUMER", STREAM, GROUP, whom, NULL));
    else if (which <= 65)
        ts_reply_free(world_try(w, "XGROUP", "DESTROY", STREAM, GROUP, NULL));
    else if (which <= 78)
        lose_state(w, a);
    else if (which <= 90) {
        stage_do(w->stage, "DEL", STREAM, NULL);
        new_life(w);
    } else
        flush(w);
}

/* ---- steps ---------------------------------------------------------------------------------- */

static void step(struct world *w)
{
    struct actor *a = &w->actors[world_between(w, 0, ACTORS - 1)];
    int which = world_between(w, 1, 100);
    if (which <= 14)
        add(w);
    else if (which <= 19)
        trim(w);
    else if (which <= 25)
        mishap(w, a);
    else if (which <= 34)
        world_late(w, (size_t)world_between(w, 0, SENT_MAX - 1) %
                          (w->sent_count ? w->sent_count : 1) % SENT_MAX);
    else if (a->unanswered)
        actor_insist(w, a);
    else if (which <= 54)
        (void)actor_read(w, a, world_between(w, 1, 8), world_chance(w, 10));
    else if (which <= 67)
        (void)actor_claim(w, a, world_between(w, 1, 8), world_chance(w, 10));
    else if (which <= 94)
        actor_commit(w, a, false);
    else if (which <= 97)
        actor_renew(w, a); /* it crashed */
    else
        actor_open(w, &(struct actor){.n = 0}); /* somebody else mends */
}

/* ---- the end -------------------------------------------------------------------------------- */

static void drain(struct world *w)
{
    struct actor a;
    int rounds = 0;
    size_t got = 1;
    actor_renew(w, &a);
    while (got && !*w->fault && rounds++ < DRAIN_ROUNDS) {
        got = actor_claim(w, &a, 20, false);
        got += actor_read(w, &a, 20, false);
        actor_commit(w, &a, true);
        if (a.unanswered)
            actor_insist(w, &a);
    }
    if (rounds >= DRAIN_ROUNDS)
        world_fault(w, "it does not come to an end");
}

static int64_t value_of(const ts_reply *map, const char *field)
{
    for (size_t i = 0; i + 1 < map->count; i += 2)
        if (strcmp(map->elements[i]->text, field) == 0)
            return strtoll(map->elements[i + 1]->text, NULL, 10);
    return 0;
}

static void check_entries(struct world *w, const ts_reply *ledger)
{
    ts_reply *kept = stage_ask(w->stage, "XRANGE", STREAM, "-", "+", NULL);
    for (size_t i = 0; i < kept->count; i++) {
        const ts_reply *e = kept->elements[i];
        char mark[ID_MAX + 16];
        (void)snprintf(mark, sizeof mark, "%s:%s", e->elements[1]->elements[1]->text,
                       e->elements[0]->text);
        if (value_of(ledger, mark) != 1)
            world_fault(w, "entry %s, which is there, was applied %" PRId64 " times", mark,
                        value_of(ledger, mark));
    }
    ts_reply_free(kept);
}

/* Poison is in the dead letter, and all else in the sum. */
static void check_sums(struct world *w, const ts_reply *ledger)
{
    int64_t all = (int64_t)ledger->count / 2, sum = stage_int(w->stage, "GET", SUM, NULL),
            dead = stage_int(w->stage, "XLEN", DEAD, NULL);
    for (size_t i = 0; i + 1 < ledger->count; i += 2)
        if (strcmp(ledger->elements[i + 1]->text, "1") != 0)
            world_fault(w, "entry %s was applied %s times", ledger->elements[i]->text,
                        ledger->elements[i + 1]->text);
    if (sum + dead != all)
        world_fault(w, "%" PRId64 " applied, but %" PRId64 " in the sum and %" PRId64 " dead", all,
                    sum, dead);
}

/* What was applied before all was flushed cannot be applied after it. */
static void check(struct world *w)
{
    ts_reply *ledger = stage_ask(w->stage, "HGETALL", LEDGER, NULL);
    ts_reply *pending = world_try(w, "XPENDING", STREAM, GROUP, NULL);
    check_entries(w, ledger);
    check_sums(w, ledger);
    if (pending->type != TS_REPLY_ARRAY || pending->elements[0]->integer != 0)
        world_fault(w, "entries are still pending");
    ts_reply_free(pending);
    ts_reply_free(ledger);
}

const char *world_play(struct commit_stage *stage, uint64_t seed, struct world_rules rules)
{
    static struct world w;
    for (size_t i = 0; i < SENT_MAX; i++)
        free(w.sent[i].bytes);
    memset(&w, 0, sizeof w);
    w.stage = stage;
    w.rules = rules;
    w.dice = seed * UINT64_C(0xd1342543de82ef95);
    w.style = world_between(&w, 0, 3);
    w.next = 1;
    w.life = 1;
    stage_do(stage, "FLUSHALL", NULL);
    for (size_t i = 0; i < ACTORS; i++)
        actor_renew(&w, &w.actors[i]);
    for (int i = 0; i < STEPS && !*w.fault; i++)
        step(&w);
    if (!*w.fault)
        drain(&w);
    if (!*w.fault)
        check(&w);
    return *w.fault ? w.fault : NULL;
}
