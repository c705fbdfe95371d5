/* Many requests at once, each a GET by itself: bench_loop prints ours and theirs, requests a second,
 * medians of rounds that take turns. With SIDE ROUNDS (ours or theirs) it does that so often and
 * nothing else; what it costs is counted from outside.
 *
 *   ours    one vouch client in an epoll loop; 64 pipelines of one command are in flight, and each that
 *           is done is checked and started again
 *   theirs  64 threads, each with a blocking hiredis connection, redisCommand after redisCommand
 *
 * Every reply on both sides must be the value. */
#include "bench.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    FLIGHTS = 64,
    EACH = 2000, /* requests of a flight in one round */
    ROUNDS = 15,
    FDS = VOUCH_CLIENT_MAX_CONNECTIONS + 1
};

static struct bench_mix mix;

/* ---- ours ----------------------------------------------------------------------------------- */

struct flight {
    vouch_batch *batch;
    vouch_op *op;
    int left; /* requests not started yet */
};

struct loop {
    vouch_client *client;
    int epoll;
    struct pollfd watched[FDS]; /* as epoll was told */
    size_t count;
    struct flight flights[FLIGHTS];
    int flying;
};

static const struct pollfd *find(const struct pollfd *fds, size_t n, int fd)
{
    for (size_t i = 0; i < n; i++)
        if (fds[i].fd == fd)
            return &fds[i];
    return NULL;
}

/* Asks the client what to wait for, and tells epoll what is different. */
static int64_t watch(struct loop *l)
{
    struct pollfd now[FDS];
    int64_t timeout_ms;
    size_t n = vouch_client_watch(l->client, now, FDS, &timeout_ms);
    for (size_t i = 0; i < l->count; i++)
        if (!find(now, n, l->watched[i].fd))
            (void)epoll_ctl(l->epoll, EPOLL_CTL_DEL, l->watched[i].fd, NULL);
    for (size_t i = 0; i < n; i++) {
        const struct pollfd *old = find(l->watched, l->count, now[i].fd);
        struct epoll_event e = {.events = (uint32_t)now[i].events, .data.fd = now[i].fd};
        if (!old)
            (void)epoll_ctl(l->epoll, EPOLL_CTL_ADD, now[i].fd, &e);
        else if (old->events != now[i].events)
            (void)epoll_ctl(l->epoll, EPOLL_CTL_MOD, now[i].fd, &e);
    }
    memcpy(l->watched, now, n * sizeof *now);
    l->count = n;
    return timeout_ms;
}

static void turn(struct loop *l)
{
    struct epoll_event events[FDS];
    struct pollfd ready[FDS];
    int64_t timeout_ms = watch(l);
    int got = epoll_wait(l->epoll, events, FDS, timeout_ms > 60000 ? 60000 : (int)timeout_ms);
    size_t n = 0;
    for (; got > 0 && n < (size_t)got; n++) /* on Linux the bits of epoll and poll are the same */
        ready[n] = (struct pollfd){.fd = events[n].data.fd, .revents = (short)events[n].events};
    vouch_client_ready(l->client, ready, n);
}

static void start(struct loop *l, struct flight *f)
{
    vouch_error e;
    f->left--;
    l->flying++;
    vouch_batch_clear(f->batch);
    vouch_batch_argv(f->batch, mix.counts[1], mix.words[1], mix.lengths[1]);
    if (vouch_pipeline_start(l->client, f->batch, NULL, &f->op, &e) != VOUCH_OK)
        bench_die(e.message);
}

static void land(struct loop *l, struct flight *f)
{
    vouch_results *results = NULL;
    vouch_error e;
    if (vouch_pipeline_finish(f->op, &results, &e) != VOUCH_OK)
        bench_die(e.message);
    vouch_string text = vouch_reply_string(vouch_results_at(results, 0)->reply);
    bench_check(bench_mix_is_value(&mix, text.data, text.size), "wrong reply");
    vouch_results_free(results);
    f->op = NULL;
    l->flying--;
}

static double ours(struct loop *l)
{
    double began = bench_now_s();
    for (int i = 0; i < FLIGHTS; i++) {
        l->flights[i].left = EACH;
        start(l, &l->flights[i]);
    }
    while (l->flying) {
        turn(l);
        for (int i = 0; i < FLIGHTS; i++) {
            struct flight *f = &l->flights[i];
            if (!f->op || !vouch_op_done(f->op))
                continue;
            land(l, f);
            if (f->left)
                start(l, f);
        }
    }
    return FLIGHTS * EACH / (bench_now_s() - began);
}

/* ---- theirs --------------------------------------------------------------------------------- */

struct crew {
    redisContext *connections[FLIGHTS];
    pthread_barrier_t begin;
};

struct member {
    struct crew *crew;
    redisContext *connection;
};

static void *ask(void *argument)
{
    struct member *m = argument;
    (void)pthread_barrier_wait(&m->crew->begin);
    for (int i = 0; i < EACH; i++)
        bench_check(bench_single_hiredis(&mix, m->connection), "wrong reply");
    return NULL;
}

/* The threads are there before the clock starts. */
static double theirs(struct crew *c)
{
    pthread_t threads[FLIGHTS];
    struct member members[FLIGHTS];
    for (int i = 0; i < FLIGHTS; i++) {
        members[i] = (struct member){c, c->connections[i]};
        bench_check(pthread_create(&threads[i], NULL, ask, &members[i]) == 0, "no thread");
    }
    (void)pthread_barrier_wait(&c->begin);
    double began = bench_now_s();
    for (int i = 0; i < FLIGHTS; i++)
        (void)pthread_join(threads[i], NULL);
    return FLIGHTS * EACH / (bench_now_s() - began);
}

/* ---- both ----------------------------------------------------------------------------------- */

static void begin(struct loop *l, struct crew *c)
{
    bench_mix_init(&mix);
    l->client = bench_vouch();
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (int i = 0; i < FLIGHTS; i++) {
        l->flights[i].batch = vouch_batch_new();
        c->connections[i] = bench_hiredis();
        bench_check(l->flights[i].batch != NULL, "memory");
    }
    bench_check(pthread_barrier_init(&c->begin, NULL, FLIGHTS + 1) == 0, "no barrier");
    (void)bench_mix_hiredis(&mix, c->connections[0]); /* so that the key is there */
}

static void end(struct loop *l, struct crew *c)
{
    (void)pthread_barrier_destroy(&c->begin);
    for (int i = 0; i < FLIGHTS; i++) {
        vouch_batch_free(l->flights[i].batch);
        redisFree(c->connections[i]);
    }
    vouch_client_close(l->client);
    (void)close(l->epoll);
}

static void compare(struct loop *l, struct crew *c)
{
    double a[ROUNDS], b[ROUNDS];
    for (int i = 0; i < ROUNDS; i++) {
        a[i] = ours(l);
        b[i] = theirs(c);
    }
    printf("%.0f %.0f\n", bench_median(a, ROUNDS), bench_median(b, ROUNDS));
}

int main(int argc, char **argv)
{
    static struct loop l;
    static struct crew c;
    long rounds = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    begin(&l, &c);
    if (argc == 1)
        compare(&l, &c);
    for (long i = 0; i < rounds; i++)
        (void)(strcmp(argv[1], "ours") == 0 ? ours(&l) : theirs(&c));
    end(&l, &c);
    return 0;
}
