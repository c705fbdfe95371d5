/* vouch_update: one value, read and written. */
#include "deed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct deed d;

static void begin(int i)
{
    deed_begin(&d, i % 2 ? TS_VALKEY : TS_REDIS, i / 2 ? 2 : 3);
}

/* Loop tests: both kinds of server, in both protocols. */
#define SERVERS 4

struct change {
    vouch_arg next;
    vouch_tx_step step;
    bool keep; /* what `next` was: the key is deleted */
    int calls;
    vouch_type type; /* of what it was given */
    char was[64];
};

static vouch_tx_step apply(const vouch_reply *value, vouch_arg *next, void *user)
{
    struct change *c = user;
    vouch_string text = vouch_reply_string(value);
    size_t n = text.size < sizeof c->was - 1 ? text.size : sizeof c->was - 1;
    c->calls++;
    c->type = vouch_reply_type(value);
    c->was[0] = 0;
    if (text.data) {
        memcpy(c->was, text.data, n);
        c->was[n] = 0;
    }
    if (!c->keep)
        *next = c->next;
    return c->step;
}

static vouch_status update(vouch_arg key, struct change *c)
{
    vouch_tx_result_free(d.result);
    d.status = vouch_update(d.client, key, apply, c, &d.options, &d.result, &d.error);
    return d.status;
}

static void expect_held(const char *key, const char *value)
{
    const char *words[] = {"GET", key};
    ts_reply *r = rig_ask(&d.rig, 2, words);
    ck_assert_msg(value ? r->text && strcmp(r->text, value) == 0 : !r->text, "%s is %s", key,
                  r->text ? r->text : "nil");
    ts_reply_free(r);
}

START_TEST(a_value_is_created_changed_and_deleted)
{
    begin(_i);
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        struct change c = {.next = vouch_text("one"), .step = VOUCH_TX_COMMIT};
        deed_mode(&d, mode);
        ck_assert_int_eq(update(vouch_text("k"), &c), VOUCH_OK);
        ck_assert_int_eq(c.type, VOUCH_TYPE_NIL);
        expect_held("k", "one");
        c.next = vouch_int(-7);
        deed_mode(&d, mode);
        ck_assert_int_eq(update(vouch_text("k"), &c), VOUCH_OK);
        ck_assert_str_eq(c.was, "one");
        expect_held("k", "-7");
        c.keep = true;
        deed_mode(&d, mode);
        ck_assert_int_eq(update(vouch_text("k"), &c), VOUCH_OK);
        ck_assert_str_eq(c.was, "-7");
        expect_held("k", NULL);
        ck_assert_int_eq(c.calls, 3);
    }
    deed_end(&d);
}
END_TEST

START_TEST(a_cancelled_update_changes_nothing)
{
    begin(_i);
    struct change c = {.next = vouch_text("new"), .step = VOUCH_TX_CANCEL};
    deed_tell(&d, "SET k old");
    (void)update(vouch_text("k"), &c);
    deed_expect(&d, "cancel", VOUCH_ECANCELLED, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CANCELLED);
    expect_held("k", "old");
    c.step = VOUCH_TX_READ;
    (void)update(vouch_text("k"), &c);
    deed_expect(&d, "read", VOUCH_EINVAL, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
    expect_held("k", "old");
    deed_is_clean(&d, "cancel");
    deed_end(&d);
}
END_TEST

START_TEST(what_it_lives_for_is_kept)
{
    begin(_i);
    struct change c = {.next = vouch_text("new"), .step = VOUCH_TX_COMMIT};
    deed_tell(&d, "SET k old EX 1000;SET for:ever old");
    ck_assert_int_eq(update(vouch_text("k"), &c), VOUCH_OK);
    ck_assert_int_eq(update(vouch_text("for:ever"), &c), VOUCH_OK);
    expect_held("k", "new");
    int64_t ttl = deed_int(&d, "TTL k");
    ck_assert(ttl > 900 && ttl <= 1000);
    ck_assert_int_eq(deed_int(&d, "TTL for:ever"), -1);
    deed_end(&d);
}
END_TEST

/* The function is not asked: its SET would replace whatever is there. */
START_TEST(what_is_no_string_stays_as_it_is)
{
    begin(_i);
    struct change c = {.next = vouch_text("new"), .step = VOUCH_TX_COMMIT};
    deed_tell(&d, "RPUSH k a b");
    (void)update(vouch_text("k"), &c);
    ck_assert_int_eq(c.type, VOUCH_TYPE_NONE);
    deed_expect(&d, "list", VOUCH_ECANCELLED, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CANCELLED);
    ck_assert_str_eq(d.error.code, "WRONGTYPE");
    ck_assert_int_eq(deed_int(&d, "LLEN k"), 2);
    deed_end(&d);
}
END_TEST

START_TEST(keys_and_values_are_of_every_kind)
{
    const struct {
        vouch_arg arg;
        const char *text;
    } kinds[] = {
        {vouch_int(INT64_MIN), "-9223372036854775808"},
        {vouch_uint(UINT64_MAX), "18446744073709551615"},
        {vouch_real(0.1), "0.1"},
        {vouch_real(INFINITY), "inf"},
        {vouch_text(""), ""},
        {vouch_bytes("a\r\nb{}", 6), "a\r\nb{}"},
    };
    begin(_i);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        struct change c = {.next = kinds[i].arg, .step = VOUCH_TX_COMMIT};
        deed_mode(&d, DEED_RESOLVE);
        ck_assert_msg(!update(kinds[i].arg, &c), "%s: %s", kinds[i].text, d.error.message);
        expect_held(kinds[i].text, kinds[i].text);
    }
    deed_end(&d);
}
END_TEST

START_TEST(wrong_arguments_are_refused_and_nothing_is_sent)
{
    begin(_i);
    vouch_error e;
    vouch_op *op = (vouch_op *)&d;
    struct change c = {.next = vouch_text(NULL), .step = VOUCH_TX_COMMIT};
    ck_assert_int_eq(vouch_update(d.client, vouch_text("k"), NULL, NULL, NULL, NULL, &e),
                     VOUCH_EINVAL);
    ck_assert_int_eq(vouch_update(d.client, vouch_text(NULL), apply, &c, NULL, NULL, &e),
                     VOUCH_EINVAL);
    ck_assert_int_eq(vouch_update(NULL, vouch_text("k"), apply, &c, NULL, NULL, &e), VOUCH_EINVAL);
    ck_assert_int_eq(vouch_update_start(d.client, vouch_text(NULL), apply, &c, NULL, &op, &e),
                     VOUCH_EINVAL);
    ck_assert_ptr_null(op);
    ck_assert_int_eq(vouch_update_start(d.client, vouch_text("k"), apply, &c, NULL, NULL, &e),
                     VOUCH_EINVAL);
    ck_assert_int_eq(e.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(c.calls, 0);
    ck_assert_uint_eq(deed_stats(&d).bytes_out, 0);
    /* Of a value it is known only when the function was called. */
    (void)update(vouch_text("k"), &c);
    deed_expect(&d, "a NULL value", VOUCH_EINVAL, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
    deed_is_clean(&d, "a NULL value");
    deed_end(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_update");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_value_is_created_changed_and_deleted, 0, SERVERS);
    tcase_add_loop_test(c, a_cancelled_update_changes_nothing, 0, SERVERS);
    tcase_add_loop_test(c, what_it_lives_for_is_kept, 0, SERVERS);
    tcase_add_loop_test(c, what_is_no_string_stays_as_it_is, 0, SERVERS);
    tcase_add_loop_test(c, keys_and_values_are_of_every_kind, 0, SERVERS);
    tcase_add_loop_test(c, wrong_arguments_are_refused_and_nothing_is_sent, 0, SERVERS);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
