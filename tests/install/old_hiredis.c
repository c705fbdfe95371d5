/* old_hiredis: one program with two clients, hiredis 0.14 and vouch, taking turns on $VOUCH_URL, which is
 * unix:///path. Each reads what the other wrote. */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

#if HIREDIS_MAJOR != 0 || HIREDIS_MINOR != 14
#error "this is not hiredis 0.14"
#endif

enum { ROUNDS = 100 };

static void check(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "old_hiredis: %s\n", what);
        exit(1);
    }
}

/* A reply within replies, by hiredis' reader alone: of 0.14, whose redisReply has another layout than that of
 * 1.0 and later. */
static void parse(void)
{
    const char *text = "*3\r\n:42\r\n$5\r\nhello\r\n*2\r\n+OK\r\n$-1\r\n";
    void *got = NULL;
    redisReader *reader = redisReaderCreate();
    check(reader && redisReaderFeed(reader, text, strlen(text)) == REDIS_OK,
          "hiredis takes no bytes");
    check(redisReaderGetReply(reader, &got) == REDIS_OK && got, "hiredis makes no reply");
    redisReply *reply = got;
    check(reply->type == REDIS_REPLY_ARRAY && reply->elements == 3, "hiredis: not the array");
    check(reply->element[0]->integer == 42, "hiredis: not the integer");
    check(reply->element[1]->len == 5 && strcmp(reply->element[1]->str, "hello") == 0,
          "hiredis: not the string");
    check(reply->element[2]->element[1]->type == REDIS_REPLY_NIL, "hiredis: not the nil");
    freeReplyObject(reply);
    redisReaderFree(reader);
}

/* vouch increments `turns` and reads what hiredis wrote last. */
static void turn_of_vouch(vouch_client *client, vouch_batch *batch, long long round)
{
    vouch_results *results;
    vouch_error error = {0};
    int64_t turns = 0;
    int64_t word = 0;
    vouch_status status = vouch_pipeline_run(client, batch, NULL, &results, &error);
    check(status == VOUCH_OK, error.message);
    check(vouch_reply_int64(vouch_results_at(results, 0)->reply, &turns) && turns == 2 * round + 1,
          "vouch: another counter than hiredis left");
    check(vouch_reply_int64(vouch_results_at(results, 1)->reply, &word) && word == round,
          "vouch: another word than hiredis wrote");
    vouch_results_free(results);
}

/* hiredis increments it too, and writes the next round's number. */
static void turn_of_hiredis(redisContext *context, long long round)
{
    redisAppendCommand(context, "INCR turns");
    redisAppendCommand(context, "SET word %lld", round + 1);
    for (int i = 0; i < 2; i++) {
        void *got = NULL;
        check(redisGetReply(context, &got) == REDIS_OK && got, "hiredis: no reply");
        redisReply *reply = got;
        check(i ? reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0
                : reply->type == REDIS_REPLY_INTEGER && reply->integer == 2 * round + 2,
              "hiredis: not the reply to its command");
        freeReplyObject(reply);
    }
}

int main(void)
{
    static const char unix_url[] = "unix://";
    const char *url = getenv("VOUCH_URL");
    vouch_client *client;
    vouch_error error = {0};
    parse();
    check(url && strncmp(url, unix_url, sizeof unix_url - 1) == 0, "VOUCH_URL is no Unix socket");
    redisContext *context = redisConnectUnix(url + sizeof unix_url - 1);
    check(context && !context->err, "hiredis cannot connect");
    check(vouch_client_open(url, NULL, &client, &error) == VOUCH_OK, error.message);
    vouch_batch *batch = vouch_batch_new();
    vouch_batch_add(batch, "INCR", "turns");
    vouch_batch_add(batch, "GET", "word");
    freeReplyObject(redisCommand(context, "SET word 0"));
    for (long long round = 0; round < ROUNDS; round++) {
        turn_of_vouch(client, batch, round);
        turn_of_hiredis(context, round);
    }
    vouch_batch_free(batch);
    vouch_client_close(client);
    redisFree(context);
    parse();
    return 0;
}
