/* TLS above another transport. OpenSSL works on memory alone: what it reads was received before, what
 * it writes is kept in `out` until the kernel took it. That is what keeps the account exact:
 *
 *     spans ──taken──> one record after the other ──> out ──handed──> kernel
 *
 * A peer can read nothing of a record before it has the record's last byte, since only then can it be
 * verified. So the plaintext of a record is handed over once the record's last byte is; the ring says
 * where the records end that are still in `out`. (An SSL on the socket itself knows only that a write
 * may be repeated: after an error all of it may have gone out, or none.)
 *
 * Invariants
 *   1. records[head … tail) are the records with plaintext of which the kernel lacks a byte; their
 *      ends rise, and the last is not beyond `made`.
 *   2. made - sent == out_end - out_begin.
 *   3. One SSL_write of TLS_PLAIN_MAX at most makes one record: such a write is never split, and never
 *      joined with another.
 *   4. OpenSSL's errors are this thread's, one queue for all: it is cleared before each call. */
#include "base/alloc.h"
#include "base/error.h"
#include "net/tls.h"

#include <assert.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <string.h>

/* Plaintext in one record: all that TLS allows. */
#define TLS_PLAIN_MAX ((size_t)16384)
/* Records made before the kernel is given some. More in one system call save little, and the server
 * would have to wait for the first. */
#define TLS_RECORDS_MAX 2
/* Ciphertext received at once. */
#define TLS_INPUT ((size_t)64 << 10)

struct record {
    uint64_t end; /* offset of ciphertext */
    size_t plain;
};

struct tls {
    struct transport t; /* first */
    struct transport *below;
    SSL *ssl;
    BIO_METHOD *memory;
    char *out; /* ciphertext for the kernel */
    size_t out_begin, out_end, out_room;
    bool out_failed; /* memory was short: a hole in the stream of records, so nothing may follow */
    uint64_t made, sent;
    struct record records[TLS_RECORDS_MAX];
    size_t head, tail;
    char *in; /* ciphertext that OpenSSL has not read */
    size_t in_begin, in_end;
    enum transport_result in_result; /* of the last receive below */
    bool broken;                     /* OpenSSL failed: it is not asked again */
    char *plain;                     /* what the next record is gathered in */
};

/* ---- OpenSSL's side: memory ----------------------------------------------------------------- */

static int memory_write(BIO *bio, const char *bytes, int n)
{
    struct tls *s = BIO_get_data(bio);
    void *p = s->out;
    if (s->out_begin == s->out_end)
        s->out_begin = s->out_end = 0;
    BIO_clear_retry_flags(bio);
    if (s->out_failed || !alloc_grow(&p, &s->out_room, s->out_end + (size_t)n, 1)) {
        s->out_failed = true;
        return -1;
    }
    s->out = p;
    memcpy(s->out + s->out_end, bytes, (size_t)n);
    s->out_end += (size_t)n;
    s->made += (uint64_t)n;
    return n;
}

static int memory_read(BIO *bio, char *bytes, int room)
{
    struct tls *s = BIO_get_data(bio);
    size_t n = s->in_end - s->in_begin;
    BIO_clear_retry_flags(bio);
    if (n == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    if (n > (size_t)room)
        n = (size_t)room;
    memcpy(bytes, s->in + s->in_begin, n);
    s->in_begin += n;
    return (int)n;
}

static long memory_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static bool make_memory(struct tls *s)
{
    s->memory = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "vouch");
    if (!s->memory)
        return false;
    (void)BIO_meth_set_write(s->memory, memory_write);
    (void)BIO_meth_set_read(s->memory, memory_read);
    (void)BIO_meth_set_ctrl(s->memory, memory_control);
    BIO *bio = BIO_new(s->memory);
    if (!bio)
        return false;
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio); /* which takes it over */
    return true;
}

/* ---- the transport below -------------------------------------------------------------------- */

static enum transport_result failed_below(struct tls *s)
{
    s->t.cause = s->below->cause;
    memcpy(s->t.why, s->below->why, sizeof s->t.why);
    return TRANSPORT_FAILED;
}

static enum transport_result failed_here(struct tls *s)
{
    if (s->broken)
        return TRANSPORT_FAILED;
    s->broken = true;
    if (s->out_failed) {
        s->t.cause = VOUCH_CAUSE_MEMORY;
        memcpy(s->t.why, TLS_NO_MEMORY, sizeof TLS_NO_MEMORY);
    } else {
        tls_explain(&s->t, s->ssl);
    }
    return TRANSPORT_FAILED;
}

/* Gives the kernel what it takes; the plaintext that this hands over is added to *handed. */
static enum transport_result flush(struct tls *s, size_t *handed)
{
    enum transport_result result = TRANSPORT_DONE;
    while (result == TRANSPORT_DONE && s->out_begin < s->out_end) {
        struct span rest = {s->out + s->out_begin, s->out_end - s->out_begin};
        size_t taken = 0, n = 0;
        result = s->below->ops->send(s->below, &rest, 1, &taken, &n);
        s->out_begin += n;
        s->sent += n;
    }
    for (; s->head != s->tail && s->records[s->head % TLS_RECORDS_MAX].end <= s->sent; s->head++)
        *handed += s->records[s->head % TLS_RECORDS_MAX].plain;
    s->t.holds = s->out_begin < s->out_end;
    return result == TRANSPORT_FAILED ? failed_below(s) : result;
}

/* Receives more ciphertext. Once it fell short of what there was room for, there is no more until
 * the next call of the transport. */
static enum transport_result fill(struct tls *s)
{
    size_t n = 0;
    assert(s->in_begin == s->in_end);
    s->in_begin = s->in_end = 0;
    if (s->in_result == TRANSPORT_DONE) {
        s->in_result = s->below->ops->receive(s->below, s->in, TLS_INPUT, &n);
        s->in_end = n;
        if (s->in_result == TRANSPORT_DONE && n < TLS_INPUT)
            s->in_result = TRANSPORT_AGAIN;
    }
    return n ? TRANSPORT_DONE : (s->in_result == TRANSPORT_FAILED ? failed_below(s) : s->in_result);
}

/* ---- as a transport ------------------------------------------------------------------------- */

static enum transport_result shake_hands(struct tls *s)
{
    size_t handed = 0;
    s->in_result = TRANSPORT_DONE;
    for (;;) {
        ERR_clear_error();
        int n = SSL_do_handshake(s->ssl);
        int problem = n == 1 ? SSL_ERROR_NONE : SSL_get_error(s->ssl, n);
        bool broken = problem != SSL_ERROR_NONE && problem != SSL_ERROR_WANT_READ;
        if (broken)
            (void)failed_here(s);
        /* Also when it failed: an alert tells the server why. */
        enum transport_result result = flush(s, &handed);
        if (broken || result == TRANSPORT_FAILED)
            return TRANSPORT_FAILED;
        if (problem == SSL_ERROR_NONE) {
            s->t.stage = TRANSPORT_OPEN;
            return TRANSPORT_DONE;
        }
        result = fill(s);
        if (result != TRANSPORT_DONE)
            return result;
    }
}

static enum transport_result tls_connect(struct transport *t)
{
    struct tls *s = (struct tls *)t;
    if (s->below->stage != TRANSPORT_OPEN) {
        enum transport_result result = s->below->ops->connect(s->below);
        if (result == TRANSPORT_FAILED)
            return failed_below(s);
        if (result != TRANSPORT_DONE)
            return result;
        t->stage = TRANSPORT_SECURING;
    }
    return shake_hands(s);
}

/* The plaintext of the next record: *from is in the spans if one of them has enough, else gathered. */
static size_t gather(const struct tls *s, const struct span **spans, size_t *count, size_t *skip,
                     const char **from)
{
    size_t n = 0;
    if (*count && (*spans)->size - *skip >= TLS_PLAIN_MAX) {
        *from = (*spans)->bytes + *skip;
        *skip += TLS_PLAIN_MAX;
        return TLS_PLAIN_MAX;
    }
    *from = s->plain;
    while (*count && n < TLS_PLAIN_MAX) {
        size_t part = (*spans)->size - *skip;
        if (part > TLS_PLAIN_MAX - n)
            part = TLS_PLAIN_MAX - n;
        memcpy(s->plain + n, (*spans)->bytes + *skip, part);
        n += part;
        *skip += part;
        if (*skip == (*spans)->size) {
            ++*spans;
            --*count;
            *skip = 0;
        }
    }
    return n;
}

/* Makes records while there is plaintext and room in the ring. */
static bool make_records(struct tls *s, const struct span *spans, size_t count, size_t *taken)
{
    size_t skip = 0;
    while (s->tail - s->head < TLS_RECORDS_MAX) {
        const char *from;
        size_t n = gather(s, &spans, &count, &skip, &from);
        if (n == 0)
            break;
        ERR_clear_error();
        if (SSL_write(s->ssl, from, (int)n) != (int)n)
            return false;
        s->records[s->tail++ % TLS_RECORDS_MAX] = (struct record){s->made, n};
        *taken += n;
    }
    return true;
}

static enum transport_result tls_send(struct transport *t, const struct span *spans, size_t n,
                                      size_t *taken, size_t *handed)
{
    struct tls *s = (struct tls *)t;
    *taken = *handed = 0;
    /* What is held goes first: while the kernel takes nothing, nothing more is taken here. */
    enum transport_result result = flush(s, handed);
    if (result != TRANSPORT_DONE || n == 0)
        return result;
    if (s->broken || !make_records(s, spans, n, taken))
        return failed_here(s);
    return flush(s, handed);
}

/* Decrypts until `bytes` is full or nothing more is there. */
static enum transport_result decrypt(struct tls *s, char *bytes, size_t size, size_t *got)
{
    while (*got < size) {
        size_t room = size - *got;
        if (s->broken)
            return TRANSPORT_FAILED;
        ERR_clear_error();
        int n = SSL_read(s->ssl, bytes + *got, room > INT32_MAX ? INT32_MAX : (int)room);
        if (n > 0) {
            *got += (size_t)n;
            continue;
        }
        int problem = SSL_get_error(s->ssl, n);
        if (problem == SSL_ERROR_ZERO_RETURN)
            return TRANSPORT_ENDED;
        if (problem != SSL_ERROR_WANT_READ)
            return failed_here(s);
        enum transport_result result = fill(s);
        if (result != TRANSPORT_DONE)
            return result;
    }
    return TRANSPORT_DONE;
}

static enum transport_result tls_receive(struct transport *t, char *bytes, size_t size, size_t *got)
{
    struct tls *s = (struct tls *)t;
    *got = 0;
    if (s->in_result == TRANSPORT_AGAIN)
        s->in_result = TRANSPORT_DONE;
    enum transport_result result = decrypt(s, bytes, size, got);
    t->unread = result != TRANSPORT_AGAIN;
    /* Reading may have made an answer to the peer, such as new keys. */
    t->holds = s->out_begin < s->out_end;
    /* What came before the end comes first: the end is found again by the next call. */
    return *got ? TRANSPORT_DONE : result;
}

static short tls_events(const struct transport *t, bool wants_out)
{
    const struct tls *s = (const struct tls *)t;
    if (t->stage == TRANSPORT_CONNECTING)
        return s->below->ops->events(s->below, wants_out);
    bool out = t->holds || (wants_out && t->stage == TRANSPORT_OPEN);
    return out ? POLLIN | POLLOUT : POLLIN;
}

static void tls_shut(struct transport *t)
{
    struct tls *s = (struct tls *)t;
    s->below->ops->shut(s->below);
}

/* Says nothing to the peer: what was not handed over was reported so, and must not go out now. */
static void tls_close(struct transport *t)
{
    struct tls *s = (struct tls *)t;
    SSL_free(s->ssl);
    BIO_meth_free(s->memory);
    if (s->below)
        s->below->ops->close(s->below);
    alloc_free(s->out);
    alloc_free(s->in);
    alloc_free(s->plain);
    alloc_free(s);
}

static const struct transport_ops tls_ops = {tls_connect, tls_send, tls_receive,
                                             tls_events,  tls_shut, tls_close};

struct transport *transport_tls_open(struct transport *below, const struct tls_context *c,
                                     const char *host, char why[static TRANSPORT_WHY_MAX])
{
    struct tls *s = alloc_zeroed(1, sizeof *s);
    memcpy(why, TLS_NO_MEMORY, sizeof TLS_NO_MEMORY);
    if (!s) {
        below->ops->close(below);
        return NULL;
    }
    s->t = (struct transport){.ops = &tls_ops, .fd = below->fd, .stage = TRANSPORT_CONNECTING};
    s->below = below;
    s->in = alloc_get(TLS_INPUT);
    s->plain = alloc_get(TLS_PLAIN_MAX);
    s->ssl = tls_session_new(c, host);
    if (s->in && s->plain && s->ssl && make_memory(s))
        return &s->t;
    tls_close(&s->t);
    return NULL;
}
