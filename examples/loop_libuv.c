/* The server of loop_epoll.c in a libuv loop: vouch's descriptors as uv_poll_t, its timeout as a
 * uv_timer_t, its work before the loop waits as a uv_prepare_t.
 *
 *     loop_libuv [URL]        default $VOUCH_URL, else redis://localhost
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <vouch/vouch.h>

enum { CLIENT_FDS = VOUCH_CLIENT_MAX_CONNECTIONS + 1, VISITORS = 512, LINE = 128 };

struct server;

/* One descriptor of the client's. */
struct watched {
    uv_poll_t poll; /* first */
    struct server *server;
    int fd;
    short events;
};

struct visitor {
    uv_tcp_t tcp; /* first */
    struct server *server;
    char line[LINE];
    size_t n;
    vouch_op *op; /* its request, or NULL; nothing more is read while there is one */
};

struct server {
    uv_loop_t loop;
    uv_tcp_t listener;
    uv_prepare_t prepare;
    uv_timer_t timer;
    vouch_client *client;
    struct watched *watched[CLIENT_FDS];
    size_t watched_count;
    struct visitor *visitors[VISITORS];
    size_t count;
    bool quit;
};

/* ---- vouch and libuv ------------------------------------------------------------------------ */

static void release(uv_handle_t *handle)
{
    free(handle); /* the handle comes first in what it is part of */
}

static void watch(struct server *s);

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct watched *w = (struct watched *)poll;
    struct pollfd ready = {.fd = w->fd};
    if (status < 0 || (events & (UV_READABLE | UV_DISCONNECT)))
        ready.revents |= POLLIN;
    if (events & UV_WRITABLE)
        ready.revents |= POLLOUT;
    vouch_client_ready(w->server->client, &ready, 1);
    watch(w->server);
}

static void on_time(uv_timer_t *timer)
{
    struct server *s = timer->data;
    vouch_client_ready(s->client, NULL, 0);
    watch(s);
}

static void stop_watching(struct server *s, size_t i)
{
    (void)uv_poll_stop(&s->watched[i]->poll);
    uv_close((uv_handle_t *)&s->watched[i]->poll, release);
    s->watched[i] = s->watched[--s->watched_count];
}

static const struct pollfd *find(const struct pollfd *fds, size_t n, int fd)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i].fd == fd)
            return &fds[i];
    return NULL;
}

static struct watched *watched_of(struct server *s, int fd)
{
    for (size_t i = 0; i < s->watched_count; i++)
        if (s->watched[i]->fd == fd)
            return s->watched[i];
    struct watched *w = calloc(1, sizeof *w);
    if (!w || uv_poll_init(&s->loop, &w->poll, fd) != 0) {
        free(w);
        return NULL; /* tried again with the next turn */
    }
    w->server = s;
    w->fd = fd;
    s->watched[s->watched_count++] = w;
    return w;
}

/* What does the client wait for now? A descriptor that is named no more will be closed by the next call
 * of the client, so its handle stops here and now. */
static void watch(struct server *s)
{
    struct pollfd now[CLIENT_FDS];
    int64_t timeout_ms;
    size_t n = vouch_client_watch(s->client, now, CLIENT_FDS, &timeout_ms);
    for (size_t i = s->watched_count; i-- > 0;)
        if (!find(now, n, s->watched[i]->fd))
            stop_watching(s, i);
    for (size_t i = 0; i < n; i++) {
        struct watched *w = watched_of(s, now[i].fd);
        if (!w || w->events == now[i].events)
            continue;
        w->events = now[i].events;
        (void)uv_poll_start(&w->poll,
                            ((w->events & POLLIN) ? UV_READABLE | UV_DISCONNECT : 0) |
                                ((w->events & POLLOUT) ? UV_WRITABLE : 0),
                            on_ready);
    }
    if (timeout_ms >= 0)
        (void)uv_timer_start(&s->timer, on_time, (uint64_t)timeout_ms, 0);
    else
        (void)uv_timer_stop(&s->timer);
}

/* ---- requests ------------------------------------------------------------------------------- */

static void start(struct server *s, struct visitor *v, const char *name)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_error error;
    vouch_batch_add(batch, "INCR", name);
    if (vouch_pipeline_start(s->client, batch, NULL, &v->op, &error) != VOUCH_OK)
        fprintf(stderr, "%s\n", error.message);
    vouch_batch_free(batch);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out);
static void hear(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer);

static void next_request(struct server *s, struct visitor *v)
{
    char *end = memchr(v->line, '\n', v->n);
    if (!v->op && end) {
        *end = 0;
        if (strcmp(v->line, "quit") == 0)
            s->quit = true;
        else
            start(s, v, v->line); /* the name stays in front: the answer wants it */
    }
    if (v->op)
        (void)uv_read_stop((uv_stream_t *)&v->tcp);
    else
        (void)uv_read_start((uv_stream_t *)&v->tcp, give_room, hear);
}

static void answer(struct server *s, struct visitor *v)
{
    char text[LINE + VOUCH_MESSAGE_MAX + 64];
    vouch_results *results = NULL;
    vouch_error error;
    int64_t count = 0;
    vouch_status status = vouch_pipeline_finish(v->op, &results, &error); /* done: no waiting */
    v->op = NULL;
    int n = status == VOUCH_OK && vouch_reply_int64(vouch_results_at(results, 0)->reply, &count)
                ? snprintf(text, sizeof text, "%s %lld\n", v->line, (long long)count)
                : snprintf(text, sizeof text, "%s ? %s: %s\n", v->line,
                           vouch_effect_name(error.effect), error.message);
    vouch_results_free(results);
    uv_buf_t out = uv_buf_init(text, n > 0 ? (unsigned)n : 0);
    (void)uv_try_write((uv_stream_t *)&v->tcp, &out, 1); /* short: it fits, or nobody reads */
    size_t used = strlen(v->line) + 1;
    v->n -= used;
    memmove(v->line, v->line + used, v->n);
    next_request(s, v);
}

/* ---- visitors ------------------------------------------------------------------------------- */

static void leave(struct server *s, struct visitor *v)
{
    vouch_results *results = NULL;
    if (v->op) {
        vouch_op_cancel(v->op);
        (void)!vouch_pipeline_finish(v->op, &results, NULL);
        vouch_results_free(results);
    }
    for (size_t i = 0; i < s->count; i++)
        if (s->visitors[i] == v)
            s->visitors[i] = s->visitors[--s->count];
    uv_close((uv_handle_t *)&v->tcp, release);
}

static void give_room(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    struct visitor *v = (struct visitor *)handle;
    (void)suggested;
    *out = uv_buf_init(v->line + v->n, (unsigned)(LINE - v->n));
}

static void hear(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct visitor *v = (struct visitor *)stream;
    (void)buffer;
    if (n < 0) { /* gone, or no room: a line that is too long */
        leave(v->server, v);
        return;
    }
    v->n += (size_t)n;
    next_request(v->server, v);
}

static void welcome(uv_stream_t *listener, int status)
{
    struct server *s = listener->data;
    struct visitor *v = status == 0 && s->count < VISITORS ? calloc(1, sizeof *v) : NULL;
    if (!v || uv_tcp_init(&s->loop, &v->tcp) != 0) {
        free(v);
        return;
    }
    v->server = s;
    s->visitors[s->count++] = v;
    if (uv_accept(listener, (uv_stream_t *)&v->tcp) == 0)
        next_request(s, v);
    else
        leave(s, v);
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void close_all(struct server *s)
{
    while (s->count)
        leave(s, s->visitors[0]);
    while (s->watched_count)
        stop_watching(s, 0);
    uv_close((uv_handle_t *)&s->listener, NULL);
    uv_close((uv_handle_t *)&s->prepare, NULL);
    uv_close((uv_handle_t *)&s->timer, NULL);
}

/* Everything that happened has been told; answers first, since finishing changes what is waited for. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct server *s = prepare->data;
    for (size_t i = 0; i < s->count; i++)
        if (s->visitors[i]->op && vouch_op_done(s->visitors[i]->op))
            answer(s, s->visitors[i]);
    if (s->quit)
        close_all(s);
    else
        watch(s);
}

static bool begin_to_listen(struct server *s)
{
    struct sockaddr_in a;
    int size = sizeof a;
    s->listener.data = s->prepare.data = s->timer.data = s;
    if (uv_loop_init(&s->loop) || uv_tcp_init(&s->loop, &s->listener) ||
        uv_prepare_init(&s->loop, &s->prepare) || uv_timer_init(&s->loop, &s->timer) ||
        uv_ip4_addr("127.0.0.1", 0, &a) ||
        uv_tcp_bind(&s->listener, (const struct sockaddr *)&a, 0) ||
        uv_listen((uv_stream_t *)&s->listener, 128, welcome) ||
        uv_tcp_getsockname(&s->listener, (struct sockaddr *)&a, &size) ||
        uv_prepare_start(&s->prepare, on_prepare))
        return false;
    printf("listening on %u\n", (unsigned)ntohs(a.sin_port));
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    static struct server server;
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    vouch_error error;
    if (vouch_client_open(url ? url : "redis://localhost", NULL, &server.client, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    if (!begin_to_listen(&server)) {
        fprintf(stderr, "loop_libuv: cannot listen\n");
        return EXIT_FAILURE;
    }
    (void)uv_run(&server.loop, UV_RUN_DEFAULT); /* until "quit" has closed all its handles */
    (void)uv_loop_close(&server.loop);
    vouch_client_close(server.client);
    return EXIT_SUCCESS;
}
