/*
 * base/retry: every delay stays within its bounds for every attempt and every argument, and chance
 * is the caller's.
 */
#include "base/retry.h"
#include "suite.h"

#include <check.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#define ATTEMPTS 1000

static const struct {
    int64_t base_ms;
    int64_t cap_ms;
} ranges[] = {
    {1, 500},
    {1, INT64_MAX},
    {0, 500},
    {0, 0},
    {1, 1},
    {7, 10},
    {500, 1},
    {-1, 500},
    {1, -1},
    {INT64_MIN, INT64_MIN},
    {INT64_MAX, INT64_MAX},
    {3, INT64_MAX / 1000},
    {INT64_MAX / 1000, INT64_MAX / 1000 + 1},
};
#define RANGES ((int)(sizeof ranges / sizeof ranges[0]))

static const enum retry_jitter jitters[] = {RETRY_JITTER_FULL, RETRY_JITTER_EQUAL,
                                            RETRY_JITTER_DECORRELATED, RETRY_JITTER_NONE};
#define JITTERS (sizeof jitters / sizeof jitters[0])

static struct retry_policy policy_of(int range, enum retry_jitter jitter)
{
    struct retry_policy policy = {ranges[range].base_ms, ranges[range].cap_ms, jitter};
    return policy;
}

static int64_t in_us(int64_t ms)
{
    if (ms < 0)
        return 0;
    return ms > INT64_MAX / 1000 ? INT64_MAX : ms * 1000;
}

/* base * 2^(attempt-1) up to cap, the slow way. */
static int64_t ceiling_of(int range, unsigned attempt)
{
    int64_t cap = in_us(ranges[range].cap_ms);
    int64_t ceiling = in_us(ranges[range].base_ms);
    for (unsigned i = 1; i < attempt && ceiling > 0 && ceiling < cap; i++)
        ceiling = ceiling > cap / 2 ? cap : ceiling * 2;
    return ceiling < cap ? ceiling : cap;
}

/* Plain comparisons: each assertion of the library costs a write. */
static void check_within(int64_t v, int64_t low, int64_t high)
{
    if (v < low || v > high)
        ck_abort_msg("%" PRId64 " is not within %" PRId64 " and %" PRId64, v, low, high);
}

static void check_equal(int64_t v, int64_t expected)
{
    check_within(v, expected, expected);
}

/* The least, the greatest and an inner value of what chance can bring. */
static void check_attempt(int range, unsigned attempt, uint64_t random)
{
    int64_t ceiling = ceiling_of(range, attempt);
    const uint64_t chances[] = {0, random, UINT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct retry_policy policy = policy_of(range, RETRY_JITTER_NONE);
        check_equal(retry_delay_us(&policy, attempt, 0, chances[i]), ceiling);
        policy.jitter = RETRY_JITTER_FULL;
        check_within(retry_delay_us(&policy, attempt, 0, chances[i]), 0, ceiling);
        policy.jitter = RETRY_JITTER_EQUAL;
        check_within(retry_delay_us(&policy, attempt, 0, chances[i]), ceiling / 2, ceiling);
    }
    struct retry_policy full = policy_of(range, RETRY_JITTER_FULL);
    check_equal(retry_delay_us(&full, attempt, 0, 0), 0);
    check_equal(retry_delay_us(&full, attempt, 0, UINT64_MAX), ceiling);
    struct retry_policy equal = policy_of(range, RETRY_JITTER_EQUAL);
    check_equal(retry_delay_us(&equal, attempt, 0, UINT64_MAX), ceiling);
    check_within(retry_delay_us(&equal, attempt, 0, 0), ceiling / 2, ceiling / 2 + 1);
}

START_TEST(delays_stay_below_a_ceiling_that_doubles)
{
    struct retry_random random = {1};
    for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++)
        check_attempt(_i, attempt, retry_random_next(&random));
    check_attempt(_i, UINT_MAX, retry_random_next(&random));
    check_attempt(_i, (unsigned)INT_MAX + 1, retry_random_next(&random));
}
END_TEST

START_TEST(the_ceiling_never_falls_and_reaches_the_cap)
{
    struct retry_policy policy = policy_of(_i, RETRY_JITTER_NONE);
    int64_t before = retry_delay_us(&policy, 0, 0, 0);
    ck_assert_int_eq(before, retry_delay_us(&policy, 1, 0, 0));
    for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
        int64_t now = retry_delay_us(&policy, attempt, 0, 0);
        check_within(now, before, INT64_MAX);
        before = now;
    }
    ck_assert_int_eq(before, policy.base_ms > 0 ? in_us(policy.cap_ms) : 0);
}
END_TEST

START_TEST(the_defaults_double_from_1_ms_to_500_ms)
{
    static const int64_t expected_ms[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 500, 500};
    struct retry_policy policy = {1, 500, RETRY_JITTER_NONE};
    for (unsigned i = 0; i < sizeof expected_ms / sizeof expected_ms[0]; i++)
        check_equal(retry_delay_us(&policy, i + 1, 0, 0), expected_ms[i] * 1000);
}
END_TEST

static int64_t triple(int64_t v)
{
    return v > INT64_MAX / 3 ? INT64_MAX : v * 3;
}

START_TEST(decorrelated_delays_follow_the_previous_one)
{
    struct retry_policy policy = policy_of(_i, RETRY_JITTER_DECORRELATED);
    struct retry_random random = {2};
    int64_t cap = in_us(policy.cap_ms);
    int64_t base = in_us(policy.base_ms) < cap ? in_us(policy.base_ms) : cap;
    int64_t previous = 0;
    for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
        int64_t from = previous > base ? previous : base;
        int64_t high = triple(from) < cap ? triple(from) : cap;
        check_equal(retry_delay_us(&policy, attempt, previous, 0), base);
        check_equal(retry_delay_us(&policy, attempt, previous, UINT64_MAX), high);
        previous = retry_delay_us(&policy, attempt, previous, retry_random_next(&random));
        check_within(previous, base, high);
    }
}
END_TEST

START_TEST(decorrelated_delays_take_any_previous_one)
{
    static const int64_t previous[] = {INT64_MIN,         -1,       0, 1, INT64_MAX / 3,
                                       INT64_MAX / 3 + 1, INT64_MAX};
    struct retry_policy policy = policy_of(_i, RETRY_JITTER_DECORRELATED);
    for (size_t i = 0; i < sizeof previous / sizeof previous[0]; i++) {
        check_within(retry_delay_us(&policy, 1, previous[i], 0), 0, in_us(policy.cap_ms));
        check_within(retry_delay_us(&policy, 1, previous[i], UINT64_MAX), 0, in_us(policy.cap_ms));
    }
}
END_TEST

#define DRAWS 200000

/* The mean of so many uniform draws is within 0.5 % of the middle but for one seed in about
 * 10^14. */
static void check_mean(enum retry_jitter jitter, int64_t previous, double expected)
{
    struct retry_policy policy = {1, 500, jitter};
    struct retry_random random = {3};
    double sum = 0;
    for (int i = 0; i < DRAWS; i++)
        sum += (double)retry_delay_us(&policy, 20, previous, retry_random_next(&random));
    double mean = sum / DRAWS;
    ck_assert_msg(mean > expected * 0.995 && mean < expected * 1.005, "mean %f", mean);
}

START_TEST(jitter_is_spread_evenly)
{
    check_mean(RETRY_JITTER_FULL, 0, 250000);
    check_mean(RETRY_JITTER_EQUAL, 0, 375000);
    check_mean(RETRY_JITTER_DECORRELATED, 100000, 150500);
}
END_TEST

START_TEST(a_seed_decides_everything)
{
    struct retry_random one = {12345};
    struct retry_random same = {12345};
    struct retry_random other = {12346};
    int64_t delay_one = 0;
    int64_t delay_same = 0;
    int equal_to_other = 0;
    for (unsigned attempt = 1; attempt <= ATTEMPTS; attempt++) {
        struct retry_policy policy = {1, 500, jitters[attempt % JITTERS]};
        uint64_t random = retry_random_next(&one);
        equal_to_other += random == retry_random_next(&other);
        delay_one = retry_delay_us(&policy, attempt, delay_one, random);
        delay_same = retry_delay_us(&policy, attempt, delay_same, retry_random_next(&same));
        check_equal(delay_one, delay_same);
    }
    ck_assert_int_eq(equal_to_other, 0);
}
END_TEST

/* The values published for SplitMix64: a bench or a bug report can be repeated elsewhere. */
START_TEST(a_seed_gives_the_values_of_splitmix64)
{
    static const uint64_t expected[] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973), UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431), UINT64_C(16408922859458223821)};
    struct retry_random random = {1234567};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        ck_assert_uint_eq(retry_random_next(&random), expected[i]);
}
END_TEST

START_TEST(random_values_use_every_bit_from_any_seed)
{
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct retry_random random = {seed == 3 ? UINT64_MAX : seed};
        int ones[64] = {0};
        for (int i = 0; i < 10000; i++) {
            uint64_t v = retry_random_next(&random);
            for (int bit = 0; bit < 64; bit++)
                ones[bit] += (int)(v >> bit & 1);
        }
        for (int bit = 0; bit < 64; bit++)
            check_within(ones[bit], 4700, 5300);
    }
}
END_TEST

/* The upper half of the product by adding, a bit at a time. */
static uint64_t slow_uniform(uint64_t random, uint64_t below)
{
    uint64_t sum = 0;
    for (int bit = 0; bit < 64; bit++) {
        uint64_t carry = 0;
        if (random >> bit & 1) {
            sum += below;
            carry = sum < below;
        }
        sum = sum >> 1 | carry << 63;
    }
    return sum;
}

static void check_uniform(uint64_t random, uint64_t below)
{
    uint64_t v = retry_uniform(random, below);
    if (v != slow_uniform(random, below))
        ck_abort_msg("%" PRIu64 " below %" PRIu64 " is not %" PRIu64, random, below, v);
}

START_TEST(uniform_values_are_the_upper_half_of_the_product)
{
    static const uint64_t edges[] = {0,          1,
                                     2,          3,
                                     UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                                     INT64_MAX,  (uint64_t)INT64_MAX + 1,
                                     UINT64_MAX};
    enum { EDGES = sizeof edges / sizeof edges[0] };
    for (size_t i = 0; i < EDGES; i++) {
        for (size_t k = 0; k < EDGES; k++)
            check_uniform(edges[i], edges[k]);
    }
    struct retry_random random = {4};
    for (int i = 0; i < 100000; i++) {
        uint64_t value = retry_random_next(&random);
        uint64_t below = retry_random_next(&random) >> (i % 64);
        check_uniform(value, below);
    }
}
END_TEST

START_TEST(uniform_values_fill_their_range_evenly)
{
    int count[7] = {0};
    struct retry_random random = {6};
    for (int i = 0; i < 70000; i++) {
        uint64_t v = retry_uniform(retry_random_next(&random), 7);
        if (v >= 7)
            ck_abort_msg("%" PRIu64 " is not below 7", v);
        count[v]++;
    }
    for (int i = 0; i < 7; i++)
        check_within(count[i], 9500, 10500);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("retry");
    TCase *delays = tcase_create("delays");
    tcase_set_timeout(delays, 60);
    tcase_add_loop_test(delays, delays_stay_below_a_ceiling_that_doubles, 0, RANGES);
    tcase_add_loop_test(delays, the_ceiling_never_falls_and_reaches_the_cap, 0, RANGES);
    tcase_add_test(delays, the_defaults_double_from_1_ms_to_500_ms);
    tcase_add_loop_test(delays, decorrelated_delays_follow_the_previous_one, 0, RANGES);
    tcase_add_loop_test(delays, decorrelated_delays_take_any_previous_one, 0, RANGES);
    tcase_add_test(delays, jitter_is_spread_evenly);
    suite_add_tcase(suite, delays);

    TCase *chance = tcase_create("chance");
    tcase_set_timeout(chance, 60);
    tcase_add_test(chance, a_seed_decides_everything);
    tcase_add_test(chance, a_seed_gives_the_values_of_splitmix64);
    tcase_add_test(chance, random_values_use_every_bit_from_any_seed);
    tcase_add_test(chance, uniform_values_are_the_upper_half_of_the_product);
    tcase_add_test(chance, uniform_values_fill_their_range_evenly);
    suite_add_tcase(suite, chance);

    return suite_run(suite, CK_FORK_GETENV);
}
