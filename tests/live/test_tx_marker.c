/* What a marker proves, and where that ends. EXEC was sent and not answered; before the client looks for
 * its marker something happens to the server: the marker expires, is evicted, flushed, or another
 * server answers. Then there is no yes and no no, but VOUCH_EUNKNOWN, which says why. If the same
 * thing leaves the marker where it is, or nothing happens, it is settled. */
#include "feat.h"

#include <stdio.h>
#include <string.h>

/* What became of EXEC, and when it is that something happens. */
enum fate {
    RAN,  /* executed, its answer lost; then it happens */
    LOST, /* it never came; then it happens */
    LATE /* it comes, and then it happens, when the next attempt has found no marker and gives up */
};

struct limit {
    const char *name;
    void (*before)(void); /* the transaction; or NULL */
    void (*happens)(void);
    ts_persistence persistence;
    int64_t marker_ms;
    vouch_status ran, lost, late; /* LOST and VOUCH_OK: tried again, and committed */
    const char *words;            /* in the message of VOUCH_EUNKNOWN */
};

static struct rig rig;
static const struct limit *limit;
static enum fate fate;
static struct feat_size size;
static int connection;
static int64_t hello; /* bytes from the client before MULTI */

/* ---- what happens --------------------------------------------------------------------------- */

static void nothing(void)
{
}

static void flush_all(void)
{
    ts_do(rig.server, "FLUSHALL", NULL);
}

static void flush_db(void)
{
    ts_do(rig.server, "FLUSHDB", NULL);
}

static void flush_in_script(void)
{
    ts_do(rig.server, "EVAL", "return redis.call('FLUSHALL')", "0", NULL);
}

static void swap(void)
{
    ts_do(rig.server, "SWAPDB", "0", "1", NULL);
}

static void set_back(void)
{
    ts_do(rig.server, "CONFIG", "RESETSTAT", NULL);
}

static void run_some(int n)
{
    while (n--)
        ts_do(rig.server, "PING", NULL);
}

/* Afterwards all counts are as before, or higher. */
static void flush_and_hide_it(void)
{
    flush_all();
    set_back();
    run_some(400);
}

/* Keys that may expire go first, and only they. */
static void evict(void)
{
    ts_do(rig.server, "SET", "decoy", "x", "PX", "600000", NULL);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory-policy", "volatile-ttl", NULL);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    ts_reply_free(ts_command(rig.server, "SET", "x", "y", NULL));
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "decoy", NULL), 0);
}

/* By the server's own clock: until a key that was given so long is gone. */
static void let_a_second_pass(void)
{
    int64_t by = ts_deadline(RIG_PATIENCE_MS);
    ts_do(rig.server, "SET", "decoy", "x", "PX", "1000", NULL);
    while (ts_int(rig.server, "EXISTS", "decoy", NULL))
        ck_assert(ts_look_again(by));
}

static void restart(void)
{
    ck_assert(ts_server_restart(rig.server));
}

/* It followed another for a moment: what it has may come from there. */
static void fail_over(void)
{
    char port[16];
    (void)snprintf(port, sizeof port, "%d", ts_free_port());
    ts_do(rig.server, "REPLICAOF", "127.0.0.1", port, NULL);
    ts_do(rig.server, "REPLICAOF", "NO", "ONE", NULL);
}

static void deny_info(void)
{
    ts_do(rig.server, "ACL", "SETUSER", "default", "-info", NULL);
}

#define U VOUCH_EUNKNOWN
#define C VOUCH_ECANCELLED

static const struct limit limits[] = {
    {"nothing", NULL, nothing, TS_NO_PERSISTENCE, 0, VOUCH_OK, VOUCH_OK, VOUCH_OK, ""},
    {"FLUSHALL", NULL, flush_all, TS_NO_PERSISTENCE, 0, U, U, U, "flushed or swapped"},
    {"FLUSHDB", NULL, flush_db, TS_NO_PERSISTENCE, 0, U, U, U, "flushed or swapped"},
    {"a script's FLUSHALL", NULL, flush_in_script, TS_NO_PERSISTENCE, 0, U, U, U, "flushed or"},
    {"SWAPDB", NULL, swap, TS_NO_PERSISTENCE, 0, U, U, U, "flushed or swapped"},
    {"a FLUSHALL before", flush_all, nothing, TS_NO_PERSISTENCE, 0, VOUCH_OK, VOUCH_OK, VOUCH_OK,
     ""},
    {"CONFIG RESETSTAT", NULL, set_back, TS_NO_PERSISTENCE, 0, VOUCH_OK, U, VOUCH_OK, "set back"},
    {"FLUSHALL, RESETSTAT", NULL, flush_and_hide_it, TS_NO_PERSISTENCE, 0, U, U, U, "set back"},
    {"FLUSHALL, RESETSTAT after a FLUSHALL", flush_all, flush_and_hide_it, TS_NO_PERSISTENCE, 0, U,
     U, U, "set back"},
    {"FLUSHALL, RESETSTAT after a RESETSTAT", set_back, flush_and_hide_it, TS_NO_PERSISTENCE, 0, U,
     U, U, "set back"},
    {"eviction", NULL, evict, TS_NO_PERSISTENCE, 0, U, U, U, "evicted"},
    {"eviction, of a marker that is kept", NULL, evict, TS_NO_PERSISTENCE, VOUCH_MARKER_KEEP,
     VOUCH_OK, U, VOUCH_OK, "evicted"},
    {"expiry", NULL, let_a_second_pass, TS_NO_PERSISTENCE, 1000, U, U, U, "half of marker_ms"},
    {"no expiry yet", NULL, let_a_second_pass, TS_NO_PERSISTENCE, 60000, VOUCH_OK, VOUCH_OK,
     VOUCH_OK, ""},
    {"a restart", NULL, restart, TS_AOF_ALWAYS, 0, VOUCH_OK, U, VOUCH_OK, "restarted"},
    {"a restart without data", NULL, restart, TS_NO_PERSISTENCE, 0, U, U, U, "restarted"},
    {"a failover", NULL, fail_over, TS_NO_PERSISTENCE, 0, VOUCH_OK, U, VOUCH_OK, "failover"},
    {"INFO denied meanwhile", NULL, deny_info, TS_NO_PERSISTENCE, 0, VOUCH_OK, U, VOUCH_OK,
     "INFO is not answered"},
    {"INFO denied", deny_info, nothing, TS_NO_PERSISTENCE, 0, VOUCH_OK, U, U,
     "INFO is not answered"},
};
#define LIMITS (sizeof limits / sizeof *limits)

/* ---- a case --------------------------------------------------------------------------------- */

/* All is read and the marker was asked: what follows is MULTI to EXEC. */
static void deciding(struct feat *d, uint32_t attempt)
{
    ts_plan plan = ts_plan_none();
    if (attempt == 1) {
        *(fate == RAN    ? &plan.to_client.stall_after
          : fate == LOST ? &plan.to_server.drop_after
                         : &plan.to_server.stall_after) = 0;
        hello = ts_proxy_count(rig.proxy, connection).from_client;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    } else if (fate == LATE && attempt == 2) {
        ts_proxy_release(rig.proxy, connection);
        ck_assert(ts_proxy_wait_closed(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
        limit->happens();
    }
    (void)d;
}

static void wait_until_run(void)
{
    int64_t by = ts_deadline(RIG_PATIENCE_MS);
    while (fate == RAN && ts_int(rig.server, "EXISTS", "m", NULL) == 0)
        ck_assert(ts_look_again(by));
}

static vouch_client *greeted(uint32_t protocol)
{
    vouch_client_options o = rig_options(protocol, 0);
    o.connect_ms = 0;
    vouch_client *client = rig_open(&rig, &o);
    (void)rig_connection_id(client);
    connection = rig_next_connection(&rig) - 1;
    return client;
}

static void run(struct feat *d, uint32_t protocol)
{
    d->deciding = deciding;
    d->turn = fate == LATE ? TURN_CANCEL : TURN_NONE;
    d->options.marker_ms = limit->marker_ms;
    hello = INT64_MAX / 2;
    vouch_client *client = greeted(protocol);
    vouch_op *op = feat_start(d, client);
    int64_t by = ts_deadline(RIG_PATIENCE_MS);
    while (ts_proxy_count(rig.proxy, connection).from_client < hello + size.all - size.asked) {
        ck_assert(!ts_passed(by));
        rig_turn(client, 2);
    }
    wait_until_run();
    if (fate != LATE)
        limit->happens();
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, fate == LATE ? TS_CUT_HELD : TS_CUT_SETTLE);
    rig_drive(client, op);
    feat_finish(d, op);
    vouch_client_close(client);
}

static void check(const struct feat *d, vouch_status want)
{
    char what[80];
    (void)snprintf(what, sizeof what, "%s, EXEC %s", limit->name,
                   fate == RAN    ? "ran"
                   : fate == LOST ? "lost"
                                  : "late");
    feat_expect(d, want, what, 0);
    if (want == VOUCH_OK) {
        ck_assert_int_eq(d->outcome,
                         fate == LOST ? VOUCH_OUTCOME_COMMITTED : VOUCH_OUTCOME_SETTLED);
        ck_assert_msg(feat_done(&rig) == 1, "%s: done %lld times", what,
                      (long long)feat_done(&rig));
        return;
    }
    ck_assert_msg(d->error.cause == VOUCH_CAUSE_UNPROVEN && strstr(d->error.message, limit->words),
                  "%s: %s", what, d->error.message);
    ck_assert_int_eq(d->error.effect, VOUCH_MAYBE_APPLIED);
}

static void one_case(ts_server_kind kind, uint32_t protocol, enum fate f, enum feat_guard guard)
{
    struct feat d;
    fate = f;
    rig = feat_rig(kind, TS_UNIX, limit->persistence);
    size = feat_measure(&rig, FEAT_BLIND, guard, protocol);
    size.all -= 32; /* without PX, or with fewer digits, a marker's SET is so much shorter */
    if (limit->before)
        limit->before();
    feat_init(&d, &rig, FEAT_BLIND, guard);
    run(&d, protocol);
    check(&d, f == RAN ? limit->ran : f == LOST ? limit->lost : limit->late);
    rig_stop(&rig);
}

START_TEST(what_a_marker_cannot_prove_is_unknown)
{
    for (size_t i = 0; i < LIMITS; i++) {
        limit = &limits[i];
        for (int f = RAN; f <= LATE; f++)
            one_case(_i ? TS_VALKEY : TS_REDIS, (i + (size_t)f) % 2 ? 3 : 2, (enum fate)f,
                     i % 2 ? GUARD_TOKEN : GUARD_RESOLVE);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx marker");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, what_a_marker_cannot_prove_is_unknown, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
