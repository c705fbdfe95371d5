/* One direction of a proxied connection: a queue, and the rules that say how much of it may go on.
 *
 * At position p (bytes forwarded) the nearest of cut, drop and stall ahead bounds what is sent, so
 * that each acts at exactly its own position. Order of the checks at one position: cut, drop,
 * stall. */
#include "clock.h"
#include "proxy_parts.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

enum {
    QUEUE_MAX = 256 * 1024,       /* while nothing holds the bytes back, beyond it no reading */
    HELD_MAX = 256 * 1024 * 1024, /* while a fault does */
    LOOK_AGAIN_NS = 50 * 1000
};

static void wake_at(int64_t *wake_ns, int64_t at_ns)
{
    if (at_ns < *wake_ns)
        *wake_ns = at_ns;
}

static bool reached(int64_t position, const flow *f)
{
    return position != TS_NEVER && f->forwarded >= position;
}

static void count_received(flow *f, const char *bytes, size_t length)
{
    f->received += (int64_t)length;
    if (f->record)
        ts_buffer_add(&f->recorded, bytes, length);
}

void flow_discard(flow *f, const char *bytes, size_t length)
{
    count_received(f, bytes, length);
    f->discarded += (int64_t)length;
}

void flow_receive(flow *f, const char *bytes, size_t length, int64_t now_ns)
{
    count_received(f, bytes, length);
    ts_buffer_add(&f->queue, bytes, length);
    if (f->fault.delay_ms > 0) {
        flow_chunk chunk = {f->received, now_ns + f->fault.delay_ms * 1000000};
        ts_buffer_add(&f->chunks, &chunk, sizeof chunk);
    }
}

void flow_end(flow *f, int64_t now_ns)
{
    f->ended = true;
    f->end_due_ns = now_ns + f->fault.delay_ms * 1000000;
}

size_t flow_room(const flow *f)
{
    if (f->ended)
        return 0;
    size_t held = ts_buffer_length(&f->queue);
    int64_t stall = f->fault.stall_after;
    size_t limit = stall != TS_NEVER || f->fault.delay_ms > 0 ? HELD_MAX : QUEUE_MAX;
    size_t room = held < limit ? limit - held : 0;
    if (stall != TS_NEVER && f->fault.back_pressure) {
        int64_t ahead = stall - (f->forwarded + (int64_t)held);
        if (ahead < (int64_t)room)
            room = ahead > 0 ? (size_t)ahead : 0;
    }
    return room;
}

static void take(flow *f, size_t length, bool forwarded)
{
    ts_buffer_take(&f->queue, length);
    *(forwarded ? &f->forwarded : &f->discarded) += (int64_t)length;
}

static void discard_all(flow *f)
{
    take(f, ts_buffer_length(&f->queue), false);
    ts_buffer_take(&f->chunks, ts_buffer_length(&f->chunks));
}

static void bound(size_t *count, int64_t position, const flow *f)
{
    if (position == TS_NEVER)
        return;
    int64_t ahead = position - f->forwarded;
    if (ahead < (int64_t)*count)
        *count = ahead > 0 ? (size_t)ahead : 0;
}

/* Bytes of the queue whose time has come. */
static size_t due(flow *f, int64_t now_ns, int64_t *wake_ns)
{
    int64_t begin = f->forwarded + f->discarded;
    while (ts_buffer_length(&f->chunks) > 0) {
        flow_chunk chunk;
        memcpy(&chunk, ts_buffer_bytes(&f->chunks), sizeof chunk);
        if (chunk.end <= begin) {
            ts_buffer_take(&f->chunks, sizeof chunk);
        } else if (chunk.due_ns <= now_ns) {
            return (size_t)(chunk.end - begin);
        } else {
            wake_at(wake_ns, chunk.due_ns);
            return 0;
        }
    }
    return ts_buffer_length(&f->queue);
}

static size_t allowed(flow *f, int64_t now_ns, int64_t *wake_ns)
{
    size_t count = due(f, now_ns, wake_ns);
    bound(&count, f->fault.cut_after, f);
    bound(&count, f->fault.drop_after, f);
    bound(&count, f->fault.stall_after, f);
    if (f->fault.split > 0 && count > f->fault.split)
        count = f->fault.split;
    return count;
}

static void garble(flow *f)
{
    int64_t ahead = f->fault.garble_at - f->forwarded;
    if (f->garbled || f->fault.garble_at == TS_NEVER || ahead < 0 ||
        ahead >= (int64_t)ts_buffer_length(&f->queue))
        return;
    char *byte = ts_buffer_bytes(&f->queue) + ahead;
    *byte = (char)((unsigned char)*byte ^ f->fault.garble_mask);
    f->garbled = true;
}

/* False when nothing more can be sent now. */
static bool send_some(flow *f, int fd, size_t length, int64_t *wake_ns)
{
    if (f->piece_unread && f->fault.split_wait && !socket_delivered(fd, true)) {
        wake_at(wake_ns, ts_now_ns() + LOOK_AGAIN_NS);
        return false;
    }
    ssize_t sent = send(fd, ts_buffer_bytes(&f->queue), length, MSG_NOSIGNAL);
    if (sent > 0) {
        take(f, (size_t)sent, true);
        f->piece_unread = true;
        return true;
    }
    f->blocked = errno == EAGAIN;
    f->broken = errno != EAGAIN && errno != EINTR;
    return false;
}

flow_state flow_advance(flow *f, int fd, int64_t now_ns, int64_t *wake_ns)
{
    garble(f);
    for (;;) {
        if (reached(f->fault.cut_after, f))
            return FLOW_CUT;
        if (f->broken || reached(f->fault.drop_after, f))
            discard_all(f);
        size_t length = allowed(f, now_ns, wake_ns);
        if (length == 0 || f->blocked || !send_some(f, fd, length, wake_ns))
            break;
    }
    if (f->broken)
        discard_all(f);
    if (!f->ended || ts_buffer_length(&f->queue) > 0)
        return FLOW_WAITS;
    if (reached(f->fault.stall_after, f) && !f->broken)
        return FLOW_WAITS;
    if (f->end_due_ns > now_ns && !f->broken) {
        wake_at(wake_ns, f->end_due_ns);
        return FLOW_WAITS;
    }
    return FLOW_PASSED;
}

void flow_free(flow *f)
{
    ts_buffer_free(&f->queue);
    ts_buffer_free(&f->recorded);
    ts_buffer_free(&f->chunks);
}

/* The port of a TCP socket's own or other end; -1 when it is none. */
static int port_of(int fd, bool own)
{
    struct sockaddr_storage name = {0};
    socklen_t length = sizeof name;
    int failed = own ? getsockname(fd, (struct sockaddr *)&name, &length)
                     : getpeername(fd, (struct sockaddr *)&name, &length);
    in_port_t port = 0;
    if (failed != 0)
        return -1;
    if (name.ss_family == AF_INET)
        memcpy(&port, (char *)&name + offsetof(struct sockaddr_in, sin_port), sizeof port);
    else if (name.ss_family == AF_INET6)
        memcpy(&port, (char *)&name + offsetof(struct sockaddr_in6, sin6_port), sizeof port);
    return port ? ntohs(port) : -1;
}

/* TCP tells a sender what the peer's kernel acknowledged, not what its program read; the peer
 * being on this machine, the kernel's table of sockets has that. */
static bool peer_read_all(const char *table, int own, int peer)
{
    FILE *file = fopen(table, "re");
    char line[512];
    bool all = true;
    while (file && fgets(line, sizeof line, file)) {
        unsigned local = 0, remote = 0, unread = 0;
        /* What does not fit in the kernel's own table is no line of ours. */
        /* NOLINTNEXTLINE(cert-err34-c) */
        if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%x %*x %*x:%x", &local, &remote,
                   &unread) == 3 &&
            local == (unsigned)peer && remote == (unsigned)own && unread > 0)
            all = false;
    }
    if (file)
        fclose(file);
    return all;
}

bool socket_delivered(int fd, bool read)
{
    int waiting = 0;
    int own = port_of(fd, true), peer = port_of(fd, false);
    bool tcp = own >= 0 && peer >= 0;
    /* What is sent on a Unix socket is in the peer's queue at once, and counted until it is read. */
    if (!tcp && !read)
        return true;
    if (ioctl(fd, SIOCOUTQ, &waiting) == 0 && waiting > 0)
        return false;
    return !tcp || !read ||
           (peer_read_all("/proc/net/tcp", own, peer) &&
            peer_read_all("/proc/net/tcp6", own, peer));
}
