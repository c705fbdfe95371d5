/* Credentials that a hook gives: asked for at every handshake, renewed between commands before they
 * expire, asked for again when the server forgot the login. */
#include "buffer.h"
#include "rig.h"
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

/* What the hook does: the next of a list of logins, or none. */
struct giver {
    const char *const
        *logins; /* user, password, …; a NULL user: false is answered; the last stays */
    size_t count, at;
    int64_t valid_ms;
    unsigned asked;
    vouch_client **client; /* called from inside the hook, to be refused */
    vouch_status inside;
};

static bool give(vouch_credentials *out, void *user)
{
    struct giver *g = user;
    size_t i = g->at + 1 < g->count ? g->at++ : g->at;
    const char *name = g->logins[2 * i];
    g->asked++;
    if (g->client && *g->client) {
        vouch_batch *b = vouch_batch_new();
        vouch_results *results = NULL;
        vouch_batch_add(b, "PING");
        g->inside = vouch_pipeline_run(*g->client, b, NULL, &results, NULL);
        vouch_results_free(results);
        vouch_batch_free(b);
    }
    return name && vouch_credentials_set(out, *name ? name : NULL, g->logins[2 * i + 1],
                                         g->valid_ms) == VOUCH_OK;
}

/* Counts what it is told of renewals. */
struct told {
    unsigned renewed, not_renewed;
    char words[VOUCH_MESSAGE_MAX];
};

static void hear(const vouch_event *event, void *user)
{
    struct told *t = user;
    t->renewed += event->kind == VOUCH_EVENT_RENEWED;
    if (event->kind == VOUCH_EVENT_NOT_RENEWED) {
        t->not_renewed++;
        ck_assert_int_eq(event->cause, VOUCH_CAUSE_AUTH);
        ck_assert_int_gt(event->wait_ms, 0);
        (void)snprintf(t->words, sizeof t->words, "%s", event->message);
        ck_assert_ptr_null(strstr(t->words, "wrong-password"));
    }
}

static vouch_client_options options_of(struct giver *g)
{
    vouch_client_options o = rig_options(3, 0);
    o.credentials = give;
    o.credentials_user = g;
    o.lazy = 0;
    return o;
}

static const char *const users[] = {"ann on >one ~* +@all", "bob on >two ~* +@all", NULL};

static ts_server *start(ts_server_kind kind)
{
    ts_server_options so = {.kind = kind, .users = users, .password = "secret"};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    return server;
}

static vouch_client *open_at(const char *url, const vouch_client_options *o)
{
    vouch_client *client = NULL;
    vouch_error e;
    ck_assert_msg(!vouch_client_open(url, o, &client, &e), "%s", e.message);
    return client;
}

/* The user that the server takes the client's connection for; freed with free(). */
static char *who(vouch_client *client)
{
    vouch_batch *b = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch_add(b, "ACL", "WHOAMI");
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
    vouch_string s = vouch_reply_string(vouch_results_at(results, 0)->reply);
    char *name = calloc(1, s.size + 1);
    ck_assert_ptr_nonnull(name);
    memcpy(name, s.data, s.size);
    vouch_results_free(results);
    vouch_batch_free(b);
    return name;
}

static void expect_user(vouch_client *client, const char *name)
{
    char *is = who(client);
    ck_assert_str_eq(is, name);
    free(is);
}

/* ---- at the handshake ----------------------------------------------------------------------- */

START_TEST(a_connection_logs_in_with_what_the_hook_gives)
{
    static const char *const ann[] = {"ann", "one"}, *const nobody[] = {"", "secret"};
    char url[TS_URL_MAX];
    ts_server *server = start(kind_of(_i));
    for (uint32_t protocol = 2; protocol <= 3; protocol++)
        for (int i = 0; i < 2; i++) {
            struct giver g = {i ? nobody : ann, 1, 0, VOUCH_NO_DEADLINE, 0, NULL, VOUCH_OK};
            vouch_client_options o = options_of(&g);
            o.protocol = protocol;
            vouch_client *client = open_at(ts_server_url(server, url, sizeof url), &o);
            expect_user(client, i ? "default" : "ann");
            ck_assert_uint_eq(g.asked, 1);
            vouch_client_close(client);
        }
    ts_server_free(server);
}
END_TEST

/* A password that was just replaced, or none for the moment: the next one is asked for. */
START_TEST(a_refused_login_is_tried_again_with_the_next)
{
    static const char *const logins[] = {"ann", "old", NULL, NULL, "ann", "one"};
    char url[TS_URL_MAX];
    vouch_client *client = NULL;
    vouch_error e;
    ts_server *server = start(kind_of(_i));
    struct giver g = {logins, 1, 0, VOUCH_NO_DEADLINE, 0, NULL, VOUCH_OK};
    vouch_client_options o = options_of(&g);
    o.lazy = 1;
    client = open_at(ts_server_url(server, url, sizeof url), &o);
    g.count = 3;
    expect_user(client, "ann");
    ck_assert_uint_eq(g.asked, 3);
    vouch_client_close(client);
    /* Opening makes one attempt, and says why it failed. */
    o.lazy = 0;
    g = (struct giver){logins, 1, 0, VOUCH_NO_DEADLINE, 0, NULL, VOUCH_OK};
    ck_assert_int_eq(vouch_client_open(url, &o, &client, &e), VOUCH_ECONNECT);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_AUTH);
    ck_assert_str_eq(e.code, "WRONGPASS");
    g.logins = logins + 2;
    ck_assert_int_eq(vouch_client_open(url, &o, &client, &e), VOUCH_ECONNECT);
    ck_assert_int_eq(e.cause, VOUCH_CAUSE_AUTH);
    ck_assert_ptr_nonnull(strstr(e.message, "hook"));
    ck_assert_ptr_null(client);
    ts_server_free(server);
}
END_TEST

/* ---- before they expire --------------------------------------------------------------------- */

/* Turns until the hook was asked so often. */
static void turn_until(vouch_client *client, const struct giver *g, unsigned asked)
{
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (g->asked < asked) {
        ck_assert(!ts_passed(limit));
        rig_turn(client, 1000);
    }
}

START_TEST(the_login_of_an_open_connection_is_renewed)
{
    static const char *const logins[] = {"ann", "one", "bob", "two", "ann", "one"};
    char url[TS_URL_MAX];
    ts_server *server = start(kind_of(_i));
    vouch_client *client = NULL;
    struct giver g = {logins, 3, 0, 200, 0, &client, VOUCH_OK};
    vouch_client_options o = options_of(&g);
    client = open_at(ts_server_url(server, url, sizeof url), &o);
    expect_user(client, "ann");
    int64_t id = rig_connection_id(client);
    /* Nothing but the time makes it due. */
    turn_until(client, &g, 2);
    ck_assert_int_eq(g.inside, VOUCH_EBUSY);
    g.valid_ms = VOUCH_NO_DEADLINE;
    /* The call right behind waits for it. */
    expect_user(client, "bob");
    turn_until(client, &g, 3);
    expect_user(client, "ann");
    ck_assert_int_eq(rig_connection_id(client), id);
    ck_assert_uint_eq(g.asked, 3);
    vouch_client_close(client);
    ts_server_free(server);
}
END_TEST

/* The login in force stays, and the hook is asked again. */
START_TEST(a_refused_renewal_leaves_the_login_in_force)
{
    static const char *const logins[] = {"ann", "one", "bob", "wrong-password",
                                         NULL,  NULL,  "bob", "two"};
    char url[TS_URL_MAX];
    ts_server *server = start(kind_of(_i));
    struct giver g = {logins, 4, 0, 200, 0, NULL, VOUCH_OK};
    struct told told = {0, 0, ""};
    vouch_client_options o = options_of(&g);
    o.on_event = hear;
    o.event_user = &told;
    vouch_client *client = open_at(ts_server_url(server, url, sizeof url), &o);
    int64_t id = rig_connection_id(client);
    turn_until(client, &g, 2);
    if (g.asked == 2)
        expect_user(client, "ann");
    turn_until(client, &g, 4);
    g.valid_ms = VOUCH_NO_DEADLINE;
    expect_user(client, "bob");
    ck_assert_int_eq(rig_connection_id(client), id);
    ck_assert_uint_eq(told.not_renewed, 2);
    ck_assert_uint_ge(told.renewed, 1);
    ck_assert_msg(strstr(told.words, "hook"), "%s", told.words);
    vouch_client_close(client);
    ts_server_free(server);
}
END_TEST

/* ---- what a scripted server sees ------------------------------------------------------------ */

struct play {
    int auths, refuse; /* so many INCRs are answered NOAUTH */
    int incrs, behind; /* executed; received between a NOAUTH and the next AUTH */
    int mute_after;    /* of this AUTH on nothing is answered on its connection; 0: never */
    int muted;
    bool lost; /* the login is */
};

static bool reply(ts_responder_state *state, const ts_request *request, ts_buffer *out)
{
    struct play *p = state->user;
    if (p->mute_after && state->connection == p->muted - 1)
        return true;
    if (ts_request_is(request, 0, "AUTH")) {
        p->lost = false;
        if (++p->auths == p->mute_after) {
            p->muted = state->connection + 1;
            return true;
        }
    }
    if (!ts_request_is(request, 0, "INCR"))
        return false;
    if (p->lost)
        p->behind++;
    if (p->refuse > 0) {
        static const char noauth[] = "-NOAUTH Authentication required.\r\n";
        p->refuse--;
        p->lost = true;
        ts_buffer_add(out, noauth, sizeof noauth - 1);
        return true;
    }
    p->incrs++;
    ts_buffer_add(out, ":1\r\n", 4);
    return true;
}

static vouch_status run_incrs(vouch_client *client, size_t n, vouch_results **results)
{
    vouch_batch *b = rig_counters(n);
    vouch_status status = vouch_pipeline_run(client, b, NULL, results, NULL);
    vouch_batch_free(b);
    return status;
}

static const char *const one_login[] = {"ann", "one"};

/* All of a batch refused, or its end: it logs in again, and each command runs once, in order. */
START_TEST(a_login_that_is_gone_is_made_again)
{
    for (int refuse = 1; refuse <= 5; refuse += 4) {
        struct play play = {.refuse = refuse};
        ts_script_options so = {.respond = true, .responder = reply, .user = &play};
        ts_script *script = ts_script_start(&so);
        struct giver g = {one_login, 1, 0, VOUCH_NO_DEADLINE, 0, NULL, VOUCH_OK};
        char url[TS_URL_MAX];
        vouch_results *results = NULL;
        vouch_client_options o = options_of(&g);
        o.window_commands = (uint32_t)refuse; /* so that none is accepted behind a refused one */
        vouch_client *client = open_at(ts_script_url(script, url, sizeof url), &o);
        ck_assert_int_eq(run_incrs(client, 5, &results), VOUCH_OK);
        for (size_t i = 0; i < 5; i++)
            ck_assert_uint_eq(vouch_results_at(results, i)->attempts, (int)i < refuse ? 2 : 1);
        ck_assert_int_eq(play.incrs, 5);
        ck_assert_int_eq(play.auths, 1); /* the first login was HELLO's */
        ck_assert_uint_eq(g.asked, 2);
        ck_assert_int_eq(ts_script_connections(script), 1);
        vouch_results_free(results);
        vouch_client_close(client);
        ts_script_free(script);
    }
}
END_TEST

/* Nobody to ask, or refused again and again: it stays refused, and was not applied. */
START_TEST(without_a_better_login_it_stays_refused)
{
    for (int hook = 0; hook < 2; hook++) {
        struct play play = {.refuse = 1000};
        ts_script_options so = {.respond = true, .responder = reply, .user = &play};
        ts_script *script = ts_script_start(&so);
        struct giver g = {one_login, 1, 0, VOUCH_NO_DEADLINE, 0, NULL, VOUCH_OK};
        char url[TS_URL_MAX];
        vouch_results *results = NULL;
        vouch_client_options o = options_of(&g);
        o.outages = 3;
        if (!hook)
            o.credentials = NULL;
        vouch_client *client = open_at(ts_script_url(script, url, sizeof url), &o);
        ck_assert_int_eq(run_incrs(client, 1, &results), VOUCH_EPARTIAL);
        const vouch_result *r = vouch_results_at(results, 0);
        ck_assert_int_eq(r->status, VOUCH_ESERVER);
        ck_assert_int_eq(r->effect, VOUCH_NOT_APPLIED);
        ck_assert_uint_eq(r->attempts, hook ? 4 : 1);
        ck_assert_int_eq(play.incrs, 0);
        vouch_results_free(results);
        vouch_client_close(client);
        ts_script_free(script);
    }
}
END_TEST

/* A server that hangs at the AUTH: the connection is given up in connect_ms, and what waited behind
 * was never sent on it. */
START_TEST(a_renewal_that_is_not_answered_ends_the_connection)
{
    struct play play = {.mute_after = 1};
    ts_script_options so = {.respond = true, .responder = reply, .user = &play};
    ts_script *script = ts_script_start(&so);
    struct giver g = {one_login, 1, 0, 60, 0, NULL, VOUCH_OK};
    char url[TS_URL_MAX];
    vouch_results *results = NULL;
    vouch_client_options o = options_of(&g);
    o.connect_ms = 300;
    vouch_client *client = open_at(ts_script_url(script, url, sizeof url), &o);
    turn_until(client, &g, 2);
    g.valid_ms = VOUCH_NO_DEADLINE;
    ck_assert_int_eq(run_incrs(client, 5, &results), VOUCH_OK);
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(vouch_results_at(results, i)->attempts, 1);
    ck_assert_int_eq(play.incrs, 5);
    ck_assert_int_eq(ts_script_connections(script), 2);
    vouch_results_free(results);
    vouch_client_close(client);
    ts_script_free(script);
}
END_TEST

/* ---- limits --------------------------------------------------------------------------------- */

struct attempt {
    const char *user, *password;
    int64_t valid_ms;
    vouch_status status;
};

static bool set_only(vouch_credentials *out, void *user)
{
    struct attempt *a = user;
    a->status = vouch_credentials_set(out, a->user, a->password, a->valid_ms);
    return false;
}

START_TEST(credentials_have_limits)
{
    char *fits = calloc(1, VOUCH_SECRET_MAX + 2), *over = calloc(1, VOUCH_SECRET_MAX + 2);
    ck_assert(fits && over);
    memset(fits, 'x', VOUCH_SECRET_MAX);
    memset(over, 'x', VOUCH_SECRET_MAX + 1);
    struct attempt cases[] = {
        {NULL, "p", 1, VOUCH_OK},        {"u", "", VOUCH_NO_DEADLINE, VOUCH_OK},
        {fits, fits, 1, VOUCH_OK},       {over, "p", 1, VOUCH_EINVAL},
        {"u", over, 1, VOUCH_EINVAL},    {"u", NULL, 1, VOUCH_EINVAL},
        {"u", "p", 0, VOUCH_EINVAL},     {"u", "p", -2, VOUCH_EINVAL},
        {"u", "p", INT64_MAX, VOUCH_OK},
    };
    ck_assert_int_eq(vouch_credentials_set(NULL, "u", "p", 1), VOUCH_EINVAL);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ts_script_options so = {.respond = true};
        ts_script *script = ts_script_start(&so);
        char url[TS_URL_MAX];
        vouch_client *client = NULL;
        vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
        struct attempt a = cases[i];
        o.credentials = set_only;
        o.credentials_user = &a;
        ck_assert_int_eq(
            vouch_client_open(ts_script_url(script, url, sizeof url), &o, &client, NULL),
            VOUCH_ECONNECT);
        ck_assert_int_eq(a.status, cases[i].status);
        ts_script_free(script);
    }
    free(fits);
    free(over);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("login");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_connection_logs_in_with_what_the_hook_gives, 0, 2);
    tcase_add_loop_test(c, a_refused_login_is_tried_again_with_the_next, 0, 2);
    tcase_add_loop_test(c, the_login_of_an_open_connection_is_renewed, 0, 2);
    tcase_add_loop_test(c, a_refused_renewal_leaves_the_login_in_force, 0, 2);
    tcase_add_test(c, a_login_that_is_gone_is_made_again);
    tcase_add_test(c, without_a_better_login_it_stays_refused);
    tcase_add_test(c, a_renewal_that_is_not_answered_ends_the_connection);
    tcase_add_test(c, credentials_have_limits);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
