/* Accounts that are moved by a stream of transfers, exactly once: kill the workers as often as you like.
 *
 *     exactly_once feed N [URL]        adds N transfers of 1 to 100 cents to the stream
 *     exactly_once work NAME [URL]     applies them, until it is stopped (Ctrl-C), or nothing came for a second
 *     exactly_once check [URL]         compares the accounts with the stream, and each transfer with 1
 *                                      $VOUCH_URL, else redis://localhost
 *
 * What a transfer causes is applied by the script that acknowledges it, so that both happen, or none; and a worker
 * that was only asleep, and whose transfers others have taken over, applies nothing when it wakes. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

#define STREAM "{bank}transfers"

static vouch_consumer *consumer;

static void stop(int signal)
{
    (void)signal;
    vouch_consumer_stop(consumer);
}

/* ---- feed ----------------------------------------------------------------------------------- */

static int feed(vouch_client *client, int n)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error error;
    for (int i = 0; i < n; i++)
        vouch_batch_add(batch, "XADD", STREAM, "*", "to", i % 10, "cents", 1 + i * 37 % 100);
    vouch_status status = vouch_pipeline_run(client, batch, NULL, &results, &error);
    if (status)
        fprintf(stderr, "%s\n", error.message);
    else
        printf("%d transfers\n", n);
    vouch_results_free(results);
    vouch_batch_free(batch);
    return status != VOUCH_OK;
}

/* ---- work ----------------------------------------------------------------------------------- */

static void cause(vouch_delivery *delivery, size_t i)
{
    const vouch_entry *entry = vouch_delivery_entry(delivery, i);
    vouch_batch *effects = vouch_delivery_effects(delivery, i);
    int64_t cents = 0, to = 0;
    if (entry->lost || !effects)
        return;
    (void)vouch_reply_int64(vouch_reply_get(entry->fields, "to"), &to);
    (void)vouch_reply_int64(vouch_reply_get(entry->fields, "cents"), &cents);
    vouch_batch_add(effects, "HINCRBY", "{bank}accounts", to, cents);
    vouch_batch_add(effects, "HINCRBY", "{bank}applied",
                    vouch_bytes(entry->id.data, entry->id.size), 1);
}

/* Applies one delivery; false: the server must be asked what is wrong. */
static bool apply(vouch_delivery *delivery)
{
    vouch_error error;
    size_t n = vouch_delivery_count(delivery), done = 0;
    for (size_t i = 0; i < n; i++)
        cause(delivery, i);
    while (vouch_delivery_commit(delivery, &error)) {
        fprintf(stderr, "%s\n", error.message);
        if (!error.retriable)
            return false; /* else it is safe to commit again: nothing is applied twice */
    }
    for (size_t i = 0; i < n; i++)
        done += vouch_delivery_verdict(delivery, i) == VOUCH_VERDICT_DONE;
    printf("%zu of %zu applied%s\n", done, n,
           done < n ? ", the others are somebody else's by now" : "");
    return true;
}

static int work(vouch_client *client, const char *name)
{
    vouch_consumer_options options = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_delivery *delivery = NULL;
    vouch_error error;
    bool fine = true;
    options.ack = VOUCH_ACK_EXACTLY_ONCE;
    options.stream = STREAM;
    options.group = "bank";
    options.consumer = name;
    options.block_ms = 200;
    options.claim_ms = 500; /* a worker that was killed is missed no longer */
    if (vouch_consumer_open(client, &options, &consumer, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    (void)sigaction(SIGINT, &(struct sigaction){.sa_handler = stop}, NULL);
    (void)sigaction(SIGTERM, &(struct sigaction){.sa_handler = stop}, NULL);
    do {
        vouch_status status = vouch_consumer_poll(consumer, 1000, &delivery, &error);
        if (status && status != VOUCH_EINTERRUPTED)
            fprintf(stderr, "%s\n", error.message);
        if (status)
            fine = status != VOUCH_EINTERRUPTED && error.retriable;
        bool idle = !status && !delivery;
        fine = fine && (!delivery || apply(delivery)) && !idle;
        vouch_delivery_free(delivery);
    } while (fine);
    if (vouch_consumer_close(consumer, 5000, &error))
        fprintf(stderr, "%s\n", error.message);
    return 0;
}

/* ---- check ---------------------------------------------------------------------------------- */

static int64_t sum_of(const vouch_reply *values)
{
    int64_t sum = 0, v = 0;
    for (size_t i = 0; i < vouch_reply_count(values); i++)
        if (vouch_reply_int64(vouch_reply_at(values, i), &v))
            sum += v;
    return sum;
}

static int check(vouch_client *client)
{
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error error;
    int64_t wanted = 0, cents = 0, worst = 0;
    vouch_batch_add(batch, "XRANGE", STREAM, "-", "+");
    vouch_batch_add(batch, "HVALS", "{bank}accounts");
    vouch_batch_add(batch, "HVALS", "{bank}applied");
    if (vouch_pipeline_run(client, batch, NULL, &results, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const vouch_reply *entries = vouch_results_at(results, 0)->reply,
                      *accounts = vouch_results_at(results, 1)->reply,
                      *applied = vouch_results_at(results, 2)->reply;
    for (size_t i = 0; i < vouch_reply_count(entries); i++)
        if (vouch_reply_int64(
                vouch_reply_get(vouch_reply_at(vouch_reply_at(entries, i), 1), "cents"), &cents))
            wanted += cents;
    for (size_t i = 0; i < vouch_reply_count(applied); i++)
        if (vouch_reply_int64(vouch_reply_at(applied, i), &cents) && cents > worst)
            worst = cents;
    int64_t have = sum_of(accounts);
    size_t n = vouch_reply_count(entries), of = vouch_reply_count(applied);
    printf("%zu of %zu transfers applied, none more than %lld times; %lld cents of %lld\n", of, n,
           (long long)worst, (long long)have, (long long)wanted);
    vouch_results_free(results);
    vouch_batch_free(batch);
    return of == n && worst == 1 && have == wanted ? 0 : 1;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    bool checks = strcmp(what, "check") == 0;
    int at = checks ? 2 : 3;
    const char *url = argc > at ? argv[at] : getenv("VOUCH_URL");
    vouch_client *client = NULL;
    vouch_error error;
    int result = 2;
    (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* who is killed has said what it did */
    if (vouch_client_open(url ? url : "redis://localhost", NULL, &client, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    if (checks)
        result = check(client);
    else if (strcmp(what, "feed") == 0 && argc > 2)
        result = feed(client, (int)strtol(argv[2], NULL, 10));
    else if (strcmp(what, "work") == 0 && argc > 2)
        result = work(client, argv[2]);
    else
        fprintf(stderr, "usage: %s feed N | work NAME | check [URL]\n", argv[0]);
    vouch_client_close(client);
    return result;
}
