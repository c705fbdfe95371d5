/* The checker itself: histories made by hand, and random small ones against trying everything. */
#include "dice.h"
#include "linear.h"

#include "suite.h"

#include <string.h>

static struct linear_op ops[LINEAR_OPS];
static size_t count;

static void begin(void)
{
    memset(ops, 0, sizeof ops);
    count = 0;
}

static struct linear_op *add(enum linear_fate fate, int64_t call, int64_t back,
                             struct linear_way way)
{
    ops[count] = (struct linear_op){
        .fate = fate, .name = "", .call = call, .back = back, .count = 1, .ways = {way}};
    return &ops[count++];
}

static void done(int64_t call, int64_t back, struct linear_way way)
{
    (void)add(LINEAR_DONE, call, back, way);
}

static void expect(enum linear_verdict verdict)
{
    if (linear_check(ops, count) == verdict)
        return;
    linear_print(ops, count);
    ck_abort_msg("expected %s", verdict == LINEAR_YES ? "linearizable" : "not linearizable");
}

#define read   linear_read
#define write  linear_write
#define change linear_change

/* ---- certain operations --------------------------------------------------------------------- */

START_TEST(nothing_is_linearizable)
{
    expect(LINEAR_YES);
}
END_TEST

START_TEST(one_after_the_other_sees_the_last)
{
    done(1, 2, write(0, 7));
    done(3, 4, read(0, 7));
    expect(LINEAR_YES);
    done(5, 6, read(0, LINEAR_ABSENT));
    expect(LINEAR_NO);
}
END_TEST

START_TEST(a_read_of_what_was_never_written_fails)
{
    done(1, 2, write(0, 7));
    done(1, 2, read(0, 8));
    expect(LINEAR_NO);
}
END_TEST

START_TEST(overlapping_ones_may_come_in_either_order)
{
    done(1, 10, write(0, 7));
    done(2, 9, read(0, LINEAR_ABSENT));
    done(3, 8, read(0, 7));
    expect(LINEAR_YES);
}
END_TEST

START_TEST(time_does_not_go_back_for_a_second_reader)
{
    done(1, 10, write(0, 7));
    done(2, 3, read(0, 7));
    done(4, 5, read(0, LINEAR_ABSENT));
    expect(LINEAR_NO);
}
END_TEST

START_TEST(touching_at_an_instant_is_overlapping)
{
    done(1, 5, write(0, 7));
    done(5, 9, read(0, LINEAR_ABSENT));
    expect(LINEAR_YES);
}
END_TEST

START_TEST(a_lost_update_fails)
{
    done(1, 10, change(0, LINEAR_ABSENT, 1));
    done(2, 9, change(0, LINEAR_ABSENT, 1));
    expect(LINEAR_NO);
}
END_TEST

START_TEST(changes_chain)
{
    done(1, 10, change(0, 2, 3));
    done(1, 10, change(0, 1, 2));
    done(1, 10, change(0, LINEAR_ABSENT, 1));
    done(11, 12, read(0, 3));
    expect(LINEAR_YES);
}
END_TEST

/* ---- those that may have happened ----------------------------------------------------------- */

START_TEST(an_unknown_one_may_have_happened_or_not)
{
    (void)add(LINEAR_MAYBE, 1, 2, write(0, 7));
    done(3, 4, read(0, LINEAR_ABSENT));
    expect(LINEAR_YES);
    ops[1].ways[0] = read(0, 7);
    expect(LINEAR_YES);
}
END_TEST

START_TEST(an_unknown_one_may_happen_late_but_not_early_and_once)
{
    (void)add(LINEAR_MAYBE, 5, 6, change(0, LINEAR_ABSENT, 7));
    done(7, 8, read(0, LINEAR_ABSENT));
    done(9, 10, read(0, 7));
    expect(LINEAR_YES);
    done(1, 2, read(0, 7));
    expect(LINEAR_NO);
    count--;
    done(11, 12, read(0, LINEAR_ABSENT));
    expect(LINEAR_NO);
}
END_TEST

START_TEST(an_unknown_one_happens_in_one_way_only)
{
    struct linear_op *op = add(LINEAR_MAYBE, 1, 2, change(0, LINEAR_ABSENT, 7));
    op->ways[op->count++] = change(0, 1, 8);
    done(3, 4, read(0, 7));
    done(5, 6, read(0, 7));
    expect(LINEAR_YES);
    done(7, 8, read(0, 8));
    expect(LINEAR_NO);
}
END_TEST

START_TEST(what_was_said_not_to_happen_must_not)
{
    (void)add(LINEAR_NOT, 1, 2, write(0, 7));
    done(3, 4, read(0, LINEAR_ABSENT));
    expect(LINEAR_YES);
    done(5, 6, read(0, 7));
    expect(LINEAR_NO);
}
END_TEST

START_TEST(what_was_said_to_happen_must)
{
    done(1, 2, write(0, 7));
    done(3, 4, read(0, LINEAR_ABSENT));
    expect(LINEAR_NO);
}
END_TEST

/* ---- several keys --------------------------------------------------------------------------- */

START_TEST(keys_without_a_bond_are_searched_by_themselves)
{
    done(1, 10, write(0, 7));
    done(1, 10, write(1, 8));
    done(2, 3, read(1, 8));
    done(4, 5, read(0, LINEAR_ABSENT));
    expect(LINEAR_YES);
    done(6, 7, read(1, LINEAR_ABSENT));
    expect(LINEAR_NO);
}
END_TEST

START_TEST(a_half_seen_pair_fails)
{
    done(1, 10, linear_both(write(0, 7), write(1, 7)));
    done(2, 9, linear_both(read(0, 7), read(1, LINEAR_ABSENT)));
    expect(LINEAR_NO);
    ops[1].ways[0] = linear_both(read(0, 7), read(1, 7));
    expect(LINEAR_YES);
}
END_TEST

/* Each key by itself is well ordered; the pairs see two writes in opposite order. */
START_TEST(two_keys_bound_by_reads_are_searched_together)
{
    done(1, 10, write(0, 7));
    done(1, 10, write(1, 8));
    done(2, 9, linear_both(read(0, 7), read(1, LINEAR_ABSENT)));
    done(2, 9, linear_both(read(0, LINEAR_ABSENT), read(1, 8)));
    expect(LINEAR_NO);
    count--;
    expect(LINEAR_YES);
}
END_TEST

/* ---- against trying everything -------------------------------------------------------------- */

struct order {
    size_t placed, of[LINEAR_OPS];
};

static bool in_time(const struct order *o)
{
    for (size_t i = 0; i < o->placed; i++)
        for (size_t j = i + 1; j < o->placed; j++)
            if (ops[o->of[j]].back < ops[o->of[i]].call && ops[o->of[j]].fate == LINEAR_DONE)
                return false;
    return true;
}

static bool has(const struct order *o, size_t op)
{
    for (size_t i = 0; i < o->placed; i++)
        if (o->of[i] == op)
            return true;
    return false;
}

static bool is_complete(const struct order *o)
{
    for (size_t i = 0; i < count; i++)
        if (ops[i].fate == LINEAR_DONE && !has(o, i))
            return false;
    return true;
}

static bool fits(const struct linear_way *w, int64_t *values)
{
    bool fit = true;
    for (size_t i = 0; i < w->count; i++)
        fit = fit && (!w->touch[i].saw || w->touch[i].seen == values[w->touch[i].key]);
    for (size_t i = 0; i < w->count; i++)
        if (w->touch[i].wrote)
            values[w->touch[i].key] = w->touch[i].written;
    return fit;
}

/* Every order of every subset; nothing is remembered, and time is looked at only in the end. */
static bool try_all(struct order *o, const int64_t *values)
{
    if (is_complete(o) && in_time(o))
        return true;
    for (size_t i = 0; i < count; i++) {
        if (ops[i].fate == LINEAR_NOT || has(o, i))
            continue;
        for (size_t w = 0; w < ops[i].count; w++) {
            int64_t next[LINEAR_KEYS];
            memcpy(next, values, sizeof next);
            if (!fits(&ops[i].ways[w], next))
                continue;
            o->of[o->placed++] = i;
            bool found = try_all(o, next);
            o->placed--;
            if (found)
                return true;
        }
    }
    return false;
}

static struct linear_way random_way(uint64_t *dice)
{
    struct linear_way w[2];
    for (uint8_t i = 0; i < 2; i++) {
        int64_t seen = dice_below(dice, 3), written = 1 + dice_below(dice, 2);
        uint32_t kind = dice_below(dice, 3);
        w[i] = kind == 0 ? read(i, seen) : kind == 1 ? write(i, written) : change(i, seen, written);
    }
    uint32_t which = dice_below(dice, 5);
    return which == 4 ? linear_both(w[0], w[1]) : w[which & 1];
}

static void random_history(uint64_t *dice)
{
    begin();
    for (size_t n = 1 + dice_below(dice, 6); count < n;) {
        int64_t call = dice_below(dice, 12);
        uint32_t fate = dice_below(dice, 6);
        struct linear_op *op = add(fate == 0   ? LINEAR_MAYBE
                                   : fate == 1 ? LINEAR_NOT
                                               : LINEAR_DONE,
                                   call, call + 1 + dice_below(dice, 12), random_way(dice));
        if (op->fate == LINEAR_MAYBE && dice_below(dice, 2))
            op->ways[op->count++] = random_way(dice);
    }
}

START_TEST(the_search_agrees_with_trying_everything)
{
    uint64_t dice = dice_of(dice_seed(), 1, 0);
    size_t linearizable = 0;
    const size_t histories = 20000;
    for (size_t i = 0; i < histories; i++) {
        struct order o = {0};
        const int64_t absent[LINEAR_KEYS] = {0};
        random_history(&dice);
        bool yes = try_all(&o, absent);
        linearizable += yes;
        expect(yes ? LINEAR_YES : LINEAR_NO);
    }
    printf("%zu of %zu random histories are linearizable\n", linearizable, histories);
    ck_assert_uint_gt(linearizable, histories / 10);
    ck_assert_uint_lt(linearizable, histories - histories / 10);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("linear");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 100);
    tcase_add_checked_fixture(c, begin, NULL);
    tcase_add_test(c, nothing_is_linearizable);
    tcase_add_test(c, one_after_the_other_sees_the_last);
    tcase_add_test(c, a_read_of_what_was_never_written_fails);
    tcase_add_test(c, overlapping_ones_may_come_in_either_order);
    tcase_add_test(c, time_does_not_go_back_for_a_second_reader);
    tcase_add_test(c, touching_at_an_instant_is_overlapping);
    tcase_add_test(c, a_lost_update_fails);
    tcase_add_test(c, changes_chain);
    tcase_add_test(c, an_unknown_one_may_have_happened_or_not);
    tcase_add_test(c, an_unknown_one_may_happen_late_but_not_early_and_once);
    tcase_add_test(c, an_unknown_one_happens_in_one_way_only);
    tcase_add_test(c, what_was_said_not_to_happen_must_not);
    tcase_add_test(c, what_was_said_to_happen_must);
    tcase_add_test(c, keys_without_a_bond_are_searched_by_themselves);
    tcase_add_test(c, a_half_seen_pair_fails);
    tcase_add_test(c, two_keys_bound_by_reads_are_searched_together);
    tcase_add_test(c, the_search_agrees_with_trying_everything);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    dice_print_seed();
    return suite_run(suite(), CK_NOFORK);
}
