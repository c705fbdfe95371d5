/* Scripts that are gone: flushed, lost by a restart, left behind by a primary, evicted. In every way in
 * which one can be called the next call goes on as if nothing had been, and the round trips that this
 * costs are counted; how often each ran is read off the server. */
#include "ways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ways g;
static ts_server *replica;
static vouch_error error;
static ts_server_kind kind;

static void flush(void)
{
    callee_lose_all(g.serving);
}

static void restart(void)
{
    ck_assert(ts_server_restart(g.serving));
    ways_connections_end(&g);
}

static void kill_and_restart(void)
{
    ts_server_kill(g.serving);
    restart();
}

/* On a connection of their own, and all different. */
static void eval_others(void)
{
    static unsigned number;
    for (int i = 0; i < 600; i++) {
        char source[48];
        (void)snprintf(source, sizeof source, "return %u", number++);
        const char *words[] = {"EVAL", source, "0"};
        ts_reply_free(rig_ask(&g.rig, 3, words));
    }
}

/* A replica of what the rig has. */
static void start_replica(void)
{
    static const char *const config[] = {"replica-read-only no", NULL};
    ts_server_options so = {
        .kind = kind, .transport = TS_TCP, .replica_of = g.rig.server, .config = config};
    replica = ts_server_start(&so);
    ck_assert_ptr_nonnull(replica);
}

static void promote(void)
{
    ways_copied(g.rig.server, replica);
    ts_server_kill(g.rig.server);
    ts_do(replica, "REPLICAOF", "NO", "ONE", NULL);
    ways_serve_by(&g, replica);
    ways_connections_end(&g);
}

static int64_t full_resyncs(void)
{
    char *text = ts_info(g.rig.server, "stats", "sync_full");
    int64_t n = strtoll(text, NULL, 10);
    free(text);
    return n;
}

static void resync(void)
{
    char port[16];
    int64_t before = full_resyncs();
    (void)snprintf(port, sizeof port, "%d", ts_server_address(g.rig.server).port);
    ts_do(replica, "REPLICAOF", "NO", "ONE", NULL);
    ts_do(g.rig.server, "DEBUG", "CHANGE-REPL-ID", NULL);
    ts_do(replica, "REPLICAOF", "127.0.0.1", port, NULL);
    ck_assert(ts_server_wait_linked(replica, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert_int_eq(full_resyncs(), before + 1);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void begin(ts_persistence persistence, ts_transport transport, uint32_t protocol)
{
    ts_server_options so = {.kind = kind, .persistence = persistence, .transport = transport};
    ways_begin(&g, &so, false, protocol);
}

static void end(void)
{
    ts_server_free(replica);
    replica = NULL;
    ways_end(&g);
}

static void begin_redis(void)
{
    kind = TS_REDIS;
}

static void begin_valkey(void)
{
    kind = TS_VALKEY;
}

START_TEST(flushed)
{
    for (uint32_t protocol = 2; protocol <= 3; protocol++) {
        begin(TS_NO_PERSISTENCE, TS_UNIX, protocol);
        ways_live_through(&g, flush, WAYS_BEHIND_ITS_BACK, true);
        ways_live_through(&g, flush, WAYS_BEHIND_ITS_BACK, true);
        end();
    }
}
END_TEST

START_TEST(restarted_without_persistence)
{
    begin(TS_NO_PERSISTENCE, TS_TCP, 3);
    ways_live_through(&g, restart, WAYS_ON_A_NEW_CONNECTION, false);
    ways_live_through(&g, kill_and_restart, WAYS_ON_A_NEW_CONNECTION, false);
    end();
}
END_TEST

START_TEST(killed_and_restarted_with_its_data)
{
    begin(TS_AOF_ALWAYS, TS_UNIX, 3);
    ways_live_through(&g, kill_and_restart, WAYS_ON_A_NEW_CONNECTION, true);
    ways_live_through(&g, restart, WAYS_ON_A_NEW_CONNECTION, true);
    end();
}
END_TEST

START_TEST(left_behind_by_a_primary)
{
    begin(TS_NO_PERSISTENCE, TS_TCP, 3);
    start_replica();
    ways_live_through(&g, promote, WAYS_ON_A_NEW_CONNECTION, true);
    end();
}
END_TEST

/* The client writes to a replica that allows it; what it wrote is gone with the resync. */
START_TEST(resynchronised)
{
    begin(TS_NO_PERSISTENCE, TS_TCP, 3);
    start_replica();
    ways_serve_by(&g, replica);
    ways_live_through(&g, resync, WAYS_STILL_THERE, false);
    ways_live_through(&g, resync, WAYS_STILL_THERE, false);
    end();
}
END_TEST

START_TEST(not_evicted_by_600_others)
{
    begin(TS_NO_PERSISTENCE, TS_UNIX, 3);
    ways_live_through(&g, eval_others, WAYS_STILL_THERE, true);
    ways_live_through(&g, eval_others, WAYS_STILL_THERE, true);
    end();
}
END_TEST

/* As it is, others may EVAL it, and then it is theirs to lose. */
START_TEST(evicted_with_the_same_text_of_others)
{
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    static const char source[] = "return redis.call('INCR', KEYS[1])";
    vouch_call *call = NULL;
    begin(TS_NO_PERSISTENCE, TS_UNIX, 3);
    o.honest = o.as_is = 1;
    struct callee c = callee_of(source, &o);
    ts_do(g.serving, "EVAL", source, "1", "k", NULL);
    for (int turn = 0; turn < 3; turn++) {
        uint64_t before = callee_trips(g.client);
        vouch_status status =
            callee_call(g.client, &c, VOUCH_ARGS("k"), VOUCH_NO_ARGS, NULL, &call, &error);
        ck_assert_msg(status == VOUCH_OK, "%s", error.message);
        ck_assert_uint_le(callee_trips(g.client) - before, 2);
        ck_assert_int_eq(ts_int(g.serving, "GET", "k", NULL), 2 + turn);
        eval_others();
    }
    vouch_call_free(call);
    callee_free(&c);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("script gone");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, NULL);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, flushed);
        tcase_add_test(c, restarted_without_persistence);
        tcase_add_test(c, killed_and_restarted_with_its_data);
        tcase_add_test(c, left_behind_by_a_primary);
        tcase_add_test(c, resynchronised);
        tcase_add_test(c, not_evicted_by_600_others);
        tcase_add_test(c, evicted_with_the_same_text_of_others);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
