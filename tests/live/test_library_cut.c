/* Installing, and what goes wrong on its way: the connection ends at every byte, in both directions; the
 * server is killed in it; its time is up; it is interrupted. What is said is compared with what the
 * server has. */
#include "script.h"
#include "shelf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static ts_server_kind kind;
static vouch_error error;
static vouch_library *new_one;

static void begin_with(ts_persistence persistence)
{
    rig = rig_start(kind, persistence);
    new_one = shelf_version("2");
}

static void begin_redis(void)
{
    kind = TS_REDIS;
}

static void begin_valkey(void)
{
    kind = TS_VALKEY;
}

static void end(void)
{
    vouch_library_free(new_one);
    rig_stop(&rig);
}

/* ---- every byte ----------------------------------------------------------------------------- */

struct bytes {
    int64_t hello, all; /* of one direction, before the install and behind it */
};

struct sizes {
    struct bytes to_server, to_client;
};

struct tally {
    unsigned cases, installed, not_applied, maybe, maybe_there;
};

static void prepare(void)
{
    ts_do(rig.server, "DEL", "vouch:library:bank", NULL);
    shelf_put_version(rig.server, "1");
}

static struct sizes measure(uint32_t protocol, vouch_install policy)
{
    struct sizes s;
    vouch_client_options o = rig_options(protocol, 1000);
    prepare();
    int connection = rig_next_connection(&rig);
    o.lazy = 0;
    vouch_client *c = rig_open(&rig, &o);
    ts_proxy_counts hello = ts_proxy_count(rig.proxy, connection);
    shelf_expect(vouch_library_install(c, new_one, policy, 0, NULL, &error), VOUCH_OK, error);
    ts_proxy_counts all = ts_proxy_count(rig.proxy, connection);
    ck_assert_int_eq(rig_next_connection(&rig), connection + 1);
    vouch_client_close(c);
    s.to_server = (struct bytes){hello.to_server, all.to_server};
    s.to_client = (struct bytes){hello.to_client, all.to_client};
    return s;
}

static void judge(vouch_status status, const vouch_library_report *r, struct tally *t, int64_t n)
{
    const char *there = shelf_there(rig.server);
    bool is_new = strcmp(there, "2") == 0, is_old = strcmp(there, "1") == 0;
    ck_assert_msg(is_new || is_old, "%lld: there is %s", (long long)n, there);
    t->cases++;
    if (status == VOUCH_OK) {
        ck_assert_msg(is_new && r->installed, "%lld: %s is there", (long long)n, there);
        t->installed++;
    } else if (status == VOUCH_EUNKNOWN) {
        ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
        t->maybe++;
        t->maybe_there += is_new;
    } else {
        ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
        ck_assert_msg(is_old, "%lld: %s, and %s is there", (long long)n, error.message, there);
        t->not_applied++;
    }
    ck_assert_int_eq(r->installed, status == VOUCH_OK);
}

/* One install whose first connection has this plan; `tries` again when it is lost. */
static void one(uint32_t protocol, vouch_install policy, ts_plan plan, bool tries, struct tally *t,
                int64_t n)
{
    vouch_client_options o = rig_options(protocol, 1000);
    vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
    prepare();
    int connection = rig_next_connection(&rig);
    ts_proxy_plan(rig.proxy, connection, &plan);
    o.outages = tries ? 8 : 1;
    vouch_client *c = rig_open(&rig, &o);
    vouch_status status = vouch_library_install(c, new_one, policy, 0, &r, &error);
    vouch_client_close(c);
    ts_proxy_release(rig.proxy, TS_EVERY);
    ck_assert(ts_proxy_wait_closed(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    rig_settle(&rig);
    judge(status, &r, t, n);
    if (status == VOUCH_EUNKNOWN && n % 16 == 0) { /* calling again is safe */
        c = rig_open(&rig, &o);
        shelf_expect(vouch_library_install(c, new_one, policy, 0, &r, &error), VOUCH_OK, error);
        ck_assert_str_eq(shelf_there(rig.server), "2");
        vouch_client_close(c);
    }
}

static void cut_everywhere(ts_direction direction, ts_cut_mode mode, uint32_t protocol,
                           const char *what)
{
    vouch_install policy = protocol == 2 ? VOUCH_INSTALL_NEWER : VOUCH_INSTALL_DIFFERENT;
    struct sizes s = measure(protocol, policy);
    struct bytes b = direction == TS_TO_SERVER ? s.to_server : s.to_client;
    struct tally t = {0};
    for (int64_t n = b.hello; n <= b.all; n++) {
        ts_plan plan = ts_plan_cut(direction, n);
        plan.mode = mode;
        one(protocol, policy, plan, n % 2, &t, n);
    }
    printf("%s, %u cuts: %u installed, %u not, %u maybe, of which %u were\n", what, t.cases,
           t.installed, t.not_applied, t.maybe, t.maybe_there);
    ck_assert(t.installed && t.maybe && t.maybe_there);
}

START_TEST(cut_on_the_way_to_the_server)
{
    begin_with(TS_NO_PERSISTENCE);
    cut_everywhere(TS_TO_SERVER, TS_CUT_SETTLE, 2, "to the server");
    end();
}
END_TEST

START_TEST(held_back_on_the_way_to_the_server)
{
    begin_with(TS_NO_PERSISTENCE);
    cut_everywhere(TS_TO_SERVER, TS_CUT_HELD, 3, "to the server, and late");
    end();
}
END_TEST

START_TEST(cut_on_the_way_back)
{
    begin_with(TS_NO_PERSISTENCE);
    cut_everywhere(TS_TO_CLIENT, TS_CUT_SETTLE, 3, "to the client");
    end();
}
END_TEST

/* ---- in another thread ---------------------------------------------------------------------- */

struct held {
    vouch_client *client;
    int64_t deadline_ms;
    vouch_status status;
    vouch_library_report report;
    vouch_error error;
    pthread_t thread;
    int connection;
};

static void *install(void *user)
{
    struct held *h = user;
    h->status = vouch_library_install(h->client, new_one, VOUCH_INSTALL_NEWER, h->deadline_ms,
                                      &h->report, &h->error);
    return NULL;
}

static int64_t size_of_look(void)
{
    size_t a, b, c;
    free(ts_encode(&a, "WATCH", "vouch:library:bank", NULL));
    free(ts_encode(&b, "FUNCTION", "LIST", NULL));
    free(ts_encode(&c, "FUNCTION", "LIST", "LIBRARYNAME", "bank", "WITHCODE", NULL));
    return (int64_t)(a + b + c);
}

enum stage { AT_THE_LOOK, AT_MULTI, AT_THE_ANSWER, STAGES };

/* Until what it waits for at this stage has left it, or will not come. */
static void stall(struct held *h, enum stage stage, int64_t deadline_ms)
{
    ts_plan plan = ts_plan_none();
    int64_t look = size_of_look();
    vouch_client_options o = rig_options(3, 1000);
    o.outages = 100000; /* a server needs its time to start */
    *h = (struct held){.client = rig_open(&rig, &o),
                       .deadline_ms = deadline_ms,
                       .report = VOUCH_LIBRARY_REPORT_INIT,
                       .connection = rig_next_connection(&rig)};
    shelf_expect(vouch_library_status(h->client, new_one, 0, NULL, &error), VOUCH_OK, error);
    ts_proxy_counts before = ts_proxy_count(rig.proxy, h->connection);
    plan.to_server.stall_after = stage == AT_THE_LOOK ? 0 : stage == AT_MULTI ? look : TS_NEVER;
    if (stage == AT_THE_ANSWER) { /* +OK, the rest of the look: as a status, with WATCH */
        vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
        vouch_library *old = shelf_version("0");
        shelf_expect(vouch_library_install(h->client, old, VOUCH_INSTALL_NEWER, 0, &r, &error),
                     VOUCH_OK, error);
        vouch_library_free(old);
        ts_proxy_counts now = ts_proxy_count(rig.proxy, h->connection);
        plan.to_client.stall_after = now.to_client - before.to_client - 5; /* UNWATCH's +OK */
        before = now;
    }
    ts_proxy_plan_from_here(rig.proxy, h->connection, &plan);
    ck_assert_int_eq(pthread_create(&h->thread, NULL, install, h), 0);
    ck_assert(ts_proxy_wait_received(rig.proxy, h->connection, TS_TO_SERVER,
                                     before.from_client + look + (stage != AT_THE_LOOK),
                                     ts_deadline(RIG_PATIENCE_MS)));
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (stage == AT_THE_ANSWER && strcmp(shelf_there(rig.server), "2") != 0)
        ck_assert(ts_look_again(limit));
}

static void join(struct held *h)
{
    ck_assert_int_eq(pthread_join(h->thread, NULL), 0);
    vouch_client_close(h->client);
    ts_proxy_release(rig.proxy, TS_EVERY);
    ck_assert(ts_proxy_wait_closed(rig.proxy, h->connection, ts_deadline(RIG_PATIENCE_MS)));
}

START_TEST(an_end_at_every_stage)
{
    static const char *const there[STAGES] = {"1", "2", "2"}; /* once all has arrived */
    begin_with(TS_NO_PERSISTENCE);
    for (int stage = 0; stage < STAGES; stage++)
        for (int by_deadline = 0; by_deadline < 2; by_deadline++) {
            struct held h;
            prepare();
            stall(&h, (enum stage)stage, by_deadline ? 200 : RIG_PATIENCE_MS);
            if (!by_deadline)
                vouch_client_interrupt(h.client);
            join(&h);
            rig_settle(&rig);
            ck_assert_str_eq(shelf_there(rig.server), there[stage]);
            ck_assert_int_eq(h.report.installed, 0);
            ck_assert_int_eq(h.error.effect,
                             stage == AT_THE_LOOK ? VOUCH_NOT_APPLIED : VOUCH_MAYBE_APPLIED);
            ck_assert_int_eq(h.error.cause,
                             by_deadline ? VOUCH_CAUSE_DEADLINE : VOUCH_CAUSE_INTERRUPTED);
            shelf_expect(h.status,
                         stage != AT_THE_LOOK ? VOUCH_EUNKNOWN
                         : by_deadline        ? VOUCH_ENOTSENT
                                              : VOUCH_EINTERRUPTED,
                         h.error);
        }
    end();
}
END_TEST

START_TEST(the_server_is_killed_in_it)
{
    static const char *const there[STAGES] = {"2", "1", "2"};
    for (int stage = 0; stage < STAGES; stage++) {
        struct held h;
        begin_with(TS_AOF_ALWAYS);
        prepare();
        stall(&h, (enum stage)stage, RIG_PATIENCE_MS);
        ts_server_kill(rig.server);
        ck_assert(ts_server_restart(rig.server));
        ts_proxy_cut(rig.proxy, h.connection, TS_END_EOF, TS_CUT_ABRUPT);
        join(&h);
        shelf_expect(h.status, stage == AT_THE_LOOK ? VOUCH_OK : VOUCH_EUNKNOWN, h.error);
        ck_assert_str_eq(shelf_there(rig.server), there[stage]);
        end();
    }
}
END_TEST

/* ---- one deadline over all looks ------------------------------------------------------------ */

/* A server on which somebody is always faster. */
static bool answer(ts_responder_state *state, const ts_request *request, ts_buffer *reply)
{
    if (ts_request_is(request, 0, "EXEC") && state->multi)
        ts_buffer_print(reply, "*1\r\n-ERR Library 'bank' already exists\r\n");
    else if (ts_request_is(request, 0, "FUNCTION") && !state->multi)
        ts_buffer_print(reply, "*0\r\n");
    else
        return false;
    state->multi = state->multi && !ts_request_is(request, 0, "EXEC");
    return true;
}

START_TEST(one_deadline_is_over_all_looks)
{
    ts_script_options so = {.respond = true, .responder = answer};
    ts_script *script = ts_script_start(&so);
    ts_proxy_options po = {.upstream = ts_script_address(script)};
    ts_plan slow = ts_plan_none();
    rig = (struct rig){.proxy = ts_proxy_start(&po)};
    new_one = shelf_version("2");
    slow.to_client.delay_ms = 200;
    ts_proxy_plan(rig.proxy, TS_EVERY, &slow);
    vouch_client *c = rig_client(&rig, 3, 1000);
    int64_t began = ts_now_ms();
    vouch_status status =
        vouch_library_install(c, new_one, VOUCH_INSTALL_MISSING, 1000, NULL, &error);
    int64_t took = ts_now_ms() - began;
    ck_assert_msg(status == VOUCH_ENOTSENT || status == VOUCH_EUNKNOWN || status == VOUCH_ESERVER,
                  "%s: %s", vouch_status_name(status), error.message);
    ck_assert_msg(took < 2000, "it took %lld ms", (long long)took);
    vouch_client_close(c);
    ts_script_free(script);
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library cut");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, NULL);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, cut_on_the_way_to_the_server);
        tcase_add_test(c, held_back_on_the_way_to_the_server);
        tcase_add_test(c, cut_on_the_way_back);
        tcase_add_test(c, an_end_at_every_stage);
        tcase_add_test(c, the_server_is_killed_in_it);
        suite_add_tcase(suite, c);
    }
    TCase *c = tcase_create("no server");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, one_deadline_is_over_all_looks);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
