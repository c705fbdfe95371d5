/* One seed, from its beginning to its judgement. */
#include "trial.h"

#include "base.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Notes what is wrong, unless something was before; answers whether all is well. */
__attribute__((format(printf, 3, 4))) static bool holds(struct trial *t, bool is,
                                                        const char *format, ...)
{
    va_list args;
    if (is || t->fault[0])
        return is;
    va_start(args, format);
    (void)vsnprintf(t->fault, sizeof t->fault, format, args);
    va_end(args);
    return false;
}

/* ---- the last consumer ---------------------------------------------------------------------- */

static int64_t pending(const struct trial *t)
{
    ts_reply *r = ts_command(t->rig->server, "XPENDING", CROWD_STREAM, CROWD_GROUP, NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

/* Whether all that is in the stream was delivered. */
static bool is_read(const struct trial *t)
{
    ts_reply *g = ts_command(t->rig->server, "XINFO", "GROUPS", CROWD_STREAM, NULL);
    ts_reply *last =
        ts_command(t->rig->server, "XREVRANGE", CROWD_STREAM, "+", "-", "COUNT", "1", NULL);
    bool read = g->count == 1;
    if (read && last->count)
        for (size_t i = 0; i + 1 < g->elements[0]->count; i += 2)
            if (strcmp(g->elements[0]->elements[i]->text, "last-delivered-id") == 0)
                read = strtoul(g->elements[0]->elements[i + 1]->text, NULL, 10) >=
                       strtoul(last->elements[0]->elements[0]->text, NULL, 10);
    ts_reply_free(g);
    ts_reply_free(last);
    return read;
}

static bool finish_one(struct trial *t, vouch_delivery *d, struct crowd_words *words)
{
    vouch_error e;
    crowd_fill(d);
    bool fine =
        holds(t, vouch_delivery_commit(d, &e) == VOUCH_OK, "the last commit: %s", e.message);
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        size_t k = strtoul(vouch_delivery_entry(d, i)->id.data, NULL, 10);
        if (vouch_delivery_verdict(d, i) == VOUCH_VERDICT_DONE)
            words->done[k]++;
        if (vouch_delivery_entry(d, i)->lost)
            words->lost[k]++;
    }
    vouch_delivery_free(d);
    return fine;
}

static bool consume_the_rest(struct trial *t, vouch_consumer *c, struct crowd_words *words)
{
    vouch_error e;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    /* Losses may be here when nothing is pending any more. */
    for (bool more = true; more || !is_read(t) || pending(t) != 0;) {
        vouch_delivery *d = NULL;
        vouch_status status = vouch_consumer_poll(c, 20, &d, &e);
        more = d != NULL;
        if ((d && !finish_one(t, d, words)) ||
            !holds(t, !status || e.retriable, "the last: %s", e.message) ||
            !holds(t, !ts_passed(limit),
                   "the last one does not come to an end: %" PRId64 " pending", pending(t)))
            return false;
    }
    return true;
}

static bool drain(struct trial *t, const struct crowd_plan *plan, struct crowd_words *words)
{
    char url[TS_URL_MAX];
    vouch_client_options co = rig_options(3, 100);
    vouch_consumer_options o = crowd_options(plan, chaos_seed(plan->seed, 9, 0));
    vouch_client *client = NULL;
    vouch_consumer *c = NULL;
    vouch_error e;
    o.consumer = "last";
    o.all_or_none = 0;
    (void)ts_server_url(t->rig->server, url, sizeof url);
    bool fine = holds(t, !vouch_client_open(url, &co, &client, &e), "%s", e.message) &&
                holds(t, !vouch_consumer_open(client, &o, &c, &e), "the last: %s", e.message) &&
                consume_the_rest(t, c, words);
    fine = holds(t, !vouch_consumer_close(c, 5000, &e), "the last: %s", e.message) && fine;
    vouch_client_close(client);
    return fine;
}

/* ---- the account ---------------------------------------------------------------------------- */

struct account {
    int64_t ledger[CROWD_MOST + 1], dead[CROWD_MOST + 1];
};

static size_t entry_of(const char *id)
{
    size_t k = strtoul(id, NULL, 10);
    if (k > CROWD_MOST)
        ts_die("an entry that never was: %s", id);
    return k;
}

static void read_account(const struct trial *t, struct account *a)
{
    ts_reply *r = ts_command(t->rig->server, "HGETALL", CROWD_LEDGER, NULL);
    for (size_t i = 0; i + 1 < r->count; i += 2)
        a->ledger[entry_of(r->elements[i]->text)] = strtoll(r->elements[i + 1]->text, NULL, 10);
    ts_reply_free(r);
    r = ts_command(t->rig->server, "XRANGE", CROWD_DEAD, "-", "+", NULL);
    for (size_t i = 0; i < r->count; i++) {
        const ts_reply *fields = r->elements[i]->elements[1];
        for (size_t k = 0; k + 1 < fields->count; k += 2)
            if (strcmp(fields->elements[k]->text, "vouch:id") == 0)
                a->dead[entry_of(fields->elements[k + 1]->text)]++;
    }
    ts_reply_free(r);
}

static void judge_entry(struct trial *t, const struct mischief *m, const struct crowd_words *w,
                        const struct account *a, size_t k)
{
    int64_t once = a->ledger[k] + a->dead[k];
    t->doubled += once > 1;
    (void)holds(t, once <= 1,
                "entry %zu was settled %" PRId64 " times, %" PRId64 " of them applied", k, once,
                a->ledger[k]);
    (void)holds(t, k <= m->added || !once, "entry %zu was applied, and is of another life", k);
    (void)holds(t, once || k > m->added || m->deleted[k], "entry %zu was never applied", k);
    (void)holds(t, w->done[k] <= 1 && w->done[k] <= once, "entry %zu was said to be done %d times",
                k, w->done[k]);
    t->totals.dead += a->dead[k] > 0;
    t->totals.deleted += m->deleted[k];
}

static void judge(struct trial *t, const struct mischief *m, const struct crowd_words *w)
{
    struct account a = {{0}, {0}};
    int64_t sum = 0;
    size_t untold = 0;
    read_account(t, &a);
    for (size_t k = 1; k <= CROWD_MOST; k++) {
        judge_entry(t, m, w, &a, k);
        untold +=
            m->must_tell[k] && a.ledger[k] + a.dead[k] == 0 && !w->lost[k] && !w->given_back[k];
        sum += a.ledger[k] * crowd_amount(m->life, k);
    }
    ts_reply *r = ts_command(t->rig->server, "GET", CROWD_SUM, NULL);
    (void)holds(t, sum == (r->text ? strtoll(r->text, NULL, 10) : 0), "the sum is wrong");
    ts_reply_free(r);
    (void)holds(t, untold <= w->untold || !m->plan.calm, "%zu losses were not told", untold);
    /* Elsewhere it may be his again by a claim of whose answer he did not hear, or of which he was not told: it was
     * delivered too often. */
    t->usurped = m->plan.calm && !m->plan.dead_letters ? w->usurped : 0;
    (void)holds(t, !t->usurped, "%zu entries were applied by one who had lost them", t->usurped);
    t->totals.untold += untold;
    t->totals.entries += m->added;
}

/* ---- one seed ------------------------------------------------------------------------------- */

static void new_proxy(struct rig *rig)
{
    ts_proxy_options po = {.upstream = ts_server_address(rig->server)};
    ts_proxy_free(rig->proxy);
    rig->proxy = ts_proxy_start(&po);
}

static bool run_crowd(struct trial *t, struct mischief *m)
{
    struct chaos *chaos = m->plan.chaos ? chaos_begin(t->rig->proxy, m->plan.seed) : NULL;
    int64_t end = ts_deadline(m->plan.run_ms);
    bool fine;
    do {
        mischief_produce(m);
        fine = holds(t, crowd_turn(m->crowd), "a consumer failed");
        if (chaos)
            chaos_turn(chaos);
        mischief_turn(m);
    } while (fine && ts_look_again(end));
    /* Of what one who leaves is answered meanwhile nobody is told. */
    end = ts_deadline(RIG_PATIENCE_MS);
    while (fine && m->plan.calm && pending(t) > 0 && ts_look_again(end))
        fine = holds(t, crowd_turn(m->crowd), "a consumer failed");
    if (chaos)
        (void)chaos_end(chaos);
    mischief_end(m);
    return holds(t, crowd_end(m->crowd), "a consumer failed") && fine;
}

static bool settle(struct trial *t)
{
    int64_t limit = ts_deadline(TS_SERVER_READY_MS);
    ts_proxy_release(t->rig->proxy, TS_EVERY);
    bool fine = holds(t, ts_proxy_wait_closed(t->rig->proxy, TS_EVERY, limit),
                      "what was held does not arrive");
    ts_conn_close(t->rig->truth);
    t->rig->truth = NULL;
    return holds(t, ts_server_wait_clients(t->rig->server, 0, limit),
                 "somebody is still connected") &&
           fine;
}

static void count(struct trial_totals *t, const struct mischief *m, const struct crowd_words *w)
{
    t->seeds++;
    t->dones += w->dones;
    t->fenced += w->fenced;
    t->others += w->others;
    t->troubles += w->troubles;
    t->kills += w->kills;
    t->sleeps += w->sleeps;
    t->acts += m->acts;
    t->deaths += (unsigned long)m->deaths;
    t->flushes += (unsigned long)m->life - 1;
    t->steps += m->steps;
}

bool trial_run(struct trial *t, const struct crowd_plan *plan)
{
    char url[TS_URL_MAX];
    t->fault[0] = 0;
    t->doubled = t->usurped = 0;
    new_proxy(t->rig);
    struct mischief m = mischief_begin(t->rig, t->folder, plan);
    m.crowd = crowd_start(plan, ts_proxy_url(t->rig->proxy, url, sizeof url), t->folder);
    bool fine = run_crowd(t, &m) && settle(t);
    struct crowd_words words = crowd_free(m.crowd, m.life);
    if (fine && drain(t, plan, &words))
        judge(t, &m, &words);
    count(&t->totals, &m, &words);
    return !t->fault[0];
}
