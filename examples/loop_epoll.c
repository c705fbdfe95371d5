/* A server of its own in one epoll loop, with one vouch client for all who ask.
 *
 *     loop_epoll [URL]        default $VOUCH_URL, else redis://localhost
 *
 * It listens on a free port of 127.0.0.1, which it prints. Whoever connects sends names, one a line,
 * and is answered "NAME COUNT": how often that name was sent, to any such server, since the counters
 * live in Redis. "quit" ends the server. Each line is a pipeline of one INCR; however many are under
 * way, they share one connection and its writes. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vouch/vouch.h>

enum { CLIENT_FDS = VOUCH_CLIENT_MAX_CONNECTIONS + 1, VISITORS = 512, EVENTS = 128, LINE = 128 };

/* Somebody connected. While its request is under way nothing more is read from it. */
struct visitor {
    int fd;
    char line[LINE];
    size_t n;
    vouch_op *op; /* its request, or NULL */
};

struct server {
    int epoll, listener;
    vouch_client *client;
    struct pollfd watched[CLIENT_FDS]; /* what epoll waits for on the client's behalf */
    size_t watched_count;
    struct visitor *visitors[VISITORS];
    size_t count;
    bool quit;
};

/* ---- vouch and epoll ------------------------------------------------------------------------ */

static const struct pollfd *find(const struct pollfd *fds, size_t n, int fd)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i].fd == fd)
            return &fds[i];
    return NULL;
}

/* Asks the client what to wait for, and tells epoll. The set changes with every turn. A descriptor that
 * is named no more is still open until the next call of the client, and taken out of the set here. */
static int64_t watch(struct server *s)
{
    struct pollfd now[CLIENT_FDS];
    int64_t timeout_ms;
    size_t n = vouch_client_watch(s->client, now, CLIENT_FDS, &timeout_ms);
    for (size_t i = 0; i < s->watched_count; i++)
        if (!find(now, n, s->watched[i].fd))
            (void)epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->watched[i].fd, NULL);
    for (size_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = (uint32_t)now[i].events, .data.fd = now[i].fd};
        if (epoll_ctl(s->epoll, EPOLL_CTL_MOD, now[i].fd, &e) != 0)
            (void)epoll_ctl(s->epoll, EPOLL_CTL_ADD, now[i].fd, &e);
        s->watched[i] = now[i];
    }
    s->watched_count = n;
    return timeout_ms;
}

/* ---- requests ------------------------------------------------------------------------------- */

static void say(const struct visitor *v, const char *line, int n)
{
    /* So short an answer fits into the socket, or its reader has long stopped reading. */
    if (n > 0)
        (void)send(v->fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void start(struct server *s, struct visitor *v, const char *name)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_error error;
    vouch_batch_add(batch, "INCR", name);
    if (vouch_pipeline_start(s->client, batch, NULL, &v->op, &error) != VOUCH_OK)
        fprintf(stderr, "%s\n", error.message);
    vouch_batch_free(batch); /* the operation keeps it until its finish */
}

/* The first whole line, if there is one and no request is under way. */
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
    struct epoll_event e = {.events = v->op ? 0 : EPOLLIN, .data.fd = v->fd};
    (void)epoll_ctl(s->epoll, EPOLL_CTL_MOD, v->fd, &e);
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
    say(v, text, n);
    size_t used = strlen(v->line) + 1;
    v->n -= used;
    memmove(v->line, v->line + used, v->n);
    next_request(s, v);
}

/* ---- visitors ------------------------------------------------------------------------------- */

static void wait_for(const struct server *s, int fd)
{
    struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};
    (void)epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e);
}

static void welcome(struct server *s)
{
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct visitor *v = s->count < VISITORS && fd >= 0 ? calloc(1, sizeof *v) : NULL;
    if (!v) {
        if (fd >= 0)
            (void)close(fd);
        return;
    }
    v->fd = fd;
    s->visitors[s->count++] = v;
    wait_for(s, fd);
}

/* A request that is under way is not waited for: it is cancelled, and what it did is not asked. */
static void leave(struct server *s, size_t i)
{
    struct visitor *v = s->visitors[i];
    vouch_results *results = NULL;
    if (v->op) {
        vouch_op_cancel(v->op);
        (void)!vouch_pipeline_finish(v->op, &results, NULL);
        vouch_results_free(results);
    }
    (void)close(v->fd);
    free(v);
    s->visitors[i] = s->visitors[--s->count];
}

static void hear(struct server *s, int fd)
{
    for (size_t i = 0; i < s->count; i++) {
        struct visitor *v = s->visitors[i];
        if (v->fd != fd)
            continue;
        ssize_t n = v->n < LINE ? recv(fd, v->line + v->n, LINE - v->n, 0) : 0;
        if (n <= 0) { /* gone, or a line that is too long */
            leave(s, i);
            return;
        }
        v->n += (size_t)n;
        next_request(s, v);
        return;
    }
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void turn(struct server *s)
{
    struct epoll_event events[EVENTS];
    struct pollfd ready[CLIENT_FDS];
    size_t n = 0;
    int64_t timeout_ms = watch(s);
    int got = epoll_wait(s->epoll, events, EVENTS, timeout_ms > 60000 ? 60000 : (int)timeout_ms);
    for (int i = 0; i < got; i++) {
        int fd = events[i].data.fd;
        if (fd == s->listener)
            welcome(s);
        else if (find(s->watched, s->watched_count, fd)) /* epoll's bits are poll's on Linux */
            ready[n++] = (struct pollfd){.fd = fd, .revents = (short)events[i].events};
        else
            hear(s, fd);
    }
    vouch_client_ready(s->client, ready, n); /* also with none: the time may have come */
    for (size_t i = 0; i < s->count; i++)
        if (s->visitors[i]->op && vouch_op_done(s->visitors[i]->op))
            answer(s, s->visitors[i]);
}

static bool begin_to_listen(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof a;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->epoll < 0 || s->listener < 0 || bind(s->listener, (struct sockaddr *)&a, size) != 0 ||
        listen(s->listener, SOMAXCONN) != 0 ||
        getsockname(s->listener, (struct sockaddr *)&a, &size) != 0)
        return false;
    wait_for(s, s->listener);
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
        perror("loop_epoll");
        return EXIT_FAILURE;
    }
    while (!server.quit)
        turn(&server);
    while (server.count)
        leave(&server, 0);
    vouch_client_close(server.client);
    (void)close(server.listener);
    (void)close(server.epoll);
    return EXIT_SUCCESS;
}
