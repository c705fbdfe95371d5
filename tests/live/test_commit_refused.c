/* What the commit's script refuses, and that nothing was written then; and what it does at its limits. */
#include "command/batch.h"
#include "commit_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define says(got, want) ck_assert_str_eq(got, want)

/* ---- types ---------------------------------------------------------------------------------- */

START_TEST(types_are_refused_as_a_whole_and_use_no_sequence)
{
    hand_set_up(2);
    hand_read("me", "2");
    stage_do(&stage, "SET", "{s}:text", "1", NULL);
    const char *before = hand_everything();
    hand_begin("me", 1, 2);
    hand_entry("1-0");
    vouch_batch *b = hand_follower("2-0");
    vouch_batch_add(b, "SET", "{s}:text", 2);
    vouch_batch_add(b, "RPUSH", "{s}:text", 2);
    call.types = true;
    says(hand_run(), "type 1 2 string");
    says(hand_everything(), before);
    /* A key that is missing has every type; so has one that is about to be made. */
    hand_begin("me", 1, 2);
    b = hand_entry("1-0");
    vouch_batch_add(b, "RPUSH", "{s}:list", 2);
    vouch_batch_add(b, "INCR", "{s}:text");
    call.types = true;
    says(hand_run(), "done d");
    /* Without looking first it is a failure of that entry. */
    hand_begin("me", 2, 1);
    vouch_batch_add(hand_entry("2-0"), "RPUSH", "{s}:text", 2);
    says(hand_run(), "done x");
}
END_TEST

START_TEST(a_dead_letter_that_is_none_is_refused)
{
    hand_set_up(2);
    hand_read("me", "2");
    stage_do(&stage, "SADD", "{s}:dead", "1", NULL);
    const char *before = hand_everything();
    says(hand_commit("me", 1, 2, "1-0"), "type -1 -1 set");
    says(hand_everything(), before);
}
END_TEST

/* ---- refused before anything is written ------------------------------------------------------- */

START_TEST(no_memory_refuses_all)
{
    hand_set_up(2);
    hand_read("me", "2");
    const char *before = hand_everything();
    stage_do(&stage, "CONFIG", "SET", "maxmemory", "1", NULL);
    ck_assert_int_eq(strncmp(hand_commit("me", 1, 2, "1-0 +2-0"), "OOM ", 4), 0);
    stage_do(&stage, "CONFIG", "SET", "maxmemory", "0", NULL);
    says(hand_everything(), before);
    says(hand_run(), "done dd");
}
END_TEST

START_TEST(rights_that_are_missing_refuse_all)
{
    static const char *const rights[] = {"-xack",     "-xdel",   "-xadd", "-hset",
                                         "-xpending", "-xrange", "-type", "-hmget"};
    ts_conn *mine = stage.conn;
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        hand_set_up(2);
        hand_read("me", "2");
        stage_do(&stage, "ACL", "SETUSER", "poor", "reset", "on", ">poor", "~*", "+@all", rights[i],
                 NULL);
        const char *before = hand_everything();
        stage.conn = ts_truth_open(stage.server);
        stage_do(&stage, "AUTH", "poor", "poor", NULL);
        hand_begin("me", 1, 2);
        hand_entry("1-0");
        call.remove = true;
        const char *said = hand_run();
        ck_assert_msg(strstr(said, "NOPERM") || strstr(said, "ACL") ||
                          strstr(said, "user executing"),
                      "%s: %s", rights[i], said);
        ts_conn_close(stage.conn);
        stage.conn = mine;
        ck_assert_msg(strcmp(hand_everything(), before) == 0, "%s: something was done", rights[i]);
        says(hand_run(), "done d");
    }
}
END_TEST

static void raw(const char *const *words, size_t n, const char *want)
{
    const char *before = hand_everything();
    ts_reply *r = ts_conn_command_words(stage.conn, n, words, NULL);
    ck_assert_msg(r->type == TS_REPLY_ERROR && strstr(r->text, want), "not '%s' but %s", want,
                  r->text ? r->text : "no text");
    ts_reply_free(r);
    says(hand_everything(), before);
}

START_TEST(a_malformed_call_is_refused)
{
    const char *good[] = {"EVALSHA", stage.commit, "3",     "s", "{s}:state", "{s}:dead", "g",
                          "me",      "1",          "G",     "2", "",          "2",        "-2",
                          "1-0",     "INCR",       "{s}:n", "+", "2-0",       NULL};
    size_t n = sizeof good / sizeof *good - 1;
    static const struct {
        size_t at;
        const char *word;
    } bad[] = {{8, "0"},
               {8, "x"},
               {8, "1.5"},
               {8, "nan"},
               {8, "9007199254740992"},
               {10, "x"},
               {12, "0"},
               {12, "3"},
               {12, "1"},
               {12, "nan"},
               {12, "1001"},
               {14, "1"},
               {14, "x-1"},
               {14, "2-0"},
               {14, "3-0"},
               {18, "18446744073709551616-0"},
               {18, "111111111111111111111-0"},
               {18, "1-18446744073709551616"},
               {18, "1-111111111111111111111"},
               {8, "1e3"},
               {8, "0x1"},
               {13, ""},
               {13, "2"},
               {13, "x"},
               {13, "-"},
               {13, "-0"},
               {13, "-1"},
               {13, "-3"},
               {13, "-x"},
               {13, "--1"},
               {13, "-nan"},
               {13, "-7001"},
               {13, "-2,1"},
               {13, "-2,0"},
               {13, "-2,"},
               {13, "-,2"},
               {13, "-2 "},
               {13, "-2,list"},
               {13, "-2,x,"},
               {13, "-bury"},
               {13, "-bury,1"},
               {13, "bury"},
               {17, "+1"},
               {17, "+bury"},
               {17, "-2"},
               {17, "1-1"},
               {14, "-2"}};
    hand_set_up(2);
    hand_read("me", "2");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const char *words[24];
        memcpy(words, good, sizeof good);
        words[bad[i].at] = bad[i].word;
        raw(words, n, "vouch commit: ");
    }
    for (size_t cut = 7; cut < n; cut++)
        raw(good, cut, "vouch commit: ");
    good[2] = "2";
    raw(good, n, "vouch commit: ");
    good[2] = "3";
    ts_reply_free(ts_conn_command_words(stage.conn, n, good, NULL));
    ck_assert_int_eq(stage_int(&stage, "GET", "{s}:n", NULL), 1);
}
END_TEST

/* What is as the one before is not looked at again, where that is not enough. */
START_TEST(what_looks_like_the_one_before_is_looked_at)
{
    const char *words[] = {"EVALSHA", stage.commit, "3",    "s",    "{s}:state", "{s}:dead",
                           "g",       "me",         "1",    "G",    "2",         "",
                           "2",       "-2",         "2-0",  "INCR", "{s}:n",     "-2",
                           "3-0",     "INCR",       "{s}:n"};
    const char *large[] = {"EVALSHA",
                           stage.commit,
                           "3",
                           "s",
                           "{s}:state",
                           "{s}:dead",
                           "g",
                           "me",
                           "1",
                           "G",
                           "2",
                           "",
                           "2",
                           "-",
                           "18446744073709551615-0",
                           "18446744073709551616-0"};
    const char *larger[] = {"EVALSHA",
                            stage.commit,
                            "3",
                            "s",
                            "{s}:state",
                            "{s}:dead",
                            "g",
                            "me",
                            "1",
                            "G",
                            "2",
                            "",
                            "2",
                            "-",
                            "1-18446744073709551615",
                            "1-18446744073709551616"};
    hand_set_up(3);
    hand_read("me", "3");
    raw(words, sizeof words / sizeof *words, "not a shape");
    raw(large, sizeof large / sizeof *large, "not an id");
    raw(larger, sizeof larger / sizeof *larger, "not an id");
}
END_TEST

START_TEST(a_stream_that_is_none_is_refused)
{
    hand_set_up(1);
    stage_do(&stage, "DEL", "s", NULL);
    stage_do(&stage, "SET", "s", "1", NULL);
    ck_assert_int_eq(strncmp(hand_commit("me", 1, 1, "1-0"), "WRONGTYPE ", 10), 0);
}
END_TEST

/* ---- at the limits -------------------------------------------------------------------------- */

START_TEST(a_thousand_entries_with_four_thousand_effects)
{
    char id[16];
    hand_set_up(COMMIT_ENTRIES_MAX);
    hand_read("me", "1000");
    hand_begin("me", 1, COMMIT_ENTRIES_MAX);
    for (int i = 1; i <= COMMIT_ENTRIES_MAX; i++) {
        (void)snprintf(id, sizeof id, "%d-0", i);
        vouch_batch *b = i == 1 ? hand_entry(id) : hand_follower(id);
        for (int k = 0; k < 3; k++)
            vouch_batch_add(b, "INCR", "{s}:n");
    }
    const char *said = hand_run();
    ck_assert_uint_eq(strlen(said), 5 + COMMIT_ENTRIES_MAX);
    ck_assert_uint_eq(strspn(said + 5, "d"), COMMIT_ENTRIES_MAX);
    ck_assert_int_eq(stage_int(&stage, "GET", "{s}:n", NULL), 3000);
    ck_assert_int_eq(stage_int(&stage, "HLEN", "{s}:ledger", NULL), 1000);
    says(hand_state("low"), "1000-0");
    says(hand_pending(NULL), "");
}
END_TEST

START_TEST(an_effect_of_seven_thousand_words)
{
    hand_set_up(1);
    hand_read("me", "1");
    hand_begin("me", 1, 1);
    vouch_batch *b = hand_entry("1-0");
    vouch_batch_begin(b, "SADD");
    vouch_batch_arg(b, "{s}:set");
    for (int i = 2; i < COMMIT_EFFECT_WORDS_MAX; i++)
        vouch_batch_arg(b, i);
    vouch_batch_end(b);
    says(hand_run(), "done d");
    ck_assert_int_eq(stage_int(&stage, "SCARD", "{s}:set", NULL), COMMIT_EFFECT_WORDS_MAX - 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {types_are_refused_as_a_whole_and_use_no_sequence,
                                  a_dead_letter_that_is_none_is_refused,
                                  no_memory_refuses_all,
                                  rights_that_are_missing_refuse_all,
                                  a_malformed_call_is_refused,
                                  what_looks_like_the_one_before_is_looked_at,
                                  a_stream_that_is_none_is_refused,
                                  a_thousand_entries_with_four_thousand_effects,
                                  an_effect_of_seven_thousand_words,
                                  NULL};
    return hand_main("commit_refused", tests);
}
