#ifndef TS_TLS_PEER_H
#define TS_TLS_PEER_H

#include "proxy.h"
#include "server.h"

/* A TLS server that does what a real one cannot be made to do. A thread of the test process listens;
 * what a client says inside TLS goes on to an upstream, such as a real server's Unix socket, and
 * what that answers goes back. Connections are numbered from 0; each follows a plan, and an account
 * is kept of the plaintext.
 *
 * Functions may be called from any thread. A peer does not survive fork. */

typedef struct ts_tls_peer ts_tls_peer;

typedef struct ts_tls_peer_options {
    ts_transport transport; /* where it listens */
    ts_address upstream;    /* connected to once a handshake is complete */
    ts_server_tls tls;      /* `protocols` is not looked at, but these two: */
    int lowest, highest;    /* 10 to 13 for TLS 1.0 to 1.3; 0: 1.2, and 1.3 */
    int tickets;            /* session tickets a handshake; 0: as many as OpenSSL; -1: none */
} ts_tls_peer_options;

typedef enum ts_tls_act {
    TS_TLS_STALL, /* says nothing more, keeps reading */
    TS_TLS_CLOSE, /* the client reads the end; no close_notify came before */
    TS_TLS_RESET  /* of a Unix socket: TS_TLS_CLOSE */
} ts_tls_act;

/* Plans start from ts_tls_plan_none. */
typedef struct ts_tls_plan {
    /* Once it has sent this many bytes of ciphertext (0: before its ServerHello), it sends `say`
     * outside of TLS, and then acts. `say` is not copied. */
    int64_t act_after;
    const char *say;
    size_t say_length;
    ts_tls_act act;
    /* The rest counts plaintext bytes that it sent: what the upstream said. */
    size_t record;        /* of one record, at most; 0: 16 KiB */
    int64_t update_after; /* then asks for new keys: KeyUpdate; in TLS 1.2 HelloRequest */
    int64_t end_after;    /* then ends, as if the upstream had */
    bool rude;            /* ends without close_notify */
} ts_tls_plan;

ts_tls_plan ts_tls_plan_none(void);
ts_tls_plan ts_tls_plan_act(int64_t after, ts_tls_act act);

/* Ends the program when it cannot listen or cannot use a file. */
ts_tls_peer *ts_tls_peer_start(const ts_tls_peer_options *options);
/* Closes all and ends the thread. NULL is allowed. */
void ts_tls_peer_free(ts_tls_peer *peer);
/* rediss://… */
const char *ts_tls_peer_url(const ts_tls_peer *peer, char *url, size_t size);
ts_address ts_tls_peer_address(const ts_tls_peer *peer);
/* Of one connection yet to come; or, with TS_EVERY, of all that have none of their own. */
void ts_tls_peer_plan(ts_tls_peer *peer, int connection, const ts_tls_plan *plan);

enum { TS_TLS_TEXT_MAX = 128 };

typedef struct ts_tls_seen {
    int version;         /* as in the options; 0 until a handshake is complete */
    bool resumed;        /* with a session of an earlier connection */
    bool notified;       /* the client said close_notify */
    bool closed;         /* the client ended the connection, or the peer's own end is complete */
    int updates;         /* times the client changed its keys afterwards */
    int64_t from_client; /* plaintext bytes that it decrypted */
    int64_t to_client;   /* plaintext bytes in records that its kernel took whole */
    char server_name[TS_TLS_TEXT_MAX]; /* SNI; or empty */
    char client_name[TS_TLS_TEXT_MAX]; /* CN of the client's certificate; or empty */
    char failure[TS_TLS_TEXT_MAX]; /* why TLS failed, such as "tlsv1 alert unknown ca"; or empty */
} ts_tls_seen;

/* How many connections were accepted; and what was seen of one (zeros while it was not). */
int ts_tls_peer_connections(ts_tls_peer *peer);
ts_tls_seen ts_tls_peer_seen(ts_tls_peer *peer, int connection);
/* How many plaintext bytes a client can read that got the first `ciphertext` bytes it was sent. */
int64_t ts_tls_peer_readable(ts_tls_peer *peer, int connection, int64_t ciphertext);

/* Wait; each answers false when the deadline passed first. Until a connection's handshake is
 * complete; until it is closed; until that many plaintext bytes passed on it. */
bool ts_tls_peer_wait_open(ts_tls_peer *peer, int connection, int64_t deadline);
bool ts_tls_peer_wait_closed(ts_tls_peer *peer, int connection, int64_t deadline);
bool ts_tls_peer_wait_bytes(ts_tls_peer *peer, int connection, ts_direction direction, int64_t n,
                            int64_t deadline);

#endif
