/* Worlds of consumers, thrown from seeds, on real servers: nothing is applied twice, nothing is left out. And
 * the same with one line of the scripts, or of a consumer, put back to what looks simpler: that is found.
 *
 * VOUCH_STREAM_WORLDS=n plays more of them, VOUCH_STREAM_SEED=n only that one; VOUCH_STREAM_FROM=n begins
 * there. VOUCH_STREAM_TELL=1 says in which world what looks simpler was found, VOUCH_STREAM_LEDGER=1 finds it
 * by nothing but what was applied. */
#include "commit_world.h"
#include "suite.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { WORLDS = 1000, UNTIL_FOUND = 3000 };

static struct commit_stage stage;

static uint64_t setting(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

START_TEST(every_entry_is_applied_once)
{
    uint64_t only = setting("VOUCH_STREAM_SEED", 0),
             worlds = setting("VOUCH_STREAM_WORLDS", WORLDS);
    commit_stage_load(&stage, NULL, 0);
    uint64_t from = setting("VOUCH_STREAM_FROM", 1);
    for (uint64_t i = only ? only : from; i < (only ? only + 1 : from + worlds); i++) {
        const char *fault = world_play(&stage, i, (struct world_rules){.naive = false});
        ck_assert_msg(!fault, "world %" PRIu64 ": %s", i, fault);
    }
}
END_TEST

/* ---- what looks simpler --------------------------------------------------------------------- */

#define NO_STATE                                                                                   \
    {                                                                                              \
        false, "  local settled = last[run] and not before(id, first[run])",                       \
            "  local settled = false"                                                              \
    }

static const struct simpler {
    const char *name;
    struct world_rules rules;
    struct commit_edit edits[3];
} simpler[] = {
    {"a count is believed after an answer was missed", {.naive = true}, {NO_STATE}},
    {"a count is believed, though the state says what is settled", {.naive = true}, {{0}}},
    {"nobody asks whose entries they are",
     {.naive = false},
     {NO_STATE, {false, "if count ~= held then", "if false then"}}},
    {"nobody asks whose entries they are, though the state says what is settled",
     {.naive = false},
     {{false, "if count ~= held then", "if false then"}}},
    {"what comes again is looked at again",
     {.naive = false},
     {{false, "  if number == sequence then", "  if false then"},
      {false, "  elseif number > sequence then", "  elseif number > sequence then"}}},
    {"an older one is looked at",
     {.naive = false},
     {{false, "  elseif number > sequence then", "  elseif false then"}}},
    {"a lost group begins at the highest mark",
     {.naive = false},
     {{true, "    if done and before(a, delivered) then", "    if false then"}}},
    {"a lost group begins at the lowest mark",
     {.naive = false},
     {{true, "local settled = match(runs, '(%d+-%d+)$') or low", "runs = '' local settled = low"}}},
    {"any generation will do",
     {.naive = false},
     {{false, "if kept[1] ~= generation then", "if not kept[1] then"}}},
};

static size_t edits_of(const struct simpler *s)
{
    size_t n = 0;
    while (n < 3 && s->edits[n].line)
        n++;
    return n;
}

START_TEST(what_looks_simpler_is_found_out)
{
    const struct simpler *s = &simpler[_i];
    uint64_t from = setting("VOUCH_STREAM_FROM", 1), number = from;
    const char *fault = NULL;
    struct world_rules rules = s->rules;
    rules.ledger_only = setting("VOUCH_STREAM_LEDGER", 0) != 0;
    commit_stage_load(&stage, s->edits, edits_of(s));
    while (!fault && number < from + UNTIL_FOUND)
        fault = world_play(&stage, number++, rules);
    ck_assert_msg(fault != NULL, "not found: %s", s->name);
    if (getenv("VOUCH_STREAM_TELL"))
        printf("%s: world %" PRIu64 ": %s\n", s->name, number - 1, fault);
}
END_TEST

/* ---- suite ---------------------------------------------------------------------------------- */

static void begin_redis(void)
{
    commit_stage_open(&stage, TS_REDIS);
}

static void begin_valkey(void)
{
    commit_stage_open(&stage, TS_VALKEY);
}

static void end(void)
{
    commit_stage_close(&stage);
}

static Suite *suite(void)
{
    static const struct {
        const char *name;
        void (*begin)(void);
    } servers[] = {{"redis", begin_redis}, {"valkey", begin_valkey}};
    Suite *s = suite_create("commit_model");
    for (size_t i = 0; i < 2; i++) {
        TCase *c = tcase_create(servers[i].name);
        tcase_set_timeout(c, setting("VOUCH_STREAM_WORLDS", 0) ? 0 : 240);
        tcase_add_unchecked_fixture(c, servers[i].begin, end);
        tcase_add_test(c, every_entry_is_applied_once);
        tcase_add_loop_test(c, what_looks_simpler_is_found_out, 0,
                            (int)(sizeof simpler / sizeof *simpler));
        suite_add_tcase(s, c);
    }
    return s;
}

int main(void)
{
    return suite_run(suite(), CK_NOFORK);
}
