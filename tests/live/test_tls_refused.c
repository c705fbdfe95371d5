/* Servers with TLS that are not believed, or do not believe the client, or have no TLS at all: what a
 * caller is told, in time, by open and by a call; nothing is sent. */
#include "certs.h"
#include "rig.h"
#include "script.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_MS RIG_PATIENCE_MS
#define OUTAGES    2

static ts_certs *certs;

/* What the server has and wants, what the client has and asks for, and what it is told. */
struct row {
    const char *name;
    ts_cert server;
    ts_tls_clients clients;
    const char *protocols;
    uint32_t min;
    ts_cert own; /* the client's certificate; TS_CERT_AUTHORITY: none */
    const char *words;
};

static const struct row rows[] = {
    {.name = "unknown authority", .server = TS_CERT_SERVER_FOREIGN, .words = "tls_ca_file"},
    {.name = "signed by itself", .server = TS_CERT_SERVER_SELF, .words = "tls_ca_file"},
    {.name = "expired", .server = TS_CERT_SERVER_EXPIRED, .words = "renew it"},
    {.name = "not valid yet", .server = TS_CERT_SERVER_FUTURE, .words = "clock"},
    {.name = "wrong name", .server = TS_CERT_SERVER_NAMED, .words = "tls_name"},
    {.name = "too old a version",
     .server = TS_CERT_SERVER,
     .protocols = "TLSv1.2",
     .min = 13,
     .words = "TLS version"},
    {.name = "no certificate",
     .server = TS_CERT_SERVER,
     .clients = TS_CLIENTS_VERIFIED,
     .words = "tls_cert_file"},
    {.name = "a foreign certificate",
     .server = TS_CERT_SERVER,
     .clients = TS_CLIENTS_VERIFIED,
     .own = TS_CERT_CLIENT_FOREIGN,
     .words = "tls_cert_file"},
};

#define ROWS ((int)(sizeof rows / sizeof *rows))

static vouch_client_options options(const struct row *row)
{
    vouch_client_options o = rig_options(3, 0);
    o.connect_ms = CONNECT_MS;
    o.outages = OUTAGES;
    o.tls_ca_file = ts_cert_file(certs, TS_CERT_AUTHORITY);
    o.tls_min = row->min;
    if (row->own) {
        o.tls_cert_file = ts_cert_file(certs, row->own);
        o.tls_key_file = ts_cert_key_file(certs, row->own);
    }
    return o;
}

/* Opens, then runs on a client that was not opened: the same words, and nothing of it sent. */
static void refused(const char *name, const char *url, const vouch_client_options *options,
                    vouch_cause cause, const char *words)
{
    vouch_client_options o = *options;
    vouch_client *client = (vouch_client *)1;
    vouch_results *results = NULL;
    vouch_error e;
    vouch_batch *b = rig_counters(3);
    for (o.lazy = 0; o.lazy < 2; o.lazy++) {
        int64_t begun = ts_now_ms();
        vouch_status status = vouch_client_open(url, &o, &client, &e);
        ck_assert((client == NULL) == (o.lazy == 0));
        if (o.lazy)
            status = vouch_pipeline_run(client, b, NULL, &results, &e);
        ck_assert_msg(status == (o.lazy ? VOUCH_ENOTSENT : VOUCH_ECONNECT), "%s: %s", name,
                      vouch_status_name(status));
        ck_assert_int_lt(ts_now_ms() - begun, CONNECT_MS); /* not for want of time */
        ck_assert_msg(e.cause == cause, "%s: cause %d, %s", name, (int)e.cause, e.message);
        ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
        ck_assert_msg(strstr(e.message, words), "%s: %s", name, e.message);
        ck_assert_msg(strstr(e.message, url + strlen("rediss://")), "%s: %s", name, e.message);
    }
    rig_expect(results, 0, VOUCH_APPLIED, VOUCH_NOT_APPLIED, cause);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
}

START_TEST(who_is_not_believed_gets_nothing)
{
    const struct row *row = &rows[_i % ROWS];
    ts_server_tls tls = {.cert_file = ts_cert_file(certs, row->server),
                         .key_file = ts_cert_key_file(certs, row->server),
                         .ca_file = ts_cert_file(certs, TS_CERT_AUTHORITY),
                         .clients = row->clients,
                         .protocols = row->protocols};
    ts_server_options so = {
        .kind = _i < ROWS ? TS_REDIS : TS_VALKEY, .transport = TS_TCP, .tls = &tls};
    ts_server *server = ts_server_start(&so);
    vouch_client_options o = options(row);
    char url[TS_URL_MAX];
    ck_assert_ptr_nonnull(server);
    (void)snprintf(url, sizeof url, "rediss://127.0.0.1:%d", ts_server_address(server).port);
    refused(row->name, url, &o, VOUCH_CAUSE_TLS, row->words);
    ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), 0);
    ts_server_free(server);
}
END_TEST

/* rediss:// to a Redis without TLS: it waits for the end of a line, and rarely finds one. */
START_TEST(a_server_without_tls_is_given_up)
{
    ts_server_options so = {.kind = _i ? TS_VALKEY : TS_REDIS, .transport = TS_TCP};
    ts_server *server = ts_server_start(&so);
    vouch_client_options o = options(&rows[0]);
    vouch_client *client = NULL;
    vouch_error e;
    char url[TS_URL_MAX];
    ck_assert_ptr_nonnull(server);
    o.lazy = 0;
    o.connect_ms = 200;
    (void)snprintf(url, sizeof url, "rediss://127.0.0.1:%d", ts_server_address(server).port);
    ck_assert_int_eq(vouch_client_open(url, &o, &client, &e), VOUCH_ECONNECT);
    ck_assert_msg(e.cause == VOUCH_CAUSE_DEADLINE || e.cause == VOUCH_CAUSE_TLS, "%s", e.message);
    ck_assert_msg(strstr(e.message, "TLS"), "%s", e.message); /* is this a TLS port? */
    ts_server_free(server);
}
END_TEST

/* rediss:// to others without TLS. */
START_TEST(who_has_no_tls_is_named)
{
    static const ts_step http[] = {TS_SEND("HTTP/1.1 400 Bad Request\r\n\r\n"), TS_END};
    static const ts_step closes[] = {TS_CLOSE, TS_END};
    const ts_step *steps = _i ? closes : http;
    const ts_step *const scripts[] = {steps, steps, steps, steps};
    ts_script_options so = {.transport = TS_TCP, .scripts = scripts, .count = 4};
    ts_script *script = ts_script_start(&so);
    vouch_client_options o = options(&rows[0]);
    char url[TS_URL_MAX];
    (void)snprintf(url, sizeof url, "rediss://127.0.0.1:%d", ts_script_address(script).port);
    refused(_i ? "closes" : "HTTP", url, &o, VOUCH_CAUSE_TLS,
            _i ? "while TLS was being set up" : "does not speak TLS");
    ts_script_free(script);
}
END_TEST

/* redis:// to a server with TLS. */
START_TEST(who_wants_tls_says_so)
{
    ts_server_tls tls = {.cert_file = ts_cert_file(certs, TS_CERT_SERVER),
                         .key_file = ts_cert_key_file(certs, TS_CERT_SERVER),
                         .ca_file = ts_cert_file(certs, TS_CERT_AUTHORITY)};
    ts_server_options so = {.kind = _i ? TS_VALKEY : TS_REDIS, .transport = TS_TCP, .tls = &tls};
    ts_server *server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    for (uint32_t protocol = 2; protocol <= 3; protocol++) {
        char url[TS_URL_MAX];
        vouch_client_options o = rig_options(protocol, 0);
        vouch_client *client = NULL;
        vouch_error e;
        o.lazy = 0;
        (void)snprintf(url, sizeof url, "redis://127.0.0.1:%d", ts_server_address(server).port);
        ck_assert_int_eq(vouch_client_open(url, &o, &client, &e), VOUCH_ECONNECT);
        ck_assert_msg(strstr(e.message, "TLS"), "%s", e.message); /* an alert, or just closed */
    }
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls_refused");
    TCase *c = tcase_create("all");
    certs = ts_certs_make();
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, who_is_not_believed_gets_nothing, 0, 2 * ROWS);
    tcase_add_loop_test(c, a_server_without_tls_is_given_up, 0, 2);
    tcase_add_loop_test(c, who_has_no_tls_is_named, 0, 2);
    tcase_add_loop_test(c, who_wants_tls_says_so, 0, 2);
    suite_add_tcase(suite, c);
    int failed = rig_main(suite);
    ts_certs_free(certs);
    return failed;
}
