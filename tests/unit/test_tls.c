/* TLS above a transport in memory, against OpenSSL's server in memory: the account of handed-over bytes
 * at every byte of ciphertext, what is verified, and the words for what goes wrong. */
#include "certs.h"
#include "net/tls.h"
#include "suite.h"

#include <check.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/client.h>

static ts_certs *certs;

/* ---- the transport below, and the server behind it ------------------------------------------ */

#define WIRE ((size_t)4 << 20)

struct wire {
    struct transport t;  /* first */
    size_t room;         /* bytes of ciphertext that the kernel will still take */
    bool fails;          /* then it fails; else it is full */
    size_t piece;        /* bytes moved at once; 0: all */
    char *out, *in;      /* to the server, to the client */
    size_t sent, fed;    /* bytes in `out`; of those, at the server */
    size_t given, taken; /* bytes in `in`; of those, taken by the client */
    size_t end;          /* the client gets no more of `in`, but then the end */
    bool closed;
};

static enum transport_result wire_connect(struct transport *t)
{
    t->stage = TRANSPORT_OPEN;
    return TRANSPORT_DONE;
}

static enum transport_result wire_send(struct transport *t, const struct span *spans, size_t n,
                                       size_t *taken, size_t *handed)
{
    struct wire *w = (struct wire *)t;
    ck_assert_uint_eq(n, 1);
    size_t size = spans[0].size;
    size = w->piece && size > w->piece ? w->piece : size;
    size = size > w->room ? w->room : size;
    ck_assert_uint_le(w->sent + size, WIRE);
    memcpy(w->out + w->sent, spans[0].bytes, size);
    w->sent += size;
    w->room -= size;
    *taken = *handed = size;
    if (size)
        return TRANSPORT_DONE;
    return w->fails ? TRANSPORT_FAILED : TRANSPORT_AGAIN;
}

static enum transport_result wire_receive(struct transport *t, char *bytes, size_t size,
                                          size_t *got)
{
    struct wire *w = (struct wire *)t;
    size_t there = (w->given < w->end ? w->given : w->end) - w->taken;
    *got = there < size ? there : size;
    *got = w->piece && *got > w->piece ? w->piece : *got;
    memcpy(bytes, w->in + w->taken, *got);
    w->taken += *got;
    if (*got)
        return TRANSPORT_DONE;
    return w->taken == w->end ? TRANSPORT_ENDED : TRANSPORT_AGAIN;
}

static short wire_events(const struct transport *t, bool wants_out)
{
    (void)t;
    return wants_out ? POLLIN | POLLOUT : POLLIN;
}

static void wire_shut(struct transport *t)
{
    (void)t;
}

static void wire_close(struct transport *t)
{
    ((struct wire *)t)->closed = true;
}

static const struct transport_ops wire_ops = {wire_connect, wire_send, wire_receive,
                                              wire_events,  wire_shut, wire_close};

struct pair {
    struct wire wire;
    struct transport *t; /* the client */
    SSL *ssl;            /* the server */
};

struct course {
    ts_cert cert;
    int version;       /* of the server alone; 0: any */
    ts_cert client_of; /* 0 (the authority): nobody is asked for a certificate */
    const char *host;
    struct tls_settings set;
    const char *ciphers; /* of TLS 1.2 */
};

static SSL *new_server(const struct course *c)
{
    SSL_CTX *x = SSL_CTX_new(TLS_server_method());
    ck_assert(SSL_CTX_use_certificate_chain_file(x, ts_cert_file(certs, c->cert)) == 1);
    ck_assert(SSL_CTX_use_PrivateKey_file(x, ts_cert_key_file(certs, c->cert), SSL_FILETYPE_PEM) ==
              1);
    if (c->version) {
        ck_assert(SSL_CTX_set_min_proto_version(x, c->version));
        ck_assert(SSL_CTX_set_max_proto_version(x, c->version));
    }
    if (c->ciphers)
        ck_assert(SSL_CTX_set_cipher_list(x, c->ciphers) == 1);
    if (c->client_of) {
        SSL_CTX_set_verify(x, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
        ck_assert(SSL_CTX_load_verify_locations(x, ts_cert_file(certs, TS_CERT_AUTHORITY), NULL));
    }
    SSL *ssl = SSL_new(x);
    SSL_CTX_free(x);
    SSL_set_accept_state(ssl);
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    return ssl;
}

static char *copy(const char *text)
{
    return text ? strdup(text) : NULL;
}

static void pair_open(struct pair *p, const struct course *c)
{
    char why[TLS_WHY_MAX];
    struct tls_settings set = c->set;
    memset(p, 0, sizeof *p);
    set.min = set.min ? set.min : 12;
    char *trusted = copy(ts_cert_file(certs, TS_CERT_AUTHORITY));
    if (!set.ca_file && set.verify != VOUCH_TLS_VERIFY_NONE)
        set.ca_file = trusted;
    struct tls_context *x = tls_context_new(&set, why);
    ck_assert_msg(x != NULL, "%s", why);
    free(trusted);
    p->wire = (struct wire){.t = {.ops = &wire_ops, .fd = -1}, .room = SIZE_MAX, .end = SIZE_MAX};
    p->wire.out = malloc(WIRE);
    p->wire.in = malloc(WIRE);
    p->t = transport_tls_open(&p->wire.t, x, c->host ? c->host : "localhost", why);
    ck_assert_ptr_nonnull(p->t);
    tls_context_free(x); /* a session keeps what it needs */
    p->ssl = new_server(c);
}

static void pair_close(struct pair *p)
{
    size_t before = p->wire.sent;
    p->t->ops->close(p->t);
    ck_assert(p->wire.closed);
    ck_assert_uint_eq(p->wire.sent, before); /* nothing is said at the end */
    SSL_free(p->ssl);
    free(p->wire.out);
    free(p->wire.in);
    ERR_clear_error();
}

/* What the client sent reaches the server; what that says reaches `in`. */
static void carry(struct pair *p)
{
    struct wire *w = &p->wire;
    if (w->fed < w->sent)
        ck_assert(BIO_write(SSL_get_rbio(p->ssl), w->out + w->fed, (int)(w->sent - w->fed)) > 0);
    w->fed = w->sent;
}

static void carry_back(struct pair *p)
{
    struct wire *w = &p->wire;
    int n = BIO_read(SSL_get_wbio(p->ssl), w->in + w->given, (int)(WIRE - w->given));
    w->given += n > 0 ? (size_t)n : 0;
}

/* Both sides shake hands, until the client says something else than AGAIN. */
static enum transport_result shake_hands(struct pair *p)
{
    for (int i = 0; i < 100000; i++) {
        enum transport_result result = p->t->ops->connect(p->t);
        carry(p);
        (void)SSL_do_handshake(p->ssl);
        carry_back(p);
        if (result != TRANSPORT_AGAIN)
            return result;
        ck_assert_int_eq(p->t->stage, TRANSPORT_SECURING);
        ck_assert(p->t->holds || !(p->t->ops->events(p->t, true) & POLLOUT));
    }
    ck_abort_msg("the handshake does not end");
}

/* ---- the account, outwards ------------------------------------------------------------------ */

#define TEXT ((size_t)200000)

static char text[TEXT];

static void make_text(void)
{
    for (size_t i = 0; i < TEXT; i++)
        text[i] = (char)(i * 7919 >> 3);
}

/* The text from `at` in spans of many sizes, up to `end`. */
static size_t spans_from(size_t at, size_t end, struct span *spans, size_t max)
{
    static const size_t sizes[] = {1, 40, 16383, 3, 16384, 20000, 700, 60000, 16385, 5};
    size_t n = 0;
    for (; n < max && at < end; n++) {
        size_t size = sizes[(at / 40 + n) % 10];
        spans[n] = (struct span){text + at, size < end - at ? size : end - at};
        at += spans[n].size;
    }
    return n;
}

/* Sends text[*taken … end) until nothing moves; counts. */
static enum transport_result send_text(struct pair *p, size_t end, size_t *taken, size_t *handed)
{
    for (;;) {
        struct span spans[6];
        size_t n = spans_from(*taken, end, spans, 6), took, gave;
        if (n == 0 && !p->t->holds)
            return TRANSPORT_DONE;
        enum transport_result result = p->t->ops->send(p->t, spans, n, &took, &gave);
        *taken += took;
        *handed += gave;
        ck_assert_uint_le(*handed, *taken);
        if (result != TRANSPORT_DONE)
            return result;
    }
}

/* All that the server can read now. */
static size_t server_reads(struct pair *p, size_t at)
{
    static char bytes[20000];
    carry(p);
    for (;;) {
        int n = SSL_read(p->ssl, bytes, sizeof bytes);
        if (n <= 0)
            break;
        ck_assert_uint_le(at + (size_t)n, TEXT);
        ck_assert_mem_eq(bytes, text + at, (size_t)n);
        at += (size_t)n;
    }
    carry_back(p);
    return at;
}

static const struct course versions[] = {
    {.cert = TS_CERT_SERVER, .version = TLS1_3_VERSION},
    {.cert = TS_CERT_SERVER, .version = TLS1_2_VERSION},
    {.cert = TS_CERT_SERVER,
     .version = TLS1_2_VERSION,
     .ciphers = "ECDHE-ECDSA-AES128-SHA256"}, /* CBC: padded blocks, checked as a whole */
};
#define VERSIONS ((int)(sizeof versions / sizeof *versions))

/* The kernel takes `at` bytes and no more: what was handed over is what the server can read. */
static bool cut_out(const struct course *c, size_t end, size_t at, size_t piece)
{
    struct pair p;
    size_t taken = 0, handed = 0;
    pair_open(&p, c);
    p.wire.piece = piece;
    ck_assert_int_eq(shake_hands(&p), TRANSPORT_DONE);
    p.wire.room = at;
    p.wire.fails = true;
    enum transport_result result = send_text(&p, end, &taken, &handed);
    size_t reads = server_reads(&p, 0);
    ck_assert_msg(reads == handed, "after %zu bytes the server reads %zu, and %zu were handed over",
                  at, reads, handed);
    bool whole = result == TRANSPORT_DONE;
    ck_assert(!whole || (handed == end && taken == end && !p.t->holds));
    pair_close(&p);
    return whole;
}

START_TEST(what_is_handed_over_is_what_the_server_can_read)
{
    size_t at = 0;
    while (!cut_out(&versions[_i], 100, at, 0))
        at++;
    ck_assert_uint_gt(at, 100 + 5);
    for (at = 0; !cut_out(&versions[_i], 40000, at, 1000); at += 371)
        ;
    ck_assert_uint_gt(at, 40000);
}
END_TEST

/* The kernel takes a little now and then. */
START_TEST(a_slow_kernel_gets_all_of_it)
{
    struct pair p;
    size_t taken = 0, handed = 0, reads = 0;
    pair_open(&p, &versions[_i]);
    ck_assert_int_eq(shake_hands(&p), TRANSPORT_DONE);
    p.wire.room = 0;
    for (size_t i = 0; handed < TEXT; i++) {
        ck_assert_int_ne(send_text(&p, TEXT, &taken, &handed), TRANSPORT_FAILED);
        ck_assert(handed == TEXT || (p.t->ops->events(p.t, false) & POLLOUT));
        /* It keeps no more than its records: what it has not taken can still go elsewhere. */
        ck_assert_uint_le(taken - handed, (size_t)2 * 16384);
        reads = server_reads(&p, reads);
        ck_assert_uint_eq(reads, handed);
        p.wire.room += i % 7 * 1000 + i % 3;
    }
    ck_assert_uint_eq(taken, TEXT);
    ck_assert(!p.t->holds);
    pair_close(&p);
}
END_TEST

/* ---- inwards -------------------------------------------------------------------------------- */

static void server_writes(struct pair *p, size_t from, size_t end, size_t record)
{
    for (; from < end; from += record) {
        size_t n = end - from < record ? end - from : record;
        ck_assert_int_eq(SSL_write(p->ssl, text + from, (int)n), (int)n);
    }
    carry_back(p);
}

/* The client reads all there is, `room` bytes at once. */
static enum transport_result client_reads(struct pair *p, size_t room, size_t *at)
{
    static char bytes[70000];
    for (;;) {
        size_t got = 0;
        enum transport_result result = p->t->ops->receive(p->t, bytes, room, &got);
        ck_assert_uint_le(*at + got, TEXT);
        ck_assert_mem_eq(bytes, text + *at, got);
        *at += got;
        if (result != TRANSPORT_DONE)
            return result;
        /* With room left there is nothing more; else it says that there may be. */
        ck_assert(got < room || p->t->unread);
    }
}

/* A short receive is not followed by another in vain: the end is seen by the next call. */
static enum transport_result client_reads_on(struct pair *p, size_t room, size_t *at)
{
    enum transport_result result = client_reads(p, room, at);
    return result == TRANSPORT_AGAIN ? client_reads(p, room, at) : result;
}

START_TEST(every_cut_inwards_gives_the_whole_records_before_it)
{
    for (size_t at = 0;; at++) {
        struct pair p;
        size_t got = 0;
        pair_open(&p, &versions[_i]);
        ck_assert_int_eq(shake_hands(&p), TRANSPORT_DONE);
        ck_assert_int_eq(client_reads(&p, 100, &got), TRANSPORT_AGAIN); /* tickets */
        ck_assert_uint_eq(got, 0);
        size_t begin = p.wire.given;
        server_writes(&p, 0, 90, 30);
        size_t record = (p.wire.given - begin) / 3;
        p.wire.end = begin + at;
        ck_assert_int_eq(client_reads_on(&p, 1 + at % 50, &got), TRANSPORT_ENDED);
        ck_assert_uint_eq(got, at / record * 30);
        /* The end is the end, however often it is asked. */
        ck_assert_int_eq(client_reads(&p, 50, &got), TRANSPORT_ENDED);
        bool whole = begin + at == p.wire.given;
        pair_close(&p);
        if (whole)
            break;
    }
}
END_TEST

START_TEST(much_comes_in_through_little_room)
{
    static const size_t rooms[] = {1, 100, 16384, 65536}, records[] = {1, 1000, 16384};
    for (size_t i = 0; i < 12; i++) {
        struct pair p;
        size_t got = 0, end = i % 4 == 0 ? 3000 : i / 4 == 0 ? 20000 : TEXT;
        pair_open(&p, &versions[_i]);
        ck_assert_int_eq(shake_hands(&p), TRANSPORT_DONE);
        p.wire.piece = i % 2 ? 4000 : 0;
        server_writes(&p, 0, end, records[i / 4]);
        while (got < end)
            ck_assert_int_eq(client_reads(&p, rooms[i % 4], &got), TRANSPORT_AGAIN);
        ck_assert(!p.t->unread);
        (void)SSL_shutdown(p.ssl);
        carry_back(&p);
        ck_assert_int_eq(client_reads(&p, 10, &got), TRANSPORT_ENDED);
        pair_close(&p);
    }
}
END_TEST

/* A byte that is not what the server wrote: nothing of its record is believed. */
START_TEST(a_changed_byte_breaks_the_session)
{
    for (size_t at = 0; at < 40; at++) {
        struct pair p;
        size_t got = 0;
        pair_open(&p, &versions[_i]);
        ck_assert_int_eq(shake_hands(&p), TRANSPORT_DONE);
        (void)client_reads(&p, 100, &got);
        size_t begin = p.wire.given;
        server_writes(&p, 0, 60, 30);
        size_t record = (p.wire.given - begin) / 2;
        p.wire.in[begin + record + at] ^= 0x10;
        p.wire.end = p.wire.given;
        enum transport_result result = client_reads_on(&p, 100, &got);
        ck_assert_uint_eq(got, 30);
        /* A length made longer is a record cut short. */
        bool length = at == 3 || at == 4;
        ck_assert(result == TRANSPORT_FAILED || (result == TRANSPORT_ENDED && length));
        ck_assert(result == TRANSPORT_ENDED ||
                  (p.t->cause == VOUCH_CAUSE_TLS && strncmp(p.t->why, "TLS: ", 5) == 0));
        size_t taken = 0, handed = 0;
        if (result == TRANSPORT_FAILED)
            ck_assert_int_eq(send_text(&p, 10, &taken, &handed), TRANSPORT_FAILED);
        ck_assert_uint_eq(handed, 0);
        pair_close(&p);
    }
}
END_TEST

START_TEST(new_keys_in_mid_stream)
{
    struct pair p;
    size_t got = 0, taken = 0, handed = 0, reads = 0;
    pair_open(&p, &versions[0]);
    ck_assert_int_eq(shake_hands(&p), TRANSPORT_DONE);
    for (size_t i = 1; i <= 10; i++) {
        ck_assert(SSL_key_update(p.ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
        server_writes(&p, (i - 1) * 100, i * 100, 30);
        (void)client_reads(&p, 1000, &got);
        ck_assert_uint_eq(got, i * 100);
        /* The answer goes out with the next record, and counts for nothing. */
        ck_assert_int_eq(send_text(&p, i % 2 ? i * 50 : taken, &taken, &handed), TRANSPORT_DONE);
        ck_assert(!p.t->holds);
        reads = server_reads(&p, reads);
        ck_assert_uint_eq(reads, handed);
    }
    pair_close(&p);
}
END_TEST

/* The client will not: it says so at once, though it has nothing else to write. */
START_TEST(renegotiation_is_declined)
{
    struct pair p;
    size_t got = 0, taken = 0, handed = 0;
    pair_open(&p, &versions[1]);
    ck_assert_int_eq(shake_hands(&p), TRANSPORT_DONE);
    ck_assert(SSL_renegotiate(p.ssl) == 1);
    (void)SSL_do_handshake(p.ssl);
    carry_back(&p);
    size_t before = p.wire.sent;
    ck_assert_int_eq(client_reads(&p, 100, &got), TRANSPORT_AGAIN);
    ck_assert(p.t->holds && (p.t->ops->events(p.t, false) & POLLOUT));
    ck_assert_int_eq(send_text(&p, 0, &taken, &handed), TRANSPORT_DONE);
    ck_assert(!p.t->holds && p.wire.sent > before && handed == 0);
    pair_close(&p);
}
END_TEST

START_TEST(a_handshake_may_come_in_small_pieces)
{
    struct pair p;
    size_t taken = 0, handed = 0;
    pair_open(&p, &versions[_i]);
    p.wire.piece = 1;
    ck_assert_int_eq(shake_hands(&p), TRANSPORT_DONE);
    ck_assert_int_eq(send_text(&p, 100, &taken, &handed), TRANSPORT_DONE);
    ck_assert_uint_eq(server_reads(&p, 0), 100);
    pair_close(&p);
}
END_TEST

/* ---- who is believed ------------------------------------------------------------------------ */

static const struct {
    struct course course;
    const char *words; /* NULL: accepted */
} believed[] = {
    {{.cert = TS_CERT_SERVER}, NULL},
    {{.cert = TS_CERT_SERVER_CHAINED}, NULL},
    {{.cert = TS_CERT_SERVER, .host = "127.0.0.1"}, NULL},
    {{.cert = TS_CERT_SERVER, .host = "::1"}, NULL},
    {{.cert = TS_CERT_SERVER, .host = "127.0.0.2"}, "tls_name"},
    {{.cert = TS_CERT_SERVER, .host = "elsewhere.test"}, "tls_name"},
    {{.cert = TS_CERT_SERVER_NAMED}, "tls_name"},
    {{.cert = TS_CERT_SERVER_NAMED, .host = "ELSEWHERE.test"}, NULL},
    {{.cert = TS_CERT_SERVER_NAMED, .set = {.name = (char[]){"elsewhere.test"}}}, NULL},
    {{.cert = TS_CERT_SERVER_NAMED, .set = {.verify = VOUCH_TLS_VERIFY_CHAIN}}, NULL},
    {{.cert = TS_CERT_SERVER_EXPIRED}, "renew it"},
    {{.cert = TS_CERT_SERVER_EXPIRED, .set = {.verify = VOUCH_TLS_VERIFY_CHAIN}}, "renew it"},
    {{.cert = TS_CERT_SERVER_FUTURE}, "clock"},
    {{.cert = TS_CERT_SERVER_FOREIGN}, "tls_ca_file"},
    {{.cert = TS_CERT_SERVER_FOREIGN, .set = {.verify = VOUCH_TLS_VERIFY_CHAIN}}, "tls_ca_file"},
    {{.cert = TS_CERT_SERVER_SELF}, "tls_ca_file"},
    {{.cert = TS_CERT_SERVER_SELF, .set = {.verify = VOUCH_TLS_VERIFY_NONE}}, NULL},
    {{.cert = TS_CERT_SERVER_EXPIRED, .set = {.verify = VOUCH_TLS_VERIFY_NONE}}, NULL},
    {{.cert = TS_CERT_SERVER, .version = TLS1_2_VERSION}, NULL},
    {{.cert = TS_CERT_SERVER, .version = TLS1_2_VERSION, .set = {.min = 13}}, "TLS version"},
    {{.cert = TS_CERT_SERVER, .version = TLS1_3_VERSION, .set = {.min = 13}}, NULL},
};

START_TEST(a_server_is_believed_or_named_as_wrong)
{
    struct pair p;
    pair_open(&p, &believed[_i].course);
    enum transport_result result = shake_hands(&p);
    if (believed[_i].words) {
        ck_assert_int_eq(result, TRANSPORT_FAILED);
        ck_assert_int_eq(p.t->cause, VOUCH_CAUSE_TLS);
        ck_assert(p.t->permanent);
        ck_assert_msg(strstr(p.t->why, believed[_i].words), "%s", p.t->why);
    } else {
        ck_assert_msg(result == TRANSPORT_DONE, "%s", p.t->why);
    }
    pair_close(&p);
}
END_TEST

/* TLS 1.3 tells the client only after its own side of the handshake was done. */
START_TEST(a_server_that_wants_a_certificate)
{
    static const struct {
        ts_cert cert; /* 0: none */
        const char *words;
    } cases[] = {{TS_CERT_AUTHORITY, "tls_cert_file"},
                 {TS_CERT_CLIENT, NULL},
                 {TS_CERT_CLIENT_CHAINED, NULL},
                 {TS_CERT_CLIENT_FOREIGN, "tls_cert_file"}};
    for (size_t i = 0; i < 8; i++) {
        ts_cert cert = cases[i / 2].cert;
        const char *words = cases[i / 2].words;
        struct course c = {.cert = TS_CERT_SERVER,
                           .version = i % 2 ? TLS1_2_VERSION : TLS1_3_VERSION,
                           .client_of = TS_CERT_SERVER};
        char *file = copy(ts_cert_file(certs, cert)), *key = copy(ts_cert_key_file(certs, cert));
        if (cert) {
            c.set.cert_file = file;
            c.set.key_file = key;
        }
        struct pair p;
        pair_open(&p, &c);
        enum transport_result result = shake_hands(&p);
        size_t got = 0;
        if (result == TRANSPORT_DONE)
            result = client_reads(&p, 100, &got);
        ck_assert_msg(result == (words ? TRANSPORT_FAILED : TRANSPORT_AGAIN), "%s", p.t->why);
        ck_assert_msg(!words || (strstr(p.t->why, words) && p.t->permanent), "%s", p.t->why);
        pair_close(&p);
        free(file);
        free(key);
    }
}
END_TEST

START_TEST(a_server_without_tls_is_named)
{
    static const char *const said[] = {"-ERR unknown command\r\n", "HTTP/1.1 400 Bad Request\r\n",
                                       "SSH-2.0-OpenSSH_9.2\r\n", "+PONG\r\n"};
    for (size_t i = 0; i < 4; i++) {
        struct pair p;
        pair_open(&p, &versions[0]);
        memcpy(p.wire.in, said[i], strlen(said[i]));
        p.wire.given = strlen(said[i]);
        ck_assert_int_eq(p.t->ops->connect(p.t), TRANSPORT_FAILED);
        ck_assert_msg(strstr(p.t->why, "does not speak TLS") && p.t->permanent, "%s", p.t->why);
        pair_close(&p);
    }
}
END_TEST

/* ---- files ---------------------------------------------------------------------------------- */

START_TEST(files_that_cannot_be_used_are_named)
{
    char *key = copy(ts_cert_key_file(certs, TS_CERT_CLIENT)), none[] = "/no/such/file",
         *cert = copy(ts_cert_file(certs, TS_CERT_CLIENT)),
         *other = copy(ts_cert_key_file(certs, TS_CERT_SERVER)),
         *locked = copy(ts_cert_encrypted_key_file(certs));
    const struct {
        struct tls_settings set;
        const char *option, *words;
    } cases[] = {
        {{.min = 12, .ca_file = none}, "tls_ca_file '/no/such/file'", "No such file"},
        {{.min = 12, .ca_file = key}, "tls_ca_file", "no certificate"},
        {{.min = 12, .verify = VOUCH_TLS_VERIFY_NONE, .ca_file = none}, "tls_ca_file", "No such"},
        {{.min = 12, .cert_file = none}, "tls_cert_file", "No such file"},
        {{.min = 12, .cert_file = key}, "tls_cert_file", "no start line"},
        {{.min = 12, .cert_file = cert, .key_file = none}, "tls_key_file", "No such file"},
        {{.min = 12, .cert_file = cert, .key_file = other}, "tls_key_file", "mismatch"},
        {{.min = 12, .cert_file = cert, .key_file = locked}, "unencrypted", ""},
        {{.min = 12, .cert_file = cert}, "tls_key_file", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char why[TLS_WHY_MAX] = "";
        ck_assert_ptr_null(tls_context_new(&cases[i].set, why));
        ck_assert_msg(strstr(why, cases[i].option) && strstr(why, cases[i].words), "%s", why);
        ck_assert_uint_eq(ERR_peek_error(), 0);
    }
    free(key);
    free(cert);
    free(other);
    free(locked);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tls");
    TCase *c = tcase_create("all");
    make_text();
    certs = ts_certs_make();
    tcase_add_loop_test(c, what_is_handed_over_is_what_the_server_can_read, 0, VERSIONS);
    tcase_add_loop_test(c, a_slow_kernel_gets_all_of_it, 0, VERSIONS);
    tcase_add_loop_test(c, every_cut_inwards_gives_the_whole_records_before_it, 0, VERSIONS);
    tcase_add_loop_test(c, much_comes_in_through_little_room, 0, VERSIONS);
    tcase_add_loop_test(c, a_changed_byte_breaks_the_session, 0, VERSIONS);
    tcase_add_test(c, new_keys_in_mid_stream);
    tcase_add_test(c, renegotiation_is_declined);
    tcase_add_loop_test(c, a_handshake_may_come_in_small_pieces, 0, VERSIONS);
    tcase_add_loop_test(c, a_server_is_believed_or_named_as_wrong, 0,
                        (int)(sizeof believed / sizeof *believed));
    tcase_add_test(c, a_server_that_wants_a_certificate);
    tcase_add_test(c, a_server_without_tls_is_named);
    tcase_add_test(c, files_that_cannot_be_used_are_named);
    suite_add_tcase(suite, c);
    int failed = suite_run(suite, CK_NOFORK);
    ts_certs_free(certs);
    return failed;
}
