/* What TLS connections of a client share, how a server is verified, and the words for what goes wrong.
 * Reads files, and only when a client is opened.
 *
 * No session is resumed and no early data sent: early data could be replayed by others, and the
 * account of handed-over bytes would have to cover two sessions. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <vouch/client.h>

struct tls_context {
    SSL_CTX *ssl;
    uint32_t verify;
    char *name;
};

/* ---- files ---------------------------------------------------------------------------------- */

/* The oldest error of this thread names the cause; later ones what it led to. */
static bool wrong(char why[static TLS_WHY_MAX], const char *option, const char *file)
{
    unsigned long e = ERR_peek_error();
    const char *reason = ERR_reason_error_string(e);
    char text[TLS_WHY_MAX], words[TRANSPORT_WHY_MAX] = "";
    if (ERR_GET_LIB(e) == ERR_LIB_SYS && strerror_r(ERR_GET_REASON(e), words, sizeof words) == 0)
        reason = words;
    int n = snprintf(text, sizeof text, "%s '%s': %s", option, file,
                     reason ? reason : "cannot be read as PEM");
    error_escape(why, TLS_WHY_MAX, text, n < 0 ? 0 : strnlen(text, sizeof text));
    ERR_clear_error();
    return false;
}

/* OpenSSL would ask at the terminal for the password of a key. */
static int no_password(char *out, int room, int writing, void *user)
{
    (void)writing;
    (void)user;
    if (room > 0)
        *out = 0;
    return -1;
}

static bool read_authorities(SSL_CTX *x, const struct tls_settings *s, char *why)
{
    if (s->ca_file)
        return SSL_CTX_load_verify_locations(x, s->ca_file, NULL) == 1 ||
               wrong(why, "tls_ca_file", s->ca_file);
    return SSL_CTX_set_default_verify_paths(x) == 1 ||
           wrong(why, "tls_ca_file", "the system's authorities");
}

static bool read_own(SSL_CTX *x, const struct tls_settings *s, char *why)
{
    const char *key = s->key_file ? s->key_file : s->cert_file;
    if (!s->cert_file)
        return true;
    if (SSL_CTX_use_certificate_chain_file(x, s->cert_file) != 1)
        return wrong(why, "tls_cert_file", s->cert_file);
    SSL_CTX_set_default_passwd_cb(x, no_password);
    if (SSL_CTX_use_PrivateKey_file(x, key, SSL_FILETYPE_PEM) != 1)
        return wrong(why, "tls_key_file (an unencrypted key)", key);
    return SSL_CTX_check_private_key(x) == 1 ||
           wrong(why, "tls_key_file is not the key of tls_cert_file:", key);
}

static bool prepare(SSL_CTX *x, const struct tls_settings *s, char *why)
{
    int version = s->min == 13 ? TLS1_3_VERSION : TLS1_2_VERSION;
    (void)SSL_CTX_set_min_proto_version(x, version);
    (void)SSL_CTX_set_options(x, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    (void)SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_verify(x, s->verify == VOUCH_TLS_VERIFY_NONE ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                       NULL);
    /* Without verification the system's authorities are of no use, and may be missing. */
    bool needs = s->verify != VOUCH_TLS_VERIFY_NONE || s->ca_file;
    return (!needs || read_authorities(x, s, why)) && read_own(x, s, why);
}

struct tls_context *tls_context_new(const struct tls_settings *s, char why[static TLS_WHY_MAX])
{
    struct tls_context *c = alloc_zeroed(1, sizeof *c);
    memcpy(why, TLS_NO_MEMORY, sizeof TLS_NO_MEMORY);
    ERR_clear_error();
    if (!c)
        return NULL;
    c->verify = s->verify;
    c->ssl = SSL_CTX_new(TLS_client_method());
    c->name = s->name ? alloc_copy(s->name, strlen(s->name)) : NULL;
    if (c->ssl && (c->name || !s->name) && prepare(c->ssl, s, why))
        return c;
    ERR_clear_error();
    tls_context_free(c);
    return NULL;
}

void tls_context_free(struct tls_context *c)
{
    if (!c)
        return;
    SSL_CTX_free(c->ssl);
    alloc_free(c->name);
    alloc_free(c);
}

/* ---- a session ------------------------------------------------------------------------------ */

static bool is_address(const char *host)
{
    unsigned char bytes[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1;
}

/* A certificate names addresses apart from names, and SNI takes names only (RFC 6066, 3). */
static bool set_name(SSL *ssl, const char *name, bool verify)
{
    X509_VERIFY_PARAM *p = SSL_get0_param(ssl);
    if (is_address(name))
        return !verify || X509_VERIFY_PARAM_set1_ip_asc(p, name) == 1;
    X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set_tlsext_host_name(ssl, name) == 1 && (!verify || SSL_set1_host(ssl, name) == 1);
}

struct ssl_st *tls_session_new(const struct tls_context *c, const char *host)
{
    SSL *ssl = SSL_new(c->ssl);
    if (ssl && set_name(ssl, c->name ? c->name : host, c->verify <= VOUCH_TLS_VERIFY_FULL)) {
        SSL_set_connect_state(ssl);
        return ssl;
    }
    SSL_free(ssl);
    ERR_clear_error();
    return NULL;
}

/* ---- words ---------------------------------------------------------------------------------- */

static const char *verdict_advice(long verdict)
{
    switch (verdict) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "; name the authority that signed it with tls_ca_file";
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "; connect by a name that it is for, or say it with tls_name";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return "; renew it, or set this machine's clock";
    default:
        return "";
    }
}

/* What the peer meant, or what it is, by OpenSSL's reason. */
static const char *reason_advice(unsigned long e)
{
    if (ERR_GET_LIB(e) != ERR_LIB_SSL)
        return NULL;
    switch (ERR_GET_REASON(e)) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_RECORD_TOO_SMALL:
        return "; the server does not speak TLS here: is this its TLS port?";
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        return "; the server speaks no TLS version that is allowed here";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return "; the server wants a client's certificate: set tls_cert_file and tls_key_file";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        return "; no cipher in common, or the server wants a client's certificate (tls_cert_file)";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return "; the server does not accept the certificate in tls_cert_file";
    default:
        return NULL;
    }
}

void tls_explain(struct transport *t, const struct ssl_st *ssl)
{
    unsigned long e = ERR_peek_error();
    long verdict = SSL_get_verify_result(ssl);
    char text[TRANSPORT_WHY_MAX * 2];
    int n;
    t->cause = VOUCH_CAUSE_TLS;
    if (ERR_GET_REASON(e) == SSL_R_CERTIFICATE_VERIFY_FAILED && verdict != X509_V_OK) {
        n = snprintf(text, sizeof text, "the server's certificate is not accepted: %s%s",
                     X509_verify_cert_error_string(verdict), verdict_advice(verdict));
        t->permanent = true;
    } else {
        const char *advice = reason_advice(e), *reason = ERR_reason_error_string(e);
        n = snprintf(text, sizeof text, "TLS: %s%s", reason ? reason : "the session broke",
                     advice ? advice : "");
        t->permanent = advice != NULL;
    }
    error_escape(t->why, sizeof t->why, text, n < 0 ? 0 : strnlen(text, sizeof text));
    ERR_clear_error();
}
