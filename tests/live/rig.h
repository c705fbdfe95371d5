/* What the live tests share: a server behind a fault proxy, counters on it, and the comparison of what
 * was reported with what the server holds. */
#ifndef LIVE_RIG_H
#define LIVE_RIG_H

#include "certs.h"
#include "clock.h"
#include "proxy.h"
#include "server.h"
#include "tls_peer.h"
#include "truth.h"

#include <check.h>
#include <vouch/vouch.h>

/* How long something may take that is never late. */
#define RIG_PATIENCE_MS 20000

struct rig {
    ts_server *server;
    ts_proxy *proxy;
    ts_conn *truth; /* opened when first asked */
    /* With TLS: */
    ts_certs *certs;
    ts_tls_peer *peer; /* between the proxy and the server's Unix socket; or NULL */
};

/* Starts both, on Unix sockets or on TCP. The test fails if there is no such server. */
struct rig rig_start(ts_server_kind kind, ts_persistence persistence);
struct rig rig_start_tcp(ts_server_kind kind);
/* With a server of these options. */
struct rig rig_start_with(const ts_server_options *options);
/* Of a proxy that takes TLS: a client can be made to wait for it without many MiB. */
#define RIG_RECEIVE_BUFFER 65536
/* With TLS of this version (12 or 13) between the client and the server, or a TLS peer in front of
 * it. The proxy in between records. */
struct rig rig_start_tls(ts_server_kind kind, int version);
struct rig rig_start_tls_peer(ts_server_kind kind, int version);
void rig_stop(struct rig *rig);

/* Options of a client that has not connected yet, quick to reconnect, and patient. */
vouch_client_options rig_options(uint32_t protocol, uint32_t window);
/* A client with these options through the proxy; with TLS it trusts the rig's authority, unless they
 * name one. */
vouch_client *rig_open(const struct rig *rig, const vouch_client_options *options);
vouch_client *rig_client(const struct rig *rig, uint32_t protocol, uint32_t window);
/* One turn of its loop, waiting `most_ms` at most. */
void rig_turn(vouch_client *client, int64_t most_ms);
/* Writes what was started, and reads nothing. */
void rig_push(vouch_client *client);
/* Turns until the operation is done. */
void rig_drive(vouch_client *client, const vouch_op *op);

/* The server's number of the connection that the client uses, asked on it. */
int64_t rig_connection_id(vouch_client *client);

/* The first n results have one effect, the rest another; what is not APPLIED has this cause and no
 * reply. */
void rig_expect(const vouch_results *results, size_t n, vouch_effect first, vouch_effect rest,
                vouch_cause cause);

/* The number that the proxy will give to the next connection. */
int rig_next_connection(const struct rig *rig);
/* Waits until the server has run all that reached it, and nobody is connected. */
void rig_settle(struct rig *rig);
/* Removes all data. */
void rig_flush(struct rig *rig);
/* A command on the truth's connection, counted words; never NULL. */
ts_reply *rig_ask(struct rig *rig, size_t count, const char *const *words);

#define RIG_KEY_MAX 24
/* The key of counter i: always five bytes. */
const char *rig_key(size_t i, char key[static RIG_KEY_MAX]);
/* A batch of INCR c0000, INCR c0001, … */
vouch_batch *rig_counters(size_t n);

/* What the first n counters are, 0 for those that are not there; freed with free(). */
int64_t *rig_held(struct rig *rig, size_t n);

struct rig_tally {
    unsigned long cases, applied, not_applied, maybe;
};

/* One case more. */
void rig_count(struct rig_tally *tally, const vouch_results *results);
/* Each counter against its result: APPLIED is 1, NOT_APPLIED is 0, MAYBE is 0 or 1. Then counts it;
 * `what` and `n` name the case. */
void rig_compare(struct rig *rig, const vouch_results *results, struct rig_tally *tally,
                 const char *what, long long n);
/* Prints and clears it. */
void rig_print(struct rig_tally *tally, const char *what);

/* Runs a suite in this process; what main returns. */
int rig_main(Suite *suite);

#endif
