/* The getters: one answer, whichever protocol it came in. */
#include "command/reply.h"
#include "suite.h"

#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define TEXT(type, s)                                                                              \
    {                                                                                              \
        VOUCH_TYPE_##type, {0}, sizeof(s) - 1,                                                     \
        {                                                                                          \
            .text = (s)                                                                            \
        }                                                                                          \
    }
#define NUMBER(type, v)                                                                            \
    {                                                                                              \
        VOUCH_TYPE_##type, {0}, 0,                                                                 \
        {                                                                                          \
            .integer = (v)                                                                         \
        }                                                                                          \
    }
#define MANY(type, array)                                                                          \
    {                                                                                              \
        VOUCH_TYPE_##type, {0}, sizeof(array) / sizeof *(array),                                   \
        {                                                                                          \
            .elements = (array)                                                                    \
        }                                                                                          \
    }

START_TEST(null_is_absent)
{
    int64_t i = 7;
    double d = 7;
    bool b = true;
    ck_assert_int_eq(vouch_reply_type(NULL), VOUCH_TYPE_NONE);
    ck_assert(!vouch_reply_is_nil(NULL) && !vouch_reply_is_error(NULL));
    ck_assert(!vouch_reply_int64(NULL, &i) && !vouch_reply_double(NULL, &d));
    ck_assert(!vouch_reply_bool(NULL, &b) && !vouch_reply_string(NULL).data);
    ck_assert_uint_eq(vouch_reply_count(NULL) + vouch_reply_pairs(NULL), 0);
    ck_assert(!vouch_reply_at(NULL, 0) && !vouch_reply_get(NULL, "k"));
    ck_assert(!vouch_reply_pair(NULL, 0, NULL, NULL));
    ck_assert(i == 7 && d == 7 && b);
}
END_TEST

START_TEST(integers)
{
    static const struct {
        vouch_reply r;
        bool ok;
        int64_t value;
    } cases[] = {
        {NUMBER(INTEGER, -5), true, -5},
        {TEXT(STRING, "-5"), true, -5},
        {TEXT(STATUS, "12"), true, 12},
        {TEXT(VERBATIM, "12"), true, 12},
        {TEXT(BIGNUM, "9223372036854775807"), true, INT64_MAX},
        {TEXT(BIGNUM, "9223372036854775808"), false, 0},
        {TEXT(STRING, "5 "), false, 0},
        {TEXT(STRING, ""), false, 0},
        {TEXT(STRING, "1.0"), false, 0},
        {TEXT(DOUBLE, "1.5"), false, 0},
        {TEXT(ERROR, "5"), false, 0},
        {NUMBER(BOOL, 1), false, 0},
        {NUMBER(NIL, 0), false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t out = 77;
        ck_assert_msg(vouch_reply_int64(&cases[i].r, &out) == cases[i].ok, "case %zu", i);
        ck_assert_int_eq(out, cases[i].ok ? cases[i].value : 77);
    }
}
END_TEST

START_TEST(doubles)
{
    static const struct {
        vouch_reply r;
        bool ok;
        double value;
    } cases[] = {
        {TEXT(DOUBLE, "1.5"), true, 1.5},
        {TEXT(STRING, "1.5"), true, 1.5},
        {NUMBER(INTEGER, 3), true, 3},
        {TEXT(DOUBLE, "inf"), true, (double)INFINITY},
        {TEXT(STRING, "-inf"), true, -(double)INFINITY},
        {TEXT(STRING, "x"), false, 0},
        {TEXT(ERROR, "1"), false, 0},
        {NUMBER(BOOL, 1), false, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double out = 77;
        ck_assert_msg(vouch_reply_double(&cases[i].r, &out) == cases[i].ok, "case %zu", i);
        ck_assert(out == (cases[i].ok ? cases[i].value : 77)); /* exactly */
    }
    static const vouch_reply nan_text = TEXT(DOUBLE, "nan");
    double out = 0;
    ck_assert(vouch_reply_double(&nan_text, &out) && isnan(out));
}
END_TEST

START_TEST(booleans)
{
    static const vouch_reply t = NUMBER(BOOL, 1), f = NUMBER(BOOL, 0), one = NUMBER(INTEGER, 1),
                             zero = NUMBER(INTEGER, 0), two = NUMBER(INTEGER, 2),
                             text = TEXT(STRING, "1");
    bool out = false;
    ck_assert(vouch_reply_bool(&t, &out) && out);
    ck_assert(vouch_reply_bool(&f, &out) && !out);
    ck_assert(vouch_reply_bool(&one, &out) && out);
    ck_assert(vouch_reply_bool(&zero, &out) && !out);
    ck_assert(!vouch_reply_bool(&two, &out) && !vouch_reply_bool(&text, &out));
}
END_TEST

static const vouch_reply flat[] = {TEXT(STRING, "a"), NUMBER(INTEGER, 1), TEXT(STRING, "b"),
                                   NUMBER(INTEGER, 2)};
static const vouch_reply pair_a[] = {TEXT(STRING, "a"), NUMBER(INTEGER, 1)};
static const vouch_reply pair_b[] = {TEXT(STRING, "b"), NUMBER(INTEGER, 2)};
static const vouch_reply nested[] = {MANY(ARRAY, pair_a), MANY(ARRAY, pair_b)};

START_TEST(maps_read_the_same_in_every_form)
{
    static const vouch_reply forms[] = {MANY(MAP, flat), MANY(ARRAY, flat), MANY(ARRAY, nested)};
    for (size_t i = 0; i < 3; i++) {
        const vouch_reply *r = &forms[i], *key = NULL, *value = NULL;
        int64_t n = 0;
        ck_assert_uint_eq(vouch_reply_pairs(r), 2);
        ck_assert(vouch_reply_pair(r, 1, &key, &value));
        ck_assert_str_eq(vouch_reply_string(key).data, "b");
        ck_assert(vouch_reply_int64(value, &n) && n == 2);
        ck_assert(!vouch_reply_pair(r, 2, &key, &value));
        ck_assert(vouch_reply_int64(vouch_reply_get(r, "a"), &n) && n == 1);
        ck_assert_ptr_null(vouch_reply_get(r, "c"));
        ck_assert_ptr_null(vouch_reply_get(r, ""));
        ck_assert_ptr_null(vouch_reply_get(r, NULL));
    }
}
END_TEST

START_TEST(what_is_no_map_has_no_pairs)
{
    static const vouch_reply odd[] = {TEXT(STRING, "a"), TEXT(STRING, "b"), TEXT(STRING, "c")};
    static const vouch_reply array = MANY(ARRAY, odd), set = MANY(SET, flat),
                             text = TEXT(STRING, "ab");
    ck_assert_uint_eq(vouch_reply_pairs(&array), 0);
    ck_assert_uint_eq(vouch_reply_pairs(&set), 0);
    ck_assert_uint_eq(vouch_reply_pairs(&text), 0);
}
END_TEST

START_TEST(elements)
{
    static const vouch_reply array = MANY(ARRAY, flat), set = MANY(SET, flat),
                             empty = {VOUCH_TYPE_ARRAY, {0}, 0, {.elements = NULL}},
                             text = TEXT(STRING, "abcd");
    ck_assert_uint_eq(vouch_reply_count(&array), 4);
    ck_assert_uint_eq(vouch_reply_count(&set), 4);
    ck_assert_ptr_eq(vouch_reply_at(&array, 3), &flat[3]);
    ck_assert_ptr_null(vouch_reply_at(&array, 4));
    ck_assert_uint_eq(vouch_reply_count(&empty), 0);
    ck_assert_ptr_null(vouch_reply_at(&empty, 0));
    ck_assert_uint_eq(vouch_reply_count(&text), 0);
}
END_TEST

START_TEST(texts)
{
    static const vouch_reply error = TEXT(ERROR, "ERR no"), nil = NUMBER(NIL, 0),
                             number = NUMBER(INTEGER, 5), bytes = TEXT(STRING, "a\0b");
    ck_assert(vouch_reply_is_error(&error) && !vouch_reply_is_error(&nil));
    ck_assert(vouch_reply_is_nil(&nil) && !vouch_reply_is_nil(&error));
    ck_assert_str_eq(vouch_reply_string(&error).data, "ERR no");
    ck_assert_uint_eq(vouch_reply_string(&bytes).size, 3);
    ck_assert(!vouch_reply_string(&nil).data && !vouch_reply_string(&number).data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("reply");
    TCase *c = tcase_create("all");
    tcase_add_test(c, null_is_absent);
    tcase_add_test(c, integers);
    tcase_add_test(c, doubles);
    tcase_add_test(c, booleans);
    tcase_add_test(c, maps_read_the_same_in_every_form);
    tcase_add_test(c, what_is_no_map_has_no_pairs);
    tcase_add_test(c, elements);
    tcase_add_test(c, texts);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
