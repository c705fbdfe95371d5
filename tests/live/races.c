/* Workers, and the account of what they said. Workers are processes, forked before the proxy has its
 * thread; what they were told is written to memory that they share with the test. */
#include "races.h"

#include "base.h"
#include "children.h"
#include "clock.h"
#include "truth.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define WORKERS    4
#define RUNS_MAX   62  /* of one token in one process: by then it is known */
#define PATIENCE_S 600 /* for all of it */

enum claim { CLAIM_NONE, CLAIM_YES, CLAIM_ALREADY, CLAIM_NO, CLAIM_UNKNOWN };

/* What one process was told of one operation. */
struct tries {
    uint8_t worker, runs, claims[RUNS_MAX];
};

/* By whoever it falls to, and by the second of those who share it. */
enum { OWNER, SECOND, SIDES };

struct shared {
    atomic_bool go;
    char url[TS_URL_MAX];
    struct tries tries[][SIDES];
};

/* ---- the plan ------------------------------------------------------------------------------- */

struct piece {
    bool reads;         /* a counter that all write to; else it watches nothing but its marker */
    bool two;           /* processes try it */
    bool again;         /* once more after a no */
    uint32_t cancel_at; /* the body changes its mind in this attempt; 0: never */
    int64_t deadline_ms;
};

static struct piece piece_of(uint64_t seed, size_t i)
{
    uint64_t r = chaos_seed(seed, 3, i);
    struct piece p = {.reads = chaos_below(&r, 4) == 0,
                      .two = chaos_below(&r, 5) == 0,
                      .again = chaos_below(&r, 2) == 0,
                      .deadline_ms = 40 + (int64_t)chaos_below(&r, 200)};
    if (chaos_below(&r, 3) == 0)
        p.deadline_ms = 6 + (int64_t)chaos_below(&r, 30);
    if (chaos_below(&r, 3) == 0)
        p.cancel_at = 2 + (uint32_t)chaos_below(&r, 2);
    return p;
}

struct races races_of(ts_server_kind kind, size_t operations)
{
    const char *seed = getenv("VOUCH_TX_SEED"), *wanted = getenv("VOUCH_TX_RACES");
    uint64_t moment = (uint64_t)ts_now_ns() ^ ((uint64_t)getpid() << 32);
    return (struct races){.kind = kind,
                          .seed = seed ? strtoull(seed, NULL, 10) : moment,
                          .operations = wanted ? strtoul(wanted, NULL, 10) : operations};
}

/* ---- a worker ------------------------------------------------------------------------------- */

struct worker {
    const struct races *races;
    struct shared *shared;
    unsigned number;
    vouch_client *client;
};

struct attempt {
    struct piece piece;
    size_t operation;
    unsigned worker, run;
    bool resolved; /* must not change its mind: an earlier run is in doubt */
};

#define KEY_MAX 48

static void key_of(char key[static KEY_MAX], size_t operation, unsigned worker, unsigned run)
{
    (void)snprintf(key, KEY_MAX, "o%zu:%u:%u", operation, worker, run);
}

/* Counts the operation, this run of it, and everything. */
static vouch_tx_step body(vouch_tx *tx, void *user)
{
    const struct attempt *a = user;
    char whole[KEY_MAX], own[KEY_MAX];
    (void)snprintf(whole, sizeof whole, "o%zu", a->operation);
    key_of(own, a->operation, a->worker, a->run);
    if (a->piece.reads && !vouch_tx_read(tx, "GET", "all"))
        return VOUCH_TX_READ;
    vouch_tx_queue(tx, "INCR", whole);
    vouch_tx_queue(tx, "INCR", own);
    vouch_tx_queue(tx, "INCR", "all");
    bool cancels = a->piece.cancel_at && vouch_tx_attempt(tx) >= a->piece.cancel_at;
    return cancels && !a->resolved ? VOUCH_TX_CANCEL : VOUCH_TX_COMMIT;
}

static enum claim claim_of(vouch_status status, const vouch_tx_result *result,
                           const vouch_error *error)
{
    bool already = vouch_tx_result_outcome(result) == VOUCH_OUTCOME_ALREADY;
    if (status == VOUCH_OK)
        return already ? CLAIM_ALREADY : CLAIM_YES;
    if (status == VOUCH_EUNKNOWN)
        return CLAIM_UNKNOWN;
    if (error->effect != VOUCH_NOT_APPLIED)
        ts_die("%s: %s", vouch_status_name(status), error->message);
    return CLAIM_NO;
}

static enum claim run_once(struct worker *w, struct attempt *a)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *result = NULL;
    vouch_error error;
    char token[KEY_MAX];
    (void)snprintf(token, sizeof token, "token-%zu", a->operation);
    o.token = token;
    o.deadline_ms = a->piece.deadline_ms * (a->run + 1);
    if (w->races->before_run)
        w->races->before_run(a->run == 0 && !a->piece.two);
    vouch_status status = vouch_transaction_run(w->client, body, a, &o, &result, &error);
    enum claim claim = claim_of(status, result, &error);
    vouch_tx_result_free(result);
    return claim;
}

/* Until it is known. An earlier run in doubt is settled by no later run's "no", only by a "yes". */
static void do_operation(struct worker *w, size_t operation, int side)
{
    struct tries *t = &w->shared->tries[operation][side];
    struct attempt a = {piece_of(w->races->seed, operation), operation, w->number, 0, false};
    t->worker = (uint8_t)w->number;
    for (bool more = true; more; a.run++) {
        if (a.run == RUNS_MAX)
            ts_die("operation %zu is not known after %d runs", operation, RUNS_MAX);
        enum claim claim = run_once(w, &a);
        t->claims[a.run] = (uint8_t)claim;
        t->runs++;
        a.resolved = a.resolved || claim == CLAIM_UNKNOWN;
        more = claim == CLAIM_UNKNOWN || (claim == CLAIM_NO && (a.resolved || a.piece.again));
        a.piece.again = false;
    }
}

static int work(void *user)
{
    struct worker *w = user;
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_error e;
    int64_t limit = ts_deadline(PATIENCE_S * INT64_C(1000));
    while (!atomic_load(&w->shared->go))
        if (!ts_look_again(limit))
            return 1;
    o.lazy = 1;
    o.protocol = w->number % 2 ? 3 : 2;
    o.connect_ms = 100;
    o.retry_min_ms = 1;
    o.retry_max_ms = 4;
    if (vouch_client_open(w->shared->url, &o, &w->client, &e) != VOUCH_OK)
        ts_die("%s", e.message);
    for (size_t i = 0; i < w->races->operations; i++) {
        if (i % WORKERS == w->number)
            do_operation(w, i, OWNER);
        else if ((i + 1) % WORKERS == w->number && piece_of(w->races->seed, i).two)
            do_operation(w, i, SECOND);
    }
    vouch_client_close(w->client);
    return 0;
}

/* ---- the account ---------------------------------------------------------------------------- */

static int64_t held(ts_conn *truth, const char *key)
{
    ts_reply *reply = ts_conn_command(truth, "GET", key, NULL);
    int64_t n = reply->text ? strtoll(reply->text, NULL, 10) : 0;
    if (reply->type != TS_REPLY_TEXT && reply->type != TS_REPLY_NIL)
        ts_die("the truth cannot be asked");
    ts_reply_free(reply);
    return n;
}

static void judge(struct races_counts *counts, enum claim claim, int64_t whole, int64_t own)
{
    counts->runs++;
    counts->yes += claim == CLAIM_YES;
    counts->already += claim == CLAIM_ALREADY;
    counts->no += claim == CLAIM_NO;
    counts->unknown += claim == CLAIM_UNKNOWN;
    counts->wrong_no += claim == CLAIM_NO && own > 0;
    counts->wrong_yes += claim == CLAIM_YES && own == 0;
    counts->wrong_yes += claim == CLAIM_ALREADY && (whole == 0 || own > 0);
}

static int64_t judge_operation(struct races_counts *counts, ts_conn *truth, size_t i,
                               const struct tries tries[static SIDES])
{
    char key[KEY_MAX];
    (void)snprintf(key, sizeof key, "o%zu", i);
    int64_t whole = held(truth, key), sum = 0;
    counts->doubles += whole > 1 ? (size_t)(whole - 1) : 0;
    counts->shared += tries[SECOND].runs > 0;
    for (int side = OWNER; side < SIDES; side++) {
        for (unsigned run = 0; run < tries[side].runs; run++) {
            key_of(key, i, tries[side].worker, run);
            int64_t own = held(truth, key);
            sum += own;
            judge(counts, (enum claim)tries[side].claims[run], whole, own);
        }
    }
    if (sum != whole)
        ts_die("operation %zu was done %" PRId64 " times, its runs %" PRId64, i, whole, sum);
    return whole;
}

static void take_account(struct races_counts *counts, const struct races *races,
                         const ts_server *server, const struct shared *shared)
{
    ts_conn *truth = ts_truth_open(server);
    int64_t sum = 0;
    for (size_t i = 0; i < races->operations; i++)
        sum += judge_operation(counts, truth, i, shared->tries[i]);
    if (sum != held(truth, "all"))
        ts_die("operations were done %" PRId64 " times, and not as often counted", sum);
    ts_conn_close(truth);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static struct chaos_counts supervise(ts_proxy *proxy, uint64_t seed, pid_t workers[static WORKERS])
{
    struct chaos *chaos = chaos_begin(proxy, seed);
    int64_t limit = ts_deadline(PATIENCE_S * INT64_C(1000));
    for (int left = WORKERS; left > 0;) {
        int status = 0;
        chaos_turn(chaos);
        for (int i = 0; i < WORKERS; i++) {
            if (workers[i] < 0 || !ts_child_wait(workers[i], 0, &status))
                continue;
            if (status != 0)
                ts_die("worker %d failed, seed %" PRIu64, i, seed);
            workers[i] = -1;
            left--;
        }
        if (!ts_look_again(limit))
            ts_die("the workers do not end, seed %" PRIu64, seed);
    }
    return chaos_end(chaos);
}

struct races_counts races_run(const struct races *races)
{
    struct races_counts counts = {0};
    size_t size = sizeof(struct shared) + races->operations * sizeof(struct tries[SIDES]);
    const int no_file = -1;
    /* cppcheck-suppress invalidFunctionArg ; that is what mmap wants */
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, no_file, 0);
    struct shared *shared = memory;
    ts_server_options so = {.kind = races->kind};
    ts_server *server = ts_server_start(&so);
    if (!server || memory == MAP_FAILED)
        ts_die("the races cannot begin");
    pid_t workers[WORKERS];
    for (unsigned i = 0; i < WORKERS; i++) {
        struct worker w = {.races = races, .shared = shared, .number = i};
        workers[i] = ts_child_run(work, &w);
    }
    ts_proxy_options po = {.upstream = ts_server_address(server)};
    ts_proxy *proxy = ts_proxy_start(&po);
    (void)ts_proxy_url(proxy, shared->url, sizeof shared->url);
    atomic_store(&shared->go, true);
    counts.chaos = supervise(proxy, races->seed, workers);
    int64_t limit = ts_deadline(TS_SERVER_READY_MS);
    if (!ts_proxy_wait_closed(proxy, TS_EVERY, limit) || !ts_server_wait_clients(server, 0, limit))
        ts_die("what was held does not arrive");
    take_account(&counts, races, server, shared);
    ts_proxy_free(proxy);
    ts_server_free(server);
    munmap(shared, size);
    return counts;
}

void races_print(const struct races *races, const struct races_counts *c)
{
    printf("VOUCH_TX_SEED=%" PRIu64 " VOUCH_TX_RACES=%zu: %zu runs: %zu yes, %zu already, %zu no, "
           "%zu unknown; %zu operations by two\n",
           races->seed, races->operations, c->runs, c->yes, c->already, c->no, c->unknown,
           c->shared);
    printf("  %lu connections, %lu stalled, %lu let go late, with %" PRId64 " bytes\n",
           c->chaos.connections, c->chaos.stalled, c->chaos.late, c->chaos.late_bytes);
    printf("  %zu doubles, %zu wrong noes, %zu wrong yeses\n", c->doubles, c->wrong_no,
           c->wrong_yes);
    (void)fflush(stdout);
}
