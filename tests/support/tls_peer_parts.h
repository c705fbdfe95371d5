#ifndef TS_TLS_PEER_PARTS_H
#define TS_TLS_PEER_PARTS_H

#include "buffer.h"
#include "tls_peer.h"

#include <openssl/ssl.h>

/* The inside of the TLS peer: tls_peer.c has the thread and what tests call, tls_session.c one
 * connection. All is guarded by the peer's lock. */

/* Whoever has this much ciphertext can read this much plaintext. */
typedef struct tls_mark {
    int64_t ciphertext, plaintext;
} tls_mark;

typedef struct tls_session {
    ts_tls_plan plan;
    ts_tls_seen seen;
    const ts_address *upstream_address;
    int client, upstream; /* sockets; -1 when closed */
    SSL *ssl;
    BIO *in, *out;      /* ciphertext from the client; to it, before it is in `sending` */
    ts_buffer sending;  /* ciphertext for the client */
    ts_buffer request;  /* plaintext for the upstream */
    ts_buffer answer;   /* plaintext of the upstream */
    ts_buffer marks;    /* tls_marks, one a record */
    int64_t made, sent; /* ciphertext, ever */
    int64_t encrypted;  /* plaintext, ever */
    bool blocked_client, blocked_upstream; /* its socket is full */
    bool client_eof;                       /* nothing more comes on its socket … */
    bool client_ended;                     /* … or at least no plaintext */
    bool upstream_ended;
    bool failed;    /* TLS is over */
    bool finishing; /* nothing will be added to `sending` */
    bool acted;
    bool drained; /* shown the end: what comes is thrown away */
} tls_session;

tls_session *tls_session_new(SSL_CTX *context, int client, const ts_tls_plan *plan,
                             const ts_address *upstream);
void tls_session_free(tls_session *s);
/* What to poll for; 0: leave the socket out. */
short tls_session_client_wants(const tls_session *s);
short tls_session_upstream_wants(const tls_session *s);
/* Does all that can be done now; the events are poll's. */
void tls_session_pump(tls_session *s, short client_events, short upstream_events);
/* How much plaintext can be read by whom the first `ciphertext` bytes reached. */
int64_t tls_session_readable(const tls_session *s, int64_t ciphertext);

#endif
