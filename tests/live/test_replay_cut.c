/* Replays cut at every byte, in both directions: each dead letter is back once, none is lost, and it is said where it
 * is. What the lost connection still carries may come late; the script may be forgotten, the record lost, the server
 * killed. */
#include "rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N = 3 };

#define DEAD "{s}in:dead"

static struct rig rig;
static vouch_error error;
static const char *const ids[] = {"1-5", "2-5", "3-5"};

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin_redis(void)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
}

static void begin_valkey(void)
{
    rig = rig_start(TS_VALKEY, TS_NO_PERSISTENCE);
}

static void begin_durable(void)
{
    rig = rig_start(TS_REDIS, TS_AOF_ALWAYS);
}

static void end(void)
{
    rig_stop(&rig);
}

static void add_dead(const char *id)
{
    ts_do(rig.server, "XADD", DEAD, id, "vouch:stream", "{s}in", "vouch:group", "g", "vouch:id",
          "1-0", "vouch:reason", "r", "vouch:fields", "1", "was", id, NULL);
}

/* A client whose connection is open and whose server knows the scripts; then N dead letters. */
static vouch_client *warm(void)
{
    static const char *const first[] = {"1-1"};
    vouch_client *client = rig_client(&rig, 3, 0);
    vouch_replay *r = NULL;
    rig_flush(&rig);
    add_dead("1-1");
    expect(vouch_dead_letters_replay(client, DEAD, first, 1, NULL, &r, &error), VOUCH_OK);
    ck_assert_uint_eq(vouch_replay_moved(r), 1);
    vouch_replay_free(r);
    ts_do(rig.server, "DEL", "{s}in", NULL);
    for (size_t i = 0; i < N; i++)
        add_dead(ids[i]);
    return client;
}

struct tally {
    unsigned long cases;
    uint64_t again;
};

/* All are there once, in order, and nothing is left. */
static void check_stream(const vouch_replay *r, const char *what, int64_t at)
{
    ts_reply *all = ts_command(rig.server, "XRANGE", "{s}in", "-", "+", NULL);
    ck_assert_msg(all->count == N, "%s, %lld: %zu entries", what, (long long)at, all->count);
    for (size_t i = 0; i < N; i++) {
        const ts_reply *entry = all->elements[i];
        ck_assert_msg(strcmp(entry->elements[1]->elements[1]->text, ids[i]) == 0,
                      "%s, %lld: entry %zu", what, (long long)at, i);
        if (r)
            ck_assert_msg(strcmp(entry->elements[0]->text, vouch_replay_at(r, i)->id) == 0,
                          "%s, %lld: entry %zu is told as %s", what, (long long)at, i,
                          vouch_replay_at(r, i)->id);
    }
    ts_reply_free(all);
    ck_assert_int_eq(ts_int(rig.server, "XLEN", DEAD, NULL), 0);
}

static void check(const vouch_replay *r, const char *what, int64_t at)
{
    for (size_t i = 0; i < N; i++)
        ck_assert_msg(vouch_replay_at(r, i)->verdict == VOUCH_REPLAY_MOVED, "%s, %lld: %zu is %d",
                      what, (long long)at, i, (int)vouch_replay_at(r, i)->verdict);
    check_stream(r, what, at);
}

static uint64_t sent_again(const vouch_client *client)
{
    vouch_stats s = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &s), VOUCH_OK);
    return s.retries;
}

/* ---- cuts ----------------------------------------------------------------------------------- */

/* Returns how many bytes there were to cut. */
static int64_t cut(bool flushed, ts_direction direction, ts_cut_mode mode, int64_t at,
                   struct tally *tally)
{
    const char *what = direction == TS_TO_SERVER ? "cut to the server" : "cut from the server";
    vouch_client *client = warm();
    vouch_replay *r = NULL;
    int connection = rig_next_connection(&rig) - 1;
    ts_proxy_counts before = ts_proxy_count(rig.proxy, connection);
    if (flushed)
        ts_do(rig.server, "SCRIPT", "FLUSH", NULL);
    if (at != TS_NEVER) {
        ts_plan plan = ts_plan_cut(direction, at);
        plan.mode = mode;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    }
    expect(vouch_dead_letters_replay(client, DEAD, ids, N, NULL, &r, &error), VOUCH_OK);
    ts_proxy_counts after = ts_proxy_count(rig.proxy, connection);
    tally->again += sent_again(client);
    tally->cases++;
    vouch_client_close(client);
    rig_settle(&rig);
    check(r, what, at);
    vouch_replay_free(r);
    return direction == TS_TO_SERVER ? after.to_server - before.to_server
                                     : after.to_client - before.to_client;
}

START_TEST(cut_at_every_byte)
{
    static const ts_cut_mode modes[] = {TS_CUT_SETTLE, TS_CUT_ABRUPT, TS_CUT_HELD};
    bool flushed = _i != 0; /* then most bytes are the scripts' */
    int64_t step = flushed ? 29 : 1;
    struct tally tally = {0, 0};
    for (int d = 0; d < 2; d++) {
        ts_direction direction = d ? TS_TO_CLIENT : TS_TO_SERVER;
        int64_t bytes = cut(flushed, direction, TS_CUT_SETTLE, TS_NEVER, &tally);
        ck_assert_int_gt(bytes, INT64_C(30) * N);
        for (int64_t at = 0; at <= bytes; at += step)
            (void)cut(flushed, direction, modes[at % 3], at, &tally);
    }
    printf("%s: %lu cases, %llu commands sent again\n", flushed ? "flushed" : "loaded", tally.cases,
           (unsigned long long)tally.again);
    ck_assert_uint_gt(tally.again, 0);
}
END_TEST

/* ---- given up ------------------------------------------------------------------------------- */

/* Nothing is answered in time: the caller calls again, whenever it likes, and nothing is moved twice. */
START_TEST(what_was_given_up_is_not_moved_twice)
{
    struct tally tally = {0, 0};
    int64_t looked = 0, bytes = cut(false, TS_TO_CLIENT, TS_CUT_SETTLE, TS_NEVER, &tally);
    bool maybe = false;
    for (int64_t at = 0; at < bytes; at += 7, looked++) {
        vouch_client *client = warm();
        vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
        vouch_replay *r = NULL;
        int connection = rig_next_connection(&rig) - 1;
        ts_plan plan = ts_plan_none();
        plan.to_client.drop_after = at;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        o.deadline_ms = 60;
        vouch_status status = vouch_dead_letters_replay(client, DEAD, ids, N, &o, &r, &error);
        ck_assert(status != VOUCH_OK && !r);
        maybe = maybe || error.effect == VOUCH_MAYBE_APPLIED;
        vouch_client_close(client);
        rig_settle(&rig);
        client = rig_client(&rig, 3, 0);
        expect(vouch_dead_letters_replay(client, DEAD, ids, N, NULL, &r, &error), VOUCH_OK);
        for (size_t i = 0; i < N; i++) {
            vouch_replay_verdict v = vouch_replay_at(r, i)->verdict;
            ck_assert(v == VOUCH_REPLAY_MOVED || v == VOUCH_REPLAY_ABSENT);
            ck_assert_int_eq(v, vouch_replay_at(r, 0)->verdict);
        }
        vouch_client_close(client);
        check_stream(NULL, "dropped", at);
        vouch_replay_free(r);
    }
    ck_assert(maybe);
}
END_TEST

/* ---- the record ----------------------------------------------------------------------------- */

/* Once the client is on its next connection, where what it says is held: the record goes, as if evicted. */
static void *lose_record(void *user)
{
    const int *connection = user;
    (void)ts_proxy_wait_received(rig.proxy, *connection, TS_TO_SERVER, 1,
                                 ts_deadline(RIG_PATIENCE_MS));
    ts_reply *keys = ts_command(rig.server, "KEYS", "vouch:replayed:*", NULL);
    for (size_t i = 0; i < keys->count; i++)
        ts_do(rig.server, "DEL", keys->elements[i]->text, NULL);
    ts_reply_free(keys);
    ts_proxy_release(rig.proxy, *connection);
    return NULL;
}

START_TEST(without_its_record_nothing_is_claimed)
{
    struct tally tally = {0, 0};
    pthread_t thread;
    int64_t bytes = cut(false, TS_TO_CLIENT, TS_CUT_SETTLE, TS_NEVER, &tally);
    vouch_client *client = warm();
    vouch_replay *r = NULL;
    int connection = rig_next_connection(&rig);
    ts_plan lost = ts_plan_cut(TS_TO_CLIENT, bytes - 1), held = ts_plan_none();
    held.to_server.stall_after = 0;
    ts_proxy_plan_from_here(rig.proxy, connection - 1, &lost);
    ts_proxy_plan(rig.proxy, connection, &held);
    ck_assert_int_eq(pthread_create(&thread, NULL, lose_record, &connection), 0);
    vouch_status status = vouch_dead_letters_replay(client, DEAD, ids, N, NULL, &r, &error);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    expect(status, VOUCH_OK);
    for (size_t i = 0; i < N; i++)
        ck_assert_int_eq(vouch_replay_at(r, i)->verdict, VOUCH_REPLAY_UNKNOWN);
    ck_assert_uint_eq(vouch_replay_moved(r), 0);
    check_stream(NULL, "without its record", 0);
    vouch_replay_free(r);
    vouch_client_close(client);
}
END_TEST

/* ---- killed --------------------------------------------------------------------------------- */

struct call {
    vouch_client *client;
    vouch_replay *replay;
    vouch_status status;
};

/* In a thread of its own, since whoever starts a server again must outlive it. */
static void *replay_patiently(void *user)
{
    struct call *call = user;
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    o.outages = 10000; /* while it starts again */
    o.deadline_ms = RIG_PATIENCE_MS;
    call->status = vouch_dead_letters_replay(call->client, DEAD, ids, N, &o, &call->replay, &error);
    return NULL;
}

/* Once all is moved, and not answered, the server is killed. It comes back with what was moved and with the record, and
 * without the scripts. */
START_TEST(a_server_that_was_killed_remembers)
{
    struct tally tally = {0, 0};
    int64_t bytes = cut(false, TS_TO_CLIENT, TS_CUT_SETTLE, TS_NEVER, &tally);
    for (int64_t at = bytes - 60; at < bytes; at += 12) {
        struct call call = {warm(), NULL, VOUCH_OK};
        pthread_t thread;
        int connection = rig_next_connection(&rig) - 1;
        ts_plan plan = ts_plan_none();
        plan.to_client.stall_after = at;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        ck_assert_int_eq(pthread_create(&thread, NULL, replay_patiently, &call), 0);
        for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);
             ts_int(rig.server, "XLEN", DEAD, NULL) > 0 && ts_look_again(limit);)
            ;
        ts_server_kill(rig.server);
        bool back = ts_server_restart(rig.server);
        ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_ABRUPT);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert(back);
        expect(call.status, VOUCH_OK);
        vouch_client_close(call.client);
        rig_settle(&rig);
        check(call.replay, "killed", at);
        vouch_replay_free(call.replay);
    }
}
END_TEST

/* The answer is lost, and then there is no server any more: what may have been done is not called undone. */
START_TEST(what_may_have_been_moved_is_not_called_unsent)
{
    struct tally tally = {0, 0};
    int64_t bytes = cut(false, TS_TO_CLIENT, TS_CUT_SETTLE, TS_NEVER, &tally);
    vouch_client *client = warm();
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    vouch_replay *r = NULL;
    ts_plan lost = ts_plan_cut(TS_TO_CLIENT, bytes - 1), refuse = ts_plan_none();
    refuse.refuse = true;
    ts_proxy_plan_from_here(rig.proxy, rig_next_connection(&rig) - 1, &lost);
    ts_proxy_plan(rig.proxy, TS_EVERY, &refuse);
    o.outages = 3;
    expect(vouch_dead_letters_replay(client, DEAD, ids, N, &o, &r, &error), VOUCH_EUNKNOWN);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    vouch_client_close(client);
    rig_settle(&rig);
    check_stream(NULL, "unsent", 0);
}
END_TEST

START_TEST(what_may_have_been_removed_is_not_called_unsent)
{
    vouch_client *client = warm();
    int64_t removed = 7;
    ts_plan lost = ts_plan_cut(TS_TO_CLIENT, 1), refuse = ts_plan_none();
    refuse.refuse = true;
    ts_proxy_plan_from_here(rig.proxy, rig_next_connection(&rig) - 1, &lost);
    ts_proxy_plan(rig.proxy, TS_EVERY, &refuse);
    expect(vouch_dead_letters_remove(client, DEAD, ids, N, &removed, &error), VOUCH_EUNKNOWN);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(removed, 0);
    ck_assert_int_eq(ts_int(rig.server, "XLEN", DEAD, NULL), 0);
    vouch_client_close(client);
}
END_TEST

int main(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *suite = suite_create("replay cut");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, 300);
        tcase_add_checked_fixture(c, servers[i].begin, end);
        tcase_add_loop_test(c, cut_at_every_byte, 0, 2);
        tcase_add_test(c, what_was_given_up_is_not_moved_twice);
        tcase_add_test(c, without_its_record_nothing_is_claimed);
        tcase_add_test(c, what_may_have_been_moved_is_not_called_unsent);
        tcase_add_test(c, what_may_have_been_removed_is_not_called_unsent);
        suite_add_tcase(suite, c);
    }
    TCase *c = tcase_create("killed");
    tcase_set_timeout(c, 300);
    tcase_add_checked_fixture(c, begin_durable, end);
    tcase_add_test(c, a_server_that_was_killed_remembers);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
