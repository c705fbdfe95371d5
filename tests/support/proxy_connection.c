/* A proxied connection: two sockets, a flow each way, and how they end.
 *
 *   who ends it        what the other side is shown                   then
 *   client             its bytes, then a half-close to the server     answers go on until the
 *                                                                     server's end, then all closes
 *   server             its bytes, then the client is closed or reset  the server is closed
 *   a cut              by ending and mode: see proxy.h
 *
 * A side that was shown the end is drained, its bytes thrown away, until it closes in turn: closing
 * a socket with unread bytes in it would reset the connection, and so cut answers short.
 * A socket is -1 exactly when it is closed. */
#include "proxy_parts.h"

#include "base.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024, RESET_LOOK_NS = 50 * 1000 };

static void close_socket(int *fd, bool reset)
{
    if (*fd < 0)
        return;
    if (reset)
        ts_close_reset(*fd);
    else
        close(*fd);
    *fd = -1;
}

static void show_client(connection *c, ts_ending ending)
{
    if (c->client_shown)
        return;
    c->client_shown = true;
    c->to_client.broken = true;
    if (ending == TS_END_EOF && c->client >= 0)
        shutdown(c->client, SHUT_WR);
    else
        close_socket(&c->client, ending == TS_END_RESET);
}

static void show_server(connection *c)
{
    if (c->server_shown)
        return;
    c->server_shown = true;
    c->to_server.broken = true;
    if (c->server >= 0)
        shutdown(c->server, SHUT_WR);
}

/* Only the client's side ends. One that was closed says nothing more. */
static void cut_client(connection *c)
{
    c->late = true;
    show_client(c, c->plan.ending);
    if (c->client < 0)
        flow_end(&c->to_server, 0);
    c->cutting = NOT_CUTTING;
}

static void cut(connection *c)
{
    c->to_server.fault.cut_after = c->to_client.fault.cut_after = TS_NEVER;
    if (c->plan.mode == TS_CUT_HELD) {
        cut_client(c);
        return;
    }
    if (c->plan.mode == TS_CUT_ABRUPT) {
        close_socket(&c->server, c->plan.ending == TS_END_RESET);
        c->server_shown = c->to_server.broken = true;
    } else {
        show_server(c);
    }
    c->answering = c->plan.mode == TS_CUT_ANSWER && c->cutting == FROM_CLIENT;
    if (!c->answering)
        show_client(c, c->plan.ending);
    c->cutting = NOT_CUTTING;
}

connection *connection_new(int client, const ts_plan *plan, const ts_address *upstream)
{
    connection *c = ts_alloc(sizeof *c);
    c->client = client;
    c->server = -1;
    c->client_turn = true;
    connection_plan(c, plan);
    if (plan->refuse) {
        c->server_shown = true;
        show_client(c, TS_END_CLOSE);
    } else if (plan->mute) {
        c->muted = true;
    } else {
        c->server = ts_connect_start(upstream);
        if (c->server < 0) {
            c->server_shown = true;
            show_client(c, TS_END_CLOSE);
        }
    }
    return c;
}

void connection_free(connection *c)
{
    close_socket(&c->client, false);
    close_socket(&c->server, false);
    flow_free(&c->to_server);
    flow_free(&c->to_client);
    free(c);
}

static void plan_flow(flow *f, const ts_fault *fault)
{
    if (fault->garble_at != f->fault.garble_at || fault->garble_mask != f->fault.garble_mask)
        f->garbled = false;
    f->fault = *fault;
    if (fault->delay_ms == 0) {
        ts_buffer_take(&f->chunks, ts_buffer_length(&f->chunks));
        f->end_due_ns = 0;
    }
}

void connection_plan(connection *c, const ts_plan *plan)
{
    c->plan = *plan;
    plan_flow(&c->to_server, &plan->to_server);
    plan_flow(&c->to_client, &plan->to_client);
}

static bool server_over(const connection *c)
{
    return c->server < 0 || c->to_client.ended;
}

bool connection_closed(const connection *c)
{
    bool client_over = c->client_shown || c->to_server.ended;
    return client_over && server_over(c);
}

/* What the client says goes nowhere any more. */
static bool is_deaf(const connection *c)
{
    return c->client_shown && !c->late;
}

/* Reads once; what a side that was shown the end still says is thrown away. */
static void read_client(connection *c, int64_t now_ns)
{
    char bytes[READ_SIZE];
    size_t room = is_deaf(c) ? READ_SIZE : flow_room(&c->to_server);
    ssize_t got = recv(c->client, bytes, room < READ_SIZE ? room : READ_SIZE, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        flow_end(&c->to_server, now_ns);
        if (got < 0 || c->client_shown)
            show_client(c, TS_END_CLOSE);
        if (c->client_shown)
            close_socket(&c->client, false);
    } else if (is_deaf(c)) {
        flow_discard(&c->to_server, bytes, (size_t)got);
    } else {
        if (c->client_turn)
            c->round_trips++;
        c->client_turn = false;
        flow_receive(&c->to_server, bytes, (size_t)got, now_ns);
    }
}

static void read_server(connection *c, int64_t now_ns)
{
    char bytes[READ_SIZE];
    size_t room = c->to_client.broken ? READ_SIZE : flow_room(&c->to_client);
    ssize_t got = recv(c->server, bytes, room < READ_SIZE ? room : READ_SIZE, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0) {
        flow_receive(&c->to_client, bytes, (size_t)got, now_ns);
        return;
    }
    c->server_reset = got < 0;
    flow_end(&c->to_client, now_ns);
    c->server_shown = c->to_server.broken = true;
    close_socket(&c->server, false);
}

/* A reset loses what the peer's kernel has not got yet: it waits for that. */
static bool may_cut(connection *c, int64_t now_ns, int64_t *wake_ns)
{
    if (c->plan.ending != TS_END_RESET)
        return true;
    bool client = c->client < 0 || socket_delivered(c->client, false);
    bool server =
        c->plan.mode != TS_CUT_ABRUPT || c->server < 0 || socket_delivered(c->server, false);
    if (client && server)
        return true;
    if (now_ns + RESET_LOOK_NS < *wake_ns)
        *wake_ns = now_ns + RESET_LOOK_NS;
    return false;
}

/* Moves bytes both ways, up to a cut. */
static void forward(connection *c, int64_t now_ns, int64_t *wake_ns)
{
    int64_t answered = c->to_client.forwarded;
    flow_state to_server = flow_advance(&c->to_server, c->server, now_ns, wake_ns);
    flow_state to_client = FLOW_WAITS;
    if (to_server != FLOW_CUT)
        to_client = flow_advance(&c->to_client, c->client, now_ns, wake_ns);
    if (c->to_client.forwarded > answered)
        c->client_turn = true;
    if (to_server == FLOW_CUT)
        c->cutting = FROM_CLIENT;
    else if (to_client == FLOW_CUT)
        c->cutting = FROM_SERVER;
    if (c->cutting != NOT_CUTTING)
        return;
    if (to_server == FLOW_PASSED)
        show_server(c);
    if (to_client == FLOW_PASSED && c->answering)
        show_client(c, c->plan.ending);
    else if (to_client == FLOW_PASSED)
        show_client(c, c->server_reset ? TS_END_RESET : TS_END_CLOSE);
    if (c->muted && c->to_server.ended)
        show_client(c, TS_END_CLOSE);
}

static void advance(connection *c, int64_t now_ns, int64_t *wake_ns)
{
    if (c->server < 0)
        c->to_server.broken = true;
    if (c->cutting == NOT_CUTTING)
        forward(c, now_ns, wake_ns);
    if (c->cutting != NOT_CUTTING && may_cut(c, now_ns, wake_ns))
        cut(c);
}

void connection_pump(connection *c, short client_events, short server_events, int64_t now_ns,
                     int64_t *wake_ns)
{
    if (client_events & (POLLOUT | POLLHUP | POLLERR))
        c->to_client.blocked = false;
    if (server_events & (POLLOUT | POLLHUP | POLLERR))
        c->to_server.blocked = false;
    if (c->client >= 0 && (client_events & (POLLIN | POLLHUP | POLLERR)) &&
        (connection_client_wants(c) & POLLIN))
        read_client(c, now_ns);
    if (c->server >= 0 && (server_events & (POLLIN | POLLHUP | POLLERR)) &&
        (connection_server_wants(c) & POLLIN))
        read_server(c, now_ns);
    advance(c, now_ns, wake_ns);
}

short connection_client_wants(const connection *c)
{
    if (c->client < 0)
        return 0;
    bool read = is_deaf(c) || flow_room(&c->to_server) > 0;
    return (short)((read ? POLLIN : 0) | (c->to_client.blocked ? POLLOUT : 0));
}

short connection_server_wants(const connection *c)
{
    if (c->server < 0 || c->to_client.ended)
        return 0;
    bool read = c->to_client.broken || flow_room(&c->to_client) > 0;
    return (short)((read ? POLLIN : 0) | (c->to_server.blocked ? POLLOUT : 0));
}
