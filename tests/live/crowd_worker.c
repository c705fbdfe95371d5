/* One consumer, in a process of its own. What it is told is written to a file at once, a line for each entry, behind
 * a number for the process:
 *
 *     D k amount   done        F k, O k   fenced, anything else        L k   lost
 *     U n          so many were lost that it was not handed            E …   an error
 *     H k n        it was handed, the nth time that anybody was        N k   given back
 *     B k n        its commit is about to be sent */
#include "base.h"
#include "crowd.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct worker {
    struct crowd_plan plan;
    uint64_t die;
    int report;
    int64_t claim_ms;
    uint64_t told_lost, told_claimed;
    vouch_client *client;
    vouch_consumer *consumer;
    vouch_delivery *late; /* kept while others are worked on */
};

static volatile sig_atomic_t ended;
static vouch_consumer *volatile running;

static void end_it(int number)
{
    (void)number;
    ended = 1;
    vouch_consumer_stop(running);
}

__attribute__((format(printf, 2, 3))) static void tell(const struct worker *w, const char *format,
                                                       ...)
{
    char line[200];
    int begun = snprintf(line, sizeof line, "%d ", (int)(getpid() % CROWD_PIDS));
    va_list args;
    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the line above */
    int n = begun + vsnprintf(line + begun, sizeof line - 1 - (size_t)begun, format, args);
    va_end(args);
    n = n < (int)sizeof line - 1 ? n : (int)sizeof line - 2;
    line[n++] = '\n';
    if (write(w->report, line, (size_t)n) != n)
        ts_die("a report cannot be written");
}

static bool chance(struct worker *w, uint64_t one_in)
{
    return chaos_below(&w->die, one_in) == 0;
}

static void rest(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};
    (void)nanosleep(&t, NULL);
}

/* A step of its work, at which it may die, or sleep until somebody wakes it. */
static void step(struct worker *w)
{
    if (w->plan.kills && chance(w, 250))
        (void)raise(SIGKILL);
    if (w->plan.sleeps && chance(w, 120))
        (void)raise(SIGSTOP);
}

/* ---- one delivery --------------------------------------------------------------------------- */

static int64_t amount_of(const vouch_entry *e)
{
    int64_t amount = 0;
    (void)vouch_reply_int64(vouch_reply_get(e->fields, "n"), &amount);
    return amount;
}

void crowd_fill(vouch_delivery *d)
{
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        const vouch_entry *e = vouch_delivery_entry(d, i);
        vouch_batch *b = e->lost ? NULL : vouch_delivery_effects(d, i);
        if (!b)
            continue;
        vouch_batch_clear(b);
        vouch_batch_add(b, "HINCRBY", CROWD_LEDGER, vouch_bytes(e->id.data, e->id.size), 1);
        vouch_batch_add(b, "INCRBY", CROWD_SUM, amount_of(e));
    }
}

static void tell_lost(struct worker *w, const vouch_delivery *d)
{
    for (size_t i = 0; i < vouch_delivery_count(d); i++)
        if (vouch_delivery_entry(d, i)->lost) {
            tell(w, "L %lu", strtoul(vouch_delivery_entry(d, i)->id.data, NULL, 10));
            w->told_lost++;
            w->told_claimed++;
        }
}

static void tell_each(const struct worker *w, char letter, const vouch_delivery *d)
{
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        const vouch_entry *e = vouch_delivery_entry(d, i);
        if (!e->lost)
            tell(w, "%c %lu %u", letter, strtoul(e->id.data, NULL, 10), e->deliveries);
    }
}

static void tell_verdicts(const struct worker *w, const vouch_delivery *d)
{
    for (size_t i = 0; i < vouch_delivery_count(d); i++) {
        const vouch_entry *e = vouch_delivery_entry(d, i);
        vouch_verdict v = vouch_delivery_verdict(d, i);
        unsigned long k = strtoul(e->id.data, NULL, 10);
        if (v == VOUCH_VERDICT_DONE)
            tell(w, "D %lu %" PRId64 " %u", k, amount_of(e), e->deliveries);
        else if (v == VOUCH_VERDICT_GONE && !e->lost)
            tell(w, "L %lu", k);
        else if (!e->lost)
            tell(w, "%c %lu %d", v == VOUCH_VERDICT_FENCED ? 'F' : 'O', k, v);
    }
}

/* Waits for the answer for as long as it is worth it. */
static void commit(struct worker *w, vouch_delivery *d)
{
    vouch_error e;
    vouch_status status;
    step(w);
    if (!vouch_delivery_is_open(d))
        tell_each(w, 'B', d);
    while ((status = vouch_delivery_commit(d, &e)) && e.retriable && !ended)
        rest(1);
    step(w);
    if (status) {
        tell(w, "E commit %s %s", vouch_status_name(status), e.message);
        tell_each(w, 'N', d);
    } else {
        tell_verdicts(w, d);
    }
    step(w);
    vouch_delivery_free(d);
}

static void by_hand(struct worker *w, vouch_delivery *d)
{
    vouch_error e;
    size_t i = (size_t)chaos_below(&w->die, vouch_delivery_count(d));
    if (vouch_delivery_verdict(d, i) != VOUCH_VERDICT_UNKNOWN)
        return;
    if (chance(w, 10)) {
        tell(w, "N %lu", strtoul(vouch_delivery_entry(d, i)->id.data, NULL, 10));
        (void)!vouch_delivery_nack(d, i, (int64_t)chaos_below(&w->die, (uint64_t)w->claim_ms), &e);
    }
    if (w->plan.dead_letters && chance(w, 16))
        (void)!vouch_delivery_reject(d, i, "by the die", &e);
    if (chance(w, 12))
        (void)!vouch_delivery_extend(d, &e);
}

static void work_on(struct worker *w, vouch_delivery *d)
{
    vouch_error e;
    step(w);
    tell_lost(w, d);
    tell_each(w, 'H', d);
    for (size_t i = 0; i < vouch_delivery_count(d);
         i++) /* those of a read come for the first time */
        w->told_claimed +=
            !vouch_delivery_entry(d, i)->lost && vouch_delivery_entry(d, i)->deliveries > 1;
    crowd_fill(d);
    by_hand(w, d);
    if (chance(w, 10)) /* slow: others claim it meanwhile */
        rest((int64_t)chaos_below(&w->die, 2 * (uint64_t)w->claim_ms));
    if (chance(w, 24)) {
        tell_each(w, 'N', d);
        vouch_delivery_free(d);
    } else if (!w->late && chance(w, 4)) {
        w->late = d;
        if (chance(w, 2)) {
            tell_each(w, 'B', d);
            (void)!vouch_delivery_submit(d, &e);
        }
    } else {
        commit(w, d);
    }
    if (w->late && chance(w, 3)) {
        d = w->late;
        w->late = NULL;
        commit(w, d);
    }
}

/* ---- its life ------------------------------------------------------------------------------- */

vouch_consumer_options crowd_options(const struct crowd_plan *plan, uint64_t seed)
{
    uint64_t r = seed;
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.ack = VOUCH_ACK_EXACTLY_ONCE;
    o.stream = CROWD_STREAM;
    o.group = CROWD_GROUP;
    o.batch = 1 + (uint32_t)chaos_below(&r, 10);
    o.in_flight = o.batch * (1 + (uint32_t)chaos_below(&r, 3));
    o.prefetch = (uint32_t)chaos_below(&r, 2);
    o.single = chaos_below(&r, 5) == 0;
    o.check_types = (uint32_t)chaos_below(&r, 2);
    o.block_ms = 1 + (int64_t)chaos_below(&r, 30);
    o.claim_ms = 5 + (int64_t)chaos_below(&r, 40);
    o.claim_every_ms = 1 + (int64_t)chaos_below(&r, 20);
    o.forget_ms = chaos_below(&r, 2) ? 1 + (int64_t)chaos_below(&r, 100) : 0;
    o.all_or_none = plan->all_or_none;
    o.delete_acked = plan->delete_acked;
    o.max_deliveries = plan->dead_letters ? 3 : VOUCH_NO_DEAD_LETTERS;
    return o;
}

static bool open_it(struct worker *w, const char *name)
{
    vouch_error e;
    vouch_consumer_options o = crowd_options(&w->plan, chaos_random(&w->die));
    o.consumer = name;
    w->claim_ms = o.claim_ms;
    w->told_lost = w->told_claimed = 0;
    vouch_status status = vouch_consumer_open(w->client, &o, &w->consumer, &e);
    if (status) {
        tell(w, "E open %s %s", vouch_status_name(status), e.message);
        rest(1);
    }
    running = w->consumer;
    return status == VOUCH_OK;
}

static void poll_it(struct worker *w)
{
    while (!ended) {
        vouch_error e;
        vouch_delivery *d = NULL;
        vouch_status status = vouch_consumer_poll(w->consumer, 20, &d, &e);
        if (d)
            work_on(w, d);
        else if (w->late) {
            d = w->late;
            w->late = NULL;
            commit(w, d);
        }
        if (status && !e.retriable && status != VOUCH_EINTERRUPTED) {
            tell(w, "E poll %s %s", vouch_status_name(status), e.message);
            return;
        }
        if (status)
            rest(1);
        if (!w->plan.calm && chance(w, 300))
            return;
    }
}

static void close_it(struct worker *w)
{
    vouch_error e;
    vouch_consumer_stats stats = VOUCH_CONSUMER_STATS_INIT;
    step(w);
    running = NULL;
    /* What was under way may bring losses yet. */
    (void)!vouch_consumer_leave(w->consumer, 1000, &e);
    (void)vouch_consumer_stats_read(w->consumer, &stats);
    if (stats.lost > w->told_lost)
        tell(w, "U %" PRIu64, stats.lost - w->told_lost);
    if (stats.claimed > w->told_claimed) /* it had some that it was not handed any more */
        tell(w, "Q 0");
    if (vouch_consumer_close(w->consumer, 1000, &e))
        tell(w, "E close %s", e.message);
    w->consumer = NULL;
    vouch_delivery_free(w->late);
    w->late = NULL;
}

bool crowd_is_worker(int argc, char **argv)
{
    return argc == 7 && strcmp(argv[1], "--consumer") == 0;
}

/* … --consumer URL NAME SEED DIE REPORT */
int crowd_work(char **argv)
{
    struct worker w = {.plan = crowd_plan_of(strtoull(argv[4], NULL, 10)),
                       .die = strtoull(argv[5], NULL, 10)};
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_error e;
    struct sigaction action = {.sa_handler = end_it};
    (void)sigaction(SIGUSR1, &action, NULL); /* not SIGTERM: up to here that is libcheck's */
    w.report = open(argv[6], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    o.lazy = 1;
    o.protocol = chance(&w, 2) ? 3 : 2;
    o.connect_ms = 100;
    o.retry_min_ms = 1;
    o.retry_max_ms = 4;
    o.deadline_ms = 20 + (int64_t)chaos_below(&w.die, 400);
    if (w.report < 0 || vouch_client_open(argv[2], &o, &w.client, &e) != VOUCH_OK)
        ts_die("a consumer cannot begin");
    while (!ended) {
        if (!open_it(&w, argv[3]))
            continue;
        poll_it(&w);
        close_it(&w);
    }
    vouch_client_close(w.client);
    (void)close(w.report);
    return 0;
}
