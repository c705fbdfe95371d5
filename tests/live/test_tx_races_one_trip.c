/* The races must be able to fail. Here a run's first attempt is made as many would make it: WATCH and GET
 * of the marker, MULTI, SET of the marker, the commands and EXEC in one write. That looks as safe, and
 * saves a round trip; but if it arrives late it watches a marker that the retry has already written,
 * and commits a second time. The same races, with the same account, must find that.
 *
 * The linker puts these functions before the library's own, in this program alone. Nothing else of it
 * is changed: retries ask first, as ever. Evidence is taken as given, since no marker is removed here. */
#include "commit/commit.h"
#include "races.h"
#include "suite.h"

static bool in_one_trip;

static void choose(bool first)
{
    in_one_trip = first;
}

/* NOLINTBEGIN(bugprone-reserved-identifier): the linker makes these names */
void __real_commit_send(struct commit *c, enum commit_phase phase);
void __wrap_commit_send(struct commit *c, enum commit_phase phase);
const char *__wrap_evidence_against(const struct evidence *before, const struct evidence *after,
                                    int64_t life_us);
/* NOLINTEND(bugprone-reserved-identifier) */

void __wrap_commit_send(struct commit *c, enum commit_phase phase)
{
    bool blind = phase == COMMIT_ASKING && c->attempt == 1 && c->reads.count == 0;
    if (!in_one_trip || !blind || !result_begin(c->result, c->body.count)) {
        __real_commit_send(c, phase);
        return;
    }
    commit_add_plain(c, OWN_MULTI);
    marker_add_set(&c->marker, &c->own, c->attempt);
    commit_note_own(c, OWN_SET);
    c->heard = arena_mark(&c->result->arena);
    c->multi_ok = c->multi_refused = c->set_queued = c->exec_answered = false;
    c->exec = NULL;
    c->queued = 0;
    __real_commit_send(c, COMMIT_EXECUTING);
}

const char *__wrap_evidence_against(const struct evidence *before, const struct evidence *after,
                                    int64_t life_us)
{
    (void)before;
    (void)after;
    (void)life_us;
    return NULL;
}

START_TEST(the_races_catch_who_does_it_in_one_trip)
{
    struct races races = races_of(_i ? TS_VALKEY : TS_REDIS, 1000);
    races.before_run = choose;
    struct races_counts counts = races_run(&races);
    races_print(&races, &counts);
    ck_assert_uint_gt(counts.doubles, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx races, one trip");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 1800);
    tcase_add_loop_test(c, the_races_catch_who_does_it_in_one_trip, 0, 2);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
