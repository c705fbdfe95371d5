/* The words of a commit: what is sent, what is refused before it is, and that memory may
 * fail at any allocation. */
#include "heap.h"
#include "stream/commit.h"
#include "stream/effects.h"
#include "suite.h"

#include "base/alloc.h"
#include "script/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct commit_words words;
static vouch_error error;
static vouch_batch *effects[4];
static struct commit_entry entries[COMMIT_ENTRIES_MAX + 1];

static vouch_string text(const char *s)
{
    return (vouch_string){s, strlen(s)};
}

static struct commit_call call;

/* Two entries, the second with effects in effects[1]. */
static void setup(void)
{
    memset(&words, 0, sizeof words);
    memset(entries, 0, sizeof entries);
    for (size_t i = 0; i < 4; i++)
        effects[i] = vouch_batch_new();
    entries[0] = (struct commit_entry){.id = text("7-0")};
    entries[1] = (struct commit_entry){.id = text("7-1"), .follows = true, .effects = effects[1]};
    call = (struct commit_call){.stream = text("s"),
                                .state = text("{s}state"),
                                .dead = text("{s}dead"),
                                .group = text("g"),
                                .consumer = text("me:1"),
                                .generation = text("G"),
                                .sequence = 3,
                                .held = 2,
                                .entries = entries,
                                .n = 2};
}

static void teardown(void)
{
    commit_words_release(&words);
    for (size_t i = 0; i < 4; i++)
        vouch_batch_free(effects[i]);
}

/* Keys, '|', arguments, each followed by a space. */
static const char *spelled(void)
{
    static char out[4096];
    vouch_batch *b = vouch_batch_new();
    size_t size = 0;
    vouch_batch_begin(b, "x");
    for (size_t i = 0; i < words.key_count; i++)
        vouch_batch_argument(b, words.keys[i]);
    vouch_batch_arg(b, "|");
    for (size_t i = 0; i < words.arg_count; i++)
        vouch_batch_argument(b, words.args[i]);
    ck_assert_uint_eq(vouch_batch_end(b), 0);
    const char *argv[64];
    size_t lengths[64], n = batch_argv(b, 0, argv, lengths, 64);
    ck_assert_uint_le(n, 64);
    for (size_t i = 1; i < n; i++)
        size += (size_t)snprintf(out + size, sizeof out - size, "%.*s ", (int)lengths[i], argv[i]);
    vouch_batch_free(b);
    return out;
}

static void made(void)
{
    vouch_status status = commit_words_make(&words, &call, &error);
    ck_assert_msg(status == VOUCH_OK, "%s", error.message);
}

static void refused(vouch_status want, size_t entry, const char *message)
{
    vouch_status status = commit_words_make(&words, &call, &error);
    ck_assert_msg(status == want, "%s, for '%s'", vouch_status_name(status), message);
    ck_assert_msg(strstr(error.message, message) != NULL, "'%s' lacks '%s'", error.message,
                  message);
    ck_assert_uint_eq(error.command, entry);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_int_eq(commit_words_make(&words, &call, NULL), want);
}

/* ---- what is sent --------------------------------------------------------------------------- */

START_TEST(a_commit_is_its_entries_and_their_effects)
{
    vouch_batch_add(effects[1], "HINCRBY", "{s}h", "f", 1);
    vouch_batch_add(effects[1], "publish", "c", "m");
    made();
    ck_assert_str_eq(spelled(), "s {s}state {s}dead {s}h | g me:1 3 G 2  2 - 7-0 +4,3 7-1 "
                                "HINCRBY {s}h f 1 publish c m ");
    entries[0].follows = true; /* of nothing in this call */
    call.types = call.all = call.remove = true;
    call.held = COMMIT_UNTRUSTED;
    made();
    ck_assert_str_eq(spelled(), "s {s}state {s}dead {s}h | g me:1 3 G -1 axk 2 - 7-0 "
                                "+4hash,3 7-1 HINCRBY {s}h f 1 publish c m ");
}
END_TEST

START_TEST(a_shape_is_not_said_again)
{
    entries[1].follows = false;
    made();
    ck_assert_str_eq(spelled(), "s {s}state {s}dead | g me:1 3 G 2  2 - 7-0 7-1 ");
    entries[2] = (struct commit_entry){.id = text("7-2"), .follows = true};
    entries[3] = (struct commit_entry){.id = text("7-3")};
    call.n = 4;
    call.held = 4;
    made();
    ck_assert_str_eq(spelled(), "s {s}state {s}dead | g me:1 3 G 4  4 - 7-0 7-1 + 7-2 - 7-3 ");
}
END_TEST

START_TEST(what_is_buried_has_a_reason_and_no_effects)
{
    vouch_batch_add(effects[1], "HINCRBY", "elsewhere", "f", 1);
    entries[1].reason = text("no such customer");
    made();
    ck_assert_str_eq(spelled(),
                     "s {s}state {s}dead | g me:1 3 G 2  2 - 7-0 +bury 7-1 no such customer ");
    entries[1].reason = text("");
    made();
    ck_assert_str_eq(spelled(), "s {s}state {s}dead | g me:1 3 G 2  2 - 7-0 +bury 7-1  ");
}
END_TEST

START_TEST(a_key_is_declared_once)
{
    char key[32];
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(key, sizeof key, "{s}%d", i % 300);
        vouch_batch_add(effects[1], "MSET", key, "v", "{s}same", "v");
    }
    for (int turn = 0; turn < 2; turn++) {
        made();
        ck_assert_uint_eq(words.key_count, 3 + 301);
        ck_assert_uint_eq(words.arg_count, 7 + 2 * 2 + 1000 * 5);
    }
    vouch_batch_clear(effects[1]);
    made();
    ck_assert_uint_eq(words.key_count, 3);
}
END_TEST

START_TEST(many_keys_of_one_effect_are_all_declared)
{
    char key[32];
    vouch_batch_begin(effects[1], "DEL");
    for (int i = 0; i < 2000; i++) {
        (void)snprintf(key, sizeof key, "{s}%d", i);
        vouch_batch_arg(effects[1], key);
    }
    ck_assert_uint_eq(vouch_batch_end(effects[1]), 0);
    made();
    ck_assert_uint_eq(words.key_count, 3 + 2000);
}
END_TEST

START_TEST(types_are_those_that_a_server_would_insist_on)
{
    static const char *const all[][2] = {
        {"HSET", "hash"},    {"hincrby", "hash"}, {"RPUSH", "list"},  {"SADD", "set"},
        {"ZADD", "zset"},    {"GEOADD", "zset"},  {"INCR", "string"}, {"XADD", "stream"},
        {"SET", ""},         {"DEL", ""},         {"SETNX", ""},      {"BITOP", ""},
        {"MSET", ""},        {"EXPIRE", ""},      {"RENAME", ""},     {"ZUNIONSTORE", ""},
        {"PFADD", "string"}, {"LPUSH", "list"},   {"SUNIONSTORE", ""}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ck_assert_str_eq(effect_type(command_find(all[i][0], strlen(all[i][0]), NULL, 0)),
                         all[i][1]);
}
END_TEST

/* ---- what is refused ------------------------------------------------------------------------ */

START_TEST(what_is_no_commit_is_refused)
{
    call.sequence = 0;
    refused(VOUCH_EINVAL, VOUCH_NO_COMMAND, "sequence");
    call.sequence = COMMIT_NUMBER_MAX;
    refused(VOUCH_EINVAL, VOUCH_NO_COMMAND, "sequence");
    call.sequence = COMMIT_NUMBER_MAX - 1;
    made();
    call.held = 1;
    refused(VOUCH_EINVAL, VOUCH_NO_COMMAND, "held");
    call.held = -2;
    refused(VOUCH_EINVAL, VOUCH_NO_COMMAND, "held");
    call.held = 5;
    call.n = 0;
    refused(VOUCH_EINVAL, VOUCH_NO_COMMAND, "no entries");
    call.n = 2;
    call.generation = text("");
    refused(VOUCH_EINVAL, VOUCH_NO_COMMAND, "generation");
    call.generation = text("G");
    call.dead = text("{s}state");
    refused(VOUCH_EINVAL, VOUCH_NO_COMMAND, "'{s}state' is both state and dead letter");
    call.dead = text("elsewhere");
    refused(VOUCH_EINVAL, VOUCH_NO_COMMAND,
            "dead letter: key 'elsewhere' is not in the slot of the stream 's'");
    call.dead = text("");
    refused(VOUCH_EINVAL, VOUCH_NO_COMMAND, "the dead letter has no key");
}
END_TEST

START_TEST(ids_are_ids_and_rise)
{
    static const char *const bad[] = {"",     "7",    "7-",   "-7",   "07-1",
                                      "7-01", "7-1 ", "+7-1", "7--1", "18446744073709551616-1",
                                      "7-0",  "6-9",  "7-x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        entries[1].id = text(bad[i]);
        refused(VOUCH_EINVAL, 1, i == 10 || i == 11 ? "twice" : "is no id");
    }
    entries[1].id = text("18446744073709551615-18446744073709551615");
    made();
}
END_TEST

START_TEST(limits_hold_on_both_sides)
{
    static char ids[COMMIT_ENTRIES_MAX + 1][16];
    for (size_t i = 0; i <= COMMIT_ENTRIES_MAX; i++) {
        (void)snprintf(ids[i], sizeof ids[i], "1-%zu", i);
        entries[i] = (struct commit_entry){.id = text(ids[i])};
    }
    call.n = COMMIT_ENTRIES_MAX;
    call.held = COMMIT_UNTRUSTED;
    for (int i = 0; i < COMMIT_EFFECTS_MAX; i++)
        vouch_batch_add(effects[0], "INCR", "{s}n");
    entries[999].effects = effects[0];
    made();
    vouch_batch_add(effects[1], "INCR", "{s}n");
    entries[998].effects = effects[1];
    refused(VOUCH_ELIMIT, 999, "more than 4000 effects");
    entries[998].effects = NULL;
    call.n = COMMIT_ENTRIES_MAX + 1;
    refused(VOUCH_ELIMIT, VOUCH_NO_COMMAND, "more than 1000 entries");

    call.n = 2;
    entries[1].effects = effects[1];
    for (int more = 0; more < 2; more++) {
        vouch_batch_clear(effects[1]);
        vouch_batch_begin(effects[1], "SADD");
        for (int i = 1; i < COMMIT_EFFECT_WORDS_MAX + more; i++)
            vouch_batch_arg(effects[1], "{s}k");
        vouch_batch_end(effects[1]);
        if (more)
            refused(VOUCH_ELIMIT, 1, "entry 1-1, effect 0, SADD: more than 7000 words");
        else
            made();
    }
}
END_TEST

START_TEST(commands_that_no_script_runs_are_refused_by_name)
{
    static const char *const bad[][2] = {{"EVAL", "is a script"},
                                         {"FCALL", "is a script"},
                                         {"BLPOP", "may wait"},
                                         {"XREADGROUP", "may wait"},
                                         {"WAIT", "may wait"},
                                         {"CONFIG", "needs a subcommand"},
                                         {"SAVE", "not allowed in scripts"},
                                         {"FLUSHALL", "names no key"},
                                         {"flushdb", "names no key"},
                                         {"FROBNICATE", "is not known"},
                                         {"INCR", "would refuse these words"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char want[128];
        vouch_batch_clear(effects[1]);
        vouch_batch_add(effects[1], "INCR", "{s}n");
        vouch_batch_add(effects[1], bad[i][0]);
        (void)snprintf(want, sizeof want, "entry 7-1, effect 1, %s: ", bad[i][0]);
        refused(VOUCH_EINVAL, 1, want);
        refused(VOUCH_EINVAL, 1, bad[i][1]);
    }
    vouch_batch_clear(effects[1]);
    vouch_batch_add(effects[1], "FUNCTION", "LOAD", "x");
    refused(VOUCH_EINVAL, 1, "not allowed in scripts");
    vouch_batch_clear(effects[1]);
    vouch_batch_add(effects[1], "SCRIPT", "LOAD", "x");
    refused(VOUCH_EINVAL, 1, "not allowed in scripts");
    vouch_batch_clear(effects[1]);
    vouch_batch_add(effects[1], "SWAPDB", 0, 1);
    refused(VOUCH_EINVAL, 1, "names no key");
}
END_TEST

START_TEST(what_needs_a_script_is_refused)
{
    static const struct need need = {.digest = 1};
    vouch_batch_add(effects[1], "INCR", "{s}n");
    ck_assert(batch_set_need(effects[1], &need));
    refused(VOUCH_EINVAL, 1, "INCR: needs a script");
}
END_TEST

START_TEST(keys_of_other_slots_are_both_named)
{
    vouch_batch_add(effects[1], "INCR", "{s}n");
    vouch_batch_add(effects[1], "MSET", "{s}a", 1, "other", 2);
    refused(VOUCH_EINVAL, 1, "effect 1, MSET");
    refused(VOUCH_EINVAL, 1, "key 'other' is not in the slot of the stream 's'");
}
END_TEST

START_TEST(the_ground_of_the_script_itself_is_not_written_to)
{
    static const char *const bad[][4] = {{"HSET", "{s}state", "low", "9-0"},
                                         {"DEL", "{s}x", "s", ""},
                                         {"XDEL", "s", "1-0", "2-0"},
                                         {"RENAME", "{s}x", "{s}dead", NULL},
                                         {"XADD", "{s}state", "*", "f"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        size_t n = bad[i][3] ? 4 : 3;
        vouch_batch_clear(effects[1]);
        if (i == 4)
            vouch_batch_add(effects[1], "XADD", "{s}state", "*", "f", "v");
        else
            vouch_batch_argv(effects[1], n, bad[i], NULL);
        refused(VOUCH_EINVAL, 1, "writes to the ");
    }
    vouch_batch_clear(effects[1]);
    vouch_batch_add(effects[1], "XADD", "s", "*", "f", "v");
    vouch_batch_add(effects[1], "XADD", "{s}dead", "*", "f", "v");
    vouch_batch_add(effects[1], "HGET", "{s}state", "low");
    made();
}
END_TEST

START_TEST(a_batch_that_is_in_error_is_no_effect)
{
    vouch_batch_add(effects[1], "MULTI");
    refused(VOUCH_EINVAL, 1, "the effects of entry 7-1: ");
    vouch_batch_clear(effects[1]);
    vouch_batch_begin(effects[1], "SET");
    refused(VOUCH_EINVAL, 1, "never ended");
}
END_TEST

/* ---- memory --------------------------------------------------------------------------------- */

START_TEST(memory_may_fail_anywhere)
{
    char key[32];
    for (int i = 0; i < 200; i++) {
        (void)snprintf(key, sizeof key, "{s}%d", i);
        vouch_batch_add(effects[1], "MSET", key, 1, "{s}b", 1, "{s}c", 1, "{s}d", 1, "{s}e", 1,
                        "{s}f", 1, "{s}g", 1, "{s}h", 1, "{s}i", 1, "{s}j", 1);
    }
    made();
    size_t keys = words.key_count, args = words.arg_count;
    commit_words_release(&words);
    heap_forget();
    for (unsigned long n = 0, left = 1; left; n++) {
        heap_fail(n, 1);
        vouch_status status = commit_words_make(&words, &call, &error);
        left = heap_recover() > n;
        ck_assert_int_eq(status, left ? VOUCH_ENOMEM : VOUCH_OK);
        made(); /* with what is left of it */
        ck_assert_uint_eq(words.key_count, keys);
        ck_assert_uint_eq(words.arg_count, args);
        commit_words_release(&words);
        ck_assert_int_eq(heap_live(), 0);
        ck_assert_uint_lt(n, 1000);
    }
}
END_TEST

/* ---- the scripts ---------------------------------------------------------------------------- */

START_TEST(the_scripts_are_refused_whole_when_memory_is_short)
{
    size_t size = 0;
    ck_assert_int_eq(memcmp(commit_source(&size), "#!lua\n", 6), 0);
    ck_assert_int_eq(memcmp(open_source(&size), "#!lua\n", 6), 0);
    ck_assert(!script_can_forge(open_source(&size), size));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_commit_is_its_entries_and_their_effects,
                                  what_is_buried_has_a_reason_and_no_effects,
                                  a_shape_is_not_said_again,
                                  a_key_is_declared_once,
                                  many_keys_of_one_effect_are_all_declared,
                                  types_are_those_that_a_server_would_insist_on,
                                  what_is_no_commit_is_refused,
                                  ids_are_ids_and_rise,
                                  limits_hold_on_both_sides,
                                  commands_that_no_script_runs_are_refused_by_name,
                                  what_needs_a_script_is_refused,
                                  keys_of_other_slots_are_both_named,
                                  the_ground_of_the_script_itself_is_not_written_to,
                                  a_batch_that_is_in_error_is_no_effect,
                                  memory_may_fail_anywhere,
                                  the_scripts_are_refused_whole_when_memory_is_short,
                                  NULL};
    Suite *s = suite_create("commit_words");
    TCase *c = tcase_create("all");
    tcase_add_checked_fixture(c, setup, teardown);
    for (size_t i = 0; tests[i]; i++)
        tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    return suite_run(s, CK_NOFORK);
}
