/* What listens there is no Redis and no Valkey, or a server that ends the connection before it can be
 * used: what the caller is told, in time, and whether it is tried again. */
#include "account.h"
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECRET      "hunter2"
#define CONNECT_MS  RIG_PATIENCE_MS
#define OUTAGES     2
#define CONNECTIONS 8 /* more than any of the tests makes */

/* ---- strangers ------------------------------------------------------------------------------ */

struct stranger {
    const char *name;
    vouch_cause cause;
    const char *words;
    bool known;    /* by its first bytes: it is not asked again */
    bool by_hello; /* told by its answer to HELLO, which RESP2 does without */
    ts_step steps[4];
};

static const struct stranger strangers[] = {
    {"HTTP",
     VOUCH_CAUSE_PROTOCOL,
     "an HTTP server, no Redis or Valkey: it begins with \"HTTP/1.1 400",
     true,
     false,
     {TS_EXPECT_COMMAND(NULL), TS_SEND("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
      TS_CLOSE, TS_END}},
    {"SSH",
     VOUCH_CAUSE_PROTOCOL,
     "an SSH server, no Redis or Valkey: it begins with \"SSH-2.0",
     true,
     false,
     {TS_SEND("SSH-2.0-OpenSSH_9.2p1\r\n"), TS_EXPECT_COMMAND(NULL), TS_END}},
    {"SMTP",
     VOUCH_CAUSE_PROTOCOL,
     "an SMTP or FTP server",
     true,
     false,
     {TS_SEND("220 mail.example.org ESMTP\r\n"), TS_EXPECT_COMMAND(NULL), TS_END}},
    {"IMAP",
     VOUCH_CAUSE_PROTOCOL,
     "an IMAP server",
     true,
     false,
     {TS_SEND("* OK [CAPABILITY IMAP4rev1] ready\r\n"), TS_EXPECT_COMMAND(NULL), TS_END}},
    {"memcached",
     VOUCH_CAUSE_PROTOCOL,
     "a memcached server",
     true,
     false,
     {TS_EXPECT_COMMAND(NULL), TS_SEND("ERROR\r\n"), TS_END}},
    {"AMQP",
     VOUCH_CAUSE_PROTOCOL,
     "an AMQP server",
     true,
     false,
     {TS_EXPECT_COMMAND(NULL), TS_SEND("AMQP\0\0\x09\x01"), TS_CLOSE, TS_END}},
    {"MySQL",
     VOUCH_CAUSE_PROTOCOL,
     "a MySQL server",
     true,
     false,
     {TS_SEND("J\0\0\0\x0a"
              "8.0.36\0"),
      TS_EXPECT_COMMAND(NULL), TS_END}},
    {"TLS",
     VOUCH_CAUSE_PROTOCOL,
     "the server wants TLS: use rediss://",
     true,
     false,
     {TS_EXPECT_COMMAND(NULL), TS_SEND("\x15\x03\x01\0\x02\x02\x46"), TS_CLOSE, TS_END}},
    {"random bytes",
     VOUCH_CAUSE_PROTOCOL,
     "no Redis or Valkey server (a reply of no known type): it begins with \"\\x00\\x01",
     false,
     false,
     {TS_SEND("\0\x01\xfe\x7f\x99"), TS_EXPECT_COMMAND(NULL), TS_END}},
    {"POP3, which says +OK",
     VOUCH_CAUSE_PROTOCOL,
     "no Redis or Valkey server answers the handshake like this",
     false,
     true,
     {TS_EXPECT_COMMAND("HELLO"), TS_SEND("+OK ready\r\n-ERR unknown\r\n"), TS_END}},
    {"closes at once",
     VOUCH_CAUSE_CONNECT,
     "before the handshake's end",
     false,
     false,
     {TS_CLOSE, TS_END}},
    {"resets at once", /* before or after it is connected, as it happens */
     VOUCH_CAUSE_CONNECT,
     "onnect",
     false,
     false,
     {TS_RESET, TS_END}},
    {"closes when asked",
     VOUCH_CAUSE_CONNECT,
     "the server closed the connection before the handshake's end",
     false,
     false,
     {TS_EXPECT_COMMAND(NULL), TS_CLOSE, TS_END}},
    {"turns away in its own words", /* before HELLO reaches it, or in answer to that */
     VOUCH_CAUSE_HANDSHAKE,
     ": ERR not today",
     true,
     true,
     {TS_SEND("-ERR not today\r\n"), TS_CLOSE, TS_END}},
    {"full, says so at once",
     VOUCH_CAUSE_CONNECT,
     "the server has no room for another client: ERR max number of clients reached",
     false,
     false,
     {TS_SEND("-ERR max number of clients reached\r\n"), TS_CLOSE, TS_END}},
    {"protected, says so at once",
     VOUCH_CAUSE_HANDSHAKE,
     "the server is in protected mode: give it a password, or connect from its machine: DENIED",
     true,
     false,
     {TS_SEND("-DENIED Redis is running in protected mode because protected mode is enabled and no "
              "password is set for the default user. In this mode connections are only accepted "
              "from the loopback interface. If you want to connect from external computers to "
              "Redis you may adopt one of the following solutions: 1) Just disable protected mode "
              "sending the command 'CONFIG SET protected-mode no' from the loopback interface\r\n"),
      TS_CLOSE, TS_END}},
    {"LOADING, in the handshake",
     VOUCH_CAUSE_CONNECT,
     "the server is not ready: LOADING",
     false,
     false,
     {TS_EXPECT_COMMAND(NULL), TS_SEND("-LOADING Redis is loading the dataset in memory\r\n"),
      TS_END}},
};

#define STRANGERS ((int)(sizeof strangers / sizeof *strangers))

struct place {
    ts_script *script;
    char url[TS_URL_MAX], where[TS_URL_MAX];
    const ts_step *scripts[CONNECTIONS];
};

/* Plays the steps on every connection. */
static void begin(struct place *p, const ts_step *steps)
{
    for (size_t i = 0; i < CONNECTIONS; i++)
        p->scripts[i] = steps;
    ts_script_options so = {.transport = TS_TCP, .scripts = p->scripts, .count = CONNECTIONS};
    p->script = ts_script_start(&so);
    int port = ts_script_address(p->script).port;
    (void)snprintf(p->where, sizeof p->where, "127.0.0.1:%d: ", port);
    (void)snprintf(p->url, sizeof p->url, "redis://:" SECRET "@127.0.0.1:%d", port);
}

static void check_error(const char *what, const struct place *p, const vouch_error *e,
                        vouch_cause cause, const char *words)
{
    ck_assert_msg(e->cause == cause, "%s: cause %d, %s", what, (int)e->cause, e->message);
    ck_assert_msg(strstr(e->message, words), "%s: %s", what, e->message);
    ck_assert_msg(strstr(e->message, p->where), "%s: not said where: %s", what, e->message);
    ck_assert_msg(!strstr(e->message, SECRET), "%s: %s", what, e->message);
    ck_assert_int_eq(e->effect, VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(e->retriable, 1);
}

/* The call did not use up its time: it ended for the reason that it tells. */
static void check_early(const char *what, int64_t begun)
{
    ck_assert_msg(ts_now_ms() - begun < CONNECT_MS, "%s: %lld ms", what,
                  (long long)(ts_now_ms() - begun));
}

static vouch_client_options options(uint32_t protocol)
{
    vouch_client_options o = rig_options(protocol, 0);
    o.connect_ms = CONNECT_MS;
    o.outages = OUTAGES;
    return o;
}

START_TEST(opening_what_is_no_redis_says_what_it_is)
{
    const struct stranger *s = &strangers[_i];
    struct place p;
    begin(&p, s->steps);
    for (uint32_t protocol = 3; protocol >= 2; protocol--) {
        vouch_client *client = (vouch_client *)1;
        vouch_client_options o = options(protocol);
        vouch_error e;
        if (protocol == 2 && s->by_hello)
            break;
        o.lazy = 0;
        int64_t begun = ts_now_ms();
        ck_assert_int_eq(vouch_client_open(p.url, &o, &client, &e), VOUCH_ECONNECT);
        check_early(s->name, begun);
        ck_assert_ptr_null(client);
        check_error(s->name, &p, &e, s->cause, s->words);
        ck_assert_int_eq(ts_script_connections(p.script), protocol == 3 ? 1 : 2);
    }
    ts_script_free(p.script);
}
END_TEST

/* A call on a client that has not connected yet: nothing of it was sent. */
START_TEST(running_on_what_is_no_redis_sends_nothing)
{
    const struct stranger *s = &strangers[_i];
    struct place p;
    begin(&p, s->steps);
    vouch_client *client = NULL;
    vouch_client_options o = options(3);
    vouch_results *results = NULL;
    vouch_error e;
    ck_assert_int_eq(vouch_client_open(p.url, &o, &client, &e), VOUCH_OK);
    vouch_batch *b = rig_counters(3);
    int64_t begun = ts_now_ms();
    ck_assert_int_eq(vouch_pipeline_run(client, b, NULL, &results, &e), VOUCH_ENOTSENT);
    check_early(s->name, begun);
    check_error(s->name, &p, &e, s->cause, s->words);
    ck_assert_uint_eq(e.command, 0);
    rig_expect(results, 0, VOUCH_APPLIED, VOUCH_NOT_APPLIED, s->cause);
    ck_assert_int_eq(ts_script_connections(p.script), s->known ? 1 : 1 + OUTAGES);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
    ts_script_free(p.script);
}
END_TEST

/* Whatever bytes come, in whatever pieces: an error in time, and no command sent. */
START_TEST(random_bytes_open_nothing)
{
    unsigned long long state = 0x9e3779b97f4a7c15ULL + (unsigned long long)_i;
    char bytes[64];
    for (int round = 0; round < 60; round++) {
        for (size_t i = 0; i < sizeof bytes; i++) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            bytes[i] = (char)(state >> 56);
        }
        if (round % 2) /* begin like a reply */
            bytes[0] = "+-:$*%~#,(_=!|>"[(unsigned char)bytes[0] % 15];
        const ts_step steps[] = {TS_EXPECT_COMMAND(NULL),
                                 {TS_STEP_SEND, bytes, sizeof bytes, _i % 2 ? 1 : 0},
                                 TS_CLOSE,
                                 TS_END};
        struct place p;
        vouch_client_options o = options(3);
        vouch_client *client = NULL;
        vouch_error e;
        begin(&p, steps);
        o.lazy = 0;
        ck_assert_int_eq(vouch_client_open(p.url, &o, &client, &e), VOUCH_ECONNECT);
        ck_assert_ptr_null(client);
        ck_assert_msg(strstr(e.message, p.where), "%s", e.message);
        ts_script_free(p.script);
    }
}
END_TEST

/* ---- the connection ends inside the handshake ----------------------------------------------- */

static void open_over(struct rig *rig, const ts_plan *plan, const char *what, int64_t at)
{
    char url[TS_URL_MAX];
    vouch_client_options o = options(3);
    vouch_client *client = (vouch_client *)1;
    vouch_error e;
    o.lazy = 0;
    o.connect_ms = RIG_PATIENCE_MS;
    ts_proxy_plan(rig->proxy, rig_next_connection(rig), plan);
    vouch_status status =
        vouch_client_open(ts_proxy_url(rig->proxy, url, sizeof url), &o, &client, &e);
    ck_assert_msg(status == VOUCH_ECONNECT, "%s %lld: %s", what, (long long)at,
                  vouch_status_name(status));
    ck_assert_ptr_null(client);
    ck_assert_msg(e.cause == VOUCH_CAUSE_CONNECT, "%s %lld: %s", what, (long long)at, e.message);
    ck_assert_msg(strstr(e.message, url + strlen("redis://")), "%s", e.message);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
}

START_TEST(a_connection_that_ends_inside_the_handshake_is_no_connection)
{
    static const ts_ending endings[] = {TS_END_EOF, TS_END_CLOSE, TS_END_RESET};
    struct work w = account_incr(1);
    vouch_client_options o = rig_options(3, 0);
    struct rig rig = rig_start_tcp(_i % 2 ? TS_VALKEY : TS_REDIS);
    account_measure(&rig, &w, &o);
    for (int64_t at = 0; at < w.hello_in; at++) {
        ts_plan plan = ts_plan_cut(TS_TO_CLIENT, at);
        plan.ending = endings[(at + _i) % 3];
        open_over(&rig, &plan, "after a byte of the replies", at);
    }
    for (int64_t at = 0; at < w.hello_out; at++) {
        ts_plan plan = ts_plan_cut(TS_TO_SERVER, at);
        plan.ending = endings[(at + _i) % 3];
        open_over(&rig, &plan, "after a byte of the commands", at);
    }
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("not_redis");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, opening_what_is_no_redis_says_what_it_is, 0, STRANGERS);
    tcase_add_loop_test(c, running_on_what_is_no_redis_sends_nothing, 0, STRANGERS);
    tcase_add_loop_test(c, random_bytes_open_nothing, 0, 4);
    tcase_add_loop_test(c, a_connection_that_ends_inside_the_handshake_is_no_connection, 0, 6);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
