/* A batch of messages, delivered as one: a pipeline that mixes PUBLISH, XADD and RPUSH.
 *
 *     publish_batch [URL [MESSAGE...]]        default $VOUCH_URL, else redis://localhost
 *
 * Each message goes to whoever listens now (PUBLISH) and to a stream, for whoever reads later (XADD).
 * All of them together go to a queue by one RPUSH, which is one command and so all or nothing; the
 * PUBLISHes and XADDs are commands of their own, of which each may happen or not. */
#include <stdio.h>
#include <stdlib.h>
#include <vouch/vouch.h>

#define CHANNEL "news"
#define STREAM  "news:stream"
#define QUEUE   "news:queue"

/* For each message PUBLISH and XADD, side by side: message i has the results 2i and 2i + 1. */
static vouch_batch *make_batch(size_t count, char *const *messages)
{
    vouch_batch *batch = vouch_batch_new();
    if (!batch)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        vouch_batch_add(batch, "PUBLISH", CHANNEL, messages[i]);
        vouch_batch_add(batch, "XADD", STREAM, "MAXLEN", "~", 100000, "*", "text", messages[i]);
    }
    /* The number of arguments is known only now: begin, any number of arguments, end. */
    vouch_batch_begin(batch, "RPUSH");
    vouch_batch_arg(batch, QUEUE);
    for (size_t i = 0; i < count; i++)
        vouch_batch_arg(batch, messages[i]);
    (void)vouch_batch_end(batch);
    return batch;
}

/* What became of one command. A MAYBE is neither yes nor no, and must not simply be sent again. */
static void print_failure(const char *what, const vouch_result *result)
{
    vouch_string words = vouch_reply_string(result->reply);
    printf("  %s: %s", what, vouch_effect_name(result->effect));
    if (words.data)
        printf(", %.*s", (int)words.size, words.data);
    printf("\n");
}

static void print_number(const char *what, const char *unit, const vouch_result *result)
{
    int64_t number = 0;
    if (result->status == VOUCH_OK && vouch_reply_int64(result->reply, &number))
        printf("  %s: %lld %s\n", what, (long long)number, unit);
    else
        print_failure(what, result);
}

static void print_entry(const vouch_result *result)
{
    vouch_string id = vouch_reply_string(result->reply);
    if (result->status == VOUCH_OK && id.data)
        printf("  stream: entry %.*s\n", (int)id.size, id.data);
    else
        print_failure("stream", result);
}

/* What the caller has to do about it. */
static void advise(const vouch_results *results)
{
    vouch_totals totals = vouch_results_totals(results);
    if (totals.maybe)
        printf("in doubt: %llu. Each may have happened, and may still happen.\n"
               "  PUBLISH  what listens hears it twice if it is sent again\n"
               "  XADD     look for the message with XREVRANGE, once the connection is gone\n"
               "  RPUSH    the same with LRANGE: all messages are there, or none\n",
               (unsigned long long)totals.maybe);
    if (totals.not_applied)
        printf("not done: %llu; they can be sent again%s\n", (unsigned long long)totals.not_applied,
               totals.maybe ? ", behind what is in doubt" : "");
}

static vouch_status deliver(vouch_client *client, size_t count, char *const *messages)
{
    vouch_batch *batch = make_batch(count, messages);
    vouch_results *results = NULL;
    vouch_error error = {0};
    vouch_status status = VOUCH_ENOMEM;
    if (batch)
        status = vouch_pipeline_run(client, batch, NULL, &results, &error);
    vouch_batch_free(batch);
    if (status != VOUCH_OK)
        fprintf(stderr, "%s: %s\n", vouch_status_name(status), error.message);
    if (!results)
        return status; /* nothing was sent */
    for (size_t i = 0; i < count; i++) {
        printf("%s\n", messages[i]);
        print_number("published", "listening", vouch_results_at(results, 2 * i));
        print_entry(vouch_results_at(results, 2 * i + 1));
    }
    printf("all of them\n");
    print_number("queue", "waiting", vouch_results_at(results, 2 * count));
    advise(results);
    vouch_results_free(results);
    return status;
}

int main(int argc, char **argv)
{
    static char first[] = "first news", second[] = "second news";
    char *const samples[] = {first, second};
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    size_t count = argc > 2 ? (size_t)argc - 2 : 2;
    vouch_client *client = NULL;
    vouch_error error;
    if (vouch_client_open(url ? url : "redis://localhost", NULL, &client, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }
    vouch_status status = deliver(client, count, argc > 2 ? argv + 2 : samples);
    vouch_client_close(client);
    return status == VOUCH_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
