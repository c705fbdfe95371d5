/* Many commands, one round trip, and of each a typed result.
 *
 *     pipeline [URL]        default $VOUCH_URL, else redis://localhost */
#include <stdio.h>
#include <stdlib.h>
#include <vouch/vouch.h>

static void print_text(const char *what, const vouch_reply *reply)
{
    vouch_string text = vouch_reply_string(reply); /* absent (nil, no reply): data NULL, size 0 */
    printf("%s: %.*s\n", what, (int)text.size, text.data ? text.data : "");
}

/* A map reads the same whether the server speaks RESP2 (a flat array) or RESP3. */
static void print_map(const vouch_reply *map)
{
    const vouch_reply *field, *value;
    for (size_t i = 0; vouch_reply_pair(map, i, &field, &value); i++) {
        vouch_string f = vouch_reply_string(field), v = vouch_reply_string(value);
        printf("  %.*s = %.*s\n", (int)f.size, f.data, (int)v.size, v.data);
    }
}

/* So do scores: text in RESP2, doubles in RESP3. */
static void print_scores(const vouch_reply *scores)
{
    const vouch_reply *member, *score;
    double number = 0;
    for (size_t i = 0; vouch_reply_pair(scores, i, &member, &score); i++) {
        vouch_string m = vouch_reply_string(member);
        if (vouch_reply_double(score, &number))
            printf("  %.*s: %g\n", (int)m.size, m.data, number);
    }
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    vouch_client *client = NULL;
    vouch_results *results = NULL;
    vouch_error error;
    if (vouch_client_open(url ? url : "redis://localhost", NULL, &client, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }

    /* A batch is a value: it is made without a server, and adding needs no checks, since the first
     * mistake stays in it and the run refuses it. Each add returns the command's index. */
    static const unsigned char blob[] = {0x00, 0xff, 0x0d, 0x0a};
    vouch_batch *batch = vouch_batch_new();
    vouch_batch_add(batch, "DEL", "user:1", "visits", "scores", "photo");
    vouch_batch_add(batch, "HSET", "user:1", "name", "Ann", "born", 1984);
    vouch_batch_add(batch, "SET", "photo", vouch_bytes(blob, sizeof blob));
    size_t visits = vouch_batch_add(batch, "INCRBY", "visits", 3);
    size_t user = vouch_batch_add(batch, "HGETALL", "user:1");
    vouch_batch_add(batch, "ZADD", "scores", 1.5, "ann", 0.1, "bob");
    size_t scores = vouch_batch_add(batch, "ZRANGE", "scores", 0, -1, "WITHSCORES");
    size_t photo = vouch_batch_add(batch, "STRLEN", "photo");
    size_t nobody = vouch_batch_add(batch, "GET", "no such key");
    size_t wrong = vouch_batch_add(batch, "LPUSH", "visits", "a counter is no list");

    /* EPARTIAL: every command was answered, one of them with an error, as we know it will be. */
    vouch_status status = vouch_pipeline_run(client, batch, NULL, &results, &error);
    vouch_batch_free(batch);
    vouch_client_close(client);
    if (status != VOUCH_EPARTIAL || error.command != wrong) {
        fprintf(stderr, "%s: %s\n", vouch_status_name(status), error.message);
        vouch_results_free(results);
        return EXIT_FAILURE;
    }

    int64_t number = 0;
    if (vouch_reply_int64(vouch_results_at(results, visits)->reply, &number))
        printf("visits: %lld\n", (long long)number);
    printf("user:1\n");
    print_map(vouch_results_at(results, user)->reply);
    printf("scores\n");
    print_scores(vouch_results_at(results, scores)->reply);
    if (vouch_reply_int64(vouch_results_at(results, photo)->reply, &number))
        printf("photo: %lld bytes\n", (long long)number);
    printf("no such key: %s\n",
           vouch_reply_is_nil(vouch_results_at(results, nobody)->reply) ? "nil" : "?");

    /* What failed, and whether it happened all the same. */
    for (size_t i = vouch_results_next_failed(results, 0); i != VOUCH_NO_COMMAND;
         i = vouch_results_next_failed(results, i + 1)) {
        const vouch_result *r = vouch_results_at(results, i);
        printf("command %zu: %s, %s\n", i, vouch_status_name(r->status),
               vouch_effect_name(r->effect));
        print_text("  the server's words", r->reply);
    }
    vouch_results_free(results);
    return EXIT_SUCCESS;
}
