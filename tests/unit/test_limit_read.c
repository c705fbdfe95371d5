/* How the decisions of rate limiters are read, and what stands in their scripts. */
#include "base/alloc.h"
#include "command/reply.h"
#include "ratelimit/limiter.h"
#include "suite.h"

#include <check.h>
#include <string.h>

/* ---- decisions ------------------------------------------------------------------------------ */

static bool read_numbers(const int64_t *v, size_t n, vouch_decision *d)
{
    static struct vouch_reply items[5 * VOUCH_LIMITS_MAX + 5];
    for (size_t i = 0; i < n; i++)
        items[i] = (struct vouch_reply){.type = VOUCH_TYPE_INTEGER, .as.integer = v[i]};
    struct vouch_reply r = {.type = VOUCH_TYPE_ARRAY, .n = (uint32_t)n, .as.elements = items};
    return vouch_limit_read(&r, d);
}

START_TEST(of_several_limits_the_worst_speaks_for_all)
{
    vouch_decision d;
    int64_t good[] = {1, 9, 3, 0, 50, 1, 5, 2, 0, 70, 1, 5, 2, 0, 90};
    ck_assert(read_numbers(good, 15, &d));
    ck_assert_uint_eq(d.n, 3);
    ck_assert_int_eq(d.all.allowed, 1);
    ck_assert_int_eq(d.all.remaining, 2);
    ck_assert_int_eq(d.all.reset_after_us, 90);
    int64_t refuses[] = {1, 9, 0, 0, 500, 0, 5, 2, 30, 70, 0, 5, 4, 40, 60};
    ck_assert(read_numbers(refuses, 15, &d));
    ck_assert_int_eq(d.all.allowed, 0);
    ck_assert_int_eq(d.all.retry_after_us, 40);
    ck_assert_int_eq(d.each[0].allowed, 1);
    int64_t never[] = {0, 9, 0, 500, 500, 0, 5, 2, -1, 70, 0, 5, 4, 40, 60};
    ck_assert(read_numbers(never, 15, &d));
    ck_assert_int_eq(d.all.retry_after_us, VOUCH_LIMIT_NEVER);
    ck_assert_int_eq(d.all.remaining, 2);
}
END_TEST

START_TEST(what_is_no_decision_allows_nothing)
{
    static const int64_t bad[][5] = {{2, 5, 0, 0, 0},  {-1, 5, 0, 0, 0}, {1, 0, 0, 0, 0},
                                     {1, 5, -1, 0, 0}, {0, 5, 0, -2, 0}, {1, 5, 0, 0, -1},
                                     {1, 5, 0, 7, 0},  {0, 5, 0, 0, 0}};
    int64_t many[5 * VOUCH_LIMITS_MAX + 5];
    vouch_decision d, zero;
    memset(&zero, 0, sizeof zero);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(&d, 1, sizeof d);
        ck_assert_msg(!read_numbers(bad[i], 5, &d), "case %zu", i);
        ck_assert(memcmp(&d, &zero, sizeof d) == 0);
    }
    for (size_t i = 0; i < sizeof many / sizeof *many; i++)
        many[i] = i % 5 == 3 ? 0 : 1;
    ck_assert(read_numbers(many, (size_t)5 * VOUCH_LIMITS_MAX, &d));
    ck_assert(!read_numbers(many, sizeof many / sizeof *many, &d));
    ck_assert(!read_numbers(many, 4, &d));
    ck_assert(!read_numbers(many, 0, &d));
    ck_assert(!vouch_limit_read(NULL, &d));
    struct vouch_reply e = {.type = VOUCH_TYPE_ERROR, .n = 5, .as.text = "ERR x"};
    ck_assert(!vouch_limit_read(&e, &d));
    ck_assert(memcmp(&d, &zero, sizeof d) == 0);
}
END_TEST

/* ---- the script ----------------------------------------------------------------------------- */

static size_t count_of(const char *text, const char *word)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word))
        n++;
    return n;
}

START_TEST(the_script_has_what_it_needs_and_no_more)
{
    for (unsigned set = 1; set < 64; set++) {
        vouch_limit_spec s[6];
        size_t n = 0, size = 0;
        for (int k = 1; k <= 6; k++)
            if (set & 1u << (k - 1))
                s[n++] =
                    (vouch_limit_spec){.kind = (vouch_limit_kind)k, .limit = 1, .period_us = 1000};
        char *source = limiter_source(s, n, &size);
        char *text = alloc_copy(source, size);
        ck_assert_uint_eq(strlen(text), size);
        /* Refused whole when memory is short: only a script with a shebang is. */
        ck_assert(strncmp(text, "#!lua\n", 6) == 0);
        bool alone = n == 1 && s[0].kind == VOUCH_LIMIT_GCRA;
        ck_assert_uint_eq(count_of(text, "\nkinds."), alone ? 0 : n);
        ck_assert_uint_eq(count_of(text, "redis.call('TIME')"), 1);
        /* It returns no error, and catches none: that is why it is called honest. */
        ck_assert_uint_eq(count_of(text, "pcall") + count_of(text, "error_reply") +
                              count_of(text, "status_reply") + count_of(text, "err="),
                          0);
        alloc_free(text);
        alloc_free(source);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("limit_read");
    TCase *c = tcase_create("all");
    tcase_add_test(c, of_several_limits_the_worst_speaks_for_all);
    tcase_add_test(c, what_is_no_decision_allows_nothing);
    tcase_add_test(c, the_script_has_what_it_needs_and_no_more);
    suite_add_tcase(s, c);
    return suite_run(s, CK_NOFORK);
}
