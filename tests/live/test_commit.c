/* The rules of the commit's script, one by one, on real servers: whose entries they are, what is said when a
 * call comes again or too late, and what fails. */
#include "command/batch.h"
#include "commit_hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define says(got, want) ck_assert_str_eq(got, want)

/* ---- once ----------------------------------------------------------------------------------- */

START_TEST(effects_and_acknowledgement_are_one)
{
    hand_set_up(5);
    hand_read("me", "3");
    says(hand_commit("me", 1, 3, "1-0 +2-0"), "done dd");
    ck_assert_int_eq(hand_applied("1-0") + hand_applied("2-0"), 2);
    ck_assert_int_eq(hand_applied("3-0"), 0);
    says(hand_pending(NULL), "3-0");
    says(hand_kept("c:me"), "1 dd");
}
END_TEST

START_TEST(what_comes_again_is_answered_as_before_and_does_nothing)
{
    hand_set_up(5);
    hand_read("me", "2");
    hand_claim("other", "2-0");
    says(hand_commit("me", 7, 2, "1-0 +2-0"), "done df");
    const char *before = hand_everything();
    says(hand_run(), "again df");
    hand_begin("me", 7, 1); /* other words, the same sequence */
    hand_entry("5-0");
    char *text = strdup(hand_run());
    ck_assert_str_ne(text,
                     "done d"); /* one letter was asked for, two are answered: that is no answer */
    free(text);
    says(hand_commit("me", 6, 1, "1-0"), "stale 7");
    says(hand_commit("me", 1, COMMIT_UNTRUSTED, "1-0"), "stale 7");
    says(hand_everything(), before);
    /* Also if the group is not there any more. */
    stage_do(&stage, "DEL", "s", NULL);
    says(hand_commit("me", 7, 2, "1-0 +2-0"), "again df");
}
END_TEST

START_TEST(another_generation_changes_nothing)
{
    hand_set_up(2);
    hand_read("me", "2");
    const char *before = hand_everything();
    hand_begin("me", 1, 2);
    hand_entry("1-0");
    call.generation = stage_text("F");
    says(hand_run(), "reset G");
    says(hand_everything(), before);
    stage_do(&stage, "HDEL", "{s}:state", "gen", NULL);
    says(hand_commit("me", 1, 2, "1-0"), "reset ");
    hand_set_up(2);
    hand_read("me", "2");
    stage_do(&stage, "XGROUP", "DESTROY", "s", "g", NULL);
    says(hand_commit("me", 1, 2, "1-0"), "reset G");
    stage_do(&stage, "DEL", "s", NULL);
    says(hand_commit("me", 1, 2, "1-0"), "reset G");
    stage_do(&stage, "FLUSHALL", NULL);
    says(hand_commit("me", 1, 2, "1-0"), "reset ");
    ck_assert_int_eq(stage_int(&stage, "DBSIZE", NULL), 0);
}
END_TEST

/* ---- whose ---------------------------------------------------------------------------------- */

START_TEST(who_lost_an_entry_applies_nothing_and_is_told)
{
    for (int trusted = 0; trusted < 2; trusted++) {
        int64_t held = trusted ? 5 : COMMIT_UNTRUSTED;
        hand_set_up(5);
        hand_read("me", "5");
        hand_claim("other", "1-0");
        hand_claim("other", "2-0");
        says(hand_commit("other", 1, 2, "1-0"), "done d");
        hand_claim("third", "4-0");
        stage_do(&stage, "XGROUP", "DELCONSUMER", "s", "g", "third", NULL);
        says(hand_commit("me", 1, held, "1-0 +2-0 +3-0 +4-0 +5-0"), "done sfdgd");
        ck_assert_int_eq(hand_applied("1-0"), 1);
        ck_assert_int_eq(hand_applied("2-0") + hand_applied("4-0"), 0);
        ck_assert_int_eq(hand_applied("3-0") + hand_applied("5-0"), 2);
        says(hand_pending(NULL), "2-0");
    }
}
END_TEST

/* Its count is right by accident: it lost one, and got one without knowing. */
START_TEST(a_consumer_that_missed_an_answer_is_asked_for_each)
{
    hand_set_up(2);
    hand_read("me", "1");
    hand_read("me", "1"); /* not answered */
    hand_claim("other", "1-0");
    says(hand_commit("me", 1, COMMIT_UNTRUSTED, "1-0"), "done f");
    ck_assert_int_eq(hand_applied("1-0"), 0);
}
END_TEST

START_TEST(a_few_of_many_are_found_one_by_one)
{
    hand_set_up(60);
    hand_read("me", "60");
    hand_claim("other", "30-0");
    says(hand_commit("me", 1, 60, "1-0 30-0 60-0"), "done dfd"); /* 59 of 3: each by itself */
    says(hand_commit("me", 2, COMMIT_UNTRUSTED, "2-0 +3-0 +4-0"), "done ddd");
    ck_assert_int_eq(stage_int(&stage, "HLEN", "{s}:ledger", NULL), 5);
}
END_TEST

START_TEST(what_is_settled_is_not_applied_when_the_group_is_set_back)
{
    hand_set_up(3);
    hand_read("me", "3");
    says(hand_commit("me", 1, 3, "1-0 3-0"), "done dd");
    stage_do(&stage, "XGROUP", "SETID", "s", "g", "0", NULL);
    hand_read("you", "3");
    says(hand_pending("you"), "1-0 2-0 3-0");
    says(hand_commit("you", 1, 3, "1-0 +2-0 +3-0"), "done sds");
    ck_assert_int_eq(hand_applied("1-0"), 1);
    ck_assert_int_eq(hand_applied("3-0"), 1);
    says(hand_pending(NULL), "");
}
END_TEST

START_TEST(all_or_none)
{
    hand_set_up(3);
    hand_read("me", "3");
    hand_claim("other", "2-0");
    for (int turn = 0; turn < 2; turn++) {
        hand_begin("me", 1, 3);
        hand_entry("1-0");
        hand_follower("2-0");
        hand_follower("3-0");
        call.all = true;
        says(hand_run(), turn ? "again nfn" : "done nfn");
    }
    ck_assert_int_eq(stage_int(&stage, "EXISTS", "{s}:ledger", NULL), 0);
    says(hand_pending("me"), "1-0 3-0");
    says(hand_state("low"), "0-0");
    hand_begin("me", 2, 2);
    hand_entry("1-0");
    hand_entry("3-0");
    call.all = true;
    says(hand_run(), "done dd");
    /* What is settled already is let go of, or it would hold up all others for ever. */
    stage_do(&stage, "XGROUP", "SETID", "s", "g", "0", NULL);
    hand_read("you", "3");
    hand_begin("you", 1, 3);
    hand_entry("1-0");
    hand_follower("2-0");
    call.all = true;
    says(hand_run(), "done sn");
    says(hand_pending("you"), "2-0 3-0");
}
END_TEST

START_TEST(settled_entries_are_deleted_where_that_is_wanted)
{
    hand_set_up(4);
    hand_read("me", "4");
    hand_claim("other", "2-0");
    hand_begin("me", 1, 4);
    hand_entry("1-0");
    hand_follower("2-0");
    vouch_batch_add(hand_follower("3-0"), "INCR", "{s}:ledger"); /* fails */
    call.remove = true;
    says(hand_run(), "done dfx");
    ck_assert_int_eq(stage_int(&stage, "XLEN", "s", NULL), 2);
    says(hand_pending(NULL), "2-0 4-0");
    ck_assert_int_eq(stage_int(&stage, "XLEN", "{s}:dead", NULL), 1);
}
END_TEST

/* ---- dead letters --------------------------------------------------------------------------- */

static const char *dead(const char *field)
{
    static char text[4][512];
    static unsigned turn;
    char *out = text[turn++ % 4];
    ts_reply *r = stage_ask(&stage, "XREVRANGE", "{s}:dead", "+", "-", "COUNT", "1", NULL);
    *out = 0;
    const ts_reply *fields = r->elements[0]->elements[1];
    for (size_t i = 0; i + 1 < fields->count; i += 2)
        if (strcmp(fields->elements[i]->text, field) == 0)
            (void)snprintf(out, sizeof text[0], "%s", fields->elements[i + 1]->text);
    ts_reply_free(r);
    return out;
}

/* Nothing else of it is applied, and it is as fenced as anything. */
START_TEST(what_is_to_be_buried_becomes_a_dead_letter)
{
    hand_set_up(4);
    hand_read("me", "4");
    hand_claim("other", "2-0");
    for (int turn = 0; turn < 2; turn++) {
        hand_begin("me", 1, 4);
        for (int i = 1; i <= 3; i++) {
            char id[8];
            (void)snprintf(id, sizeof id, "%d-0", i);
            (void)hand_follower(id);
            hand_reason(i < 3 ? "no such customer" : NULL);
        }
        call.remove = true;
        says(hand_run(), turn ? "again bfd" : "done bfd");
    }
    ck_assert_int_eq(hand_applied("1-0") + hand_applied("2-0"), 0);
    ck_assert_int_eq(hand_applied("3-0"), 1);
    says(hand_pending(NULL), "2-0 4-0");
    says(hand_kept("c:me"), "1 bfd");
    says(hand_state("low"), "1-0");
    ck_assert_int_eq(stage_int(&stage, "XLEN", "s", NULL), 2);
    ck_assert_int_eq(stage_int(&stage, "XLEN", "{s}:dead", NULL), 1);
    says(dead("vouch:id"), "1-0");
    says(dead("vouch:reason"), "no such customer");
    says(dead("vouch:consumer"), "me");
    says(dead("vouch:ran"), "");
    says(dead("field"), "1-0");
    hand_begin("me", 2, 1);
    (void)hand_entry("4-0");
    hand_reason("late");
    stage_do(&stage, "XADD", "{s}:dead", "18446744073709551615-18446744073709551615", "f", "v",
             NULL);
    call.remove = true;
    says(hand_run(), "done X");
    ck_assert_int_eq(stage_int(&stage, "XLEN", "s", NULL), 2); /* nothing were left of it */
}
END_TEST

/* ---- failures ------------------------------------------------------------------------------- */

START_TEST(a_failure_ends_its_entry_and_is_told_with_what_ran)
{
    char longest[512];
    memset(longest, 'y', sizeof longest);
    longest[sizeof longest - 1] = 0;
    hand_set_up(3);
    hand_read("me", "3");
    hand_begin("me", 1, 3);
    hand_entry("1-0");
    vouch_batch *b = hand_follower("2-0");
    vouch_batch_add(b, "HINCRBY", "{s}:ledger", "2-0", longest);
    vouch_batch_add(b, "HINCRBY", "{s}:ledger", "2-0", 1);
    hand_follower("3-0");
    says(hand_run(), "done dxd");
    ck_assert_int_eq(hand_applied("2-0"), 1); /* what ran stays, what came behind did not */
    ck_assert_int_eq(hand_applied("1-0") + hand_applied("3-0"), 2);
    says(hand_pending(NULL), "");
    says(hand_state("low"), "3-0");
    says(hand_run(), "again dxd");
    ck_assert_int_eq(stage_int(&stage, "XLEN", "{s}:dead", NULL), 1);
    says(dead("vouch:stream"), "s");
    says(dead("vouch:group"), "g");
    says(dead("vouch:id"), "2-0");
    says(dead("vouch:reason"), "effect");
    says(dead("vouch:ran"), "1");
    says(dead("vouch:deliveries"), "1");
    says(dead("vouch:consumer"), "me");
    says(dead("vouch:fields"), "1");
    says(dead("field"), "2-0");
    ck_assert_uint_eq(strlen(dead("vouch:failed")), 200);
    ck_assert_int_eq(strncmp(dead("vouch:failed"), "HINCRBY {s}:ledger 2-0 yyy", 26), 0);
    ck_assert_int_eq(strncmp(dead("vouch:error"), "ERR value is not an integer", 27), 0);
}
END_TEST

static void bury(int64_t sequence, const char *id, const char *want)
{
    hand_begin("me", sequence, COMMIT_UNTRUSTED);
    vouch_batch_add(hand_entry(id), "INCR", "{s}:ledger");
    says(hand_run(), want);
}

START_TEST(what_cannot_be_buried_whole_is_said)
{
    hand_set_up(2);
    vouch_batch *b = vouch_batch_new();
    vouch_batch_begin(b, "XADD");
    vouch_batch_arg(b, "s");
    vouch_batch_arg(b, "3-0");
    for (int i = 0; i < 7002; i++)
        vouch_batch_arg(b, i);
    ck_assert_uint_eq(vouch_batch_end(b), 0);
    const char **argv = calloc(7100, sizeof *argv);
    size_t *lengths = calloc(7100, sizeof *lengths);
    size_t n = batch_argv(b, 0, argv, lengths, 7100);
    ts_reply_free(ts_conn_command_words(stage.conn, n, argv, lengths));
    free(argv);
    free(lengths);
    vouch_batch_free(b);
    hand_read("me", "3");
    bury(1, "3-0", "done x");
    says(dead("vouch:fields"), "3501");
    says(dead("0"), "");
    says(dead("vouch:error"), "WRONGTYPE Operation against a key holding the wrong kind of value");
    /* Trimmed while it was worked on. */
    stage_do(&stage, "XDEL", "s", "1-0", NULL);
    bury(2, "1-0", "done x");
    says(dead("vouch:id"), "1-0");
    says(dead("vouch:fields"), "0");
    says(dead("field"), "");
    /* The dead letter has no ids left. */
    stage_do(&stage, "XADD", "{s}:dead", "18446744073709551615-18446744073709551615", "f", "v",
             NULL);
    bury(3, "2-0", "done X");
    says(hand_pending(NULL), "");
    bury(3, "2-0", "again X");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {effects_and_acknowledgement_are_one,
                                  what_comes_again_is_answered_as_before_and_does_nothing,
                                  another_generation_changes_nothing,
                                  who_lost_an_entry_applies_nothing_and_is_told,
                                  a_consumer_that_missed_an_answer_is_asked_for_each,
                                  a_few_of_many_are_found_one_by_one,
                                  what_is_settled_is_not_applied_when_the_group_is_set_back,
                                  all_or_none,
                                  settled_entries_are_deleted_where_that_is_wanted,
                                  what_is_to_be_buried_becomes_a_dead_letter,
                                  a_failure_ends_its_entry_and_is_told_with_what_ran,
                                  what_cannot_be_buried_whole_is_said,
                                  NULL};
    return hand_main("commit", tests);
}
