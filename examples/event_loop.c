/* Pipelines in a loop of one's own: epoll waits, vouch never blocks.
 *
 *     event_loop [URL]        default $VOUCH_URL, else redis://localhost
 *
 * Two pipelines run interleaved over one client. A real program would wait for its own descriptors
 * in the same epoll_wait. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <vouch/vouch.h>

enum { MOST = VOUCH_CLIENT_MAX_CONNECTIONS + 1, COMMANDS = 20000 };

/* What epoll waits for on the client's behalf. The set changes with every turn: descriptors come and
 * go, and one that was closed may come back as another connection's. */
struct watched {
    int epoll;
    struct pollfd fds[MOST];
    size_t n;
};

static bool is_among(const struct pollfd *fds, size_t n, int fd)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i].fd == fd)
            return true;
    return false;
}

/* Asks the client what to wait for, and tells epoll. */
static int64_t watch(struct watched *w, vouch_client *client)
{
    struct pollfd now[MOST];
    int64_t timeout_ms;
    size_t n = vouch_client_watch(client, now, MOST, &timeout_ms);
    for (size_t i = 0; i < w->n; i++)
        if (!is_among(now, n, w->fds[i].fd))
            (void)epoll_ctl(w->epoll, EPOLL_CTL_DEL, w->fds[i].fd, NULL); /* closed: gone already */
    for (size_t i = 0; i < n; i++) {
        struct epoll_event e = {.events = (uint32_t)now[i].events, .data.fd = now[i].fd};
        if (epoll_ctl(w->epoll, EPOLL_CTL_MOD, now[i].fd, &e) != 0)
            (void)epoll_ctl(w->epoll, EPOLL_CTL_ADD, now[i].fd, &e);
        w->fds[i] = now[i];
    }
    w->n = n;
    return timeout_ms;
}

/* One turn of the loop. */
static void turn(struct watched *w, vouch_client *client)
{
    struct epoll_event events[MOST];
    struct pollfd ready[MOST];
    int64_t timeout_ms = watch(w, client);
    int got = epoll_wait(w->epoll, events, MOST, timeout_ms > 60000 ? 60000 : (int)timeout_ms);
    size_t n = 0;
    for (; got > 0 && n < (size_t)got; n++) /* on Linux the bits of epoll and poll are the same */
        ready[n] = (struct pollfd){.fd = events[n].data.fd, .revents = (short)events[n].events};
    vouch_client_ready(client, ready, n); /* also with none: the time came */
}

static vouch_op *start(vouch_client *client, const char *key)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_op *op = NULL;
    vouch_error error;
    for (int i = 0; i < COMMANDS; i++)
        vouch_batch_add(batch, "INCR", key);
    if (vouch_pipeline_start(client, batch, NULL, &op, &error) != VOUCH_OK)
        fprintf(stderr, "%s\n", error.message);
    vouch_batch_free(batch); /* the operation keeps it alive until its finish */
    return op;
}

static bool finish(vouch_op *op, const char *name)
{
    vouch_results *results = NULL;
    vouch_error error;
    vouch_status status = vouch_pipeline_finish(op, &results, &error); /* it is done: no waiting */
    vouch_totals totals = vouch_results_totals(results);
    printf("%s: %s, %llu applied\n", name, vouch_status_name(status),
           (unsigned long long)totals.applied);
    if (status != VOUCH_OK)
        fprintf(stderr, "%s: %s\n", name, error.message);
    vouch_results_free(results);
    return status == VOUCH_OK;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    static const char *const names[] = {"left", "right"};
    struct watched watched = {.epoll = epoll_create1(EPOLL_CLOEXEC)};
    vouch_client_options options = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    vouch_error error;
    options.lazy = 1; /* else open would block until there is a connection */
    if (vouch_client_open(url ? url : "redis://localhost", &options, &client, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }

    vouch_op *ops[] = {start(client, names[0]), start(client, names[1])};
    bool good = ops[0] && ops[1];
    while (good && !(vouch_op_done(ops[0]) && vouch_op_done(ops[1])))
        turn(&watched, client);
    for (size_t i = 0; i < 2; i++)
        good = ops[i] && finish(ops[i], names[i]) && good;
    vouch_client_close(client);
    (void)close(watched.epoll);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
