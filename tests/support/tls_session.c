/* One connection of the TLS peer: OpenSSL between two buffers, so that every byte of ciphertext can be
 * counted, held back or replaced before it is sent.
 *
 *   client ── in ── SSL ── request ── upstream
 *   client ── sending ── out ── SSL ── answer ── upstream */
#include "tls_peer_parts.h"

#include "base.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 16 * 1024, QUEUE_MAX = 256 * 1024, RECORD_MAX = 16 * 1024 };

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static void close_socket(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* A key update is one message; a renegotiation begins with another ClientHello. */
static void on_message(int sent, int version, int type, const void *bytes, size_t length, SSL *ssl,
                       void *user)
{
    tls_session *s = user;
    (void)version;
    (void)ssl;
    if (sent || type != SSL3_RT_HANDSHAKE || length == 0)
        return;
    int message = *(const unsigned char *)bytes;
    if (s->seen.version && (message == SSL3_MT_KEY_UPDATE || message == SSL3_MT_CLIENT_HELLO))
        s->seen.updates++;
}

tls_session *tls_session_new(SSL_CTX *context, int client, const ts_tls_plan *plan,
                             const ts_address *upstream)
{
    tls_session *s = ts_alloc(sizeof *s);
    s->plan = *plan;
    s->upstream_address = upstream;
    s->client = client;
    s->upstream = -1;
    s->ssl = SSL_new(context);
    s->in = BIO_new(BIO_s_mem());
    s->out = BIO_new(BIO_s_mem());
    if (!s->ssl || !s->in || !s->out)
        ts_die("no memory for TLS");
    SSL_set_bio(s->ssl, s->in, s->out);
    SSL_set_accept_state(s->ssl);
    SSL_set_mode(s->ssl, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_set_msg_callback(s->ssl, on_message);
    SSL_set_msg_callback_arg(s->ssl, s);
    return s;
}

/* Both sockets are closed: what was seen remains. */
static void put_away(tls_session *s)
{
    SSL_free(s->ssl);
    s->ssl = NULL;
    ts_buffer_free(&s->sending);
    ts_buffer_free(&s->request);
    ts_buffer_free(&s->answer);
}

void tls_session_free(tls_session *s)
{
    close_socket(&s->client);
    close_socket(&s->upstream);
    put_away(s);
    ts_buffer_free(&s->marks);
    free(s);
}

/* ---- TLS ------------------------------------------------------------------------------------ */

static void collect_ciphertext(tls_session *s)
{
    char *bytes = NULL;
    long length = BIO_get_mem_data(s->out, &bytes);
    if (length <= 0)
        return;
    ts_buffer_add(&s->sending, bytes, (size_t)length);
    s->made += length;
    (void)BIO_reset(s->out);
}

/* OpenSSL says why when it is asked for the first error, not for the last. */
static void fail(tls_session *s)
{
    const char *why = ERR_reason_error_string(ERR_get_error());
    snprintf(s->seen.failure, sizeof s->seen.failure, "%s", why ? why : "TLS failed");
    ERR_clear_error();
    s->failed = s->client_ended = true;
}

/* False when it cannot go on now. */
static bool went_on(tls_session *s, int result)
{
    int error = result > 0 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, result);
    if (error == SSL_ERROR_ZERO_RETURN)
        s->seen.notified = s->client_ended = true;
    else if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ)
        fail(s);
    ERR_clear_error();
    collect_ciphertext(s);
    return error == SSL_ERROR_NONE;
}

static void take_names(tls_session *s)
{
    const char *asked = SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name);
    X509 *cert = SSL_get_peer_certificate(s->ssl);
    snprintf(s->seen.server_name, TS_TLS_TEXT_MAX, "%s", asked ? asked : "");
    if (cert)
        X509_NAME_get_text_by_NID(X509_get_subject_name(cert), NID_commonName, s->seen.client_name,
                                  TS_TLS_TEXT_MAX);
    X509_free(cert);
}

static void shake_hands(tls_session *s)
{
    if (s->seen.version || s->failed || !went_on(s, SSL_do_handshake(s->ssl)))
        return;
    s->seen.version = 10 + SSL_version(s->ssl) - TLS1_VERSION;
    s->seen.resumed = SSL_session_reused(s->ssl);
    take_names(s);
    s->upstream = ts_connect_start(s->upstream_address);
    s->upstream_ended = s->upstream < 0;
}

static void decrypt(tls_session *s)
{
    char bytes[READ_SIZE];
    while (s->seen.version && !s->client_ended && ts_buffer_length(&s->request) < QUEUE_MAX) {
        int got = SSL_read(s->ssl, bytes, sizeof bytes);
        if (!went_on(s, got))
            return;
        ts_buffer_add(&s->request, bytes, (size_t)got);
        s->seen.from_client += got;
    }
}

static void ask_for_new_keys(tls_session *s)
{
    s->plan.update_after = TS_NEVER;
    if (s->seen.version == 13)
        SSL_key_update(s->ssl, SSL_KEY_UPDATE_REQUESTED);
    else
        SSL_renegotiate(s->ssl);
    (void)went_on(s, SSL_do_handshake(s->ssl));
}

static void bound(size_t *length, int64_t position, int64_t at)
{
    if (position != TS_NEVER && position - at < (int64_t)*length)
        *length = position > at ? (size_t)(position - at) : 0;
}

static void encrypt(tls_session *s)
{
    size_t record = s->plan.record ? s->plan.record : RECORD_MAX;
    while (s->seen.version && !s->failed && ts_buffer_length(&s->sending) < QUEUE_MAX) {
        if (s->plan.update_after != TS_NEVER && s->encrypted >= s->plan.update_after)
            ask_for_new_keys(s);
        size_t length = least(ts_buffer_length(&s->answer), record);
        bound(&length, s->plan.update_after, s->encrypted);
        bound(&length, s->plan.end_after, s->encrypted);
        if (length == 0 || !went_on(s, SSL_write(s->ssl, ts_buffer_bytes(&s->answer), (int)length)))
            return;
        ts_buffer_take(&s->answer, length);
        s->encrypted += (int64_t)length;
        tls_mark mark = {s->made, s->encrypted};
        ts_buffer_add(&s->marks, &mark, sizeof mark);
    }
}

/* ---- the sockets ---------------------------------------------------------------------------- */

static void read_client(tls_session *s)
{
    char bytes[READ_SIZE];
    ssize_t got = recv(s->client, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0) {
        if (!s->drained && !s->failed)
            BIO_write(s->in, bytes, (int)got);
        return;
    }
    decrypt(s);
    s->client_eof = s->client_ended = s->seen.closed = true;
    if (got < 0 || s->drained || s->acted || s->failed || !s->seen.version)
        close_socket(&s->client);
}

static void read_upstream(tls_session *s)
{
    char bytes[READ_SIZE];
    ssize_t got = recv(s->upstream, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0)
        s->upstream_ended = true;
    else if (s->client >= 0 && !s->finishing && !s->drained)
        ts_buffer_add(&s->answer, bytes, (size_t)got);
}

/* The rest of `from` that may go, into `fd`; returns how much went. */
static size_t send_some(int fd, const ts_buffer *from, size_t length, bool *blocked, bool *broken)
{
    if (fd < 0 || length == 0 || *blocked)
        return 0;
    ssize_t sent = send(fd, ts_buffer_bytes(from), length, MSG_NOSIGNAL);
    if (sent >= 0)
        return (size_t)sent;
    /* EAGAIN or ENOTCONN: an upstream on TCP may still be connecting. */
    *blocked = errno == EAGAIN || errno == ENOTCONN;
    *broken = !*blocked && errno != EINTR;
    return 0;
}

static void send_request(tls_session *s)
{
    size_t length = ts_buffer_length(&s->request);
    bool broken = false;
    ts_buffer_take(&s->request,
                   send_some(s->upstream, &s->request, length, &s->blocked_upstream, &broken));
    if (broken)
        s->upstream_ended = true;
    if (s->upstream_ended)
        ts_buffer_free(&s->request);
    if (s->client_ended && ts_buffer_length(&s->request) == 0 && s->upstream >= 0)
        shutdown(s->upstream, SHUT_WR);
}

int64_t tls_session_readable(const tls_session *s, int64_t ciphertext)
{
    const tls_mark *marks = (const tls_mark *)(void *)ts_buffer_bytes(&s->marks);
    for (size_t i = ts_buffer_length(&s->marks) / sizeof *marks; i > 0; i--)
        if (marks[i - 1].ciphertext <= ciphertext)
            return marks[i - 1].plaintext;
    return 0;
}

static void end_client(tls_session *s)
{
    if (s->drained)
        return;
    s->drained = s->client_ended = s->seen.closed = true;
    ts_buffer_free(&s->answer);
    if (s->client_eof)
        close_socket(&s->client);
    else if (s->client >= 0)
        shutdown(s->client, SHUT_WR);
}

static void act(tls_session *s)
{
    s->acted = true;
    ts_buffer_free(&s->sending);
    if (s->plan.say_length && s->client >= 0)
        (void)!send(s->client, s->plan.say, s->plan.say_length, MSG_NOSIGNAL);
    if (s->plan.act == TS_TLS_RESET && s->client >= 0) {
        ts_close_reset(s->client);
        s->client = -1;
        end_client(s);
    } else if (s->plan.act != TS_TLS_STALL) {
        end_client(s);
    }
}

static void send_ciphertext(tls_session *s)
{
    size_t length = ts_buffer_length(&s->sending);
    bool broken = false;
    if (s->acted) {
        ts_buffer_free(&s->sending);
        return;
    }
    bound(&length, s->plan.act_after, s->sent);
    size_t sent = send_some(s->client, &s->sending, length, &s->blocked_client, &broken);
    ts_buffer_take(&s->sending, sent);
    s->sent += (int64_t)sent;
    s->seen.to_client = tls_session_readable(s, s->sent);
    if (broken) {
        close_socket(&s->client);
        end_client(s);
    }
    if (s->plan.act_after != TS_NEVER && s->sent >= s->plan.act_after && s->made > s->sent)
        act(s);
}

/* ---- how it ends ---------------------------------------------------------------------------- */

static bool all_is_said(const tls_session *s)
{
    if (s->failed)
        return true;
    if (s->plan.end_after != TS_NEVER && s->encrypted >= s->plan.end_after)
        return true;
    return s->upstream_ended && ts_buffer_length(&s->answer) == 0;
}

static void finish(tls_session *s)
{
    if (!all_is_said(s) || (s->acted && s->plan.act == TS_TLS_STALL))
        return;
    if (!s->finishing && !s->failed && !s->plan.rude) {
        SSL_shutdown(s->ssl);
        ERR_clear_error();
        collect_ciphertext(s);
    }
    s->finishing = true;
    send_ciphertext(s);
    if (ts_buffer_length(&s->sending) == 0 || s->client < 0)
        end_client(s);
}

void tls_session_pump(tls_session *s, short client_events, short upstream_events)
{
    static const short any = POLLIN | POLLHUP | POLLERR;
    if (client_events & (POLLOUT | POLLHUP | POLLERR))
        s->blocked_client = false;
    if (upstream_events & (POLLOUT | POLLHUP | POLLERR))
        s->blocked_upstream = false;
    if (s->client >= 0 && (client_events & any))
        read_client(s);
    if (s->upstream >= 0 && (upstream_events & any))
        read_upstream(s);
    if (!s->finishing) {
        shake_hands(s);
        decrypt(s);
        encrypt(s);
    }
    send_request(s);
    send_ciphertext(s);
    finish(s);
    /* The upstream is not closed before it has run what was said and ended in turn: a server that is
     * closed on with answers unread would lose requests. */
    if (s->upstream_ended && (s->finishing || s->drained || s->client < 0))
        close_socket(&s->upstream);
    if (s->client < 0 && s->upstream < 0)
        put_away(s);
}

short tls_session_client_wants(const tls_session *s)
{
    if (s->client < 0)
        return 0;
    bool read = !s->client_eof && (s->drained || ts_buffer_length(&s->request) < QUEUE_MAX);
    return (short)((read ? POLLIN : 0) | (s->blocked_client ? POLLOUT : 0));
}

short tls_session_upstream_wants(const tls_session *s)
{
    if (s->upstream < 0)
        return 0;
    bool read = !s->upstream_ended && ts_buffer_length(&s->answer) < QUEUE_MAX &&
                ts_buffer_length(&s->sending) < QUEUE_MAX;
    return (short)((read ? POLLIN : 0) | (s->blocked_upstream ? POLLOUT : 0));
}
