/* Several install versions of one library at the same time: by processes that know nothing of each other,
 * and by an install that is held back on its way until another's is done. */
#include "children.h"
#include "shelf.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES 8
#define ROUNDS    12

static struct rig rig;
static vouch_error error;

static void begin_redis(void)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
}

static void begin_valkey(void)
{
    rig = rig_start(TS_VALKEY, TS_NO_PERSISTENCE);
}

static void end(void)
{
    rig_stop(&rig);
}

/* ---- processes ------------------------------------------------------------------------------ */

struct worker {
    int number; /* from 1: the version that it installs */
    vouch_install policy;
    int start; /* reads the end when all are to begin */
    int go;    /* the other side of that, in the parent */
};

enum { DONE_NOTHING = 10, DONE_INSTALLED = 11, DONE_WRONG = 12 };

static int work(void *user)
{
    const struct worker *w = user;
    char url[TS_URL_MAX], version[8], byte;
    vouch_client_options o = rig_options(w->number % 2 ? 2 : 3, 1000);
    vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
    vouch_client *client = NULL;
    vouch_error e;
    (void)close(w->go);
    o.lazy = 0;
    (void)snprintf(version, sizeof version, "%d", w->number);
    vouch_library *l = shelf_version(version);
    if (vouch_client_open(ts_server_url(rig.server, url, sizeof url), &o, &client, &e) != VOUCH_OK)
        return DONE_WRONG;
    (void)!read(w->start, &byte, 1);
    vouch_status status = vouch_library_install(client, l, w->policy, 0, &r, &e);
    if (status != VOUCH_OK)
        (void)fprintf(stderr, "process %d: %s: %s\n", w->number, vouch_status_name(status),
                      e.message);
    vouch_client_close(client);
    vouch_library_free(l);
    return status != VOUCH_OK ? DONE_WRONG : r.installed ? DONE_INSTALLED : DONE_NOTHING;
}

struct crowd {
    pid_t pids[PROCESSES];
    int ended[PROCESSES]; /* what they returned */
    int installed, left;
};

static struct crowd crowd_start(const vouch_install policies[static PROCESSES])
{
    struct crowd c = {.left = PROCESSES};
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    for (int i = 0; i < PROCESSES; i++) {
        struct worker w = {i + 1, policies[i], ends[0], ends[1]};
        c.pids[i] = ts_child_run(work, &w);
        ck_assert_int_gt(c.pids[i], 0);
    }
    /* One for the truth, and each with its own connection. */
    ck_assert(ts_server_wait_clients(rig.server, PROCESSES, ts_deadline(RIG_PATIENCE_MS)));
    (void)close(ends[0]);
    (void)close(ends[1]);
    return c;
}

static void crowd_look(struct crowd *c)
{
    for (int i = 0; i < PROCESSES; i++) {
        int status;
        if (c->ended[i] || !ts_child_wait(c->pids[i], ts_now_ms(), &status))
            continue;
        c->ended[i] = WIFEXITED(status) ? WEXITSTATUS(status) : DONE_WRONG;
        c->left--;
        ck_assert_msg(c->ended[i] != DONE_WRONG, "process %d", i + 1);
        c->installed += c->ended[i] == DONE_INSTALLED;
    }
}

/* What a poll of the server saw, one behind the other. */
struct seen {
    int last, changes;
    bool back; /* an older version came after a newer one */
};

static void see(struct seen *s)
{
    int now = (int)strtol(shelf_there(rig.server), NULL, 10);
    s->back = s->back || now < s->last;
    s->changes += now != s->last;
    s->last = now;
}

static struct seen crowd_run(struct crowd *c, const vouch_install policies[static PROCESSES])
{
    struct seen s = {0};
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    shelf_clear(rig.server);
    *c = crowd_start(policies);
    while (c->left) {
        ck_assert(!ts_passed(limit));
        see(&s);
        crowd_look(c);
    }
    see(&s);
    return s;
}

START_TEST(the_newest_of_eight_stays)
{
    vouch_install policies[PROCESSES];
    int installs = 0;
    for (int i = 0; i < PROCESSES; i++)
        policies[i] = VOUCH_INSTALL_NEWER;
    for (int round = 0; round < ROUNDS; round++) {
        struct crowd c;
        struct seen s = crowd_run(&c, policies);
        ck_assert_int_eq(s.last, PROCESSES);
        ck_assert_msg(!s.back, "an older version came after a newer one");
        ck_assert_int_eq(c.ended[PROCESSES - 1], DONE_INSTALLED);
        installs += c.installed;
    }
    printf("newer: %d installs in %d rounds of %d processes\n", installs, ROUNDS, PROCESSES);
}
END_TEST

START_TEST(each_of_eight_that_differ_is_installed_once)
{
    vouch_install policies[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        policies[i] = VOUCH_INSTALL_DIFFERENT;
    for (int round = 0; round < ROUNDS; round++) {
        struct crowd c;
        struct seen s = crowd_run(&c, policies);
        ck_assert_int_eq(c.installed, PROCESSES);
        ck_assert(s.last >= 1 && s.last <= PROCESSES && s.changes <= PROCESSES);
    }
}
END_TEST

START_TEST(one_of_eight_finds_it_missing)
{
    vouch_install policies[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        policies[i] = VOUCH_INSTALL_MISSING;
    for (int round = 0; round < ROUNDS; round++) {
        struct crowd c;
        struct seen s = crowd_run(&c, policies);
        ck_assert_int_eq(c.installed, 1);
        ck_assert_int_eq(s.changes, 1);
        ck_assert_int_eq(c.ended[s.last - 1], DONE_INSTALLED);
    }
}
END_TEST

/* Some of them only want it to be there: what they loaded is not undone by an older one either. */
START_TEST(no_older_one_after_a_newer_whatever_the_policies)
{
    vouch_install policies[PROCESSES];
    for (int i = 0; i < PROCESSES; i++)
        policies[i] = i % 2 ? VOUCH_INSTALL_MISSING : VOUCH_INSTALL_NEWER;
    for (int round = 0; round < 2 * ROUNDS; round++) {
        struct crowd c;
        struct seen s = crowd_run(&c, policies);
        ck_assert_msg(!s.back, "an older version came after a newer one");
        ck_assert_int_ge(s.last, PROCESSES - 1);
    }
}
END_TEST

/* ---- one that is held back ------------------------------------------------------------------ */

/* An install whose MULTI and all behind it is held back by the proxy. */
struct held {
    vouch_client *client;
    vouch_library *library;
    vouch_install policy;
    vouch_library_report report;
    vouch_status status;
    vouch_error error;
    pthread_t thread;
};

static void *install(void *user)
{
    struct held *h = user;
    h->status = vouch_library_install(h->client, h->library, h->policy, RIG_PATIENCE_MS, &h->report,
                                      &h->error);
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

/* Returns once its MULTI has left it; `plan` says what becomes of that. */
static void hold(struct held *h, const char *version, vouch_install policy, ts_plan plan)
{
    int64_t look = size_of_look();
    *h = (struct held){.client = rig_client(&rig, 3, 1000),
                       .library = shelf_version(version),
                       .policy = policy,
                       .report = VOUCH_LIBRARY_REPORT_INIT};
    int connection = rig_next_connection(&rig);
    shelf_expect(vouch_library_status(h->client, h->library, 0, NULL, &error), VOUCH_OK, error);
    int64_t before = ts_proxy_count(rig.proxy, connection).from_client;
    plan.to_server.stall_after = look;
    ts_proxy_plan_from_here(rig.proxy, connection, &plan);
    ck_assert_int_eq(pthread_create(&h->thread, NULL, install, h), 0);
    ck_assert(ts_proxy_wait_received(rig.proxy, connection, TS_TO_SERVER, before + look + 1,
                                     ts_deadline(RIG_PATIENCE_MS)));
}

static void let_go(struct held *h)
{
    ts_proxy_release(rig.proxy, TS_EVERY);
    ck_assert_int_eq(pthread_join(h->thread, NULL), 0);
}

static void held_free(struct held *h)
{
    vouch_client_close(h->client);
    vouch_library_free(h->library);
}

static void expect_report(const struct held *h, vouch_library_state state, const char *version,
                          bool installed)
{
    shelf_expect(h->status, VOUCH_OK, h->error);
    ck_assert_int_eq(h->report.state, state);
    ck_assert_str_eq(h->report.version, version);
    ck_assert_int_eq(h->report.installed, installed);
}

static void install_now(const char *version, vouch_install policy)
{
    vouch_client *c = rig_client(&rig, 3, 1000);
    vouch_library *l = shelf_version(version);
    vouch_library_report r = VOUCH_LIBRARY_REPORT_INIT;
    shelf_expect(vouch_library_install(c, l, policy, 0, &r, &error), VOUCH_OK, error);
    ck_assert_int_eq(r.installed, 1);
    vouch_client_close(c);
    vouch_library_free(l);
}

START_TEST(one_that_looked_before_a_newer_came_looks_again)
{
    struct held h;
    for (int there = 0; there < 2; there++) {
        shelf_clear(rig.server);
        if (there)
            shelf_put_version(rig.server, "1");
        hold(&h, "2", VOUCH_INSTALL_NEWER, ts_plan_none());
        install_now("3", VOUCH_INSTALL_NEWER);
        let_go(&h);
        expect_report(&h, VOUCH_LIBRARY_DIFFERENT, "3", false);
        ck_assert_str_eq(shelf_there(rig.server), "3");
        held_free(&h);
    }
}
END_TEST

/* Whoever loads what is missing does not write the guard: a call, MISSING. */
START_TEST(one_that_found_nothing_replaces_nothing)
{
    struct held h;
    for (int by_call = 0; by_call < 2; by_call++) {
        shelf_clear(rig.server);
        ts_do(rig.server, "FLUSHALL", NULL);
        hold(&h, "2", VOUCH_INSTALL_NEWER, ts_plan_none());
        if (by_call)
            shelf_put_version(rig.server, "3");
        else
            install_now("3", VOUCH_INSTALL_MISSING);
        let_go(&h);
        expect_report(&h, VOUCH_LIBRARY_DIFFERENT, "3", false);
        ck_assert_str_eq(shelf_there(rig.server), "3");
        held_free(&h);
    }
}
END_TEST

START_TEST(two_that_found_it_missing_load_it_once)
{
    struct held h;
    hold(&h, "2", VOUCH_INSTALL_MISSING, ts_plan_none());
    install_now("1", VOUCH_INSTALL_MISSING);
    let_go(&h);
    expect_report(&h, VOUCH_LIBRARY_DIFFERENT, "1", false);
    ck_assert_str_eq(shelf_there(rig.server), "1");
    held_free(&h);
}
END_TEST

START_TEST(one_that_differs_comes_last_if_it_comes_last)
{
    struct held h;
    shelf_put_version(rig.server, "1");
    hold(&h, "2", VOUCH_INSTALL_DIFFERENT, ts_plan_none());
    install_now("3", VOUCH_INSTALL_DIFFERENT);
    let_go(&h);
    expect_report(&h, VOUCH_LIBRARY_DIFFERENT, "3", true);
    ck_assert_str_eq(shelf_there(rig.server), "2");
    held_free(&h);
}
END_TEST

/* The client was shown the end long ago, and went on elsewhere: what it wrote arrives at last. */
START_TEST(an_exec_that_comes_late_undoes_nothing)
{
    struct held h;
    shelf_put_version(rig.server, "1");
    hold(&h, "2", VOUCH_INSTALL_NEWER, ts_plan_none());
    int connection = rig_next_connection(&rig) - 1;
    ts_proxy_cut(rig.proxy, connection, TS_END_EOF, TS_CUT_HELD);
    ck_assert_int_eq(pthread_join(h.thread, NULL), 0);
    shelf_expect(h.status, VOUCH_EUNKNOWN, h.error);
    ck_assert_int_eq(h.error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(h.report.installed, 0);
    install_now("3", VOUCH_INSTALL_NEWER);
    ts_proxy_release(rig.proxy, TS_EVERY);
    ck_assert(ts_proxy_wait_closed(rig.proxy, connection, ts_deadline(RIG_PATIENCE_MS)));
    ck_assert_str_eq(shelf_there(rig.server), "3");
    held_free(&h);
}
END_TEST

/* A right that goes between two looks: the first look says nothing of what is there now. */
START_TEST(a_second_look_that_is_refused_is_no_look)
{
    struct held h;
    shelf_put_version(rig.server, "1");
    hold(&h, "2", VOUCH_INSTALL_NEWER, ts_plan_none());
    install_now("1.5", VOUCH_INSTALL_NEWER);
    ts_do(rig.server, "ACL", "SETUSER", "default", "-function|list", NULL);
    let_go(&h);
    shelf_expect(h.status, VOUCH_ESERVER, h.error);
    ck_assert_int_eq(h.error.effect, VOUCH_NOT_APPLIED);
    ck_assert_msg(strstr(h.error.message, "NOPERM"), "%s", h.error.message);
    ck_assert_int_eq(h.report.state, VOUCH_LIBRARY_UNKNOWN);
    ck_assert_str_eq(shelf_there(rig.server), "1.5");
    held_free(&h);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("library race");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, the_newest_of_eight_stays);
        tcase_add_test(c, each_of_eight_that_differ_is_installed_once);
        tcase_add_test(c, one_of_eight_finds_it_missing);
        tcase_add_test(c, no_older_one_after_a_newer_whatever_the_policies);
        tcase_add_test(c, one_that_looked_before_a_newer_came_looks_again);
        tcase_add_test(c, one_that_found_nothing_replaces_nothing);
        tcase_add_test(c, two_that_found_it_missing_load_it_once);
        tcase_add_test(c, one_that_differs_comes_last_if_it_comes_last);
        tcase_add_test(c, an_exec_that_comes_late_undoes_nothing);
        tcase_add_test(c, a_second_look_that_is_refused_is_no_look);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
