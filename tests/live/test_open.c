/* Connections that are hard to get: users with few rights, a server that is full, away or silent at
 * first; and what the server knows of a connection that was made. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ts_server_kind kind_of(int i)
{
    return i % 2 ? TS_VALKEY : TS_REDIS;
}

/* ---- rights --------------------------------------------------------------------------------- */

/* What the user may not do, beside what every test needs. */
static const char *const denied[] = {"-multi",
                                     "-discard",
                                     "-multi -discard",
                                     "-client",
                                     "-multi -client",
                                     "-hello",
                                     "-hello -discard",
                                     "-select",
                                     "-hello -client",
                                     "-@dangerous",
                                     "-info -config -command -hello -client -multi -discard"};

#define DENIED ((int)(sizeof denied / sizeof *denied))

/* Whatever is denied that a connection can do without, the batch is run, once, and no transaction
 * of the handshake's is left open around it. */
static void run_as(ts_server *server, uint32_t protocol, const char *rule)
{
    char base[TS_URL_MAX], url[TS_URL_MAX + 64];
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    vouch_results *results = NULL;
    vouch_error e;
    int64_t n = 0;
    (void)snprintf(url, sizeof url, "unix://ann:secret@%s",
                   ts_server_url(server, base, sizeof base) + strlen("unix://"));
    o.protocol = protocol;
    o.name = "tester";
    ck_assert_msg(!vouch_client_open(url, &o, &client, &e), "RESP%u %s: %s", protocol, rule,
                  e.message);
    vouch_batch *b = vouch_batch_new();
    vouch_batch_add(b, "INCR", "n");
    vouch_batch_add(b, "INCR", "n");
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "RESP%u %s: %s", protocol,
                  rule, e.message);
    ck_assert(vouch_reply_int64(vouch_results_at(results, 1)->reply, &n));
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(ts_int(server, "GETDEL", "n", NULL), 2);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
}

START_TEST(a_user_with_few_rights_can_still_run_commands)
{
    ts_server_options so = {.kind = kind_of(_i)};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    for (int i = 0; i < DENIED; i++) {
        char user[128];
        (void)snprintf(user, sizeof user, "ACL SETUSER ann reset on >secret ~* +@all %s",
                       denied[i]);
        const char *words[16];
        size_t count = 0;
        char *rest = NULL;
        for (char *word = strtok_r(user, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
            words[count++] = word;
        for (uint32_t protocol = 2; protocol <= 3; protocol++) {
            ts_reply *reply = ts_command_words(server, count, words, NULL);
            ck_assert_int_eq(reply->type, TS_REPLY_STATUS);
            ts_reply_free(reply);
            run_as(server, protocol, denied[i]);
        }
    }
    ts_server_free(server);
}
END_TEST

/* The server's list of clients names the connection, its user, database and protocol. */
START_TEST(the_server_knows_who_is_there)
{
    static const char *const users[] = {"ann on >s:e@t/% ~* +@all", NULL};
    ts_server_options so = {.kind = kind_of(_i), .users = users};
    ts_server *server = ts_server_start(&so);
    char base[TS_URL_MAX], url[TS_URL_MAX + 64];
    vouch_client *client = NULL;
    vouch_error e;
    ck_assert_ptr_nonnull(server);
    for (uint32_t protocol = 2; protocol <= 3; protocol++) {
        char want[64];
        (void)snprintf(url, sizeof url, "unix://ann:s:e@t%%2f%%25@%s?name=me&db=2&protocol=%u",
                       ts_server_url(server, base, sizeof base) + strlen("unix://"), protocol);
        ck_assert_msg(!vouch_client_open(url, NULL, &client, &e), "%s", e.message);
        char *list = ts_text(server, "CLIENT", "LIST", "TYPE", "normal", NULL);
        ck_assert_ptr_nonnull(strstr(list, " name=me "));
        ck_assert_ptr_nonnull(strstr(list, " db=2 "));
        ck_assert_ptr_nonnull(strstr(list, " user=ann "));
        ck_assert_ptr_nonnull(strstr(list, " multi=-1 "));
        (void)snprintf(want, sizeof want, " resp=%u", protocol);
        char *me = strstr(list, " name=me ");
        ck_assert_msg(strstr(me, want), "%s", list);
        free(list);
        vouch_client_close(client);
    }
    ts_server_free(server);
}
END_TEST

/* ---- a server that is not there at first ---------------------------------------------------- */

/* Runs a batch on a client that was not connected; all of it must be executed, once. */
static void run_all(struct rig *rig, const vouch_client_options *o, int connections)
{
    vouch_client *client = rig_open(rig, o);
    struct rig_tally tally = {0};
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch *b = rig_counters(10);
    ck_assert_msg(!vouch_pipeline_run(client, b, NULL, &results, &e), "%s", e.message);
    rig_compare(rig, results, &tally, "late server", connections);
    for (size_t i = 0; i < 10; i++)
        ck_assert_uint_eq(vouch_results_at(results, i)->attempts, 1);
    ck_assert_int_eq(rig_next_connection(rig), connections);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
}

START_TEST(a_server_that_turns_clients_away_is_tried_again)
{
    struct rig rig =
        _i < 2 ? rig_start(kind_of(_i), TS_NO_PERSISTENCE) : rig_start_tcp(kind_of(_i));
    vouch_client_options o = rig_options(3, 0);
    ts_plan refuse = ts_plan_none(), mute = ts_plan_none();
    refuse.refuse = true;
    mute.mute = true;
    for (int i = 0; i < 7; i++)
        ts_proxy_plan(rig.proxy, i, i == 3 ? &mute : &refuse);
    o.connect_ms = 50;
    o.outages = 7;
    run_all(&rig, &o, 8);
    rig_stop(&rig);
}
END_TEST

START_TEST(outages_have_a_budget)
{
    struct rig rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = rig_options(3, 0);
    vouch_results *results = NULL;
    vouch_error e;
    ts_plan refuse = ts_plan_none();
    refuse.refuse = true;
    ts_proxy_plan(rig.proxy, TS_EVERY, &refuse);
    o.outages = 3;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = rig_counters(10);
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_ENOTSENT);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(e.retriable, 1);
    ck_assert_uint_eq(vouch_results_totals(results).not_applied, 10);
    ck_assert_int_eq(rig_next_connection(&rig), 4);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* A full server says so, or just closes. A place becomes free while the call tries. */
START_TEST(a_full_server_is_tried_again)
{
    struct rig rig = rig_start(kind_of(_i), TS_NO_PERSISTENCE);
    vouch_client_options o = rig_options(3, 0);
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    ts_address address = ts_server_truth_address(rig.server);
    ts_do(rig.server, "CONFIG", "SET", "maxclients", "2", NULL);
    ts_reply_free(rig_ask(&rig, 1, (const char *const[]){"PING"})); /* the truth is one of them */
    ts_conn *other = ts_conn_open(&address, ts_deadline(RIG_PATIENCE_MS));
    ts_reply_free(ts_conn_command(other, "PING", NULL));
    o.outages = 1000000;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = rig_counters(10);
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (rig_next_connection(&rig) < 5) {
        ck_assert(!vouch_op_done(op) && !ts_passed(limit));
        rig_turn(client, 2);
    }
    ts_conn_close(other);
    rig_drive(client, op);
    ck_assert_msg(!vouch_pipeline_finish(op, &results, &e), "%s", e.message);
    struct rig_tally tally = {0};
    rig_compare(&rig, results, &tally, "full", 0);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

/* Nobody listens; then somebody does. */
START_TEST(a_server_that_comes_back_is_found)
{
    struct rig rig =
        _i < 2 ? rig_start(kind_of(_i), TS_NO_PERSISTENCE) : rig_start_tcp(kind_of(_i));
    vouch_client_options o = rig_options(2, 0);
    struct rig_tally tally = {0};
    vouch_results *results = NULL;
    vouch_op *op = NULL;
    vouch_error e;
    o.outages = 1000000;
    vouch_client *client = rig_open(&rig, &o);
    vouch_batch *b = rig_counters(10);
    ck_assert(ts_proxy_listen(rig.proxy, false));
    ck_assert_int_eq(vouch_pipeline_start(client, b, NULL, &op, &e), VOUCH_OK);
    for (int i = 0; i < 20; i++)
        rig_turn(client, 2);
    ck_assert(!vouch_op_done(op));
    ck_assert(ts_proxy_listen(rig.proxy, true));
    rig_drive(client, op);
    ck_assert_msg(!vouch_pipeline_finish(op, &results, &e), "%s", e.message);
    rig_compare(&rig, results, &tally, "away", 0);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("open");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_user_with_few_rights_can_still_run_commands, 0, 2);
    tcase_add_loop_test(c, the_server_knows_who_is_there, 0, 2);
    tcase_add_loop_test(c, a_server_that_turns_clients_away_is_tried_again, 0, 4);
    tcase_add_loop_test(c, outages_have_a_budget, 0, 2);
    tcase_add_loop_test(c, a_full_server_is_tried_again, 0, 2);
    tcase_add_loop_test(c, a_server_that_comes_back_is_found, 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
