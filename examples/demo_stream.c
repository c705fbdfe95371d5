/* The demo's part about streams: payments in a stream, one worker killed with payments in its hands, another that falls
 * asleep over them and wakes when somebody else has done them. */
#include "demo.h"

#include "truth.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAYMENTS = 3000, CLAIM_MS = 200, PATIENCE_MS = 20000 };

/* What a worker that fell asleep found when it woke. */
struct woken {
    int done, fenced, of;
};

static void pay(vouch_delivery *delivery)
{
    for (size_t i = 0; i < vouch_delivery_count(delivery); i++) {
        const vouch_entry *entry = vouch_delivery_entry(delivery, i);
        vouch_batch *effects = vouch_delivery_effects(delivery, i);
        int64_t cents = 0;
        if (!vouch_reply_int64(vouch_reply_get(entry->fields, "cents"), &cents))
            continue;
        vouch_batch_add(effects, "INCRBY", "{till}sum", cents);
        vouch_batch_add(effects, "HINCRBY", "{till}paid",
                        vouch_bytes(entry->id.data, entry->id.size), 1);
    }
}

static vouch_consumer *open_worker(vouch_client *client, const char *name)
{
    vouch_consumer_options options = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_consumer *consumer = NULL;
    vouch_error error;
    options.ack = VOUCH_ACK_EXACTLY_ONCE;
    options.stream = "{till}payments";
    options.group = "till";
    options.consumer = name;
    options.block_ms = 50;
    options.claim_ms = CLAIM_MS;
    if (vouch_consumer_open(client, &options, &consumer, &error) != VOUCH_OK)
        (void)failed("cannot open a consumer", &error);
    return consumer;
}

/* The next delivery, with its effects; NULL: nothing came, or something is wrong. */
static vouch_delivery *next(vouch_consumer *consumer)
{
    vouch_delivery *delivery = NULL;
    vouch_error error;
    for (int tries = 0; consumer && !delivery && tries < 20; tries++)
        if (vouch_consumer_poll(consumer, CLAIM_MS, &delivery, &error) != VOUCH_OK &&
            !error.retriable) {
            (void)failed("cannot read", &error);
            return NULL;
        }
    pay(delivery);
    return delivery;
}

/* ---- who does not finish -------------------------------------------------------------------- */

/* Commits five deliveries, takes a sixth, and says so; commits that one when it is told to, and says what came of it. */
static void work_and_stop(const struct demo *d, const char *name, int say, int hear)
{
    struct woken w = {0, 0, 0};
    vouch_client *client = NULL;
    vouch_error error;
    char byte;
    if (vouch_client_open(d->url, NULL, &client, &error) != VOUCH_OK)
        _exit(1);
    vouch_consumer *consumer = open_worker(client, name);
    vouch_delivery *delivery = NULL;
    for (int i = 0; i < 6; i++) {
        vouch_delivery_free(delivery);
        delivery = next(consumer);
        if (!delivery || (i < 5 && vouch_delivery_commit(delivery, &error) != VOUCH_OK))
            _exit(1);
    }
    if (write(say, "!", 1) != 1 || read(hear, &byte, 1) != 1)
        _exit(1);
    if (vouch_delivery_commit(delivery, &error) != VOUCH_OK)
        _exit(1);
    for (size_t i = 0; i < vouch_delivery_count(delivery); i++) {
        w.of++;
        w.done += vouch_delivery_verdict(delivery, i) == VOUCH_VERDICT_DONE;
        w.fenced += vouch_delivery_verdict(delivery, i) == VOUCH_VERDICT_ALREADY ||
                    vouch_delivery_verdict(delivery, i) == VOUCH_VERDICT_FENCED;
    }
    _exit(write(say, &w, sizeof w) == (ssize_t)sizeof w ? 0 : 1);
}

struct worker {
    pid_t pid;
    int say, hear; /* from it, to it */
};

/* Returns when it has payments in its hands. */
static bool start_worker(const struct demo *d, const char *name, struct worker *w)
{
    int from[2], to[2];
    char byte;
    if (pipe(from) != 0 || pipe(to) != 0)
        return false;
    w->pid = fork();
    if (w->pid == 0)
        work_and_stop(d, name, from[1], to[0]);
    close(from[1]);
    close(to[0]);
    w->say = from[0];
    w->hear = to[1];
    return w->pid > 0 && read(w->say, &byte, 1) == 1;
}

static void end_worker(struct worker *w)
{
    kill(w->pid, SIGKILL);
    (void)waitpid(w->pid, NULL, 0);
    close(w->say);
    close(w->hear);
}

/* ---- who does ------------------------------------------------------------------------------- */

static int64_t paid(struct demo *d)
{
    int64_t n = ts_int(d->server, "HLEN", "{till}paid", NULL);
    return n == TS_NIL ? 0 : n;
}

static bool work_to_the_end(struct demo *d, vouch_client *client, vouch_consumer_stats *done)
{
    vouch_consumer *consumer = open_worker(client, "last");
    vouch_delivery *delivery = NULL;
    vouch_error error;
    bool good = consumer != NULL;
    while (good && paid(d) < PAYMENTS && (delivery = next(consumer))) {
        good = vouch_delivery_commit(delivery, &error) == VOUCH_OK;
        vouch_delivery_free(delivery);
    }
    *done = (vouch_consumer_stats)VOUCH_CONSUMER_STATS_INIT;
    if (consumer)
        (void)vouch_consumer_stats_read(consumer, done);
    return vouch_consumer_close(consumer, PATIENCE_MS, &error) == VOUCH_OK && good;
}

static int64_t add_payments(vouch_client *client)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error error;
    int64_t sum = 0;
    for (int i = 0; i < PAYMENTS; i++) {
        vouch_batch_add(batch, "XADD", "{till}payments", "*", "cents", 1 + i % 100);
        sum += 1 + i % 100;
    }
    if (vouch_pipeline_run(client, batch, NULL, &results, &error) != VOUCH_OK)
        sum = failed("cannot add payments", &error);
    vouch_results_free(results);
    vouch_batch_free(batch);
    return sum;
}

static void compare(struct demo *d, int64_t sum, const vouch_consumer_stats *last)
{
    int64_t have = ts_int(d->server, "GET", "{till}sum", NULL), most = 0;
    ts_reply *times = ts_command(d->server, "HVALS", "{till}paid", NULL);
    for (size_t i = 0; i < times->count; i++) {
        int64_t n = strtoll(times->elements[i]->text, NULL, 10);
        most = n > most ? n : most;
    }
    printf("   A third one took over what they had: %llu payments. %zu of %d are in the till, none "
           "more\n   than %lld times: %lld cents of %lld\n",
           (unsigned long long)last->claimed, times->count, PAYMENTS, (long long)most,
           (long long)have, (long long)sum);
    claim(d, times->count == PAYMENTS && most == 1 && have == sum, "each payment exactly once");
    claim(d, last->claimed > 0, "what the two had was taken over");
    ts_reply_free(times);
}

static bool with_workers(struct demo *d, vouch_client *client, int64_t sum, struct worker *killed,
                         struct worker *asleep)
{
    vouch_consumer_stats last;
    struct woken woken = {0, 0, 0};
    if (!start_worker(d, "killed", killed) || !start_worker(d, "asleep", asleep))
        return false;
    int64_t before = paid(d);
    kill(killed->pid, SIGKILL);
    kill(asleep->pid, SIGSTOP);
    printf(
        "   Two workers at it; %lld are paid. One is killed (kill -9) with payments in its hands, "
        "the\n   other falls asleep over its own (SIGSTOP).\n",
        (long long)before);
    claim(d, before > 0 && before < PAYMENTS, "it happened half-way");
    if (!work_to_the_end(d, client, &last))
        return false;
    kill(asleep->pid, SIGCONT);
    if (write(asleep->hear, "!", 1) != 1 ||
        read(asleep->say, &woken, sizeof woken) != (ssize_t)sizeof woken)
        return false;
    printf("   The sleeper wakes and commits its %d: %d applied, %d are somebody else's by now,\n"
           "   and it is told so.\n",
           woken.of, woken.done, woken.fenced);
    claim(d, woken.done == 0 && woken.fenced == woken.of && woken.of > 0,
          "who was only asleep applies nothing");
    compare(d, sum, &last);
    return true;
}

bool kill_workers(struct demo *d)
{
    struct worker killed = {.pid = -1}, asleep = {.pid = -1};
    vouch_client *client = NULL;
    vouch_error error;
    printf("\n7. A stream of %d payments, added to a till by workers that crash\n", PAYMENTS);
    if (vouch_client_open(d->url, NULL, &client, &error) != VOUCH_OK)
        return failed("cannot open a client", &error);
    int64_t sum = add_payments(client);
    bool good = sum && with_workers(d, client, sum, &killed, &asleep);
    if (killed.pid > 0)
        end_worker(&killed);
    if (asleep.pid > 0)
        end_worker(&asleep);
    vouch_client_close(client);
    return good;
}
