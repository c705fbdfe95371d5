/* Concurrent transactions under faults are linearizable: everybody saw what one order of them shows, what
 * was reported as committed is in it, what was reported as not applied is not, and what was left
 * unknown came once, late, or never. And clients that are wrong are caught.
 *
 * VOUCH_TX_SEED=n begins elsewhere, VOUCH_TX_HISTORIES=n plays so many on each server. */
#include "dice.h"
#include "history.h"

#include <string.h>

#define HISTORIES 150 /* on each server */
#define TRIES     200 /* within so many histories a client that is wrong is caught */

static struct stage stage;
static struct history history;

struct tally {
    unsigned long histories, operations, done, not, maybe, settled;
};
static struct tally tally;

static void count(const struct history *h)
{
    tally.histories++;
    for (size_t i = 0; i < h->player_count * h->each; i++) {
        const struct linear_op *op = &h->ops[i];
        tally.operations++;
        tally.done += op->fate == LINEAR_DONE;
        tally.not += op->fate == LINEAR_NOT;
        tally.maybe += op->fate == LINEAR_MAYBE;
    }
    for (size_t i = 0; i < h->player_count; i++)
        tally.settled += h->players[i].settled;
}

static void print_tally(const char *what)
{
    printf("%s: %lu histories of %lu operations: %lu took effect, %lu did not, %lu unknown; %lu "
           "doubts settled\n",
           what, tally.histories, tally.operations, tally.done, tally.not, tally.maybe,
           tally.settled);
    memset(&tally, 0, sizeof tally);
}

static enum linear_verdict play(const struct player_kind *kind, enum history_marker marker,
                                uint32_t number, uint64_t seed)
{
    history.stage = &stage;
    history.kind = kind;
    history.marker = marker;
    history.pairs = number % 2;
    history.seed = seed;
    history.number = number;
    enum linear_verdict verdict = history_run(&history);
    count(&history);
    return verdict;
}

/* ---- vouch ---------------------------------------------------------------------------------- */

static const char *const marker_names[] = {"without a marker", "resolve", "token"};

START_TEST(vouch_is_linearizable)
{
    uint64_t seed = dice_seed();
    uint32_t histories = (uint32_t)dice_setting("VOUCH_TX_HISTORIES", HISTORIES);
    stage = stage_start(_i ? TS_VALKEY : TS_REDIS);
    for (int m = HISTORY_PLAIN; m <= HISTORY_TOKEN; m++) {
        uint32_t part = m == HISTORY_PLAIN ? histories / 5 : 2 * histories / 5;
        for (uint32_t i = 0; i < part; i++) {
            history.tormented = i % 8 != 0;
            enum linear_verdict verdict =
                play(&player_vouch, (enum history_marker)m, (uint32_t)m * histories + i, seed);
            if (verdict == LINEAR_YES)
                continue;
            history_print(&history);
            ck_abort_msg("%s", verdict == LINEAR_NO ? "not linearizable" : "undecided");
        }
        ck_assert(tally.done * 3 > tally.operations);
        ck_assert(m != HISTORY_PLAIN || tally.maybe > part / 10);
        print_tally(marker_names[m]);
    }
    stage_stop(&stage);
}
END_TEST

/* ---- others --------------------------------------------------------------------------------- */

static const struct {
    const struct player_kind *kind;
    bool tormented;
} wrong[] = {{&player_without_watch, false},
             {&player_of_lost_execs, true},
             {&player_who_says_no, true},
             {&player_who_says_yes, true}};

START_TEST(a_client_that_is_wrong_is_caught)
{
    uint64_t seed = dice_seed();
    uint32_t tries = 0;
    stage = stage_start(TS_REDIS);
    history.tormented = wrong[_i].tormented;
    while (play(wrong[_i].kind, HISTORY_PLAIN, tries, seed) != LINEAR_NO)
        ck_assert_msg(++tries < TRIES, "%s is not caught", wrong[_i].kind->name);
    printf("%s is caught by history %u\n", wrong[_i].kind->name, tries + 1);
    memset(&tally, 0, sizeof tally);
    stage_stop(&stage);
}
END_TEST

int main(void)
{
    dice_print_seed();
    Suite *suite = suite_create("linearizability");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 280);
    tcase_add_loop_test(c, vouch_is_linearizable, 0, 2);
    tcase_add_loop_test(c, a_client_that_is_wrong_is_caught, 0,
                        (int)(sizeof wrong / sizeof *wrong));
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
