/* What tests call: every function takes the lock, changes or reads the state, and wakes the
 * thread. See proxy_parts.h for the parts. */
#include "proxy.h"

#include "base.h"
#include "clock.h"
#include "proxy_parts.h"
#include "temp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

ts_plan ts_plan_none(void)
{
    return (ts_plan)TS_PLAN_NONE;
}

ts_plan ts_plan_cut(ts_direction direction, int64_t after)
{
    ts_plan plan = TS_PLAN_NONE;
    if (direction == TS_TO_SERVER)
        plan.to_server.cut_after = after;
    else
        plan.to_client.cut_after = after;
    return plan;
}

static void wake(ts_proxy *proxy)
{
    uint64_t one = 1;
    if (write(proxy->wake_fd, &one, sizeof one) < 0)
        ts_die("the proxy's wake-up is broken: %s", strerror(errno));
}

static void unlock_and_wake(ts_proxy *proxy)
{
    wake(proxy);
    pthread_mutex_unlock(&proxy->lock);
}

ts_proxy *ts_proxy_start(const ts_proxy_options *options)
{
    ts_proxy *proxy = ts_alloc(sizeof *proxy);
    ts_temp_make(proxy->folder);
    proxy->address = ts_address_new(options->transport, proxy->folder, "proxy");
    proxy->upstream = options->upstream;
    proxy->tls = options->tls;
    proxy->record = options->record;
    proxy->plan = ts_plan_none();
    proxy->listener = ts_listen(&proxy->address);
    proxy->listen_wanted = true;
    proxy->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (options->receive_buffer) /* what is accepted inherits it */
        setsockopt(proxy->listener, SOL_SOCKET, SO_RCVBUF, &options->receive_buffer,
                   sizeof options->receive_buffer);
    if (proxy->listener < 0 || proxy->wake_fd < 0)
        ts_die("the proxy cannot listen: %s", strerror(errno));
    pthread_mutex_init(&proxy->lock, NULL);
    ts_condition_init(&proxy->changed);
    if (pthread_create(&proxy->thread, NULL, proxy_loop, proxy) != 0)
        ts_die("no thread for the proxy");
    return proxy;
}

void ts_proxy_free(ts_proxy *proxy)
{
    if (!proxy)
        return;
    pthread_mutex_lock(&proxy->lock);
    proxy->stopping = true;
    unlock_and_wake(proxy);
    pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < proxy->count; i++)
        connection_free(proxy->connections[i]);
    free(proxy->connections);
    free(proxy->live);
    free(proxy->planned);
    if (proxy->listener >= 0)
        close(proxy->listener);
    close(proxy->wake_fd);
    pthread_cond_destroy(&proxy->changed);
    pthread_mutex_destroy(&proxy->lock);
    ts_temp_remove(proxy->folder);
    free(proxy);
}

ts_address ts_proxy_address(const ts_proxy *proxy)
{
    return proxy->address;
}

const char *ts_proxy_url(const ts_proxy *proxy, char *url, size_t size)
{
    return proxy->tls ? ts_address_url_tls(&proxy->address, url, size)
                      : ts_address_url(&proxy->address, url, size);
}

static connection *accepted(ts_proxy *proxy, int index)
{
    return index >= 0 && (size_t)index < proxy->count ? proxy->connections[index] : NULL;
}

static void plan_ahead(ts_proxy *proxy, int index, const ts_plan *plan)
{
    for (size_t i = 0; i < proxy->planned_count; i++) {
        if (proxy->planned[i].connection == index) {
            proxy->planned[i].plan = *plan;
            return;
        }
    }
    proxy->planned = ts_resize(proxy->planned, (proxy->planned_count + 1) * sizeof(planned));
    proxy->planned[proxy->planned_count++] = (planned){index, *plan};
}

void ts_proxy_plan(ts_proxy *proxy, int index, const ts_plan *plan)
{
    pthread_mutex_lock(&proxy->lock);
    connection *c = accepted(proxy, index);
    if (index == TS_EVERY)
        proxy->plan = *plan;
    else if (c)
        connection_plan(c, plan);
    else
        plan_ahead(proxy, index, plan);
    unlock_and_wake(proxy);
}

static void shift(ts_fault *fault, int64_t by)
{
    int64_t *positions[] = {&fault->cut_after, &fault->drop_after, &fault->stall_after,
                            &fault->garble_at};
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++)
        if (*positions[i] != TS_NEVER)
            *positions[i] += by;
}

void ts_proxy_plan_from_here(ts_proxy *proxy, int index, const ts_plan *plan)
{
    pthread_mutex_lock(&proxy->lock);
    connection *c = accepted(proxy, index);
    if (!c)
        ts_die("connection %d was not accepted yet", index);
    ts_plan shifted = *plan;
    shift(&shifted.to_server, c->to_server.forwarded);
    shift(&shifted.to_client, c->to_client.forwarded);
    connection_plan(c, &shifted);
    unlock_and_wake(proxy);
}

void ts_proxy_release(ts_proxy *proxy, int index)
{
    pthread_mutex_lock(&proxy->lock);
    for (size_t i = 0; i < proxy->count; i++) {
        if (index == TS_EVERY || (size_t)index == i) {
            proxy->connections[i]->to_server.fault.stall_after = TS_NEVER;
            proxy->connections[i]->to_client.fault.stall_after = TS_NEVER;
        }
    }
    unlock_and_wake(proxy);
}

void ts_proxy_cut(ts_proxy *proxy, int index, ts_ending ending, ts_cut_mode mode)
{
    pthread_mutex_lock(&proxy->lock);
    for (size_t i = 0; i < proxy->count; i++) {
        connection *c = proxy->connections[i];
        if ((index == TS_EVERY || (size_t)index == i) && !c->client_shown) {
            c->plan.ending = ending;
            c->plan.mode = mode;
            c->to_server.fault.cut_after = 0;
        }
    }
    unlock_and_wake(proxy);
}

void ts_proxy_upstream(ts_proxy *proxy, const ts_address *upstream)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->upstream = *upstream;
    pthread_mutex_unlock(&proxy->lock);
}

bool ts_proxy_listen(ts_proxy *proxy, bool on)
{
    pthread_mutex_lock(&proxy->lock);
    proxy->listen_wanted = on;
    proxy->listen_settled = false;
    wake(proxy);
    while (!proxy->listen_settled)
        pthread_cond_wait(&proxy->changed, &proxy->lock);
    bool listening = proxy->listener >= 0;
    pthread_mutex_unlock(&proxy->lock);
    return listening == on;
}

static void add_counts(ts_proxy_counts *counts, const connection *c)
{
    counts->to_server += c->to_server.forwarded;
    counts->to_client += c->to_client.forwarded;
    counts->from_client += c->to_server.received;
    counts->from_server += c->to_client.received;
    counts->round_trips += c->round_trips;
    counts->connections++;
    counts->open += !connection_closed(c);
}

ts_proxy_counts ts_proxy_count(ts_proxy *proxy, int index)
{
    ts_proxy_counts counts = {0};
    pthread_mutex_lock(&proxy->lock);
    for (size_t i = 0; i < proxy->count; i++)
        if (index == TS_EVERY || (size_t)index == i)
            add_counts(&counts, proxy->connections[i]);
    pthread_mutex_unlock(&proxy->lock);
    return counts;
}

char *ts_proxy_recorded(ts_proxy *proxy, int index, ts_direction direction, size_t *length)
{
    pthread_mutex_lock(&proxy->lock);
    connection *c = accepted(proxy, index);
    if (!c || !proxy->record)
        ts_die("connection %d was not recorded", index);
    ts_buffer *recorded =
        direction == TS_TO_SERVER ? &c->to_server.recorded : &c->to_client.recorded;
    *length = ts_buffer_length(recorded);
    char *copy = ts_copy(ts_buffer_bytes(recorded), *length);
    ts_buffer_free(recorded);
    pthread_mutex_unlock(&proxy->lock);
    return copy;
}

/* What a wait looks at. */
typedef struct wait_goal {
    int connection;
    ts_direction direction;
    int64_t count;
} wait_goal;

typedef bool (*condition)(ts_proxy *proxy, const wait_goal *goal);

static bool wait_until(ts_proxy *proxy, condition reached, wait_goal goal, int64_t deadline)
{
    pthread_mutex_lock(&proxy->lock);
    bool met;
    while (!(met = reached(proxy, &goal)))
        if (!ts_condition_wait(&proxy->changed, &proxy->lock, deadline))
            break;
    met = met || reached(proxy, &goal);
    pthread_mutex_unlock(&proxy->lock);
    return met;
}

static bool enough_connections(ts_proxy *proxy, const wait_goal *goal)
{
    return (int64_t)proxy->count >= goal->count;
}

static bool closed(ts_proxy *proxy, const wait_goal *goal)
{
    if (goal->connection != TS_EVERY) {
        connection *c = accepted(proxy, goal->connection);
        return c && connection_closed(c);
    }
    for (size_t i = 0; i < proxy->count; i++)
        if (!connection_closed(proxy->connections[i]))
            return false;
    return true;
}

static bool gone(ts_proxy *proxy, const wait_goal *goal)
{
    connection *c = accepted(proxy, goal->connection);
    return c && c->client < 0 && c->server < 0;
}

static flow *flow_of(ts_proxy *proxy, const wait_goal *goal)
{
    connection *c = accepted(proxy, goal->connection);
    if (!c)
        return NULL;
    return goal->direction == TS_TO_SERVER ? &c->to_server : &c->to_client;
}

static bool enough_forwarded(ts_proxy *proxy, const wait_goal *goal)
{
    flow *f = flow_of(proxy, goal);
    return f && f->forwarded >= goal->count;
}

static bool enough_received(ts_proxy *proxy, const wait_goal *goal)
{
    flow *f = flow_of(proxy, goal);
    return f && f->received >= goal->count;
}

bool ts_proxy_wait_connections(ts_proxy *proxy, int count, int64_t deadline)
{
    return wait_until(proxy, enough_connections, (wait_goal){.count = count}, deadline);
}

bool ts_proxy_wait_closed(ts_proxy *proxy, int index, int64_t deadline)
{
    return wait_until(proxy, closed, (wait_goal){.connection = index}, deadline);
}

bool ts_proxy_wait_gone(ts_proxy *proxy, int index, int64_t deadline)
{
    return wait_until(proxy, gone, (wait_goal){.connection = index}, deadline);
}

bool ts_proxy_wait_bytes(ts_proxy *proxy, int index, ts_direction direction, int64_t n,
                         int64_t deadline)
{
    return wait_until(proxy, enough_forwarded, (wait_goal){index, direction, n}, deadline);
}

bool ts_proxy_wait_received(ts_proxy *proxy, int index, ts_direction direction, int64_t n,
                            int64_t deadline)
{
    return wait_until(proxy, enough_received, (wait_goal){index, direction, n}, deadline);
}
