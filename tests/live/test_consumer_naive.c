/* The chaos of consumers can fail: with consumers that are put back to what looks simpler (naive_worker.c) the same
 * trials find entries that were settled twice, or applied by one who had lost them.
 *
 * The state that commits keep hides doubles: what one has settled no other applies again, whatever he may count. So where
 * they are looked for it is not asked; and where it is, what is found is who applied an entry that was another's by then.
 *
 * Each is looked for on one of the servers, since it is the trial that is on trial.
 * VOUCH_NAIVE_ALL=1 looks for the last one, too, which takes long, and for which test_consumer_held does not have to search;
 * VOUCH_NAIVE_TELL=1 says in which seeds it was found, VOUCH_NAIVE_FROM=n begins at that one. */
#include "base.h"
#include "clocked.h"
#include "naive.h"
#include "suite.h"
#include "temp.h"
#include "trial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNTIL_FOUND = 200 };

static const struct search {
    const char *name;
    enum naive naive;
    bool calm;            /* in calm seeds; else with connections that are cut and stalled */
    bool usurps, doubles; /* what is to be found */
} searches[] = {
    {"as many pending as are committed will do", NAIVE_COUNT, false, false, true},
    {"as many pending will do, though the state is asked", NAIVE_COUNT_ASK, true, true, false},
    {"what is held is said after an answer was lost", NAIVE_BELIEF, false, false, true},
};

/* The first seed from there on in which what is wanted happens. */
static struct crowd_plan plan_from(uint64_t seed, const struct search *s)
{
    for (;; seed++) {
        struct crowd_plan p = crowd_plan_of(seed);
        bool loses = p.cuts && p.chaos && !p.delete_acked;
        p.worker = VOUCH_NAIVE_WORKER;
        p.run_ms = 700; /* to begin and to end takes its time, too */
        if (!p.all_or_none && (s->calm ? p.calm && !p.dead_letters : loses))
            return p;
    }
}

static bool is_found(const struct trial *t, const struct search *s)
{
    return (s->doubles && t->doubled) || (s->usurps && t->usurped);
}

static bool try_one(struct trial *t, const struct search *s, const struct crowd_plan *plan)
{
    bool fine = trial_run(t, plan);
    if (!fine && getenv("VOUCH_NAIVE_TELL"))
        printf("%s: seed %" PRIu64 ": %s\n", s->name, plan->seed, t->fault);
    return is_found(t, s);
}

START_TEST(what_looks_simpler_is_found_out)
{
    const struct search *s = &searches[_i];
    bool found = false;
    const char *from = getenv("VOUCH_NAIVE_FROM");
    uint64_t seed = from ? strtoull(from, NULL, 10) : 907;
    char folder[TS_TEMP_MAX], number[16];
    struct rig rig = {0};
    struct trial t = {.rig = &rig, .folder = folder};
    (void)snprintf(number, sizeof number, "%d", (int)s->naive);
    ck_assert_int_eq(setenv(NAIVE_VARIABLE, number, 1), 0);
    ts_temp_make(folder);
    rig = clocked_rig(_i % 2 ? TS_VALKEY : TS_REDIS, TS_AOF_ALWAYS, folder);
    for (int i = 0; !found && i < UNTIL_FOUND; i++) {
        struct crowd_plan plan = plan_from(seed, s);
        seed = plan.seed + 1;
        found = try_one(&t, s, &plan);
    }
    ck_assert_msg(found, "not found: %s", s->name);
    rig_stop(&rig);
    ts_temp_remove(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("consumer naive");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, what_looks_simpler_is_found_out, 0,
                        (int)(sizeof searches / sizeof *searches) - !getenv("VOUCH_NAIVE_ALL"));
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
