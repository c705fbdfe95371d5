/* Transactions against WATCH, GET, MULTI, SET, EXEC by hand with hiredis, in two round trips:
 * bench_tx WHAT [ARGUMENT…].
 *
 *   count            SIDE ROUNDS (ours or theirs): so many read-modify-writes and nothing else; counted
 *                    from outside
 *   rmw              prints ours and theirs, read-modify-writes a second of one client alone
 *   resolved         the same of ours with a marker, and without
 *   contended        8 processes on one key: commits a second, against a loop that tries again at once
 *   wasted           the same: attempts that came to nothing, for each commit
 *   fairness         SECONDS: the commits of the slowest of 8 processes, and their mean
 *
 * That no commit was lost is checked in the end, by the counter. */
#include "bench.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 41, ROUND_UPDATES = 1000, PROCESSES = 8, TURNS = 5, TURN_MS = 1500 };

static const char key[] = "bench:counter";

/* ---- one update ----------------------------------------------------------------------------- */

static vouch_tx_step body(vouch_tx *tx, void *user)
{
    int64_t n = 0;
    (void)user;
    const vouch_reply *value = vouch_tx_read(tx, "GET", key);
    if (!value)
        return VOUCH_TX_READ;
    (void)vouch_reply_int64(value, &n);
    vouch_tx_queue(tx, "SET", key, n + 1);
    return VOUCH_TX_COMMIT;
}

/* Attempts that came to nothing. */
static unsigned update_vouch(vouch_client *client, const vouch_tx_options *o)
{
    vouch_tx_result *result = NULL;
    vouch_error e;
    unsigned conflicts = 0;
    vouch_status status;
    do {
        status = vouch_transaction_run(client, body, NULL, o, &result, &e);
        conflicts += vouch_tx_result_conflicts(result);
        vouch_tx_result_free(result);
    } while (status == VOUCH_ECONFLICT);
    if (status != VOUCH_OK)
        bench_die(e.message);
    return conflicts;
}

static redisReply *reply_of(redisContext *c)
{
    void *reply = NULL;
    bench_check(redisGetReply(c, &reply) == REDIS_OK && reply, "hiredis lost the connection");
    return reply;
}

static void append(redisContext *c, int n, const char *a, const char *b, const char *d)
{
    const char *words[] = {a, b, d};
    size_t lengths[] = {strlen(a), b ? strlen(b) : 0, d ? strlen(d) : 0};
    bench_check(redisAppendCommandArgv(c, n, words, lengths) == REDIS_OK, "cannot append");
}

/* One attempt; true if it committed. */
static bool try_hiredis(redisContext *c)
{
    char next[24];
    append(c, 2, "WATCH", key, NULL);
    append(c, 2, "GET", key, NULL);
    freeReplyObject(reply_of(c));
    redisReply *value = reply_of(c);
    long long n = value->str ? strtoll(value->str, NULL, 10) : 0;
    freeReplyObject(value);
    (void)snprintf(next, sizeof next, "%lld", n + 1);
    append(c, 1, "MULTI", NULL, NULL);
    append(c, 3, "SET", key, next);
    append(c, 1, "EXEC", NULL, NULL);
    freeReplyObject(reply_of(c));
    freeReplyObject(reply_of(c));
    redisReply *exec = reply_of(c);
    bool committed = exec->type == REDIS_REPLY_ARRAY;
    bench_check(committed || exec->type == REDIS_REPLY_NIL, "EXEC was refused");
    freeReplyObject(exec);
    return committed;
}

static unsigned update_hiredis(redisContext *c)
{
    unsigned wasted = 0;
    while (!try_hiredis(c))
        wasted++;
    return wasted;
}

static long long counter(redisContext *c, const char *command)
{
    redisReply *r = redisCommand(c, command, key);
    long long n = r && r->str ? strtoll(r->str, NULL, 10) : 0;
    freeReplyObject(r);
    return n;
}

/* ---- alone ---------------------------------------------------------------------------------- */

static double rate(vouch_client *client, redisContext *c, const vouch_tx_options *o, bool ours)
{
    double start = bench_now_s();
    for (int i = 0; i < ROUND_UPDATES; i++)
        (void)(ours ? update_vouch(client, o) : update_hiredis(c));
    return ROUND_UPDATES / (bench_now_s() - start);
}

/* `marked`: ours with a marker against ours without; else ours against hiredis. */
static void alone(vouch_client *client, redisContext *c, bool marked)
{
    double a[ROUNDS], b[ROUNDS];
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    o.resolve = marked;
    o.marker_ms = VOUCH_MARKER_MIN_MS; /* so that they do not fill the server */
    (void)counter(c, "DEL %s");
    for (int i = 0; i < ROUNDS; i++) {
        a[i] = rate(client, c, &o, true);
        b[i] = rate(client, c, NULL, marked);
    }
    bench_check(counter(c, "GET %s") == 2LL * ROUNDS * ROUND_UPDATES, "updates were lost");
    printf("%.0f %.0f\n", bench_median(a, ROUNDS), bench_median(b, ROUNDS));
}

/* ---- 8 processes ---------------------------------------------------------------------------- */

struct shared {
    volatile sig_atomic_t stop;
    struct {
        unsigned long long commits, wasted;
        char apart[48];
    } of[PROCESSES];
};

static void contend(struct shared *s, int number, bool ours)
{
    vouch_client *client = ours ? bench_vouch() : NULL;
    redisContext *c = ours ? NULL : bench_hiredis();
    while (!s->stop) {
        s->of[number].wasted += ours ? update_vouch(client, NULL) : update_hiredis(c);
        s->of[number].commits++;
    }
    vouch_client_close(client);
    redisFree(c);
}

static void reap(const pid_t *children)
{
    for (int i = 0; i < PROCESSES; i++) {
        int status = 0;
        bench_check(waitpid(children[i], &status, 0) == children[i] && status == 0,
                    "a process failed");
    }
}

/* Adds to *s; returns the seconds it took. */
static double contest(struct shared *s, bool ours, unsigned ms)
{
    pid_t children[PROCESSES];
    (void)fflush(stdout);
    s->stop = 0;
    double start = bench_now_s();
    for (int i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        bench_check(children[i] >= 0, "fork");
        if (children[i] == 0) {
            contend(s, i, ours);
            _exit(0);
        }
    }
    while (bench_now_s() - start < ms / 1000.0)
        (void)usleep(1000);
    s->stop = 1;
    reap(children);
    return bench_now_s() - start;
}

static struct shared *share(void)
{
    struct shared *s =
        mmap(NULL, sizeof *s, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    bench_check(s != MAP_FAILED, "mmap");
    return s;
}

static unsigned long long commits_of(const struct shared *s)
{
    unsigned long long n = 0;
    for (int i = 0; i < PROCESSES; i++)
        n += s->of[i].commits;
    return n;
}

static double wasted_of(const struct shared *s)
{
    unsigned long long n = 0;
    for (int i = 0; i < PROCESSES; i++)
        n += s->of[i].wasted;
    return (double)n / (double)commits_of(s);
}

static void contended(redisContext *c, bool wasted)
{
    double took[2] = {0, 0};
    struct shared *s[2] = {share(), share()};
    (void)counter(c, "DEL %s");
    for (int i = 0; i < TURNS; i++)
        for (int side = 0; side < 2; side++)
            took[side] += contest(s[side], side == 0, TURN_MS);
    bench_check(counter(c, "GET %s") == (long long)(commits_of(s[0]) + commits_of(s[1])),
                "updates were lost");
    if (wasted)
        printf("%.4f %.4f\n", wasted_of(s[0]), wasted_of(s[1]));
    else
        printf("%.0f %.0f\n", (double)commits_of(s[0]) / took[0],
               (double)commits_of(s[1]) / took[1]);
}

static void fairness(unsigned seconds)
{
    struct shared *s = share();
    (void)contest(s, true, seconds * 1000);
    unsigned long long least = s->of[0].commits;
    for (int i = 1; i < PROCESSES; i++)
        least = s->of[i].commits < least ? s->of[i].commits : least;
    printf("%llu %.0f\n", least, (double)commits_of(s) / PROCESSES);
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *side = argc > 2 ? argv[2] : "";
    long rounds = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    bool one = strcmp(what, "count") == 0, ours = strcmp(side, "ours") == 0;
    vouch_client *client = one && !ours ? NULL : bench_vouch();
    redisContext *c = one && ours ? NULL : bench_hiredis();
    if (one)
        for (long i = 0; i < rounds; i++)
            (void)(ours ? update_vouch(client, NULL) : update_hiredis(c));
    else if (strcmp(what, "rmw") == 0)
        alone(client, c, false);
    else if (strcmp(what, "resolved") == 0)
        alone(client, c, true);
    else if (strcmp(what, "contended") == 0)
        contended(c, false);
    else if (strcmp(what, "wasted") == 0)
        contended(c, true);
    else if (strcmp(what, "fairness") == 0)
        fairness((unsigned)strtoul(side, NULL, 10));
    else
        bench_die("what?");
    vouch_client_close(client);
    redisFree(c);
    return 0;
}
