#ifndef TS_PROXY_PARTS_H
#define TS_PROXY_PARTS_H

#include "buffer.h"
#include "proxy.h"
#include "temp.h"

#include <pthread.h>

/* The inside of the proxy, shared by its files only:
 *   proxy_flow.c        one direction: what may go on now, and sending it
 *   proxy_connection.c  two directions and two sockets, and how they end
 *   proxy_loop.c        the thread: poll, accept, pump
 *   proxy.c             what tests call
 * Everything in these structures is guarded by ts_proxy.lock, which the thread holds except while
 * it polls; sockets are non-blocking, so it is never held for long. */

#define TS_NO_WAKE INT64_MAX

/* A stretch of the queue, up to position `end` of the received stream, not to go on before. */
typedef struct flow_chunk {
    int64_t end;
    int64_t due_ns;
} flow_chunk;

/* One direction. Invariant: received == forwarded + discarded + length of queue. */
typedef struct flow {
    ts_fault fault;
    ts_buffer queue;    /* received, not forwarded */
    ts_buffer recorded; /* all that was received, if that is wanted */
    bool record;
    int64_t received;
    int64_t forwarded;
    int64_t discarded;
    ts_buffer chunks;   /* flow_chunks, while delayed */
    int64_t end_due_ns; /* when a delayed end may go on */
    bool ended;         /* the sender said its end */
    bool broken;        /* the receiver takes no more: what comes is thrown away */
    bool blocked;       /* the receiver's socket is full */
    bool piece_unread;  /* split_wait: a piece is out that may not have been read */
    bool garbled;
} flow;

typedef enum flow_state {
    FLOW_WAITS, /* for bytes, time, room or release */
    FLOW_CUT,   /* reached its cut */
    FLOW_PASSED /* the sender ended and everything it sent has gone on */
} flow_state;

void flow_receive(flow *f, const char *bytes, size_t length, int64_t now_ns);
/* The same of bytes that go nowhere. */
void flow_discard(flow *f, const char *bytes, size_t length);
void flow_end(flow *f, int64_t now_ns);
/* How many bytes to read from the sender now. */
size_t flow_room(const flow *f);
/* Sends to `fd` what may go; *wake_ns is lowered to the time when to look again. */
flow_state flow_advance(flow *f, int fd, int64_t now_ns, int64_t *wake_ns);
void flow_free(flow *f);
/* Whether the receiver's kernel has, or with `read` its program took, all that was sent. */
bool socket_delivered(int fd, bool read);

/* Which direction's position caused the cut in progress. */
typedef enum cut_cause { NOT_CUTTING, FROM_CLIENT, FROM_SERVER } cut_cause;

typedef struct connection {
    ts_plan plan;
    int client; /* sockets, -1 when closed */
    int server;
    flow to_server;
    flow to_client;
    int64_t round_trips;
    bool client_turn;  /* the next byte from the client begins a round trip */
    cut_cause cutting; /* at a cut, and waiting until a reset would lose nothing */
    bool answering;    /* cut, and still handing over the server's answers */
    bool muted;        /* has no server, by plan */
    bool client_shown; /* the client was shown the end: what it sends is thrown away … */
    bool late;         /* … unless this is set: then it still goes to the server */
    bool server_shown; /* the same of the server */
    bool server_reset; /* the server's end was no orderly one */
} connection;

connection *connection_new(int client, const ts_plan *plan, const ts_address *upstream);
void connection_free(connection *c);
/* Does all that can be done now. `client_events` and `server_events` are poll's. */
void connection_pump(connection *c, short client_events, short server_events, int64_t now_ns,
                     int64_t *wake_ns);
/* What to poll for; 0: leave the socket out. */
short connection_client_wants(const connection *c);
short connection_server_wants(const connection *c);
void connection_plan(connection *c, const ts_plan *plan);
bool connection_closed(const connection *c);

typedef struct planned {
    int connection;
    ts_plan plan;
} planned;

struct ts_proxy {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* told after every turn of the loop that did something */
    pthread_t thread;
    char folder[TS_TEMP_MAX];
    ts_address address;
    ts_address upstream;
    bool tls;
    bool record;
    int listener; /* -1 while not listening; only the thread opens and closes it */
    bool listen_wanted;
    bool listen_settled; /* the thread has seen what is wanted */
    int wake_fd;
    bool stopping;
    connection **connections; /* all that were accepted, by index */
    size_t count;
    connection **live; /* those with an open socket */
    size_t live_count;
    ts_plan plan; /* of connections without their own */
    planned *planned;
    size_t planned_count;
};

void *proxy_loop(void *proxy);

#endif
