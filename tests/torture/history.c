/* Setting a stage, playing a history on it, and its end. */
#include "history.h"

#include "base.h"
#include "dice.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OPERATIONS 42 /* of a history, about; what is read in the end comes on top */

struct stage stage_start(ts_server_kind kind)
{
    struct stage s = {.rig = rig_start(kind, TS_NO_PERSISTENCE)};
    ts_proxy_options o = {.transport = TS_UNIX, .upstream = ts_proxy_address(s.rig.proxy)};
    s.front = ts_proxy_start(&o);
    return s;
}

void stage_stop(struct stage *stage)
{
    ts_proxy_free(stage->front);
    rig_stop(&stage->rig);
}

/* ---- for players ---------------------------------------------------------------------------- */

const char *history_key(const struct history *h, uint8_t key, char name[static HISTORY_KEY_MAX])
{
    (void)snprintf(name, HISTORY_KEY_MAX, "h%u:%u", h->number, key);
    return name;
}

int64_t history_value(struct player *p, uint8_t key, int64_t seen)
{
    return key == HISTORY_COUNTER ? seen + 1 : (p->number + 1) * INT64_C(1000) + ++p->fresh;
}

void history_may_have(struct player *p, struct linear_way way)
{
    if (p->op->count == LINEAR_WAYS)
        history_complain(p, "an operation of more than LINEAR_WAYS attempts in doubt");
    else
        p->op->ways[p->op->count++] = way;
}

void history_complain(struct player *p, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (!p->complaint[0])
        (void)vsnprintf(p->complaint, sizeof p->complaint, format, arguments);
    va_end(arguments);
}

/* ---- playing -------------------------------------------------------------------------------- */

static const char *name_of(const struct wish *w)
{
    static const char *const names[] = {"read", "change", "update", "set-if", "write"};
    return names[w->kind];
}

static struct wish wish_of(struct player *p)
{
    uint32_t kind = dice_below(&p->dice, WISH_WRITE + 2); /* twice as many writes */
    struct wish w = {.kind = kind > WISH_WRITE ? WISH_WRITE : (enum wish_kind)kind, .keys = 1};
    w.key[0] = (uint8_t)dice_below(&p->dice, HISTORY_KEYS);
    bool single = w.kind == WISH_UPDATE || w.kind == WISH_WRITE;
    if (w.kind == WISH_WRITE && w.key[0] == HISTORY_COUNTER)
        w.kind = WISH_CHANGE;
    if (p->history->pairs && !single && dice_below(&p->dice, 2)) {
        w.keys = 2;
        w.key[1] = (uint8_t)((w.key[0] + 1) % HISTORY_KEYS);
    }
    return w;
}

static void remember(struct player *p)
{
    for (size_t i = 0; p->op->fate == LINEAR_DONE && p->op->count && i < p->op->ways[0].count;
         i++) {
        const struct linear_touch *t = &p->op->ways[0].touch[i];
        p->last[t->key] = t->wrote ? t->written : t->seen;
    }
}

static void *play(void *user)
{
    struct player *p = user;
    struct history *h = p->history;
    (void)pthread_barrier_wait(&h->start);
    for (size_t i = 0; i < h->each; i++) {
        p->op = &h->ops[(size_t)p->number * h->each + i];
        p->wish = wish_of(p);
        p->op->client = p->number;
        p->op->name = name_of(&p->wish);
        p->op->call = ts_now_ns();
        h->kind->play(p);
        p->op->back = ts_now_ns();
        remember(p);
        atomic_fetch_add(&h->ended, 1);
    }
    return NULL;
}

static void begin(struct history *h)
{
    uint64_t dice = dice_of(h->seed, h->number, 0);
    memset(h->ops, 0, sizeof h->ops);
    memset(h->players, 0, sizeof h->players);
    h->player_count = 4 + dice_below(&dice, HISTORY_PLAYERS - 3);
    h->each = OPERATIONS / h->player_count;
    h->count = h->player_count * h->each;
    atomic_store(&h->ended, 0);
    for (size_t i = 0; i < h->player_count; i++) {
        h->players[i].history = h;
        h->players[i].number = (int)i;
        h->players[i].dice = dice_of(h->seed, h->number, i + 1);
        h->kind->open(&h->players[i]);
    }
}

static void play_all(struct history *h)
{
    pthread_t threads[HISTORY_PLAYERS] = {0};
    ck_assert_int_eq(pthread_barrier_init(&h->start, NULL, (unsigned)h->player_count + 1), 0);
    for (size_t i = 0; i < h->player_count; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, play, &h->players[i]), 0);
    (void)pthread_barrier_wait(&h->start);
    if (h->tormented)
        torment(h);
    for (size_t i = 0; i < h->player_count; i++)
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    (void)pthread_barrier_destroy(&h->start);
}

/* ---- its end -------------------------------------------------------------------------------- */

/* Whatever was sent has been run, or never will be. */
static void let_arrive(struct history *h)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    struct rig *rig = &h->stage->rig;
    for (size_t i = 0; i < h->player_count; i++)
        h->kind->close(&h->players[i]);
    ts_proxy_release(rig->proxy, TS_EVERY);
    ck_assert(ts_proxy_wait_closed(h->stage->front, TS_EVERY, limit));
    ck_assert(ts_proxy_wait_closed(rig->proxy, TS_EVERY, limit));
    rig_settle(rig);
}

static void read_end(struct history *h)
{
    struct rig *rig = &h->stage->rig;
    for (uint8_t k = 0; k < HISTORY_KEYS; k++) {
        char key[HISTORY_KEY_MAX];
        const char *words[] = {"GET", history_key(h, k, key)};
        struct linear_op *op = &h->ops[h->count++];
        *op = (struct linear_op){
            .fate = LINEAR_DONE, .client = -1, .name = "end", .call = ts_now_ns(), .count = 1};
        ts_reply *reply = rig_ask(rig, 2, words);
        ck_assert(reply->type == TS_REPLY_TEXT || reply->type == TS_REPLY_NIL);
        op->ways[0] = linear_read(k, reply->text ? strtoll(reply->text, NULL, 10) : LINEAR_ABSENT);
        op->back = ts_now_ns();
        ts_reply_free(reply);
    }
}

void history_print(const struct history *h)
{
    printf("history %u, seed %llu, of %s:\n", h->number, (unsigned long long)h->seed,
           h->kind->name);
    linear_print(h->ops, h->count);
}

enum linear_verdict history_run(struct history *h)
{
    begin(h);
    torment_plan(h);
    play_all(h);
    let_arrive(h);
    read_end(h);
    for (size_t i = 0; i < h->player_count; i++)
        ck_assert_msg(!h->players[i].complaint[0], "history %u: %s", h->number,
                      h->players[i].complaint);
    return linear_check(h->ops, h->count);
}
