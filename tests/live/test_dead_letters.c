/* Entries with more fields than a script can pass on become dead letters like all others: on every way there,
 * nothing stands still for them, and what is left of them says where they are. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELDS 10000

static struct rig rig;
static vouch_client *client;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(int kind)
{
    rig = rig_start(kind % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, kind % 2 ? 2 : 3, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

static vouch_consumer *open_it(vouch_ack ack, uint32_t max_deliveries)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_consumer *c = NULL;
    o.ack = ack;
    o.stream = "{s}in";
    o.group = "g";
    o.consumer = "w";
    o.block_ms = 10;
    o.claim_ms = 20;
    o.max_deliveries = max_deliveries;
    o.delete_acked = ack == VOUCH_ACK_EXACTLY_ONCE;
    expect(vouch_consumer_open(client, &o, &c, &error), VOUCH_OK);
    return c;
}

/* The largest comes first: what is behind it must not wait for it. */
static void add_large_and_small(void)
{
    const char **words = malloc((3 + 2 * FIELDS) * sizeof *words);
    words[0] = "XADD";
    words[1] = "{s}in";
    words[2] = "1-0";
    for (size_t i = 3; i < 3 + 2 * FIELDS; i++)
        words[i] = "w";
    ts_reply_free(rig_ask(&rig, 3 + 2 * FIELDS, words));
    free(words);
    ts_do(rig.server, "XADD", "{s}in", "2-0", "field", "value", NULL);
}

static vouch_delivery *poll_for(vouch_consumer *c)
{
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d;) {
        ck_assert(!ts_passed(limit));
        expect(vouch_consumer_poll(c, 100, &d, &error), VOUCH_OK);
    }
    return d;
}

static void wait_for_dead(vouch_consumer *c, uint64_t n)
{
    vouch_consumer_stats s = VOUCH_CONSUMER_STATS_INIT;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); s.dead < n;) {
        vouch_delivery *d = NULL;
        ck_assert(!ts_passed(limit));
        expect(vouch_consumer_poll(c, 5, &d, &error), VOUCH_OK);
        vouch_delivery_free(d); /* given back, until it has come too often */
        expect(vouch_consumer_stats_read(c, &s), VOUCH_OK);
    }
    ck_assert_uint_eq(s.dead, n);
}

static const char *field_of(const ts_reply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->count; i += 2)
        if (strcmp(fields->elements[i]->text, name) == 0)
            return fields->elements[i + 1]->text;
    return "";
}

/* Both are there, each with all that is said of it; the large one is still in its stream. */
static void check_both(const char *reason)
{
    ts_reply *pending = ts_command(rig.server, "XPENDING", "{s}in", "g", NULL);
    ck_assert_int_eq(pending->elements[0]->integer, 0);
    ts_reply_free(pending);
    ts_reply *r = ts_command(rig.server, "XRANGE", "{s}in:dead", "-", "+", NULL);
    ck_assert_uint_eq(r->count, 2);
    const ts_reply *large = r->elements[0]->elements[1], *small = r->elements[1]->elements[1];
    ck_assert_str_eq(field_of(large, "vouch:id"), "1-0");
    ck_assert_str_eq(field_of(large, "vouch:stream"), "{s}in");
    ck_assert_str_eq(field_of(large, "vouch:group"), "g");
    ck_assert_str_eq(field_of(large, "vouch:reason"), reason);
    ck_assert_str_eq(field_of(large, "vouch:fields"), "10000");
    ck_assert_str_eq(large->elements[large->count - 2]->text, "vouch:fields");
    ck_assert_str_eq(field_of(small, "vouch:id"), "2-0");
    ck_assert_str_eq(field_of(small, "vouch:reason"), reason);
    ck_assert_str_eq(field_of(small, "vouch:fields"), "1");
    ck_assert_str_eq(field_of(small, "field"), "value");
    const char *holder = field_of(small, "vouch:consumer"); /* it was given back, or not */
    ck_assert(strncmp(holder, "w:", 2) == 0 || strcmp(holder, "vouch:free") == 0);
    ts_reply_free(r);
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "{s}in", NULL), 1);
    r = ts_command(rig.server, "XRANGE", "{s}in", "1-0", "1-0", NULL);
    ck_assert_uint_eq(r->count, 1);
    ts_reply_free(r);
}

#define EACH_ACK(i) ((i) / 2 ? VOUCH_ACK_EXACTLY_ONCE : VOUCH_ACK_AFTER)

START_TEST(after_too_many_deliveries)
{
    begin(_i);
    add_large_and_small();
    vouch_consumer *c = open_it(EACH_ACK(_i), 2);
    wait_for_dead(c, 2);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    check_both("deliveries");
    end();
}
END_TEST

START_TEST(when_rejected)
{
    begin(_i);
    add_large_and_small();
    vouch_consumer *c = open_it(EACH_ACK(_i), 0);
    vouch_delivery *d = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(d), 2);
    for (size_t i = 0; i < 2; i++)
        expect(vouch_delivery_reject(d, i, "too heavy", &error), VOUCH_OK);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS);
         vouch_delivery_verdict(d, 1) != VOUCH_VERDICT_REJECTED;) {
        vouch_delivery *none = NULL;
        ck_assert(!ts_passed(limit));
        expect(vouch_consumer_poll(c, 5, &none, &error), VOUCH_OK);
        ck_assert_ptr_null(none);
    }
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_REJECTED);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    check_both("too heavy");
    end();
}
END_TEST

START_TEST(when_an_effect_fails)
{
    begin(_i);
    add_large_and_small();
    ts_do(rig.server, "SET", "{s}text", "t", NULL);
    vouch_consumer *c = open_it(VOUCH_ACK_EXACTLY_ONCE, 0);
    vouch_delivery *d = poll_for(c);
    ck_assert_uint_eq(vouch_delivery_count(d), 2);
    for (size_t i = 0; i < 2; i++) {
        vouch_batch *b = vouch_delivery_effects(d, i);
        vouch_batch_add(b, "INCR", "{s}sum");
        vouch_batch_add(b, "HSET", "{s}text", "f", "v");
    }
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(vouch_delivery_verdict(d, i), VOUCH_VERDICT_FAILED);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    check_both("effect");
    ck_assert_int_eq(ts_int(rig.server, "GET", "{s}sum", NULL), 2);
    end();
}
END_TEST

static void wait_for_refusal(vouch_consumer *c, const char *words)
{
    error.message[0] = 0;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !strstr(error.message, words);) {
        vouch_delivery *none = NULL;
        ck_assert_msg(!ts_passed(limit), "'%s' instead of '%s'", error.message, words);
        (void)!vouch_consumer_poll(c, 5, &none, &error);
        vouch_delivery_free(none);
    }
}

/* Refused before anything is claimed or moved: else each look would leave entries with an owner that does not know
 * of them. It goes on once it is put right. */
START_TEST(where_dead_letters_cannot_be_nothing_is_moved)
{
    begin(_i);
    add_large_and_small();
    ts_do(rig.server, "SET", "{s}in:dead", "t", NULL);
    vouch_consumer *c = open_it(VOUCH_ACK_AFTER, 2);
    vouch_delivery *d = NULL;
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d; ck_assert(!ts_passed(limit)))
        (void)!vouch_consumer_poll(c, 5, &d, &error);
    expect(vouch_delivery_reject(d, 0, "r", &error), VOUCH_OK);
    wait_for_refusal(c, "stream/hand: ERR vouch: the dead letters {s}in:dead are a string");
    wait_for_refusal(c, "stream/claim: ERR vouch: the dead letters {s}in:dead are a string");
    ts_do(rig.server, "DEL", "{s}in:dead", NULL);
    ts_do(rig.server, "ACL", "SETUSER", "default", "-xadd", NULL);
    wait_for_refusal(c, "stream/claim: ERR vouch: this user may not XADD the dead letters");
    ck_assert_int_eq(vouch_delivery_verdict(d, 0), VOUCH_VERDICT_UNKNOWN);
    vouch_delivery_free(d);
    (void)!vouch_consumer_close(c, 5000, &error);
    ts_do(rig.server, "ACL", "SETUSER", "default", "+@all", NULL);
    c = open_it(VOUCH_ACK_AFTER, 2);
    wait_for_dead(c, 2);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    check_both("deliveries");
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("dead letters");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, after_too_many_deliveries, 0, 4);
    tcase_add_loop_test(c, when_rejected, 0, 4);
    tcase_add_loop_test(c, when_an_effect_fails, 0, 2);
    tcase_add_loop_test(c, where_dead_letters_cannot_be_nothing_is_moved, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
