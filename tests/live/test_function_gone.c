/* Functions that are gone: flushed, deleted, lost by a restart, by a resync with a primary that has none;
 * and those that are not: after FLUSHALL, with the data after a crash, on a replica that takes over. In
 * every way in which one can be called the next call goes on as if nothing had been, and the round trips
 * that this costs are counted; how often each ran is read off the server. */
#include "ways.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct ways g;
static ts_server *replica;
static ts_server_kind kind;

/* ---- what happens --------------------------------------------------------------------------- */

static void flush(void)
{
    callee_lose_all(g.serving);
}

static void delete_one_by_one(void)
{
    for (size_t i = 0; i < WAYS; i++)
        ts_do(g.serving, "FUNCTION", "DELETE", vouch_library_name(g.callees[i].library), NULL);
}

static void flush_all(void)
{
    ts_do(g.serving, "FLUSHALL", NULL);
    ts_do(g.serving, "SCRIPT", "FLUSH", NULL);
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

/* The client's connection stays, and so does the server's run id. */
static void resync(void)
{
    char port[16], *before = ts_info(replica, "server", "run_id");
    (void)snprintf(port, sizeof port, "%d", ts_server_address(g.rig.server).port);
    ts_do(replica, "REPLICAOF", "NO", "ONE", NULL);
    ts_do(g.rig.server, "DEBUG", "CHANGE-REPL-ID", NULL);
    ts_do(replica, "REPLICAOF", "127.0.0.1", port, NULL);
    ck_assert(ts_server_wait_linked(replica, ts_deadline(RIG_PATIENCE_MS)));
    char *after = ts_info(replica, "server", "run_id");
    ck_assert_str_eq(before, after);
    free(before);
    free(after);
}

/* ---- tests ---------------------------------------------------------------------------------- */

static void begin(ts_persistence persistence, ts_transport transport, uint32_t protocol)
{
    ts_server_options so = {.kind = kind, .persistence = persistence, .transport = transport};
    ways_begin(&g, &so, true, protocol);
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
        ways_live_through(&g, delete_one_by_one, WAYS_BEHIND_ITS_BACK, true);
        end();
    }
}
END_TEST

/* FLUSHALL is about data, and functions are not. */
START_TEST(flushing_the_data_leaves_them)
{
    begin(TS_NO_PERSISTENCE, TS_UNIX, 3);
    ways_live_through(&g, flush_all, WAYS_STILL_THERE, false);
    end();
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
    ways_live_through(&g, kill_and_restart, WAYS_THERE_ON_A_NEW_CONNECTION, true);
    ways_live_through(&g, restart, WAYS_THERE_ON_A_NEW_CONNECTION, true);
    end();
}
END_TEST

START_TEST(replicated_to_who_takes_over)
{
    begin(TS_NO_PERSISTENCE, TS_TCP, 3);
    start_replica();
    ways_live_through(&g, promote, WAYS_THERE_ON_A_NEW_CONNECTION, true);
    end();
}
END_TEST

/* Its primary has no functions: nor has the replica then. Scripts would have stayed. */
START_TEST(resynchronised_with_an_empty_primary)
{
    begin(TS_NO_PERSISTENCE, TS_TCP, 3);
    start_replica();
    ways_serve_by(&g, replica);
    ways_live_through(&g, resync, WAYS_BEHIND_ITS_BACK, false);
    ways_live_through(&g, resync, WAYS_BEHIND_ITS_BACK, false);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("function gone");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, NULL);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, flushed);
        tcase_add_test(c, flushing_the_data_leaves_them);
        tcase_add_test(c, restarted_without_persistence);
        tcase_add_test(c, killed_and_restarted_with_its_data);
        tcase_add_test(c, replicated_to_who_takes_over);
        tcase_add_test(c, resynchronised_with_an_empty_primary);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
