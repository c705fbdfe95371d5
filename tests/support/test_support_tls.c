/* The certificates, real servers with TLS, and the proxy in front of them. */
#include "test_support_tls.h"

#include "clock.h"
#include "server.h"
#include "truth.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAKING_MS = 200 };

static const char *ca_file(void)
{
    return ts_cert_file(tls_certs, TS_CERT_AUTHORITY);
}

static ts_server_tls tls_of(ts_cert cert, ts_tls_clients clients)
{
    return (ts_server_tls){ts_cert_file(tls_certs, cert), ts_cert_key_file(tls_certs, cert),
                           ca_file(), clients, NULL};
}

static ts_server *start(ts_server_kind kind, const ts_server_tls *tls)
{
    ts_server *server =
        ts_server_start(&(ts_server_options){.kind = kind, .transport = TS_TCP, .tls = tls});
    ck_assert_ptr_nonnull(server);
    return server;
}

START_TEST(certificates_are_made_in_no_time)
{
    clock_t before = clock(); /* of this process: others may keep the machine busy */
    ts_certs *certs = ts_certs_make();
    ck_assert_int_lt((clock() - before) * 1000 / CLOCKS_PER_SEC, MAKING_MS);
    char file[TS_CERT_PATH_MAX];
    snprintf(file, sizeof file, "%s", ts_cert_file(certs, TS_CERT_CLIENT));
    ck_assert_int_eq(access(file, R_OK), 0);
    ts_certs_free(certs);
    ck_assert_int_ne(access(file, R_OK), 0);
}
END_TEST

static EVP_PKEY *read_key(const char *file, const char *password)
{
    char word[32];
    snprintf(word, sizeof word, "%s", password);
    FILE *f = fopen(file, "re");
    ck_assert_ptr_nonnull(f);
    EVP_PKEY *key = PEM_read_PrivateKey(f, NULL, NULL, word);
    fclose(f);
    return key;
}

static X509 *read_cert(const char *file)
{
    FILE *f = fopen(file, "re");
    ck_assert_ptr_nonnull(f);
    X509 *cert = PEM_read_X509(f, NULL, NULL, NULL);
    fclose(f);
    return cert;
}

START_TEST(the_encrypted_key_needs_its_password)
{
    const char *file = ts_cert_encrypted_key_file(tls_certs);
    EVP_PKEY *key = read_key(file, TS_CERT_PASSWORD);
    X509 *cert = read_cert(ts_cert_file(tls_certs, TS_CERT_CLIENT));
    ck_assert_ptr_null(read_key(file, "wrong"));
    ck_assert(key && cert && X509_check_private_key(cert, key) == 1);
    EVP_PKEY_free(key);
    X509_free(cert);
}
END_TEST

/* What a client says of each certificate that a server may show. */
static const struct verdict {
    ts_cert cert;
    const char *name;
    long says;
} verdicts[] = {
    {TS_CERT_SERVER, "localhost", X509_V_OK},
    {TS_CERT_SERVER, "127.0.0.1", X509_V_OK},
    {TS_CERT_SERVER, "::1", X509_V_OK},
    {TS_CERT_SERVER, TS_CERT_NAME, X509_V_ERR_HOSTNAME_MISMATCH},
    {TS_CERT_SERVER, "127.0.0.2", X509_V_ERR_IP_ADDRESS_MISMATCH},
    {TS_CERT_SERVER_CHAINED, "localhost", X509_V_OK},
    {TS_CERT_SERVER_NAMED, TS_CERT_NAME, X509_V_OK},
    {TS_CERT_SERVER_NAMED, "localhost", X509_V_ERR_HOSTNAME_MISMATCH},
    {TS_CERT_SERVER_EXPIRED, "localhost", X509_V_ERR_CERT_HAS_EXPIRED},
    {TS_CERT_SERVER_FUTURE, "localhost", X509_V_ERR_CERT_NOT_YET_VALID},
    {TS_CERT_SERVER_FOREIGN, "localhost", X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
    {TS_CERT_SERVER_SELF, "localhost", X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT},
    {TS_CERT_CLIENT, "localhost", X509_V_ERR_INVALID_PURPOSE},
};

START_TEST(each_certificate_is_what_it_says)
{
    const struct verdict *v = &verdicts[_i];
    ts_server_tls tls = tls_of(v->cert, TS_CLIENTS_ANONYMOUS);
    ts_server *server = start(TS_REDIS, &tls);
    ts_address address = ts_server_address(server);
    tls_wish wish = {.ca_file = ca_file(), .name = v->name};
    tls_client c;
    bool connected = tls_connect(&c, &address, &wish);
    ck_assert_int_eq(c.verified, v->says);
    ck_assert_int_eq(connected, v->says == X509_V_OK);
    tls_close(&c);
    ts_server_free(server);
}
END_TEST

START_TEST(a_server_answers_over_tls)
{
    char url[TS_URL_MAX];
    ts_server_tls tls = tls_of(TS_CERT_SERVER, TS_CLIENTS_ANONYMOUS);
    ts_server *server = start((ts_server_kind)_i, &tls);
    ck_assert(strncmp(ts_server_url(server, url, sizeof url), "rediss://127.0.0.1:", 19) == 0);
    for (int round = 0; round < 2; round++) {
        ts_address address = ts_server_address(server);
        tls_wish wish = {.ca_file = ca_file(), .name = "127.0.0.1"};
        tls_client c;
        ck_assert(tls_connect(&c, &address, &wish));
        ck_assert_int_eq(SSL_version(c.ssl), TLS1_3_VERSION);
        tls_ping(&c, 3);
        tls_read_pongs(&c, 3);
        tls_close(&c);
        ck_assert_int_eq(ts_int(server, "DBSIZE", NULL), 0); /* the truth's way stays */
        ck_assert(ts_server_restart(server));
    }
    ts_server_free(server);
}
END_TEST

START_TEST(a_server_keeps_to_its_protocols)
{
    static const char *const protocols[] = {"TLSv1.2", "TLSv1.3"};
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    ts_server_tls tls = tls_of(TS_CERT_SERVER, TS_CLIENTS_ANONYMOUS);
    tls.protocols = protocols[_i / 2];
    ts_server *server = start((ts_server_kind)(_i % 2), &tls);
    ts_address address = ts_server_address(server);
    tls_wish right = {.lowest = versions[_i / 2], .highest = versions[_i / 2]};
    tls_wish wrong = {.lowest = versions[1 - _i / 2], .highest = versions[1 - _i / 2]};
    tls_client c;
    ck_assert(tls_connect(&c, &address, &right));
    tls_close(&c);
    ck_assert(!tls_connect(&c, &address, &wrong));
    tls_close(&c);
    ts_server_free(server);
}
END_TEST

/* In TLS 1.3 the client learns that it was refused when it reads. */
static bool gets_in(const ts_address *address, ts_cert cert, bool shows)
{
    tls_wish wish = {.ca_file = ca_file()};
    tls_client c;
    char byte;
    if (shows) {
        wish.cert_file = ts_cert_file(tls_certs, cert);
        wish.key_file = ts_cert_key_file(tls_certs, cert);
    }
    bool in = tls_connect(&c, address, &wish);
    if (in)
        in = SSL_write(c.ssl, "*1\r\n$4\r\nPING\r\n", PING_SIZE) > 0 &&
             SSL_read(c.ssl, &byte, 1) == 1;
    tls_close(&c);
    return in;
}

START_TEST(a_server_asks_for_certificates)
{
    ts_tls_clients clients = (ts_tls_clients)(_i / 2);
    ts_server_tls tls = tls_of(TS_CERT_SERVER, clients);
    ts_server *server = start((ts_server_kind)(_i % 2), &tls);
    ts_address address = ts_server_address(server);
    bool asks = clients != TS_CLIENTS_ANONYMOUS;
    ck_assert(gets_in(&address, TS_CERT_CLIENT, true));
    ck_assert(gets_in(&address, TS_CERT_CLIENT_CHAINED, true));
    ck_assert_int_eq(gets_in(&address, TS_CERT_CLIENT_FOREIGN, true), !asks);
    ck_assert_int_eq(gets_in(&address, TS_CERT_CLIENT, false), clients != TS_CLIENTS_VERIFIED);
    ts_server_free(server);
}
END_TEST

/* All that a client's kernel took is on record, also what came after its end was shown. */
START_TEST(a_proxy_records_what_it_throws_away)
{
    pair p;
    size_t length = 0;
    pair_start(&p, TS_TCP);
    ts_proxy_free(p.proxy);
    p.proxy = ts_proxy_start(&(ts_proxy_options){
        .transport = TS_TCP, .upstream = p.upstream, .tls = true, .record = true});
    char url[TS_URL_MAX];
    ck_assert(strncmp(ts_proxy_url(p.proxy, url, sizeof url), "rediss://127.0.0.1:", 19) == 0);
    ts_plan plan = ts_plan_cut(TS_TO_SERVER, 3);
    pair_connect(&p, 0, &plan);
    write_all(p.client, "abcde", 5);
    ck_assert_int_eq(read_exactly_to_end(p.server, "abc", 3), 0);
    ck_assert_int_eq(read_exactly_to_end(p.client, "", 0), 0);
    write_all(p.client, "fgh", 3);
    shutdown(p.client, SHUT_WR);
    close(p.server);
    p.server = -1;
    ck_assert(ts_proxy_wait_gone(p.proxy, 0, soon()));
    char *recorded = ts_proxy_recorded(p.proxy, 0, TS_TO_SERVER, &length);
    ck_assert_uint_eq(length, 8);
    ck_assert_str_eq(recorded, "abcdefgh");
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).from_client, 8);
    free(recorded);
    pair_stop(&p);
}
END_TEST

Suite *tls_suite(void)
{
    Suite *suite = suite_create("tls");
    TCase *tls = tcase_create("servers and certificates");
    tcase_add_unchecked_fixture(tls, tls_make_certs, tls_free_certs);
    tcase_set_timeout(tls, 120);
    tcase_add_test(tls, certificates_are_made_in_no_time);
    tcase_add_test(tls, the_encrypted_key_needs_its_password);
    tcase_add_loop_test(tls, each_certificate_is_what_it_says, 0,
                        (int)(sizeof verdicts / sizeof *verdicts));
    tcase_add_loop_test(tls, a_server_answers_over_tls, 0, 2);
    tcase_add_loop_test(tls, a_server_keeps_to_its_protocols, 0, 4);
    tcase_add_loop_test(tls, a_server_asks_for_certificates, 0, 6);
    tcase_add_test(tls, a_proxy_records_what_it_throws_away);
    suite_add_tcase(suite, tls);
    return suite;
}
