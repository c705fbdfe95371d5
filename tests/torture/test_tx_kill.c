/* Money moved by eight processes while the server is killed with SIGKILL and started again, over and over:
 * none is made or lost, and of every single transfer the truth was told.
 *
 * Moments are told by what has happened, not by time: so many transfers over, or the connections held
 * at a byte. VOUCH_TX_SEED=n dices otherwise; VOUCH_TX_KILLS=n kills so often in all. */
#include "bank.h"
#include "dice.h"

#include <stdio.h>
#include <string.h>

#define KILLS  120 /* in all; both kinds of servers, all kinds of markers */
#define ROUND  10  /* of them on one server: what it has to read when it starts stays small */
#define LOOKS  50  /* for a moment that may never come */
#define RECENT (4 * BANK_TELLERS) /* connections that may still be open */
#define SPREAD 400 /* bytes within which connections are held: two or three transfers */

static struct rig rig;
static struct bank *bank;
static unsigned long kills, cuts;

/* Waits for so many transfers more. */
static void wait_transfers(uint64_t more)
{
    uint64_t until = bank_ended(bank) + more;
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    while (bank_ended(bank) < until)
        ck_assert_msg(ts_look_again(limit), "no transfer ends any more");
}

/* The same of one, if it comes: with a token whoever is in doubt goes on until he knows. */
static void wait_failure(void)
{
    uint64_t before = bank_ended(bank);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (int i = 0; i < LOOKS && bank_ended(bank) == before; i++)
        ck_assert(ts_look_again(limit));
}

/* ---- moments -------------------------------------------------------------------------------- */

/* Each open connection is to stand still somewhere ahead: its answers, or what it asks, go no further. */
static void hold_connections(uint64_t *dice)
{
    int count = ts_proxy_count(rig.proxy, TS_EVERY).connections;
    bool answers = dice_below(dice, 3) != 0;
    for (int i = count > RECENT ? count - RECENT : 0; i < count; i++) {
        ts_plan plan = ts_plan_none();
        ts_fault *fault = answers ? &plan.to_client : &plan.to_server;
        fault->stall_after = dice_below(dice, SPREAD);
        if (ts_proxy_count(rig.proxy, i).open)
            ts_proxy_plan_from_here(rig.proxy, i, &plan);
    }
}

/* So many connections have bytes that go no further. */
static bool are_held(int wanted)
{
    int count = ts_proxy_count(rig.proxy, TS_EVERY).connections, held = 0;
    for (int i = count > RECENT ? count - RECENT : 0; i < count; i++) {
        ts_proxy_counts c = ts_proxy_count(rig.proxy, i);
        held += c.open && (c.from_server > c.to_client || c.from_client > c.to_server);
    }
    return held >= wanted;
}

static void wait_held(uint64_t *dice)
{
    int wanted = 1 + (int)dice_below(dice, BANK_TELLERS);
    int64_t limit = ts_deadline(RIG_PATIENCE_MS);
    for (int i = 0; i < LOOKS && !are_held(wanted); i++)
        ck_assert(ts_look_again(limit));
}

/* ---- kills ---------------------------------------------------------------------------------- */

static void cut_all(uint64_t *dice)
{
    static const ts_cut_mode modes[] = {TS_CUT_SETTLE, TS_CUT_ANSWER, TS_CUT_ABRUPT};
    ts_proxy_cut(rig.proxy, TS_EVERY, TS_END_EOF, modes[dice_below(dice, 3)]);
    cuts++;
    wait_transfers(1 + dice_below(dice, 20));
}

static void kill_once(uint64_t *dice)
{
    wait_transfers(1 + dice_below(dice, 60));
    if (dice_below(dice, 2))
        cut_all(dice);
    if (dice_below(dice, 2)) {
        hold_connections(dice);
        wait_held(dice);
    }
    ts_server_kill(rig.server);
    ts_proxy_cut(rig.proxy, TS_EVERY, TS_END_EOF, TS_CUT_SETTLE);
    kills++;
    if (dice_below(dice, 3) == 0)
        wait_failure(); /* before the server is there again */
    ck_assert(ts_server_restart(rig.server));
}

static void play_round(ts_server_kind kind, enum bank_marker marker, uint64_t seed, unsigned count,
                       struct bank_tally *tally)
{
    uint64_t dice = dice_of(seed, 0, 0);
    bank = bank_open(marker, seed);
    rig = rig_start(kind, TS_AOF_ALWAYS);
    bank_begin(bank, &rig);
    for (unsigned i = 0; i < count; i++)
        kill_once(&dice);
    wait_transfers(20);
    bank_end(bank);
    ck_assert(ts_proxy_wait_closed(rig.proxy, TS_EVERY, ts_deadline(RIG_PATIENCE_MS)));
    rig_settle(&rig);
    bank_audit(bank, &rig, tally);
    bank_close(bank);
    rig_stop(&rig);
}

static void print_tally(const char *what, const struct bank_tally *t)
{
    printf(
        "%s: %lu kills, %lu cuts; %lu transfers: %lu committed, %lu not applied, %lu unknown (%lu "
        "made); %lu doubts settled, %lu runs more of a token\n",
        what, kills, cuts, t->begun, t->committed, t->not_applied, t->unknown, t->unknown_made,
        t->settled, t->rerun);
}

START_TEST(money_is_conserved_and_the_truth_told)
{
    static const char *const names[] = {"without a marker", "resolve", "token"};
    unsigned all = (unsigned)dice_setting("VOUCH_TX_KILLS", KILLS), part = (all + 5) / 6;
    enum bank_marker marker = (enum bank_marker)(_i / 2);
    uint64_t seed = dice_seed();
    struct bank_tally tally = {0};
    kills = cuts = 0;
    for (unsigned round = 0; kills < part; round++) {
        unsigned left = part - (unsigned)kills;
        play_round(_i % 2 ? TS_VALKEY : TS_REDIS, marker, dice_of(seed, (uint64_t)_i, round),
                   left < ROUND ? left : ROUND, &tally);
    }
    printf("%s, ", _i % 2 ? "valkey" : "redis");
    print_tally(names[marker], &tally);
    ck_assert(tally.committed && tally.not_applied);
    ck_assert(marker == BANK_PLAIN ? tally.unknown > 0 : tally.settled > 0);
}
END_TEST

int main(void)
{
    dice_print_seed();
    Suite *suite = suite_create("kills of a bank");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 0);
    tcase_add_loop_test(c, money_is_conserved_and_the_truth_told, 0, 6);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
