/* What is required is there, or it is said what is not: lost at every byte, refused for good and for now. */
#include "shelf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRIPTS   3
#define LIBRARIES 2
#define ALL       (SCRIPTS + LIBRARIES)

static struct rig rig;
static ts_server_kind kind;
static vouch_error error;
static vouch_script *scripts[SCRIPTS + 1]; /* the last one does not compile */
static vouch_library *libraries[LIBRARIES + 1];

static void begin(void)
{
    static const char *const sources[] = {"return 1", "return 2", "return 3", "return ("};
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    for (int i = 0; i <= SCRIPTS; i++)
        shelf_expect(vouch_script_new(sources[i], 0, NULL, &scripts[i], &error), VOUCH_OK, error);
    libraries[0] = shelf_version("1");
    libraries[1] = shelf_library("#!lua name=other\n"
                                 "redis.register_function('other', function() return 1 end)\n",
                                 NULL);
    libraries[2] = shelf_library("#!lua name=broken\n"
                                 "redis.register_function('broken', function() return 1 end)\n"
                                 "local today = nil + 1\n",
                                 NULL);
}

static void begin_redis(void)
{
    kind = TS_REDIS;
    begin();
}

static void begin_valkey(void)
{
    kind = TS_VALKEY;
    begin();
}

static void end(void)
{
    for (int i = 0; i <= SCRIPTS; i++)
        vouch_script_free(scripts[i]);
    for (int i = 0; i <= LIBRARIES; i++)
        vouch_library_free(libraries[i]);
    rig_stop(&rig);
}

static bool is_there(size_t i)
{
    static const char *const names[] = {"bank", "other", "broken"};
    if (i >= SCRIPTS)
        return shelf_has(rig.server, names[i - SCRIPTS]);
    ts_reply *r = ts_command(rig.server, "SCRIPT", "EXISTS", vouch_script_digest(scripts[i]), NULL);
    ck_assert(r->type == TS_REPLY_ARRAY && r->count == 1);
    bool there = r->elements[0]->integer == 1;
    ts_reply_free(r);
    return there;
}

static size_t count_there(void)
{
    size_t n = 0;
    for (size_t i = 0; i < ALL; i++)
        n += is_there(i);
    return n;
}

static void lose_all(void)
{
    ts_do(rig.server, "SCRIPT", "FLUSH", NULL);
    shelf_clear(rig.server);
}

static uint64_t trips(const vouch_client *c)
{
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(c, &stats), VOUCH_OK);
    return stats.round_trips;
}

static vouch_status require(vouch_client *c, int64_t deadline_ms)
{
    return vouch_client_require(c, (const vouch_script *const *)scripts, SCRIPTS,
                                (const vouch_library *const *)libraries, LIBRARIES, deadline_ms,
                                &error);
}

/* ---- lost ----------------------------------------------------------------------------------- */

/* Without another try: what is said of the first that was not answered, and of those before it. */
static void check_lost(int64_t n)
{
    ck_assert_uint_lt(error.command, ALL);
    for (size_t i = 0; i < error.command; i++)
        ck_assert_msg(is_there(i), "%lld: %zu is said to be there", (long long)n, i);
    ck_assert_int_eq(error.retriable, 1);
    if (error.status == VOUCH_EUNKNOWN) {
        ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    } else {
        ck_assert_int_eq(error.status, VOUCH_ENOTSENT);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_msg(!is_there(error.command), "%lld: %zu is there", (long long)n, error.command);
    }
}

static void cut(ts_direction direction, ts_ending ending, int64_t from, int64_t to)
{
    unsigned maybe = 0, unsent = 0, fine = 0;
    for (int64_t n = from; n <= to; n++) {
        ts_plan plan = ts_plan_cut(direction, n);
        vouch_client_options o = rig_options(n % 2 ? 2 : 3, 1000);
        bool tries = n % 4 == 0;
        plan.ending = ending;
        lose_all();
        int connection = rig_next_connection(&rig);
        ts_proxy_plan(rig.proxy, connection, &plan);
        o.outages = tries ? 8 : 1;
        vouch_client *c = rig_open(&rig, &o);
        if (!tries) /* and none behind it either */
            ts_proxy_plan(rig.proxy, TS_EVERY, &(ts_plan){.refuse = true});
        vouch_status status = require(c, 0);
        ts_proxy_plan(rig.proxy, TS_EVERY, &(ts_plan)TS_PLAN_NONE);
        vouch_client_close(c);
        ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
        rig_settle(&rig);
        if (status == VOUCH_OK)
            ck_assert_uint_eq(count_there(), ALL);
        else
            check_lost(n);
        ck_assert(status == VOUCH_OK || !tries);
        fine += status == VOUCH_OK;
        maybe += status == VOUCH_EUNKNOWN;
        unsent += status == VOUCH_ENOTSENT;
    }
    printf("required %u times: %u there, %u maybe, %u not sent\n", fine + maybe + unsent, fine,
           maybe, unsent);
    ck_assert(fine && maybe);
}

START_TEST(lost_at_every_byte)
{
    vouch_client_options o = rig_options(3, 1000);
    o.lazy = 0;
    int connection = rig_next_connection(&rig);
    vouch_client *c = rig_open(&rig, &o);
    ts_proxy_counts hello = ts_proxy_count(rig.proxy, connection);
    shelf_expect(require(c, 0), VOUCH_OK, error);
    ts_proxy_counts all = ts_proxy_count(rig.proxy, connection);
    vouch_client_close(c);
    cut(TS_TO_SERVER, TS_END_CLOSE, hello.to_server - 10, all.to_server);
    cut(TS_TO_CLIENT, TS_END_EOF, hello.to_client - 10, all.to_client);
}
END_TEST

/* What was handed over may be there, whatever ends the waiting. */
START_TEST(an_end_while_it_waits_denies_nothing)
{
    for (int interrupted = 0; interrupted < 2; interrupted++)
        for (int handed = 0; handed < 2; handed++) {
            ts_plan plan = ts_plan_none();
            lose_all();
            int connection = rig_next_connection(&rig);
            vouch_client *c = rig_client(&rig, 3, 1000);
            (void)rig_connection_id(c);
            if (handed) {
                plan.to_client.drop_after = 0;
                ts_proxy_plan_from_here(rig.proxy, connection, &plan);
            } else {
                plan.refuse = true;
                ts_proxy_plan(rig.proxy, TS_EVERY, &plan);
                ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_SETTLE);
            }
            if (interrupted)
                vouch_client_interrupt(c);
            vouch_status status = require(c, 100);
            ts_proxy_plan(rig.proxy, TS_EVERY, &(ts_plan)TS_PLAN_NONE);
            vouch_client_close(c);
            rig_settle(&rig);
            ck_assert_int_ne(status, VOUCH_OK);
            bool none = count_there() == 0;
            ck_assert_msg(none || error.effect == VOUCH_MAYBE_APPLIED, "%s, and it is there",
                          vouch_status_name(status));
            ck_assert_int_eq(status == VOUCH_EUNKNOWN, error.effect == VOUCH_MAYBE_APPLIED);
        }
}
END_TEST

/* ---- refused -------------------------------------------------------------------------------- */

START_TEST(the_first_that_is_refused_is_named_and_the_others_are_there)
{
    vouch_client *c = rig_client(&rig, 3, 1000);
    for (size_t at = 0; at < ALL; at++) {
        const vouch_script *s[SCRIPTS];
        const vouch_library *l[LIBRARIES];
        for (size_t i = 0; i < SCRIPTS; i++)
            s[i] = i == at ? scripts[SCRIPTS] : scripts[i];
        for (size_t i = 0; i < LIBRARIES; i++)
            l[i] = SCRIPTS + i == at ? libraries[LIBRARIES] : libraries[i];
        lose_all();
        vouch_status status = vouch_client_require(c, s, SCRIPTS, l, LIBRARIES, 0, &error);
        shelf_expect(status, VOUCH_ESERVER, error);
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_uint_eq(error.command, at);
        ck_assert_str_eq(error.code, "ERR");
        ck_assert_int_eq(error.retriable, 0);
        for (size_t i = 0; i < ALL; i++)
            ck_assert_int_eq(is_there(i), i != at);
    }
    vouch_client_close(c);
}
END_TEST

struct waiting {
    vouch_client *client;
    const vouch_script *const *scripts;
    vouch_status status;
    pthread_t thread;
};

static void *wait_for_memory(void *user)
{
    struct waiting *w = user;
    w->status = vouch_client_require(w->client, w->scripts, SCRIPTS,
                                     (const vouch_library *const *)libraries, LIBRARIES,
                                     RIG_PATIENCE_MS, &error);
    return NULL;
}

static long refusals(void)
{
    char *text = ts_info(rig.server, "errorstats", "errorstat_OOM");
    const char *count = text ? strstr(text, "count=") : NULL;
    long n = count ? strtol(count + 6, NULL, 10) : 0;
    free(text);
    return n;
}

/* Libraries need memory; scripts are loaded without. */
static void begin_to_wait(struct waiting *w, const vouch_script *const *s, unsigned outages)
{
    vouch_client_options o = rig_options(3, 1000);
    lose_all();
    ts_do(rig.server, "CONFIG", "RESETSTAT", NULL);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    o.outages = outages;
    *w = (struct waiting){.client = rig_open(&rig, &o), .scripts = s};
    ck_assert_int_eq(pthread_create(&w->thread, NULL, wait_for_memory, w), 0);
}

static void free_memory(void)
{
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); refusals() < 4;)
        ck_assert(ts_look_again(limit));
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
}

static void end_of_waiting(struct waiting *w)
{
    ck_assert_int_eq(pthread_join(w->thread, NULL), 0);
    vouch_client_close(w->client);
}

START_TEST(what_is_refused_for_now_is_waited_for)
{
    struct waiting w;
    begin_to_wait(&w, (const vouch_script *const *)scripts, 100000);
    free_memory();
    end_of_waiting(&w);
    shelf_expect(w.status, VOUCH_OK, error);
    ck_assert_uint_eq(count_there(), ALL);
}
END_TEST

START_TEST(one_refused_for_good_does_not_keep_others_from_waiting)
{
    const vouch_script *some[SCRIPTS] = {scripts[0], scripts[SCRIPTS], scripts[2]};
    struct waiting w;
    begin_to_wait(&w, some, 100000);
    free_memory();
    end_of_waiting(&w);
    shelf_expect(w.status, VOUCH_ESERVER, error);
    ck_assert_uint_eq(error.command, 1);
    ck_assert_uint_eq(count_there(), ALL - 1);
}
END_TEST

START_TEST(a_budget_that_is_used_up_tells_the_servers_words)
{
    struct waiting w;
    begin_to_wait(&w, (const vouch_script *const *)scripts, 3);
    ck_assert_int_eq(pthread_join(w.thread, NULL), 0);
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    shelf_expect(w.status, VOUCH_ESERVER, error);
    ck_assert_str_eq(error.code, "OOM");
    ck_assert_uint_eq(error.command, SCRIPTS);
    ck_assert_int_eq(error.retriable, 1);
    ck_assert_uint_eq(count_there(), SCRIPTS);
    /* The connection does not take them to be there: the load travels with the call. */
    uint64_t before = trips(w.client);
    shelf_expect(vouch_function_call(w.client, libraries[0], "deposit", VOUCH_ARGS("k"),
                                     VOUCH_ARGS(1), NULL, NULL, &error),
                 VOUCH_OK, error);
    ck_assert_uint_eq(trips(w.client) - before, 1);
    vouch_client_close(w.client);
}
END_TEST

/* The connection ends between the answers to two libraries that were refused for now. */
START_TEST(a_loss_among_refusals_that_pass_is_no_end)
{
    static const char refusal[] = "-OOM command not allowed when used memory > 'maxmemory'.\r\n";
    int64_t scripts_answers = SCRIPTS * (int64_t)(sizeof "$40\r\n\r\n" - 1 + 40);
    vouch_client_options o = rig_options(3, 1000);
    o.outages = 100000;
    for (int64_t more = 0; more <= 2 * (int64_t)(sizeof refusal - 1); more += 19) {
        ts_plan plan = ts_plan_none();
        lose_all();
        int connection = rig_next_connection(&rig);
        struct waiting w = {.client = rig_open(&rig, &o),
                            .scripts = (const vouch_script *const *)scripts};
        (void)rig_connection_id(w.client);
        ts_do(rig.server, "CONFIG", "RESETSTAT", NULL);
        ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
        plan.to_client.cut_after = scripts_answers + more;
        ts_proxy_plan_from_here(rig.proxy, connection, &plan);
        ck_assert_int_eq(pthread_create(&w.thread, NULL, wait_for_memory, &w), 0);
        free_memory();
        end_of_waiting(&w);
        shelf_expect(w.status, VOUCH_OK, error);
        ck_assert_uint_eq(count_there(), ALL);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library require");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, lost_at_every_byte);
        tcase_add_test(c, an_end_while_it_waits_denies_nothing);
        tcase_add_test(c, the_first_that_is_refused_is_named_and_the_others_are_there);
        tcase_add_test(c, what_is_refused_for_now_is_waited_for);
        tcase_add_test(c, one_refused_for_good_does_not_keep_others_from_waiting);
        tcase_add_test(c, a_budget_that_is_used_up_tells_the_servers_words);
        tcase_add_test(c, a_loss_among_refusals_that_pass_is_no_end);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
