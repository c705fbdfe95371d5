/* The proxy's thread: polls without the lock, then does with the lock all that can be done. Each
 * turn pumps every connection, since a test may have changed any plan; there are only a few. */
#include "base.h"
#include "clock.h"
#include "proxy_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The poll set: the wake-up, the listener, then client and server of each connection. */
enum { WAKE, LISTENER, FIRST };

static const ts_plan *plan_for(const ts_proxy *proxy, int index)
{
    for (size_t i = 0; i < proxy->planned_count; i++)
        if (proxy->planned[i].connection == index)
            return &proxy->planned[i].plan;
    return &proxy->plan;
}

static void add_connection(ts_proxy *proxy, int client)
{
    const ts_plan *plan = plan_for(proxy, (int)proxy->count);
    connection *c = connection_new(client, plan, &proxy->upstream);
    c->to_server.record = c->to_client.record = proxy->record;
    proxy->connections = ts_resize(proxy->connections, (proxy->count + 1) * sizeof(connection *));
    proxy->connections[proxy->count++] = c;
    proxy->live = ts_resize(proxy->live, (proxy->live_count + 1) * sizeof(connection *));
    proxy->live[proxy->live_count++] = c;
}

static void accept_all(ts_proxy *proxy)
{
    while (proxy->listener >= 0) {
        int client = accept4(proxy->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (client < 0)
            return;
        int on = 1;
        if (proxy->address.transport != TS_UNIX)
            setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        add_connection(proxy, client);
    }
}

static struct pollfd want(int fd, short events)
{
    /* A socket that nothing is wanted of would still report its hang-up, for ever. */
    return (struct pollfd){.fd = events ? fd : -1, .events = events};
}

static struct pollfd *poll_set(const ts_proxy *proxy, struct pollfd *set)
{
    set = ts_resize(set, (FIRST + 2 * proxy->live_count) * sizeof *set);
    set[WAKE] = want(proxy->wake_fd, POLLIN);
    set[LISTENER] = want(proxy->listener, POLLIN);
    for (size_t i = 0; i < proxy->live_count; i++) {
        const connection *c = proxy->live[i];
        set[FIRST + 2 * i] = want(c->client, connection_client_wants(c));
        set[FIRST + 2 * i + 1] = want(c->server, connection_server_wants(c));
    }
    return set;
}

static void wait_for_events(struct pollfd *set, size_t count, int64_t wake_ns)
{
    struct timespec timeout = {0};
    int64_t left = wake_ns == TS_NO_WAKE ? 0 : wake_ns - ts_now_ns();
    if (left > 0) {
        timeout.tv_sec = (time_t)(left / 1000000000);
        timeout.tv_nsec = (long)(left % 1000000000);
    }
    if (ppoll(set, count, wake_ns == TS_NO_WAKE ? NULL : &timeout, NULL) < 0 && errno != EINTR)
        ts_die("the proxy cannot poll: %s", strerror(errno));
}

/* Connections accepted in this turn are not in the set yet; they have no events. */
static int64_t pump_all(ts_proxy *proxy, const struct pollfd *set, size_t polled)
{
    int64_t wake_ns = TS_NO_WAKE;
    int64_t now_ns = ts_now_ns();
    size_t kept = 0;
    for (size_t i = 0; i < proxy->live_count; i++) {
        connection *c = proxy->live[i];
        short client = i < polled ? set[FIRST + 2 * i].revents : 0;
        short server = i < polled ? set[FIRST + 2 * i + 1].revents : 0;
        connection_pump(c, client, server, now_ns, &wake_ns);
        if (c->client >= 0 || c->server >= 0)
            proxy->live[kept++] = c;
    }
    proxy->live_count = kept;
    return wake_ns;
}

static void start_or_stop_listening(ts_proxy *proxy)
{
    if (proxy->listen_settled)
        return;
    if (proxy->listen_wanted && proxy->listener < 0) {
        proxy->listener = ts_listen(&proxy->address);
    } else if (!proxy->listen_wanted && proxy->listener >= 0) {
        close(proxy->listener);
        proxy->listener = -1;
    }
    proxy->listen_settled = true;
}

static void drain_wake(const ts_proxy *proxy)
{
    uint64_t told;
    if (read(proxy->wake_fd, &told, sizeof told) < 0 && errno != EAGAIN)
        ts_die("the proxy's wake-up is broken: %s", strerror(errno));
}

void *proxy_loop(void *argument)
{
    ts_proxy *proxy = argument;
    struct pollfd *set = NULL;
    int64_t wake_ns = TS_NO_WAKE;
    pthread_mutex_lock(&proxy->lock);
    while (!proxy->stopping) {
        set = poll_set(proxy, set);
        size_t polled = proxy->live_count;
        pthread_mutex_unlock(&proxy->lock);
        wait_for_events(set, FIRST + 2 * polled, wake_ns);
        pthread_mutex_lock(&proxy->lock);
        drain_wake(proxy);
        accept_all(proxy);
        start_or_stop_listening(proxy);
        wake_ns = pump_all(proxy, set, polled);
        pthread_cond_broadcast(&proxy->changed);
    }
    pthread_mutex_unlock(&proxy->lock);
    free(set);
    return NULL;
}
