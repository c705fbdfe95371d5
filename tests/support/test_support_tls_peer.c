/* The TLS server of our own: each part it can play, against a client of OpenSSL. */
#include "test_support_tls.h"

#include "clock.h"
#include "server.h"
#include "tls_peer.h"

#include <openssl/err.h>
#include <string.h>
#include <sys/socket.h>

/* A peer in front of a real server, a recording proxy in front of the peer. */
typedef struct stage {
    ts_server *server;
    ts_tls_peer *peer;
    ts_proxy *proxy;
    ts_address address; /* where the client connects */
    tls_wish wish;
    tls_client client;
} stage;

static ts_tls_peer_options peer_options(const ts_server *server)
{
    return (ts_tls_peer_options){
        .transport = TS_TCP,
        .upstream = ts_server_address(server),
        .tls = {ts_cert_file(tls_certs, TS_CERT_SERVER),
                ts_cert_key_file(tls_certs, TS_CERT_SERVER),
                ts_cert_file(tls_certs, TS_CERT_AUTHORITY), TS_CLIENTS_OPTIONAL, NULL},
    };
}

static void stage_start(stage *s, int lowest, int highest, int tickets)
{
    *s = (stage){.server = ts_server_start(NULL)};
    ck_assert_ptr_nonnull(s->server);
    ts_tls_peer_options options = peer_options(s->server);
    options.lowest = lowest;
    options.highest = highest;
    options.tickets = tickets;
    s->peer = ts_tls_peer_start(&options);
    s->proxy = ts_proxy_start(&(ts_proxy_options){
        .transport = TS_TCP, .upstream = ts_tls_peer_address(s->peer), .tls = true});
    s->address = ts_proxy_address(s->proxy);
    s->wish =
        (tls_wish){.ca_file = ts_cert_file(tls_certs, TS_CERT_AUTHORITY), .name = "localhost"};
}

static void stage_stop(stage *s)
{
    SSL_SESSION_free(s->wish.session);
    ts_proxy_free(s->proxy);
    ts_tls_peer_free(s->peer);
    ts_server_free(s->server);
}

static bool stage_connect(stage *s)
{
    return tls_connect(&s->client, &s->address, &s->wish);
}

START_TEST(it_forwards_and_counts_plaintext)
{
    stage s;
    stage_start(&s, 12 + _i, 12 + _i, 0);
    s.wish.cert_file = ts_cert_file(tls_certs, TS_CERT_CLIENT);
    s.wish.key_file = ts_cert_key_file(tls_certs, TS_CERT_CLIENT);
    ck_assert(stage_connect(&s));
    enum { MANY = 20000 }; /* more than records and queues hold */
    for (int i = 0; i < 4; i++)
        tls_ping(&s.client, MANY / 4);
    tls_read_pongs(&s.client, MANY);
    ts_tls_seen seen = ts_tls_peer_seen(s.peer, 0);
    ck_assert_int_eq(seen.version, 12 + _i);
    ck_assert_int_eq(seen.from_client, (int64_t)MANY * PING_SIZE);
    ck_assert_int_eq(seen.to_client, (int64_t)MANY * PONG_SIZE);
    ck_assert_str_eq(seen.server_name, "localhost");
    ck_assert_str_eq(seen.client_name, "client");
    ck_assert(!seen.closed && !seen.notified && !seen.resumed);
    SSL_shutdown(s.client.ssl);
    tls_close(&s.client);
    ck_assert(ts_tls_peer_wait_closed(s.peer, 0, soon()));
    ck_assert(ts_tls_peer_seen(s.peer, 0).notified);
    ck_assert_int_eq(ts_tls_peer_connections(s.peer), 1);
    ck_assert(ts_server_wait_clients(s.server, 0, soon()));
    stage_stop(&s);
}
END_TEST

START_TEST(it_speaks_only_the_versions_it_is_told)
{
    static const int openssl[] = {TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION};
    stage s;
    stage_start(&s, 11 + _i, 11 + _i, 0);
    for (int i = 0; i < 3; i++) {
        s.wish.lowest = s.wish.highest = openssl[i];
        ck_assert_int_eq(stage_connect(&s), i == _i);
        if (i == _i) {
            tls_ping(&s.client, 1);
            tls_read_pongs(&s.client, 1);
        }
        tls_close(&s.client);
    }
    stage_stop(&s);
}
END_TEST

START_TEST(a_failed_handshake_is_told)
{
    stage s;
    stage_start(&s, 0, 0, 0);
    s.wish.ca_file = ts_cert_file(tls_certs, TS_CERT_OTHER_AUTHORITY);
    ck_assert(!stage_connect(&s));
    tls_close(&s.client);
    ck_assert(ts_tls_peer_wait_closed(s.peer, 0, soon()));
    ts_tls_seen seen = ts_tls_peer_seen(s.peer, 0);
    ck_assert_str_eq(seen.failure, "tlsv1 alert unknown ca");
    ck_assert_int_eq(seen.version, 0);
    stage_stop(&s);
}
END_TEST

/* The bytes that the server sends in a handshake, with the client's plain EOF behind it. */
static int64_t flight(stage *s)
{
    int connection = ts_proxy_count(s->proxy, TS_EVERY).connections;
    ck_assert(stage_connect(s));
    tls_ping(&s->client, 1);
    tls_read_pongs(&s->client, 1);
    int64_t bytes = ts_proxy_count(s->proxy, connection).to_client;
    tls_close(&s->client);
    return bytes;
}

/* Every few bytes of its part of the handshake it closes, or says nothing more. */
START_TEST(it_acts_anywhere_in_a_handshake)
{
    enum { STEP = 29 };
    stage s;
    stage_start(&s, 12 + _i, 12 + _i, -1);
    int64_t all = flight(&s);
    int connection = 1;
    for (int64_t at = 0; at < all - 64; at += STEP, connection++) {
        ts_tls_plan plan = ts_tls_plan_act(at, at % 2 ? TS_TLS_CLOSE : TS_TLS_STALL);
        ts_tls_peer_plan(s.peer, connection, &plan);
        tls_open(&s.client, &s.address, &s.wish);
        SSL_set_connect_state(s.client.ssl);
        if (plan.act == TS_TLS_CLOSE) {
            char byte;
            ck_assert_int_le(SSL_read(s.client.ssl, &byte, 1), 0);
            ck_assert_int_eq(tls_reason(), SSL_R_UNEXPECTED_EOF_WHILE_READING);
        } else { /* a handshake without a client that could go on */
            struct timeval none = {.tv_usec = 1000};
            setsockopt(s.client.fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
            while (ts_proxy_count(s.proxy, connection).to_client < at)
                ck_assert_int_le(SSL_do_handshake(s.client.ssl), 0);
            ck_assert_int_le(SSL_do_handshake(s.client.ssl), 0);
        }
        ck_assert_int_eq(ts_proxy_count(s.proxy, connection).to_client, at);
        tls_close(&s.client);
        ck_assert(ts_proxy_wait_closed(s.proxy, connection, soon()));
    }
    stage_stop(&s);
}
END_TEST

/* What it says instead of TLS, and what OpenSSL makes of that. */
static const struct saying {
    const char *bytes;
    size_t length;
    int reason;
} sayings[] = {
    {"-ERR unknown command\r\n", 22, SSL_R_WRONG_VERSION_NUMBER},
    {"\x15\x03\x03\x00\x02\x02\x28", 7, SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE},
    {"\x16\x03", 2, SSL_R_UNEXPECTED_EOF_WHILE_READING},
};

START_TEST(it_says_something_else)
{
    stage s;
    stage_start(&s, 0, 0, 0);
    ts_tls_plan plan = ts_tls_plan_act(0, TS_TLS_CLOSE);
    plan.say = sayings[_i].bytes;
    plan.say_length = sayings[_i].length;
    ts_tls_peer_plan(s.peer, TS_EVERY, &plan);
    ck_assert(!stage_connect(&s));
    ck_assert_int_eq(tls_reason(), sayings[_i].reason);
    tls_close(&s.client);
    stage_stop(&s);
}
END_TEST

START_TEST(it_resets)
{
    stage s;
    stage_start(&s, 0, 0, 0);
    ts_tls_plan plan = ts_tls_plan_act(0, TS_TLS_RESET);
    ts_tls_peer_plan(s.peer, TS_EVERY, &plan);
    ck_assert(!stage_connect(&s));
    tls_close(&s.client);
    ck_assert(ts_tls_peer_wait_closed(s.peer, 0, soon()));
    stage_stop(&s);
}
END_TEST

/* One byte a record; and whoever has so much ciphertext has so much plaintext. */
START_TEST(it_sends_tiny_records)
{
    stage s;
    stage_start(&s, 12 + _i, 12 + _i, 0);
    ts_tls_plan plan = ts_tls_plan_none();
    plan.record = 1;
    ts_tls_peer_plan(s.peer, TS_EVERY, &plan);
    ck_assert(stage_connect(&s));
    tls_ping(&s.client, 2);
    for (size_t i = 0; i < 2 * (size_t)PONG_SIZE; i++) {
        char bytes[PONG_SIZE];
        ck_assert_int_eq(SSL_read(s.client.ssl, bytes, sizeof bytes), 1);
        ck_assert_int_eq(bytes[0], "+PONG\r\n"[i % PONG_SIZE]);
    }
    int64_t said = (int64_t)2 * PONG_SIZE;
    int64_t all = ts_proxy_count(s.proxy, 0).to_client, record = _i ? 5 + 1 + 17 : 5 + 1 + 24;
    ck_assert_int_eq(ts_tls_peer_readable(s.peer, 0, all), said);
    ck_assert_int_eq(ts_tls_peer_readable(s.peer, 0, all - 1), said - 1);
    ck_assert_int_eq(ts_tls_peer_readable(s.peer, 0, all - record), said - 1);
    ck_assert_int_eq(ts_tls_peer_readable(s.peer, 0, all - record - 1), said - 2);
    ck_assert_int_eq(ts_tls_peer_readable(s.peer, 0, 100), 0);
    tls_close(&s.client);
    stage_stop(&s);
}
END_TEST

START_TEST(it_asks_for_new_keys_in_mid_stream)
{
    stage s;
    stage_start(&s, 12 + _i, 12 + _i, 0);
    ts_tls_plan plan = ts_tls_plan_none();
    plan.update_after = PONG_SIZE + 3;
    ts_tls_peer_plan(s.peer, TS_EVERY, &plan);
    ck_assert(stage_connect(&s));
    for (int i = 0; i < 6; i++) {
        tls_ping(&s.client, 1);
        tls_read_pongs(&s.client, 1);
    }
    ts_tls_seen seen = ts_tls_peer_seen(s.peer, 0);
    ck_assert_int_eq(seen.updates, 1);
    ck_assert_int_eq(seen.to_client, (int64_t)6 * PONG_SIZE);
    ck_assert_str_eq(seen.failure, "");
    tls_close(&s.client);
    stage_stop(&s);
}
END_TEST

START_TEST(a_client_may_refuse_to_renegotiate)
{
    stage s;
    char byte;
    stage_start(&s, 12, 12, 0);
    s.wish.no_renegotiation = true;
    ts_tls_plan plan = ts_tls_plan_none();
    plan.update_after = PONG_SIZE;
    ts_tls_peer_plan(s.peer, TS_EVERY, &plan);
    ck_assert(stage_connect(&s));
    tls_ping(&s.client, 1);
    tls_read_pongs(&s.client, 1);
    ck_assert_int_le(SSL_read(s.client.ssl, &byte, 1), 0);
    ck_assert(ts_tls_peer_wait_closed(s.peer, 0, soon()));
    ck_assert_str_eq(ts_tls_peer_seen(s.peer, 0).failure, "no renegotiation");
    ck_assert_int_eq(ts_tls_peer_seen(s.peer, 0).updates, 0);
    tls_close(&s.client);
    stage_stop(&s);
}
END_TEST

/* After so many bytes of plaintext: with a word, or without. */
START_TEST(it_ends_politely_or_not)
{
    stage s;
    char byte;
    stage_start(&s, 12 + _i / 2, 12 + _i / 2, 0);
    ts_tls_plan plan = ts_tls_plan_none();
    plan.end_after = PONG_SIZE;
    plan.rude = _i % 2;
    ts_tls_peer_plan(s.peer, TS_EVERY, &plan);
    ck_assert(stage_connect(&s));
    tls_ping(&s.client, 2);
    tls_read_pongs(&s.client, 1);
    int got = SSL_read(s.client.ssl, &byte, 1);
    ck_assert_int_eq(SSL_get_error(s.client.ssl, got),
                     plan.rude ? SSL_ERROR_SSL : SSL_ERROR_ZERO_RETURN);
    if (plan.rude)
        ck_assert_int_eq(tls_reason(), SSL_R_UNEXPECTED_EOF_WHILE_READING);
    ck_assert_int_eq(ts_tls_peer_seen(s.peer, 0).to_client, PONG_SIZE);
    tls_close(&s.client);
    ck_assert(ts_server_wait_clients(s.server, 0, soon()));
    stage_stop(&s);
}
END_TEST

START_TEST(the_servers_end_is_passed_on)
{
    stage s;
    char byte;
    stage_start(&s, 0, 0, 0);
    ck_assert(stage_connect(&s));
    tls_ping(&s.client, 1);
    tls_read_pongs(&s.client, 1);
    ts_server_kill(s.server);
    int got = SSL_read(s.client.ssl, &byte, 1);
    ck_assert_int_eq(SSL_get_error(s.client.ssl, got), SSL_ERROR_ZERO_RETURN);
    tls_close(&s.client);
    stage_stop(&s);
}
END_TEST

START_TEST(it_gives_tickets_and_takes_them)
{
    static const int tickets[] = {-1, 0, 5};
    static const unsigned given[] = {0, 2, 5};
    stage s;
    stage_start(&s, 13, 13, tickets[_i]);
    s.wish.keep_session = true;
    for (int connection = 0; connection < 2; connection++) {
        s.wish.tickets = 0;
        ck_assert(stage_connect(&s));
        tls_ping(&s.client, 1);
        tls_read_pongs(&s.client, 1);
        ck_assert(connection > 0 || s.wish.tickets == given[_i]);
        ck_assert_int_eq(ts_tls_peer_seen(s.peer, connection).resumed, connection && given[_i]);
        SSL_shutdown(s.client.ssl); /* else its session is not taken again */
        tls_close(&s.client);
    }
    stage_stop(&s);
}
END_TEST

Suite *tls_peer_suite(void)
{
    Suite *suite = suite_create("tls peer");
    TCase *peer = tcase_create("tls peer");
    tcase_add_unchecked_fixture(peer, tls_make_certs, tls_free_certs);
    tcase_set_timeout(peer, 120);
    tcase_add_loop_test(peer, it_forwards_and_counts_plaintext, 0, 2);
    tcase_add_loop_test(peer, it_speaks_only_the_versions_it_is_told, 0, 3);
    tcase_add_test(peer, a_failed_handshake_is_told);
    tcase_add_loop_test(peer, it_acts_anywhere_in_a_handshake, 0, 2);
    tcase_add_loop_test(peer, it_says_something_else, 0, (int)(sizeof sayings / sizeof *sayings));
    tcase_add_test(peer, it_resets);
    tcase_add_loop_test(peer, it_sends_tiny_records, 0, 2);
    tcase_add_loop_test(peer, it_asks_for_new_keys_in_mid_stream, 0, 2);
    tcase_add_test(peer, a_client_may_refuse_to_renegotiate);
    tcase_add_loop_test(peer, it_ends_politely_or_not, 0, 4);
    tcase_add_test(peer, the_servers_end_is_passed_on);
    tcase_add_loop_test(peer, it_gives_tickets_and_takes_them, 0, 3);
    suite_add_tcase(suite, peer);
    return suite;
}
