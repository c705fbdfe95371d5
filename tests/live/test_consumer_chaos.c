/* Exactly once, by seed: eight processes consume one stream while they are killed, put to sleep and replaced, their
 * connections are cut, stalled and robbed of answers, the group is destroyed, entries and consumers are deleted, scripts
 * are forgotten, memory runs out, the clock is stepped, and the server dies and comes back. Then one last consumer does
 * what is left, and the ledger is looked at.
 *
 * VOUCH_CONSUMER_SEEDS=500 is a long run, VOUCH_CONSUMER_SERVER=redis or =valkey one on that alone;
 * VOUCH_CONSUMER_SEED=… replays what was drawn, though not the moments. */
#include "base.h"
#include "clocked.h"
#include "suite.h"
#include "temp.h"
#include "trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEEDS 8
/* Then another: what is in its log of commands makes it slow to start. */
#define SEEDS_OF_SERVERS 20

static const char *const kinds[] = {"Redis", "Valkey"};

static bool is_wanted(int kind)
{
    const char *only = getenv("VOUCH_CONSUMER_SERVER");
    return !only || strcmp(only, kind ? "valkey" : "redis") == 0;
}

static void print(int kind, uint64_t last, const struct trial_totals *t)
{
    printf("%s: %zu seeds, the last VOUCH_CONSUMER_SEED=%" PRIu64
           ": %zu entries, %zu dead letters, "
           "%zu deleted (%zu pending ones untold)\n  %lu done, %lu fenced, %lu otherwise, %lu "
           "troubles; %lu killed, %lu slept, %lu acts, %lu deaths of the server, %lu flushes, %lu "
           "steps of its clock\n",
           kinds[kind], t->seeds, last, t->entries, t->dead, t->deleted, t->untold, t->dones,
           t->fenced, t->others, t->troubles, t->kills, t->sleeps, t->acts, t->deaths, t->flushes,
           t->steps);
    (void)fflush(stdout);
}

START_TEST(each_entry_is_applied_once)
{
    const char *first = getenv("VOUCH_CONSUMER_SEED"), *wanted = getenv("VOUCH_CONSUMER_SEEDS");
    uint64_t moment = (uint64_t)ts_now_ns() ^ ((uint64_t)getpid() << 32);
    size_t n = wanted ? strtoul(wanted, NULL, 10) : first ? 1 : SEEDS;
    uint64_t seed = first ? strtoull(first, NULL, 10) : moment;
    char folder[TS_TEMP_MAX];
    struct rig rig = {0};
    struct trial t = {.rig = &rig, .folder = folder};
    ts_temp_make(folder);
    for (size_t i = 0; is_wanted(_i) && i < n; i++, seed++) {
        struct crowd_plan plan = crowd_plan_of(seed);
        if (i % SEEDS_OF_SERVERS == 0) {
            rig_stop(&rig);
            rig = clocked_rig(_i ? TS_VALKEY : TS_REDIS, TS_AOF_ALWAYS, folder);
        }
        ck_assert_msg(trial_run(&t, &plan), "%s, VOUCH_CONSUMER_SEED=%" PRIu64 ": %s", kinds[_i],
                      seed, t.fault);
        if (i % 100 == 99) /* of a long run */
            print(_i, seed, &t.totals);
    }
    rig_stop(&rig);
    ts_temp_remove(folder);
    if (is_wanted(_i))
        print(_i, seed - 1, &t.totals);
}
END_TEST

int main(int argc, char **argv)
{
    if (crowd_is_worker(argc, argv))
        return crowd_work(argv);
    Suite *suite = suite_create("consumer chaos");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 36000);
    tcase_add_loop_test(c, each_entry_is_applied_once, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
