#ifndef TS_PROXY_H
#define TS_PROXY_H

#include "address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A proxy that fails on command, exact to the byte. A thread of the test process listens, and
 * forwards each connection it accepts to an upstream. Connections are numbered from 0 in the order
 * in which they were accepted; each follows a plan, which may be changed at any time.
 *
 * Positions count bytes *forwarded* in one direction since the connection began: n bytes forwarded
 * means that the receiver's kernel was handed exactly the stream's first n bytes.
 *
 * Functions may be called from any thread. A proxy does not survive fork: start it in the process
 * that uses it. */

typedef struct ts_proxy ts_proxy;

typedef enum ts_direction { TS_TO_SERVER, TS_TO_CLIENT } ts_direction;

#define TS_NEVER ((int64_t)-1) /* for a position: this fault does not happen */
#define TS_EVERY (-1)          /* for a connection: all of them, see each function */

/* What happens to one direction. Several faults may be set: each acts at its own position. */
typedef struct ts_fault {
    /* The connection ends as soon as exactly this many bytes were forwarded (0: at once). */
    int64_t cut_after;
    /* What follows is read and thrown away; the connection stays open. */
    int64_t drop_after;
    /* What follows is held until ts_proxy_release; 0 holds everything (the late writer: the
     * sender may even have closed; its bytes, and then its end, arrive once released). Held bytes
     * are read from the sender, up to 256 MiB, so that to it they are handed over … */
    int64_t stall_after;
    /* … unless this is set: then nothing beyond is read, and its writes come to a halt. */
    bool back_pressure;
    /* Pieces of at most this many bytes, each its own write without delay; 0: as it comes. */
    size_t split;
    /* With split: the next piece goes out once the receiver's program has read the last one. */
    bool split_wait;
    /* The byte at this position is changed by exclusive or with the mask. */
    int64_t garble_at;
    unsigned char garble_mask;
    /* Each chunk goes on this long after it came. Order is kept; the end is delayed too. */
    int64_t delay_ms;
} ts_fault;

/* How the client is shown a cut. */
typedef enum ts_ending {
    TS_END_EOF,   /* it reads the end; what it still writes is accepted and thrown away */
    TS_END_CLOSE, /* closed: it reads the end or, with bytes of its own unread, ECONNRESET */
    TS_END_RESET  /* reset, once its kernel has all that was forwarded; a Unix socket cannot
                   * reset, there it is TS_END_CLOSE */
} ts_ending;

/* What a cut does on the server's side, and so which truth to expect. A server runs every whole
 * command among the bytes forwarded to it, in order, and never a command cut short. */
typedef enum ts_cut_mode {
    /* The server reads the end after its n bytes and answers into the void, until it closes. Once
     * ts_proxy_wait_closed returns, the truth is stable: every whole command was run. */
    TS_CUT_SETTLE,
    /* The same, but its answers still go to the client, which is shown the end after the server's.
     * (A cut to the client is settled as above: its answers end at the cut.) Answers larger than
     * the server's socket buffer may be lost: a server that reads the end drops what it could not
     * write yet. */
    TS_CUT_ANSWER,
    /* The server's side is closed (or reset) in the same instant. The server still runs what its
     * kernel holds, up to the moment when it sees that it cannot answer: a prefix of the whole
     * commands, all of them if they are few. The truth is stable only after
     * ts_server_wait_clients(server, 0, …). */
    TS_CUT_ABRUPT,
    /* Only the client is shown an end. All that it sent, also after that, goes on to the server, or
     * is held and goes on once released: the client has long been back on another connection. */
    TS_CUT_HELD
} ts_cut_mode;

typedef struct ts_plan {
    ts_fault to_server;
    ts_fault to_client;
    ts_ending ending;
    ts_cut_mode mode;
    bool refuse; /* accepted and closed at once */
    bool mute;   /* accepted, read, never answered: no upstream at all */
} ts_plan;

/* Plans start from one of these: a zeroed one would cut at 0. */
#define TS_FAULT_NONE                                                                              \
    {                                                                                              \
        TS_NEVER, TS_NEVER, TS_NEVER, false, 0, false, TS_NEVER, 0, 0                              \
    }
#define TS_PLAN_NONE                                                                               \
    {                                                                                              \
        TS_FAULT_NONE, TS_FAULT_NONE, TS_END_EOF, TS_CUT_SETTLE, false, false                      \
    }
ts_plan ts_plan_none(void);
ts_plan ts_plan_cut(ts_direction direction, int64_t after);

typedef struct ts_proxy_options {
    ts_transport transport; /* where it listens */
    ts_address upstream;    /* may listen later, and be changed */
    bool tls;               /* its URL says rediss: the bytes pass through as they are */
    bool record;            /* keep what it receives: see ts_proxy_recorded */
    int receive_buffer; /* of the sockets it accepts, in bytes; 0: the kernel's choice, which may
                               grow to many MiB */
} ts_proxy_options;

/* Ends the program when it cannot listen. */
ts_proxy *ts_proxy_start(const ts_proxy_options *options);
/* Closes all and ends the thread. NULL is allowed. */
void ts_proxy_free(ts_proxy *proxy);
const char *ts_proxy_url(const ts_proxy *proxy, char *url, size_t size);
ts_address ts_proxy_address(const ts_proxy *proxy);

/* Sets the plan of one connection, accepted or yet to come; or, with TS_EVERY, of all connections
 * yet to come that have none of their own. Works on what was not forwarded yet: a cut at a position
 * already passed happens now. */
void ts_proxy_plan(ts_proxy *proxy, int connection, const ts_plan *plan);
/* The same for a connection that is open, its positions counted from where each direction is. */
void ts_proxy_plan_from_here(ts_proxy *proxy, int connection, const ts_plan *plan);
/* Lifts the stalls of an open connection (TS_EVERY: of all open ones), in both directions. */
void ts_proxy_release(ts_proxy *proxy, int connection);
/* Ends an open connection (TS_EVERY: all open ones) where it is, in this manner. */
void ts_proxy_cut(ts_proxy *proxy, int connection, ts_ending ending, ts_cut_mode mode);
/* For connections yet to come. */
void ts_proxy_upstream(ts_proxy *proxy, const ts_address *upstream);
/* Stops listening, so that connecting is refused, or listens again at the same address. False when
 * another program took the port meanwhile. */
bool ts_proxy_listen(ts_proxy *proxy, bool on);

typedef struct ts_proxy_counts {
    int64_t to_server; /* bytes forwarded */
    int64_t to_client; /* bytes forwarded */
    /* Bytes received; after the connection's end was shown to it too: what is thrown away counts. */
    int64_t from_client;
    int64_t from_server; /* bytes received */
    /* Times the client spoke up: the runs of bytes received from it, a run ending where at least
     * one byte is forwarded to it. A request in one write and its reply: one round trip, however
     * many commands. A request so large that its first replies come before its last bytes were
     * received counts once for each such change. */
    int64_t round_trips;
    int connections; /* accepted */
    int open;        /* of these, not closed as ts_proxy_wait_closed means it */
} ts_proxy_counts;

/* Of one connection (zeros while it was not accepted), or of all together. */
ts_proxy_counts ts_proxy_count(ts_proxy *proxy, int connection);

/* What was received on a connection in one direction, from the beginning, thrown away or not; its
 * first `to_server` or `to_client` bytes were forwarded. In fresh memory, freed with free(); the
 * record is empty then, and goes on. Only of a proxy that records. */
char *ts_proxy_recorded(ts_proxy *proxy, int connection, ts_direction direction, size_t *length);

/* Waits; each answers false when the deadline passed first. */

/* Until this many connections were accepted. */
bool ts_proxy_wait_connections(ts_proxy *proxy, int count, int64_t deadline);
/* Until a connection (TS_EVERY: all that were accepted) is closed: the server's side has ended
 * (it read the end and closed, or was closed), and the client has been shown the end or ended it.
 * A connection not accepted yet is not closed. */
bool ts_proxy_wait_closed(ts_proxy *proxy, int connection, int64_t deadline);
/* Until both sockets of one connection are closed. If the client was shown its end by TS_END_EOF,
 * from_client then is exactly what the client's kernel took. */
bool ts_proxy_wait_gone(ts_proxy *proxy, int connection, int64_t deadline);
/* Until at least n bytes were forwarded, or received from the sender, on one connection. */
bool ts_proxy_wait_bytes(ts_proxy *proxy, int connection, ts_direction direction, int64_t n,
                         int64_t deadline);
bool ts_proxy_wait_received(ts_proxy *proxy, int connection, ts_direction direction, int64_t n,
                            int64_t deadline);

#endif
