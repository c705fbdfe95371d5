/* A client over TLS, blocking, with a limit on every wait. */
#include "test_support_tls.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

ts_certs *tls_certs;

void tls_make_certs(void)
{
    tls_certs = ts_certs_make();
    (void)signal(SIGPIPE, SIG_IGN); /* OpenSSL writes with write() */
}

void tls_free_certs(void)
{
    ts_certs_free(tls_certs);
}

static int on_ticket(SSL *ssl, SSL_SESSION *session)
{
    tls_wish *wish = SSL_get_app_data(ssl);
    wish->tickets++;
    if (!wish->keep_session)
        return 0;
    SSL_SESSION_free(wish->session);
    wish->session = session;
    return 1; /* it is kept */
}

static SSL_CTX *make_context(const tls_wish *wish)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    ck_assert_ptr_nonnull(context);
    if (wish->highest && wish->highest < TLS1_2_VERSION)
        SSL_CTX_set_security_level(context, 0);
    ck_assert_int_eq(SSL_CTX_set_min_proto_version(context, wish->lowest), 1);
    ck_assert_int_eq(SSL_CTX_set_max_proto_version(context, wish->highest), 1);
    if (wish->ca_file) {
        ck_assert_int_eq(SSL_CTX_load_verify_locations(context, wish->ca_file, NULL), 1);
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    }
    if (wish->cert_file) {
        ck_assert_int_eq(SSL_CTX_use_certificate_chain_file(context, wish->cert_file), 1);
        ck_assert_int_eq(SSL_CTX_use_PrivateKey_file(context, wish->key_file, SSL_FILETYPE_PEM), 1);
    }
    if (wish->no_renegotiation)
        SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_ticket);
    return context;
}

static void want_name(SSL *ssl, const char *name)
{
    if (!name || X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1)
        return;
    ck_assert_int_eq(SSL_set1_host(ssl, name), 1);
    ck_assert_int_eq(SSL_set_tlsext_host_name(ssl, name), 1);
}

void tls_open(tls_client *c, const ts_address *address, tls_wish *wish)
{
    struct timeval limit = {.tv_sec = SOON_MS / 1000};
    *c = (tls_client){.context = make_context(wish), .fd = ts_connect(address, soon())};
    ck_assert_int_ge(c->fd, 0);
    ck_assert_int_eq(fcntl(c->fd, F_SETFL, 0), 0); /* blocking */
    ck_assert_int_eq(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    ck_assert_int_eq(setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    c->ssl = SSL_new(c->context);
    ck_assert_ptr_nonnull(c->ssl);
    ck_assert_int_eq(SSL_set_fd(c->ssl, c->fd), 1);
    SSL_set_app_data(c->ssl, wish);
    want_name(c->ssl, wish->name);
    if (wish->session)
        ck_assert_int_eq(SSL_set_session(c->ssl, wish->session), 1);
    ERR_clear_error();
}

bool tls_connect(tls_client *c, const ts_address *address, tls_wish *wish)
{
    tls_open(c, address, wish);
    bool connected = SSL_connect(c->ssl) == 1;
    c->verified = SSL_get_verify_result(c->ssl);
    return connected;
}

void tls_close(tls_client *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->context);
    close(c->fd);
}

int tls_reason(void)
{
    return ERR_GET_REASON(ERR_peek_error());
}

void tls_ping(tls_client *c, int count)
{
    static const char ping[] = "*1\r\n$4\r\nPING\r\n";
    size_t size = (size_t)count * PING_SIZE;
    char *bytes = malloc(size);
    for (int i = 0; i < count; i++)
        memcpy(bytes + (size_t)i * PING_SIZE, ping, PING_SIZE);
    ck_assert_int_eq(SSL_write(c->ssl, bytes, (int)size), (int)size);
    free(bytes);
}

void tls_read_pongs(tls_client *c, int count)
{
    static const char pong[] = "+PONG\r\n";
    char came[PONG_SIZE];
    for (int i = 0; i < count; i++) {
        for (int at = 0; at < PONG_SIZE;) {
            int got = SSL_read(c->ssl, came + at, PONG_SIZE - at);
            ck_assert_int_gt(got, 0);
            at += got;
        }
        ck_assert_mem_eq(came, pong, PONG_SIZE);
    }
}
