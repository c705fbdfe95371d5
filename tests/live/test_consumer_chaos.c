/* Exactly once, by seed: eight processes consume one stream while they are killed, put to sleep and replaced, their
 * connections are cut and stalled, the group is destroyed, entries and consumers are deleted, scripts are
 * forgotten, memory runs out, and the server dies and comes back. Then one last consumer does what is left, and
 * the ledger is looked at.
 *
 * VOUCH_CONSUMER_SEEDS=500 is a long run; VOUCH_CONSUMER_SEED=… replays what was drawn, though not the moments. */
#include "base.h"
#include "mischief.h"
#include "suite.h"
#include "temp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS 8
#define SEEDS_OF_SERVERS                                                                           \
    20 /* then another: what is in its log of commands makes it slow to start */

static struct rig rig;
static char folder[TS_TEMP_MAX];
static int kind;
static uint64_t seed;
static const char *const kinds[] = {"Redis", "Valkey"};

#define check(is, ...)                                                                             \
    do {                                                                                           \
        if (!(is)) {                                                                               \
            (void)fprintf(stderr, "%s, VOUCH_CONSUMER_SEED=%" PRIu64 ": ", kinds[kind], seed);     \
            ck_abort_msg(__VA_ARGS__);                                                             \
        }                                                                                          \
    } while (0)

/* ---- the last consumer ---------------------------------------------------------------------- */

static int64_t pending(void)
{
    ts_reply *r = ts_command(rig.server, "XPENDING", CROWD_STREAM, CROWD_GROUP, NULL);
    int64_t n = r->count ? r->elements[0]->integer : -1;
    ts_reply_free(r);
    return n;
}

/* Whether all that is in the stream was delivered. */
static bool is_read(void)
{
    ts_reply *g = ts_command(rig.server, "XINFO", "GROUPS", CROWD_STREAM, NULL);
    ts_reply *last =
        ts_command(rig.server, "XREVRANGE", CROWD_STREAM, "+", "-", "COUNT", "1", NULL);
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

static void finish_one(vouch_delivery *d, struct crowd_words *words)
{
    vouch_error e;
    crowd_fill(d);
    vouch_status status = vouch_delivery_commit(d, &e);
    check(status == VOUCH_OK, "the last commit: %s", e.message);
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        size_t k = strtoul(vouch_delivery_entry(d, i)->id.data, NULL, 10);
        if (vouch_delivery_verdict(d, i) == VOUCH_VERDICT_DONE)
            words->done[k]++;
        if (vouch_delivery_entry(d, i)->lost)
            words->lost[k]++;
    }
    vouch_delivery_free(d);
}

static void drain(const struct crowd_plan *plan, struct crowd_words *words)
{
    char url[TS_URL_MAX];
    vouch_client_options co = rig_options(3, 100);
    vouch_consumer_options o = crowd_options(plan, chaos_seed(plan->seed, 9, 0));
    vouch_client *client = NULL;
    vouch_consumer *c = NULL;
    vouch_error e;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    o.consumer = "last";
    o.all_or_none = 0;
    (void)ts_server_url(rig.server, url, sizeof url);
    check(!vouch_client_open(url, &co, &client, &e), "%s", e.message);
    check(!vouch_consumer_open(client, &o, &c, &e), "the last: %s", e.message);
    /* Losses may be here when nothing is pending any more. */
    for (bool more = true; more || !is_read() || pending() != 0;) {
        vouch_delivery *d = NULL;
        vouch_status status = vouch_consumer_poll(c, 20, &d, &e);
        check(!status || e.retriable, "the last: %s", e.message);
        more = d != NULL;
        if (d)
            finish_one(d, words);
        check(!ts_passed(limit), "the last one does not come to an end: %" PRId64 " pending",
              pending());
    }
    check(!vouch_consumer_close(c, 5000, &e), "the last: %s", e.message);
    vouch_client_close(client);
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

static void read_account(struct account *a)
{
    ts_reply *r = ts_command(rig.server, "HGETALL", CROWD_LEDGER, NULL);
    for (size_t i = 0; i + 1 < r->count; i += 2)
        a->ledger[entry_of(r->elements[i]->text)] = strtoll(r->elements[i + 1]->text, NULL, 10);
    ts_reply_free(r);
    r = ts_command(rig.server, "XRANGE", CROWD_DEAD, "-", "+", NULL);
    for (size_t i = 0; i < r->count; i++) {
        const ts_reply *fields = r->elements[i]->elements[1];
        for (size_t k = 0; k + 1 < fields->count; k += 2)
            if (strcmp(fields->elements[k]->text, "vouch:id") == 0)
                a->dead[entry_of(fields->elements[k + 1]->text)]++;
    }
    ts_reply_free(r);
}

struct totals {
    size_t seeds, entries, dead, deleted, untold;
    unsigned long dones, fenced, others, troubles, kills, sleeps, acts, deaths, flushes;
};

static void judge(const struct mischief *m, const struct crowd_words *w, struct totals *t)
{
    struct account a = {{0}, {0}};
    int64_t sum = 0;
    size_t untold = 0;
    read_account(&a);
    for (size_t k = 1; k <= CROWD_MOST; k++) {
        int64_t once = a.ledger[k] + a.dead[k];
        check(once <= 1, "entry %zu was settled %" PRId64 " times, %" PRId64 " of them applied", k,
              once, a.ledger[k]);
        check(k <= m->added || !once, "entry %zu was applied, and is of another life", k);
        check(once || k > m->added || m->deleted[k], "entry %zu was never applied", k);
        check(w->done[k] <= 1 && w->done[k] <= once, "entry %zu was said to be done %d times", k,
              w->done[k]);
        untold += m->must_tell[k] && !once && !w->lost[k] && !w->given_back[k];
        sum += a.ledger[k] * crowd_amount(m->life, k);
        t->dead += a.dead[k] > 0;
        t->deleted += m->deleted[k];
    }
    ts_reply *r = ts_command(rig.server, "GET", CROWD_SUM, NULL);
    check(sum == (r->text ? strtoll(r->text, NULL, 10) : 0), "the sum is wrong");
    ts_reply_free(r);
    check(untold <= w->untold || !m->plan.calm, "%zu losses were not told", untold);
    /* Elsewhere it may be his again by a claim of whose answer he did not hear. */
    check(!m->plan.calm || !w->usurped, "%zu entries were applied by one who had lost them",
          w->usurped);
    t->untold += untold;
    t->entries += m->added;
}

/* ---- one seed ------------------------------------------------------------------------------- */

static void new_proxy(void)
{
    ts_proxy_options po = {.upstream = ts_server_address(rig.server)};
    ts_proxy_free(rig.proxy);
    rig.proxy = ts_proxy_start(&po);
}

static void run_crowd(struct mischief *m)
{
    struct chaos *chaos = m->plan.chaos ? chaos_begin(rig.proxy, m->plan.seed) : NULL;
    int64_t end = ts_deadline(m->plan.run_ms);
    do {
        mischief_produce(m);
        check(crowd_turn(m->crowd), "a consumer failed");
        if (chaos)
            chaos_turn(chaos);
        mischief_turn(m);
    } while (ts_look_again(end));
    /* Of what one who leaves is answered meanwhile nobody is told. */
    for (end = ts_deadline(RIG_PATIENCE_MS); m->plan.calm && pending() > 0 && ts_look_again(end);)
        check(crowd_turn(m->crowd), "a consumer failed");
    if (chaos)
        (void)chaos_end(chaos);
    mischief_end(m);
    check(crowd_end(m->crowd), "a consumer failed");
}

static void count(struct totals *t, const struct mischief *m, const struct crowd_words *w)
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
}

static void run_seed(struct totals *t)
{
    char url[TS_URL_MAX];
    struct crowd_plan plan = crowd_plan_of(seed);
    int64_t limit = ts_deadline(TS_SERVER_READY_MS);
    new_proxy();
    struct mischief m = mischief_begin(&rig, &plan);
    m.crowd = crowd_start(&plan, ts_proxy_url(rig.proxy, url, sizeof url), folder);
    run_crowd(&m);
    ts_proxy_release(rig.proxy, TS_EVERY);
    check(ts_proxy_wait_closed(rig.proxy, TS_EVERY, limit), "what was held does not arrive");
    ts_conn_close(rig.truth);
    rig.truth = NULL;
    check(ts_server_wait_clients(rig.server, 0, limit), "somebody is still connected");
    struct crowd_words words = crowd_free(m.crowd, m.life);
    drain(&plan, &words);
    judge(&m, &words, t);
    count(t, &m, &words);
}

START_TEST(each_entry_is_applied_once)
{
    const char *first = getenv("VOUCH_CONSUMER_SEED"), *wanted = getenv("VOUCH_CONSUMER_SEEDS");
    uint64_t moment = (uint64_t)ts_now_ns() ^ ((uint64_t)getpid() << 32);
    size_t n = wanted ? strtoul(wanted, NULL, 10) : first ? 1 : SEEDS;
    struct totals t = {0};
    kind = _i;
    seed = first ? strtoull(first, NULL, 10) : moment;
    ts_temp_make(folder);
    for (size_t i = 0; i < n; i++, seed++) {
        if (i % SEEDS_OF_SERVERS == 0) {
            rig_stop(&rig);
            rig = rig_start(_i ? TS_VALKEY : TS_REDIS, TS_AOF_ALWAYS);
        }
        run_seed(&t);
    }
    rig_stop(&rig);
    ts_temp_remove(folder);
    printf("%s: %zu seeds, the last VOUCH_CONSUMER_SEED=%" PRIu64
           ": %zu entries, %zu dead letters, "
           "%zu deleted (%zu pending ones untold)\n  %lu done, %lu fenced, %lu otherwise, %lu "
           "troubles; %lu killed, %lu slept, %lu acts, %lu deaths of the server, %lu flushes\n",
           kinds[_i], t.seeds, seed - 1, t.entries, t.dead, t.deleted, t.untold, t.dones, t.fenced,
           t.others, t.troubles, t.kills, t.sleeps, t.acts, t.deaths, t.flushes);
    (void)fflush(stdout);
}
END_TEST

int main(int argc, char **argv)
{
    if (crowd_is_worker(argc, argv))
        return crowd_work(argv);
    Suite *suite = suite_create("consumer chaos");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 36000);
    tcase_add_loop_test(c, each_entry_is_applied_once, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
