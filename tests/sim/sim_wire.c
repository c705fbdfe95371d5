/* Wires. */
#include "sim_wire.h"

void sim_wire_open(struct sim_wire *w, struct link *link, struct sim_far far)
{
    w->link = link;
    w->far = far;
    link_connected(link);
}

void sim_wire_free(struct sim_wire *w)
{
    sim_bytes_free(&w->accepted);
    sim_bytes_free(&w->ends);
    sim_bytes_free(&w->held);
}

bool sim_wire_is_late(const struct sim_wire *w)
{
    return w->fault.kind == SIM_SERVER_LATE || w->fault.kind == SIM_SERVER_STALL;
}

void sim_wire_arrive(struct sim_wire *w, size_t limit)
{
    size_t from = w->arrived;
    if (limit > w->accepted.size)
        limit = w->accepted.size;
    if (limit <= from || w->server_gone)
        return;
    w->arrived = limit;
    w->far.arrive(w->far.session, w->accepted.at + from, limit - from);
}

/* How much of what the kernel took reaches the server while the client is there. */
static size_t arrival_limit(const struct sim_wire *w)
{
    bool cut = w->fault.kind == SIM_SERVER_CUT || sim_wire_is_late(w);
    size_t at = w->fault.at;
    while (cut && at > 0 && at <= w->ends.size && !w->ends.at[at - 1])
        at--; /* a record cut short is none */
    return cut ? at : SIZE_MAX;
}

void sim_wire_close(struct sim_wire *w)
{
    sim_wire_arrive(w, arrival_limit(w));
    w->link = NULL;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

static size_t piece(const struct sim_pace *pace, size_t n)
{
    return pace->split && n > pace->split ? pace->split : n;
}

static void accept_bytes(struct sim_wire *w, const char *bytes, size_t n)
{
    static const char no = 0, yes = 1;
    sim_bytes_add(&w->accepted, bytes, n);
    for (size_t i = 1; i <= n; i++)
        sim_bytes_add(&w->ends, i < n ? &no : &yes, 1);
}

/* The kernel takes n bytes more. */
static void hand_over(const struct sim_pace *pace, struct sim_wire *w, const struct span *span,
                      size_t n)
{
    w->took += n;
    if (!pace->record) {
        accept_bytes(w, span->bytes, n);
        conn_taken(&w->link->conn, n);
        link_handed(w->link, n);
        return;
    }
    w->held_out += n;
    if (w->held_out < w->held.size)
        return;
    accept_bytes(w, w->held.at, w->held.size);
    link_handed(w->link, w->held.size);
    w->held.size = w->held_out = 0;
}

/* Client to kernel. True if anything moved. */
static bool move_out(struct sim_wire *w, const struct sim_pace *pace)
{
    struct span spans[8];
    size_t n = conn_output(&w->link->conn, spans, 8), record = pace->record;
    if (record && n && w->held.size == 0) {
        size_t plain = spans[0].size < record ? spans[0].size : record;
        sim_bytes_add(&w->held, spans[0].bytes, plain);
        conn_taken(&w->link->conn, plain);
    }
    size_t ready = record ? w->held.size - w->held_out : n ? spans[0].size : 0;
    if (ready == 0 || w->link->conn.retiring)
        return false;
    size_t take = piece(pace, ready);
    if (w->fault.kind == SIM_ACCEPT_CUT) {
        size_t room = w->fault.at - w->took;
        if (room == 0) {
            sim_wire_arrive(w, SIZE_MAX);
            link_broken(w->link, VOUCH_CAUSE_LOST, false, "cut");
            return true;
        }
        if (take > room)
            take = room;
    }
    hand_over(pace, w, spans, take);
    return true;
}

/* Kernel to server and back to the client. */
static bool move_in(struct sim_wire *w, const struct sim_pace *pace)
{
    size_t before = w->arrived;
    size_t limit = arrival_limit(w), want = w->arrived + piece(pace, w->accepted.size - w->arrived);
    sim_wire_arrive(w, want < limit ? want : limit);
    bool any = w->arrived != before;
    size_t end = w->far.out->size;
    bool cut = w->fault.kind == SIM_CLIENT_CUT || w->fault.kind == SIM_CLIENT_STALL;
    if (cut && end > w->fault.at)
        end = w->fault.at;
    if (w->returned < end) {
        size_t n = piece(pace, end - w->returned);
        w->returned += n;
        link_received(w->link, w->far.out->at + w->returned - n, n);
        return true;
    }
    if (w->fault.kind == SIM_CLIENT_CUT && w->returned == w->fault.at &&
        w->far.out->size >= w->fault.at && (any || w->far.out->size > w->fault.at)) {
        link_broken(w->link, VOUCH_CAUSE_LOST, false, "cut");
        return true;
    }
    bool gone = (w->fault.kind == SIM_SERVER_CUT || w->fault.kind == SIM_SERVER_LATE) &&
                w->arrived == arrival_limit(w) && w->accepted.size > w->fault.at;
    if ((gone && w->returned == w->far.out->size) || w->server_gone) {
        link_broken(w->link, VOUCH_CAUSE_LOST, false, "gone");
        return true;
    }
    return any;
}

bool sim_wire_move(struct sim_wire *w, const struct sim_pace *pace)
{
    struct link *l = w->link;
    bool any = move_out(w, pace);
    if (!l->close_transport)
        any = move_in(w, pace) || any;
    return any;
}
