/* A consumer's options: each limit on both sides, what is refused by its name, and where the keys are that nobody
 * named. What is refused is refused before anything is sent. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAM   "{s}in"
#define TIME_MAX INT64_C(86400000000)

static struct rig rig;
static vouch_client *client;
static vouch_error error;

static void begin(void)
{
    rig = rig_start(TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

static vouch_consumer_options options(void)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    o.stream = STREAM;
    o.group = "g";
    o.consumer = "w";
    o.block_ms = 5;
    return o;
}

static void taken(const vouch_consumer_options *o, const char *what)
{
    vouch_consumer *c = NULL;
    vouch_status status = vouch_consumer_open(client, o, &c, &error);
    ck_assert_msg(status == VOUCH_OK, "%s: %s", what, error.message);
    status = vouch_consumer_close(c, RIG_PATIENCE_MS, &error);
    ck_assert_msg(status == VOUCH_OK, "%s: %s", what, error.message);
}

static void refused(const vouch_consumer_options *o, const char *field, const char *what)
{
    char name[64];
    vouch_consumer *c = (vouch_consumer *)&rig; /* is set to NULL */
    int64_t before = ts_proxy_count(rig.proxy, TS_EVERY).from_client;
    vouch_status status = vouch_consumer_open(client, o, &c, &error);
    (void)snprintf(name, sizeof name, "options->%s: ", field);
    ck_assert_msg(status == VOUCH_EINVAL, "%s: %s", what, vouch_status_name(status));
    ck_assert_msg(strncmp(error.message, name, strlen(name)) == 0, "%s: %s", what, error.message);
    ck_assert_ptr_null(c);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_uint_eq(error.retriable, 0);
    ck_assert_int_eq(ts_proxy_count(rig.proxy, TS_EVERY).from_client, before);
}

#define TAKEN(...)                                                                                 \
    do {                                                                                           \
        vouch_consumer_options o = options();                                                      \
        __VA_ARGS__;                                                                               \
        taken(&o, #__VA_ARGS__);                                                                   \
    } while (0)
#define REFUSED(field, ...)                                                                        \
    do {                                                                                           \
        vouch_consumer_options o = options();                                                      \
        __VA_ARGS__;                                                                               \
        refused(&o, field, #__VA_ARGS__);                                                          \
    } while (0)

START_TEST(numbers)
{
    begin();
    TAKEN(o.batch = 0);
    TAKEN(o.batch = 1);
    TAKEN(o.batch = VOUCH_DELIVERY_MAX_ENTRIES);
    REFUSED("batch", o.batch = VOUCH_DELIVERY_MAX_ENTRIES + 1);
    REFUSED("batch", o.batch = UINT32_MAX);
    TAKEN(o.batch = o.in_flight = 7);
    REFUSED("in_flight", o.batch = 7; o.in_flight = 6);
    REFUSED("in_flight", o.in_flight = 99);
    TAKEN(o.in_flight = 100);
    TAKEN(o.in_flight = UINT32_MAX);
    TAKEN(o.block_ms = 1);
    REFUSED("block_ms", o.block_ms = -1);
    REFUSED("block_ms", o.block_ms = 600001);
    TAKEN(o.claim_ms = 1);
    TAKEN(o.claim_ms = TIME_MAX);
    TAKEN(o.claim_ms = VOUCH_NO_DEADLINE);
    REFUSED("claim_ms", o.claim_ms = -2);
    REFUSED("claim_ms", o.claim_ms = TIME_MAX + 1);
    TAKEN(o.claim_every_ms = 1);
    TAKEN(o.claim_every_ms = TIME_MAX);
    REFUSED("claim_every_ms", o.claim_every_ms = -1);
    REFUSED("claim_every_ms", o.claim_every_ms = TIME_MAX + 1);
    TAKEN(o.forget_ms = 1);
    TAKEN(o.forget_ms = TIME_MAX);
    TAKEN(o.forget_ms = VOUCH_NO_DEADLINE);
    REFUSED("forget_ms", o.forget_ms = -2);
    REFUSED("forget_ms", o.forget_ms = TIME_MAX + 1);
    REFUSED("max_deliveries", o.max_deliveries = 1);
    TAKEN(o.max_deliveries = 2);
    TAKEN(o.max_deliveries = VOUCH_NO_DEAD_LETTERS - 1);
    TAKEN(o.max_deliveries = VOUCH_NO_DEAD_LETTERS);
    end();
}
END_TEST

START_TEST(what_is_one_of_several)
{
    begin();
    TAKEN(o.ack = VOUCH_ACK_AFTER);
    TAKEN(o.ack = VOUCH_ACK_EXACTLY_ONCE);
    REFUSED("ack", o.ack = (vouch_ack)(VOUCH_ACK_EXACTLY_ONCE + 1));
    REFUSED("ack", o.ack = VOUCH_ACK_LAST_);
    TAKEN(o.lost_group = VOUCH_LOST_NEW);
    REFUSED("lost_group", o.lost_group = (vouch_lost_group)(VOUCH_LOST_NEW + 1));
    REFUSED("size", o.size = 0);
    REFUSED("size", o.size--);
    REFUSED("size", o.size += 8);
    end();
}
END_TEST

/* In the server it waits for as long as it may; ending does not. */
START_TEST(the_longest_wait)
{
    begin();
    vouch_consumer_options o = options();
    vouch_consumer *c = NULL;
    vouch_delivery *d = NULL;
    o.block_ms = 600000;
    ck_assert_int_eq(vouch_consumer_open(client, &o, &c, &error), VOUCH_OK);
    ck_assert_int_eq(vouch_consumer_poll(c, 20, &d, &error), VOUCH_OK);
    ck_assert_ptr_null(d);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    (void)!vouch_consumer_close(c, 100, &error);
    ck_assert(!ts_passed(limit));
    end();
}
END_TEST

/* ---- names ---------------------------------------------------------------------------------- */

static char longest[VOUCH_CONSUMER_MAX_NAME + 1], longer[VOUCH_CONSUMER_MAX_NAME + 2];

static void make_names(void)
{
    memset(longest, 'n', sizeof longest - 1);
    memset(longer, 'n', sizeof longer - 1);
}

START_TEST(names)
{
    begin();
    make_names();
    TAKEN(o.group = longest);
    REFUSED("group", o.group = longer);
    REFUSED("group", o.group = "");
    REFUSED("group", o.group = NULL);
    TAKEN(o.consumer = longest);
    REFUSED("consumer", o.consumer = longer);
    REFUSED("consumer", o.consumer = "");
    REFUSED("consumer", o.consumer = NULL);
    TAKEN(o.consumer = "a b\t{c}\xff"); /* any bytes, but: */
    REFUSED("consumer", o.consumer = "a:b");
    REFUSED("consumer", o.consumer = ":");
    TAKEN(o.group = "a:b c");
    TAKEN(o.group = longest; o.consumer = longest; o.ack = VOUCH_ACK_EXACTLY_ONCE);
    end();
}
END_TEST

static const char *many[VOUCH_CONSUMER_MAX_STREAMS + 1];

static void make_streams(void)
{
    static char text[VOUCH_CONSUMER_MAX_STREAMS + 1][16];
    for (size_t i = 0; i <= VOUCH_CONSUMER_MAX_STREAMS; i++) {
        (void)snprintf(text[i], sizeof text[i], "{s}%zu", i);
        many[i] = text[i];
    }
}

START_TEST(streams)
{
    static const char *const twice[] = {"{s}a", "{s}b", "{s}a"}, *const hole[] = {"{s}a", NULL},
                             *const empty[] = {"", "{s}a"};
    begin();
    make_streams();
    TAKEN(o.stream = NULL; o.streams = many; o.stream_count = 1);
    TAKEN(o.stream = NULL; o.streams = many; o.stream_count = VOUCH_CONSUMER_MAX_STREAMS);
    TAKEN(o.ack = VOUCH_ACK_EXACTLY_ONCE; o.stream = NULL; o.streams = many;
          o.stream_count = VOUCH_CONSUMER_MAX_STREAMS);
    REFUSED("stream_count", o.stream = NULL; o.streams = many;
            o.stream_count = VOUCH_CONSUMER_MAX_STREAMS + 1);
    REFUSED("stream_count", o.stream = NULL; o.streams = many; o.stream_count = SIZE_MAX);
    REFUSED("stream", o.streams = many; o.stream_count = 1);
    REFUSED("stream", o.stream = NULL);
    REFUSED("streams", o.stream = NULL; o.stream_count = 1);
    REFUSED("streams", o.stream = NULL; o.streams = twice; o.stream_count = 3);
    REFUSED("streams", o.stream = NULL; o.streams = hole; o.stream_count = 2);
    REFUSED("streams", o.stream = NULL; o.streams = empty; o.stream_count = 2);
    REFUSED("streams", o.stream = "");
    REFUSED("state", o.stream = NULL; o.streams = many; o.stream_count = 2; o.state = "{s}x");
    REFUSED("dead_letter", o.stream = NULL; o.streams = many; o.stream_count = 2;
            o.dead_letter = "{s}x");
    TAKEN(o.stream = NULL; o.streams = many; o.stream_count = 1; o.state = "{s}x");
    end();
}
END_TEST

/* ---- slots ---------------------------------------------------------------------------------- */

static bool is_there(const char *pattern)
{
    ts_reply *r = ts_command(rig.server, "KEYS", pattern, NULL);
    bool there = r->count == 1;
    ts_reply_free(r);
    return there;
}

START_TEST(keys_share_a_slot)
{
    begin();
    TAKEN(o.dead_letter = "{s}dead"; o.state = "{s}state"; o.ack = VOUCH_ACK_EXACTLY_ONCE);
    ck_assert(is_there("{s}state"));
    REFUSED("dead_letter", o.dead_letter = "{t}dead");
    ck_assert_ptr_nonnull(strstr(error.message, "{t}dead"));
    ck_assert_ptr_nonnull(strstr(error.message, STREAM));
    REFUSED("state", o.state = "{t}state"; o.ack = VOUCH_ACK_EXACTLY_ONCE);
    ck_assert_ptr_nonnull(strstr(error.message, "{t}state"));
    TAKEN(o.ack = VOUCH_ACK_EXACTLY_ONCE);
    ck_assert(is_there(STREAM ":group:g"));
    TAKEN(o.stream = "plain"; o.ack = VOUCH_ACK_EXACTLY_ONCE);
    ck_assert(is_there("{*}plain:group:g")); /* a tag of its slot in front */
    TAKEN(o.stream = "{}odd"; o.ack = VOUCH_ACK_EXACTLY_ONCE);
    ck_assert(is_there("{*}{}odd:group:g"));
    REFUSED("state", o.stream = "plain"; o.state = "plain:state");
    end();
}
END_TEST

/* What only the server knows to be wrong. */
START_TEST(where_a_group_begins)
{
    begin();
    for (int exact = 0; exact < 2; exact++) {
        vouch_consumer_options o = options();
        vouch_consumer *c = NULL;
        o.ack = exact ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER;
        o.group = exact ? "exact" : "plain";
        o.from = "yesterday";
        ck_assert_int_eq(vouch_consumer_open(client, &o, &c, &error), VOUCH_ESERVER);
        ck_assert_ptr_null(c);
        ck_assert_msg(strstr(error.message, exact ? "start" : "stream ID"), "%s", error.message);
        o.from = "5-5";
        taken(&o, "5-5");
        ts_do(rig.server, "XGROUP", "DESTROY", STREAM, o.group, NULL);
        ts_do(rig.server, "DEL", STREAM ":group:exact", NULL);
        o.from = "$";
        taken(&o, "$");
        ts_do(rig.server, "XGROUP", "DESTROY", STREAM, o.group, NULL);
        ts_do(rig.server, "DEL", STREAM ":group:exact", NULL);
        o.from = "18446744073709551615-18446744073709551615";
        taken(&o, "the last id");
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer options");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, numbers);
    tcase_add_test(c, what_is_one_of_several);
    tcase_add_test(c, the_longest_wait);
    tcase_add_test(c, names);
    tcase_add_test(c, streams);
    tcase_add_test(c, keys_share_a_slot);
    tcase_add_test(c, where_a_group_begins);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
