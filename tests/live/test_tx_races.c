/* Tokened operations on raw timing, by four processes over a proxy that stalls, cuts and lets go late:
 * none is done twice, none that was denied is there, all that were affirmed are. Two thousand for each
 * server; VOUCH_TX_RACES=10000 is the long form, VOUCH_TX_SEED replays a plan. */
#include "races.h"
#include "suite.h"

START_TEST(nothing_is_done_twice_or_misreported)
{
    struct races races = races_of(_i ? TS_VALKEY : TS_REDIS, 2000);
    struct races_counts counts = races_run(&races);
    races_print(&races, &counts);
    ck_assert_uint_eq(counts.doubles, 0);
    ck_assert_uint_eq(counts.wrong_no, 0);
    ck_assert_uint_eq(counts.wrong_yes, 0);
    /* And it was hard enough. */
    ck_assert_uint_gt(counts.chaos.late, races.operations / 50);
    ck_assert(counts.no && counts.already && counts.shared);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx races");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 1800);
    tcase_add_loop_test(c, nothing_is_done_twice_or_misreported, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
