/*
 * base/number: what is written reads back, what is refused stays refused, and no locale changes
 * either. The locales are made by the test: one whose radix is a comma and one whose radix takes two
 * bytes.
 */
#include "base/number.h"
#include "locales.h"
#include "suite.h"

#include <check.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANDOM_DOUBLES 1000000

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static double from_bits(uint64_t bits)
{
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static uint64_t to_bits(double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* A copy with nothing after it, so that a sanitizer sees a reader that goes on. */
static char *span(const char *text, size_t n)
{
    char *copy = malloc(n > 0 ? n : 1);
    if (!copy)
        ck_abort_msg("out of memory");
    memcpy(copy, text, n);
    return copy;
}

/* Integers */

/* Plain comparisons, here and wherever a loop is long: each assertion of the library costs a
 * write. */
static void check_u64(uint64_t v)
{
    char expected[32];
    char *out = span("--------------------", NUMBER_INTEGER_MAX);
    int printed = snprintf(expected, sizeof expected, "%" PRIu64, v);
    size_t n = (size_t)printed;
    if (number_write_u64(out, v) != n || memcmp(out, expected, n) != 0 ||
        (n < NUMBER_INTEGER_MAX && out[n] != '-') || number_digits_u64(v) != n)
        ck_abort_msg("%s written as %.*s", expected, NUMBER_INTEGER_MAX, out);
    uint64_t back = ~v;
    if (!number_parse_u64(out, n, &back) || back != v)
        ck_abort_msg("%s read as %" PRIu64, expected, back);
    free(out);
}

static void check_i64(int64_t v)
{
    char expected[32];
    char *out = span("++++++++++++++++++++", NUMBER_INTEGER_MAX);
    int printed = snprintf(expected, sizeof expected, "%" PRId64, v);
    size_t n = (size_t)printed;
    if (number_write_i64(out, v) != n || memcmp(out, expected, n) != 0 ||
        (n < NUMBER_INTEGER_MAX && out[n] != '+'))
        ck_abort_msg("%s written as %.*s", expected, NUMBER_INTEGER_MAX, out);
    int64_t back = ~v;
    int64_t resp = ~v;
    if (!number_parse_i64(out, n, &back) || back != v || !number_parse_resp_i64(out, n, &resp) ||
        resp != v)
        ck_abort_msg("%s read as %" PRId64 " and %" PRId64, expected, back, resp);
    free(out);
}

static void check_integer(uint64_t v)
{
    check_u64(v);
    int64_t value;
    memcpy(&value, &v, sizeof value);
    check_i64(value);
}

START_TEST(integers_read_back_at_every_edge)
{
    for (uint64_t power = 1;; power *= 10) {
        for (uint64_t near = 0; near < 5; near++) {
            check_integer(power + near - 2);
            check_integer(0 - (power + near - 2));
        }
        if (power > UINT64_MAX / 10)
            break;
    }
    for (int bit = 0; bit < 64; bit++) {
        for (uint64_t near = 0; near < 5; near++)
            check_integer(((uint64_t)1 << bit) + near - 2);
    }
    for (uint64_t small = 0; small < 20000; small++)
        check_integer(small);
}
END_TEST

START_TEST(integers_of_every_length_read_back)
{
    uint64_t seed = 1;
    for (int i = 0; i < 100000; i++) {
        uint64_t v = next_random(&seed);
        check_integer(v >> (v & 63));
    }
}
END_TEST

enum reader { READ_U64, READ_I64, READ_RESP };

static bool read_integer(enum reader reader, const char *s, size_t n, int64_t *out)
{
    uint64_t v = 0;
    switch (reader) {
    case READ_U64:
        if (!number_parse_u64(s, n, &v))
            return false;
        memcpy(out, &v, sizeof v);
        return true;
    case READ_I64:
        return number_parse_i64(s, n, out);
    case READ_RESP:
        return number_parse_resp_i64(s, n, out);
    }
    return false;
}

static void check_refused(enum reader reader, const char *text, size_t n)
{
    int64_t out = 77;
    char *s = span(text, n);
    ck_assert_msg(!read_integer(reader, s, n, &out), "took \"%.*s\"", (int)n, text);
    ck_assert_int_eq(out, 77);
    free(s);
}

START_TEST(integers_with_anything_else_are_refused)
{
    /* clang-format off */
    static const char *const never[] = {
        "", " ", "-", "+", "--1", "+-1", "-+1", " 1", "1 ", "1\n", "\t1", "0x10", "1.0", "1e3",
        "1,000", "a", "1a", "/", ":", "1/", "1:", "\261", "\331\241", "99999999999999999999",
        "18446744073709551616", "20000000000000000000", "28446744073709551615",
        "100000000000000000000", "-9223372036854775809", "-18446744073709551615",
        "-99999999999999999999",
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        check_refused(READ_U64, never[i], strlen(never[i]));
        check_refused(READ_I64, never[i], strlen(never[i]));
        check_refused(READ_RESP, never[i], strlen(never[i]));
    }
    check_refused(READ_I64, "1\0", 2);
    check_refused(READ_I64, "9223372036854775808", 19);
    check_refused(READ_RESP, "9223372036854775808", 19);
    check_refused(READ_RESP, "+9223372036854775808", 20);
    check_refused(READ_U64, "-1", 2);
    check_refused(READ_U64, "-0", 2);
}
END_TEST

START_TEST(integers_have_one_spelling_as_values_and_more_in_headers)
{
    static const struct {
        const char *text;
        int64_t value;
    } loose[] = {{"+5", 5},
                 {"+0", 0},
                 {"-0", 0},
                 {"00", 0},
                 {"007", 7},
                 {"-007", -7},
                 {"+07", 7},
                 {"000000000000000000000000000012", 12},
                 {"-00000000009223372036854775808", INT64_MIN}};
    for (size_t i = 0; i < sizeof loose / sizeof loose[0]; i++) {
        size_t n = strlen(loose[i].text);
        check_refused(READ_I64, loose[i].text, n);
        check_refused(READ_U64, loose[i].text, n);
        int64_t out = 77;
        ck_assert(number_parse_resp_i64(loose[i].text, n, &out));
        ck_assert_int_eq(out, loose[i].value);
    }
}
END_TEST

/* Doubles */

static const struct {
    double value;
    const char *text;
} written[] = {
    {0.0, "0"},
    {-0.0, "-0"},
    {1, "1"},
    {-1, "-1"},
    {100, "100"},
    {0.1, "0.1"},
    {-2.5, "-2.5"},
    {0.3, "0.3"},
    {0.1 + 0.2, "0.30000000000000004"},
    {3.14, "3.14"},
    {1.0 / 3, "0.3333333333333333"},
    {-0.0001, "-0.0001"},
    {0.00012345678901234567, "0.00012345678901234567"},
    {0.00001, "1e-5"},
    {1.5e-7, "1.5e-7"},
    {123456.789, "123456.789"},
    {1712345678901.25, "1712345678901.25"},
    {9007199254740991.0, "9007199254740991"},
    {9007199254740992.0, "9007199254740992"},
    {-9007199254740992.0, "-9007199254740992"},
    {9007199254740994.0, "9007199254740994"},
    {1e16, "10000000000000000"},
    {12345678901234568.0, "12345678901234568"},
    {1e17, "1e17"},
    {1e21, "1e21"},
    {1.5e300, "1.5e300"},
    {DBL_MAX, "1.7976931348623157e308"},
    {DBL_MIN, "2.2250738585072014e-308"},
    {-DBL_MIN, "-2.2250738585072014e-308"},
    {5e-324, "5e-324"},
    {-1.5e-323, "-1.5e-323"},
    {0x0.fffffffffffffp-1022, "2.225073858507201e-308"},
    {9.5367431640625e-07, "9.5367431640625e-7"},
    {0x1p-44, "5.684341886080802e-14"},
    {9.8e-322, "9.8e-322"},
    {INFINITY, "inf"},
    {-INFINITY, "-inf"},
};

static void check_table(void)
{
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        const char *text = written[i].text;
        char *out = span("////////////////////////", NUMBER_DOUBLE_MAX);
        size_t n = number_write_double(out, written[i].value);
        ck_assert_msg(n == strlen(text) && memcmp(out, text, n) == 0, "wrote %.*s, not %s", (int)n,
                      out, text);
        ck_assert(n == NUMBER_DOUBLE_MAX || out[n] == '/');
        double back = 77;
        ck_assert_msg(number_parse_double(out, n, &back), "refused %s", text);
        ck_assert_uint_eq(to_bits(back), to_bits(written[i].value));
        free(out);
    }
}

static void check_random(int count, uint64_t seed)
{
    for (int i = 0; i < count; i++) {
        double v = from_bits(next_random(&seed));
        char out[NUMBER_DOUBLE_MAX];
        size_t n = number_write_double(out, v);
        double back = 77;
        if (!number_parse_double(out, n, &back) || (to_bits(back) != to_bits(v) && !isnan(v)))
            ck_abort_msg("%a written as %.*s", v, (int)n, out);
    }
}

START_TEST(doubles_are_written_as_people_write_them)
{
    check_table();
    char out[NUMBER_DOUBLE_MAX];
    ck_assert_uint_eq(number_write_double(out, (double)NAN), 3);
    ck_assert_mem_eq(out, "nan", 3);
    ck_assert_uint_eq(number_write_double(out, -(double)NAN), 3);
    ck_assert_mem_eq(out, "nan", 3);
}
END_TEST

START_TEST(doubles_of_any_bits_read_back)
{
    check_random(RANDOM_DOUBLES, 42);
}
END_TEST

START_TEST(doubles_of_everyday_size_read_back)
{
    uint64_t seed = 7;
    for (int i = 0; i < 200000; i++) {
        double v = (double)(next_random(&seed) >> 11) * 0x1p-53 * (double)(1 + i % 1000);
        char out[NUMBER_DOUBLE_MAX];
        double back = 77;
        if (!number_parse_double(out, number_write_double(out, v), &back) ||
            to_bits(back) != to_bits(v))
            ck_abort_msg("%a read back as %a", v, back);
    }
}
END_TEST

/* How many significant digits the text has. */
static int significant(const char *s, size_t n)
{
    int count = 0;
    int zeros = 0;
    for (size_t i = 0; i < n && s[i] != 'e'; i++) {
        if (s[i] < '0' || s[i] > '9' || (count == 0 && s[i] == '0'))
            continue;
        count++;
        zeros = s[i] == '0' ? zeros + 1 : 0;
    }
    return count - zeros;
}

/* No decimal of one digit less reads as v: neither the closest below nor the closest above it,
 * found by the C library alone. */
static void check_shortest(double v)
{
    char out[NUMBER_DOUBLE_MAX];
    size_t n = number_write_double(out, v);
    int digits = significant(out, n);
    if (digits < 2)
        return;
    char text[64];
    snprintf(text, sizeof text, "%.*e", digits - 2, v);
    int exponent = (int)strtol(strchr(text, 'e') + 1, NULL, 10) - (digits - 2);
    int64_t mantissa = text[0] - '0';
    for (const char *p = text + 2; digits > 2 && *p != 'e'; p++)
        mantissa = mantissa * 10 + (*p - '0');
    for (int64_t step = -1; step <= 1; step++) {
        snprintf(text, sizeof text, "%" PRId64 "e%d", mantissa + step, exponent);
        if (to_bits(strtod(text, NULL)) == to_bits(v))
            ck_abort_msg("%.*s could be %s", (int)n, out, text);
    }
    /* And of its own length it is the closest, unless the closest is another double. */
    snprintf(text, sizeof text, "%.*e", digits - 1, v);
    char own[NUMBER_DOUBLE_MAX + 1];
    memcpy(own, out, n);
    own[n] = '\0';
    char again[64];
    snprintf(again, sizeof again, "%.*Le", digits - 1, strtold(own, NULL));
    if (strcmp(text, again) != 0 && to_bits(strtod(text, NULL)) == to_bits(v))
        ck_abort_msg("%s is closer than %s", text, own);
}

START_TEST(doubles_take_the_fewest_digits)
{
    uint64_t seed = 99;
    for (int i = 0; i < 20000; i++) {
        double v = fabs(from_bits(next_random(&seed)));
        if (isfinite(v))
            check_shortest(v);
        check_shortest(from_bits(next_random(&seed) >> (12 + i % 52)));
        check_shortest((double)(next_random(&seed) % 100000000) / 1000);
    }
    for (int power = -1074; power < 1024; power++)
        check_shortest(ldexp(1, power));
}
END_TEST

static void check_reads(const char *text, double expected)
{
    char *s = span(text, strlen(text));
    double out = 77;
    ck_assert_msg(number_parse_double(s, strlen(text), &out), "refused %s", text);
    ck_assert_msg(to_bits(out) == to_bits(expected), "%s read as %a, not %a", text, out, expected);
    free(s);
}

static void check_readings(void)
{
    check_reads("5.", 5);
    check_reads(".5", 0.5);
    check_reads("+.5e+1", 5);
    check_reads("-0.0", -0.0);
    check_reads("007.50", 7.5);
    check_reads("1E3", 1000);
    check_reads("0e99999999999999999999", 0);
    check_reads("-0e-99999999999999999999", -0.0);
    check_reads("1e-400", 0);
    check_reads("-1e-99999999999999999999", -0.0);
    check_reads("2.4703282292062327e-324", 0);
    check_reads("2.4703282292062328e-324", 5e-324);
    check_reads("1.7976931348623158e308", DBL_MAX);
    check_reads("2.2250738585072011e-308", 0x0.fffffffffffffp-1022);
    check_reads("9007199254740993", 9007199254740992.0);
    check_reads("9007199254740993.0000000000000000000000001", 9007199254740994.0);
    check_reads("1.00000000000000011102230246251565404236316680908203125", 1);
    check_reads("1.00000000000000011102230246251565404236316680908203126", 0x1.0000000000001p0);
    check_reads("3.14000000000000012", 3.14);
    check_reads("0.000000000000000000000000000000000000001", 1e-39);
    check_reads("123456789012345678901234567890", 123456789012345678901234567890.0);
    check_reads("inf", INFINITY);
    check_reads("+INF", INFINITY);
    check_reads("-iNf", -INFINITY);
    check_reads("Infinity", INFINITY);
    check_reads("-infinity", -INFINITY);
}

static void check_refused_double(const char *text, size_t n)
{
    char *s = span(text, n);
    double out = 77;
    ck_assert_msg(!number_parse_double(s, n, &out), "took \"%.*s\"", (int)n, text);
    ck_assert(out == 77);
    free(s);
}

static void check_refusals(void)
{
    /* clang-format off */
    static const char *const never[] = {
        "", " ", "+", "-", ".", "e5", ".e5", "-.", "1e", "1e+", "1e-", "1e1.5", " 1", "1 ", "1\n",
        "--1", "+-1", "1.2.3", "1..2", "1,5", ",5", "1'000", "1,000", "0x10", "0x1p3", "1p3",
        "1d5", "1f", "i", "in", "infi", "infx", "infinit", "+-inf", "nan(1)", "nanx", "1e5e5",
        "1e5 ", "1e400", "-1e400", "1e99999999999999999999", "1.7976931348623159e308",
        "\331\2535", "1\331\2535",
    };
    /* clang-format on */
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++)
        check_refused_double(never[i], strlen(never[i]));
    check_refused_double("1\0", 2);
    check_refused_double("i\x0e"
                         "f",
                         3);
}

START_TEST(doubles_are_read_to_the_nearest)
{
    check_readings();
    static const char *const nans[] = {"nan", "NaN", "-nan", "+NAN"};
    for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++) {
        double out = 77;
        ck_assert(number_parse_double(nans[i], strlen(nans[i]), &out));
        ck_assert(isnan(out));
    }
}
END_TEST

START_TEST(doubles_with_anything_else_are_refused)
{
    check_refusals();
}
END_TEST

START_TEST(doubles_are_read_as_the_c_library_reads_them)
{
    uint64_t seed = 5;
    for (int i = 0; i < 200000; i++) {
        char text[80];
        size_t n = 0;
        size_t whole = next_random(&seed) % 22;
        size_t fraction = next_random(&seed) % 22;
        for (size_t k = 0; k <= whole; k++)
            text[n++] = (char)('0' + (char)(next_random(&seed) % 10));
        text[n++] = '.';
        for (size_t k = 0; k < fraction; k++)
            text[n++] = (char)('0' + (char)(next_random(&seed) % 10));
        int range = i % 2 ? 30 : 340;
        int exponent = (int)(next_random(&seed) % (uint64_t)(2 * range)) - range;
        n += (size_t)snprintf(text + n, sizeof text - n, "e%d", exponent);
        double expected = strtod(text, NULL);
        double out = 77;
        bool taken = number_parse_double(text, n, &out);
        if (taken != isfinite(expected) || (taken && to_bits(out) != to_bits(expected)))
            ck_abort_msg("%s read as %a, not %a", text, out, expected);
    }
}
END_TEST

START_TEST(doubles_too_long_are_refused_and_the_longest_exact_one_is_read)
{
    char text[NUMBER_DOUBLE_TEXT_MAX + 1];
    int n = snprintf(text, sizeof text, "%.1074f", -(DBL_MIN - 5e-324));
    ck_assert_int_eq(n, 1077);
    double out = 77;
    ck_assert(number_parse_double(text, (size_t)n, &out));
    ck_assert_uint_eq(to_bits(out), to_bits(-(DBL_MIN - 5e-324)));

    memset(text, '0', sizeof text);
    check_refused_double(text, sizeof text);
    ck_assert(number_parse_double(text, NUMBER_DOUBLE_TEXT_MAX, &out));
    ck_assert(out == 0);
    memset(text, '9', sizeof text);
    memcpy(text + NUMBER_DOUBLE_TEXT_MAX - 5, "e-900", 5);
    check_reads("9e194", 9e194);
    ck_assert(number_parse_double(text, NUMBER_DOUBLE_TEXT_MAX, &out));
    ck_assert(out == 1e195);
}
END_TEST

START_TEST(errno_is_left_alone)
{
    char out[NUMBER_DOUBLE_MAX];
    double v;
    errno = 4242;
    number_parse_double("1e400", 5, &v);
    number_parse_double("1e-400", 6, &v);
    number_parse_double("4e-324", 6, &v);
    number_parse_double("x", 1, &v);
    number_write_double(out, 5e-324);
    number_write_double(out, DBL_MAX);
    ck_assert_int_eq(errno, 4242);
}
END_TEST

/* Locales */

static const char *const locale_names[] = {"de_DE", "ps_AF"};
static const char *const locale_radixes[] = {",", "\xd9\xab"};
#define LOCALES 2

static void make_locales(void)
{
    ts_locales_make(locale_names, LOCALES);
}

/* Without this the tests below could pass in the C locale. */
static void check_radix(const char *radix)
{
    char text[16];
    char expected[16];
    snprintf(text, sizeof text, "%.1f", 1.5);
    snprintf(expected, sizeof expected, "1%s5", radix);
    ck_assert_str_eq(text, expected);
    ck_assert(strtod("1.5", NULL) == 1);
}

static void check_numbers_here(void)
{
    check_table();
    check_readings();
    check_refusals();
    check_random(20000, 11);
    for (uint64_t v = 1; v < UINT64_MAX / 10; v = v * 10 + 7)
        check_integer(v);
}

START_TEST(no_locale_of_the_process_changes_a_number)
{
    ts_locales_set(locale_names[_i], locale_radixes[_i]);
    check_radix(locale_radixes[_i]);
    check_numbers_here();
}
END_TEST

START_TEST(no_locale_of_the_thread_changes_a_number)
{
    ts_locales_set(locale_names[_i], locale_radixes[_i]);
    /* Not newlocale: under LOCPATH the GNU library's loses memory, which a sanitizer reports. */
    locale_t locale = duplocale(LC_GLOBAL_LOCALE);
    ck_assert(locale != (locale_t)0);
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C"));
    locale_t before = uselocale(locale);
    check_radix(locale_radixes[_i]);
    check_numbers_here();
    uselocale(before);
    freelocale(locale);
}
END_TEST

static TCase *new_case(Suite *suite, const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 120);
    suite_add_tcase(suite, tcase);
    return tcase;
}

int main(void)
{
    Suite *suite = suite_create("number");
    TCase *integers = new_case(suite, "integers");
    tcase_add_test(integers, integers_read_back_at_every_edge);
    tcase_add_test(integers, integers_of_every_length_read_back);
    tcase_add_test(integers, integers_with_anything_else_are_refused);
    tcase_add_test(integers, integers_have_one_spelling_as_values_and_more_in_headers);

    TCase *doubles = new_case(suite, "doubles");
    tcase_add_test(doubles, doubles_are_written_as_people_write_them);
    tcase_add_test(doubles, doubles_of_any_bits_read_back);
    tcase_add_test(doubles, doubles_of_everyday_size_read_back);
    tcase_add_test(doubles, doubles_take_the_fewest_digits);
    tcase_add_test(doubles, doubles_are_read_to_the_nearest);
    tcase_add_test(doubles, doubles_with_anything_else_are_refused);
    tcase_add_test(doubles, doubles_are_read_as_the_c_library_reads_them);
    tcase_add_test(doubles, doubles_too_long_are_refused_and_the_longest_exact_one_is_read);
    tcase_add_test(doubles, errno_is_left_alone);

    TCase *locales = new_case(suite, "locales");
    tcase_add_unchecked_fixture(locales, make_locales, ts_locales_remove);
    tcase_add_loop_test(locales, no_locale_of_the_process_changes_a_number, 0, LOCALES);
    tcase_add_loop_test(locales, no_locale_of_the_thread_changes_a_number, 0, LOCALES);

    return suite_run(suite, CK_FORK_GETENV);
}
