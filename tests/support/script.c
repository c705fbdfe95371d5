/* The scripted server's outside: accepting, and what tests call. Playing is in script_player.c. */
#include "script.h"

#include "base.h"
#include "clock.h"
#include "script_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static void add_player(ts_script *script, int fd)
{
    int on = 1;
    if (script->address.transport != TS_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    player *p = ts_alloc(sizeof *p);
    p->script = script;
    p->fd = fd;
    pthread_mutex_lock(&script->lock);
    p->index = (int)script->count;
    p->steps = script->count < script->options.count ? script->options.scripts[p->index] : NULL;
    p->state = (ts_responder_state){.connection = p->index, .user = script->options.user};
    script->players = ts_resize(script->players, (script->count + 1) * sizeof(player *));
    script->players[script->count++] = p;
    if (pthread_create(&p->thread, NULL, player_thread, p) != 0)
        ts_die("no thread for a scripted connection");
    pthread_cond_broadcast(&script->changed);
    pthread_mutex_unlock(&script->lock);
}

static void *accept_loop(void *argument)
{
    ts_script *script = argument;
    struct pollfd set[] = {{.fd = script->listener, .events = POLLIN},
                           {.fd = script->stop_fd, .events = POLLIN}};
    for (;;) {
        if (poll(set, 2, -1) < 0 && errno != EINTR)
            ts_die("the scripted server cannot poll: %s", strerror(errno));
        if (set[1].revents)
            return NULL;
        int fd = accept4(script->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0)
            add_player(script, fd);
    }
}

ts_script *ts_script_start(const ts_script_options *options)
{
    ts_script *script = ts_alloc(sizeof *script);
    script->options = *options;
    ts_temp_make(script->folder);
    script->address = ts_address_new(options->transport, script->folder, "script");
    script->listener = ts_listen(&script->address);
    script->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (script->listener < 0 || script->stop_fd < 0)
        ts_die("the scripted server cannot listen: %s", strerror(errno));
    pthread_mutex_init(&script->lock, NULL);
    pthread_mutex_init(&script->responding, NULL);
    ts_condition_init(&script->changed);
    if (pthread_create(&script->thread, NULL, accept_loop, script) != 0)
        ts_die("no thread for the scripted server");
    return script;
}

static void free_player(player *p)
{
    pthread_join(p->thread, NULL);
    ts_buffer_free(&p->input);
    ts_buffer_free(&p->record);
    free(p);
}

void ts_script_free(ts_script *script)
{
    if (!script)
        return;
    pthread_mutex_lock(&script->lock);
    script->stopping = true;
    uint64_t one = 1;
    if (write(script->stop_fd, &one, sizeof one) < 0)
        ts_die("cannot stop the scripted server: %s", strerror(errno));
    pthread_cond_broadcast(&script->changed);
    pthread_mutex_unlock(&script->lock);
    pthread_join(script->thread, NULL);
    for (size_t i = 0; i < script->count; i++)
        free_player(script->players[i]);
    free(script->players);
    close(script->listener);
    close(script->stop_fd);
    pthread_cond_destroy(&script->changed);
    pthread_mutex_destroy(&script->responding);
    pthread_mutex_destroy(&script->lock);
    ts_temp_remove(script->folder);
    free(script);
}

ts_address ts_script_address(const ts_script *script)
{
    return script->address;
}

const char *ts_script_url(const ts_script *script, char *url, size_t size)
{
    return ts_address_url(&script->address, url, size);
}

typedef bool (*condition)(const player *p, size_t count);

static player *player_of(ts_script *script, int index)
{
    return index >= 0 && (size_t)index < script->count ? script->players[index] : NULL;
}

/* False too once the player is done without having met the condition. */
static bool wait_until(ts_script *script, int index, condition met, size_t count, int64_t deadline)
{
    pthread_mutex_lock(&script->lock);
    bool in_time = true;
    const player *p = player_of(script, index);
    while (in_time && !(p && (met(p, count) || p->done))) {
        in_time = ts_condition_wait(&script->changed, &script->lock, deadline);
        p = player_of(script, index);
    }
    bool result = p && met(p, count);
    pthread_mutex_unlock(&script->lock);
    return result;
}

static bool at_pause(const player *p, size_t count)
{
    (void)count;
    return p->paused && p->resumes == 0;
}

static bool is_done(const player *p, size_t count)
{
    (void)count;
    return p->done;
}

static bool has_received(const player *p, size_t count)
{
    return ts_buffer_length(&p->record) >= count;
}

bool ts_script_wait_paused(ts_script *script, int connection, int64_t deadline)
{
    return wait_until(script, connection, at_pause, 0, deadline);
}

bool ts_script_wait_done(ts_script *script, int connection, int64_t deadline)
{
    return wait_until(script, connection, is_done, 0, deadline);
}

bool ts_script_wait_received(ts_script *script, int connection, size_t n, int64_t deadline)
{
    return wait_until(script, connection, has_received, n, deadline);
}

bool ts_script_wait_connections(ts_script *script, int count, int64_t deadline)
{
    pthread_mutex_lock(&script->lock);
    while (script->count < (size_t)count)
        if (!ts_condition_wait(&script->changed, &script->lock, deadline))
            break;
    bool enough = script->count >= (size_t)count;
    pthread_mutex_unlock(&script->lock);
    return enough;
}

void ts_script_resume(ts_script *script, int connection)
{
    pthread_mutex_lock(&script->lock);
    player *p = player_of(script, connection);
    if (!p)
        ts_die("connection %d was not accepted yet", connection);
    p->resumes++;
    pthread_cond_broadcast(&script->changed);
    pthread_mutex_unlock(&script->lock);
}

bool ts_script_result(ts_script *script, char *difference, size_t size)
{
    difference[0] = 0;
    pthread_mutex_lock(&script->lock);
    if (script->count < script->options.count)
        snprintf(difference, size, "%zu connections for %zu scripts", script->count,
                 script->options.count);
    for (size_t i = 0; i < script->count && !difference[0]; i++) {
        const player *p = script->players[i];
        if (p->difference[0])
            snprintf(difference, size, "connection %zu: %s", i, p->difference);
        else if (!p->done && p->steps)
            snprintf(difference, size, "connection %zu: not played to its end", i);
    }
    pthread_mutex_unlock(&script->lock);
    return !difference[0];
}

char *ts_script_received(ts_script *script, int connection, size_t *length)
{
    char *copy = NULL;
    *length = 0;
    pthread_mutex_lock(&script->lock);
    const player *p = player_of(script, connection);
    if (p) {
        *length = ts_buffer_length(&p->record);
        copy = ts_copy(ts_buffer_bytes(&p->record), *length);
    }
    pthread_mutex_unlock(&script->lock);
    return copy;
}

int ts_script_connections(ts_script *script)
{
    pthread_mutex_lock(&script->lock);
    int count = (int)script->count;
    pthread_mutex_unlock(&script->lock);
    return count;
}
