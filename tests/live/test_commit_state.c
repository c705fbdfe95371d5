/* What the state says is settled, after commits in and out of order; and opening: what is made, adopted,
 * rebuilt and handed out again. */
#include "commit_hand.h"

#include <stdio.h>
#include <string.h>

#define says(got, want) ck_assert_str_eq(got, want)

static void settled(const char *low, const char *runs)
{
    says(hand_state("low"), low);
    says(hand_state("runs"), runs);
}

static void xdel(const char *id)
{
    stage_do(&stage, "XDEL", "s", id, NULL);
}

/* ---- low and runs --------------------------------------------------------------------------- */

START_TEST(in_order_low_rises_alone)
{
    hand_set_up(6);
    hand_read("me", "6");
    says(hand_commit("me", 1, 6, "1-0 +2-0"), "done dd");
    settled("2-0", "");
    says(hand_commit("me", 2, 4, "3-0"), "done d");
    settled("3-0", "");
}
END_TEST

START_TEST(out_of_order_runs_grow_together)
{
    hand_set_up(9);
    hand_read("me", "9");
    says(hand_commit("me", 1, 9, "3-0 +4-0 7-0"), "done ddd");
    settled("0-0", "3-0,4-0 7-0,7-0");
    says(hand_commit("me", 2, 6, "9-0"), "done d");
    settled("0-0", "3-0,4-0 7-0,7-0 9-0,9-0");
    says(hand_commit("me", 3, 5, "5-0"), "done d");
    settled("0-0", "3-0,5-0 7-0,7-0 9-0,9-0");
    says(hand_commit("me", 4, 4, "6-0 8-0"), "done dd");
    settled("0-0", "3-0,9-0");
    says(hand_commit("me", 5, 2, "1-0 +2-0"), "done dd");
    settled("9-0", "");
}
END_TEST

START_TEST(what_is_not_settled_is_in_no_run)
{
    hand_set_up(5);
    hand_read("me", "5");
    hand_claim("other", "3-0");
    hand_begin("me", 1, 5);
    hand_entry("2-0");
    hand_follower("3-0");
    vouch_batch_add(hand_follower("4-0"), "INCR", "{s}:ledger"); /* fails: settled as well */
    hand_follower("5-0");
    says(hand_run(), "done dfxd");
    settled("0-0", "2-0,2-0 4-0,5-0");
}
END_TEST

START_TEST(what_was_trimmed_holds_nothing_back)
{
    hand_set_up(7);
    hand_read("me", "4");
    xdel("5-0"); /* never delivered */
    hand_read("me", "2");
    says(hand_commit("me", 1, 6, "4-0 6-0"), "done dd");
    settled("0-0", "4-0,6-0");
    /* Trimmed while somebody works on it: it can still be settled, and then it is. */
    xdel("1-0");
    says(hand_commit("me", 2, 4, "2-0 +3-0"), "done dd");
    settled("0-0", "2-0,6-0");
    says(hand_commit("me", 3, 2, "1-0"), "done d");
    ck_assert_int_eq(hand_applied("1-0"), 1);
    settled("6-0", "");
    /* Trimmed, and dropped by its consumer: whatever commit comes next finds out. */
    hand_read("lost", "1");
    hand_set_up(5);
    hand_read("lost", "1");
    hand_read("me", "4");
    says(hand_commit("me", 4, 4, "3-0"), "done d");
    xdel("1-0");
    stage_do(&stage, "XGROUP", "DELCONSUMER", "s", "g", "lost", NULL);
    says(hand_commit("me", 5, 3, "2-0"), "done d");
    settled("3-0", "");
    /* Also one that is about something else. */
    hand_set_up(6);
    hand_read("lost", "1");
    hand_read("me", "5");
    says(hand_commit("me", 6, 5, "2-0 +3-0"), "done dd");
    xdel("1-0");
    stage_do(&stage, "XGROUP", "DELCONSUMER", "s", "g", "lost", NULL);
    says(hand_commit("me", 7, 3, "5-0"), "done d");
    settled("3-0", "5-0,5-0");
}
END_TEST

/* A run of which all was deleted may lie between two entries that follow each other. */
START_TEST(a_run_of_nothing_is_swallowed)
{
    hand_set_up(4);
    hand_read("me", "4");
    hand_begin("me", 1, 4);
    hand_entry("3-0");
    call.remove = true;
    says(hand_run(), "done d");
    settled("0-0", "3-0,3-0");
    says(hand_commit("me", 2, 3, "2-0 +4-0"), "done dd");
    settled("0-0", "2-0,4-0");
    says(hand_commit("me", 3, 1, "1-0"), "done d");
    settled("4-0", "");
    /* Also before the last id that there can be. */
    static const char most[] = "18446744073709551615-18446744073709551615";
    hand_set_up(3);
    stage_do(&stage, "XADD", "s", most, "f", "v", NULL);
    hand_read("me", "4");
    hand_begin("me", 4, 4);
    hand_entry("3-0");
    call.remove = true;
    says(hand_run(), "done d");
    hand_begin("me", 5, 3);
    hand_entry("2-0");
    hand_follower(most);
    says(hand_run(), "done dd");
    char runs[64];
    (void)snprintf(runs, sizeof runs, "2-0,%s", most);
    settled("0-0", runs);
}
END_TEST

START_TEST(ids_of_twenty_digits_are_compared_whole)
{
    static const char *const ids[] = {"9-18446744073709551614",
                                      "9-18446744073709551615",
                                      "10-0",
                                      "9999999999999999999-1",
                                      "10000000000000000000-0",
                                      "18446744073709551615-18446744073709551615"};
    hand_set_up(0);
    for (size_t i = 0; i < 6; i++)
        stage_do(&stage, "XADD", "s", ids[i], "f", "v", NULL);
    hand_read("me", "6");
    says(hand_commit("me", 1, 6, ids[2]), "done d");
    settled("0-0", "10-0,10-0");
    says(hand_commit("me", 2, 5, ids[5]), "done d");
    hand_begin("me", 3, 4);
    hand_entry(ids[1]);
    hand_entry(ids[3]);
    says(hand_run(), "done dd");
    settled("0-0", "9-18446744073709551615,9999999999999999999-1 "
                   "18446744073709551615-18446744073709551615,"
                   "18446744073709551615-18446744073709551615");
    hand_begin("me", 4, 2);
    hand_entry(ids[0]);
    hand_entry(ids[4]);
    says(hand_run(), "done dd");
    settled(ids[5], "");
}
END_TEST

/* ---- opening -------------------------------------------------------------------------------- */

START_TEST(a_group_is_made_where_it_is_asked_for)
{
    stage_do(&stage, "FLUSHALL", NULL);
    says(hand_open("A", "0", false), "created A 0-0 0");
    says(hand_open("B", "0", false), "there A 0-0 0");
    hand_set_up(5);
    stage_do(&stage, "DEL", "{s}:state", NULL);
    stage_do(&stage, "XGROUP", "DESTROY", "s", "g", NULL);
    says(hand_open("A", "$", false), "created A 5-0 0");
    hand_read("me", "10");
    says(hand_pending(NULL), "");
    stage_do(&stage, "DEL", "{s}:state", NULL);
    stage_do(&stage, "XGROUP", "DESTROY", "s", "g", NULL);
    says(hand_open("A", "3", false), "created A 3-0 0");
    hand_read("me", "10");
    says(hand_pending(NULL), "4-0 5-0");
    /* Beyond the end: what is not there yet is not settled. */
    stage_do(&stage, "DEL", "{s}:state", NULL);
    stage_do(&stage, "XGROUP", "DESTROY", "s", "g", NULL);
    says(hand_open("A", "99-7", false), "created A 5-0 0");
    says(hand_open("B", "0", false), "there A 5-0 0");
}
END_TEST

START_TEST(a_lost_group_gives_out_the_gaps_and_nothing_else)
{
    hand_set_up(9);
    hand_read("me", "8");
    says(hand_commit("me", 1, 8, "1-0 3-0 +4-0 6-0"), "done dddd");
    stage_do(&stage, "XGROUP", "DESTROY", "s", "g", NULL);
    says(hand_open("H", "0", false), "rebuilt H 1-0 2");
    says(hand_pending("vouch:lost"), "2-0 5-0");
    settled("1-0", "3-0,4-0 6-0,6-0");
    says(hand_commit("me", 2, 4, "2-0"), "reset H");
    says(hand_commit("me", 1, 8, "1-0 3-0 4-0 6-0"), "again dddd");
    /* They are idle for so long that anybody takes them; what comes behind the last run is read again. */
    ts_reply_free(stage_ask(&stage, "XAUTOCLAIM", "s", "g", "you", "1000000", "0", NULL));
    hand_read("you", "10");
    says(hand_pending("you"), "2-0 5-0 7-0 8-0 9-0");
    hand_begin("you", 1, 5);
    call.generation = stage_text("H");
    hand_entry("2-0");
    hand_entry("5-0");
    hand_entry("7-0");
    hand_follower("8-0");
    hand_follower("9-0");
    says(hand_run(), "done ddddd");
    settled("9-0", "");
    ck_assert_int_eq(stage_int(&stage, "HLEN", "{s}:ledger", NULL), 9);
}
END_TEST

START_TEST(a_state_that_was_lost_is_made_of_what_is_pending)
{
    hand_set_up(9);
    hand_read("me", "8");
    says(hand_commit("me", 1, 8, "1-0 2-0 4-0 5-0 8-0"), "done ddddd");
    stage_do(&stage, "DEL", "{s}:state", NULL);
    says(hand_open("H", "0", true), "adopted H 2-0 0");
    settled("2-0", "4-0,5-0 8-0,8-0");
    says(hand_commit("me", 2, 3, "3-0"), "reset H");
    says(hand_pending("me"), "3-0 6-0 7-0");
    stage_do(&stage, "XACK", "s", "g", "3-0", "6-0", "7-0", NULL);
    stage_do(&stage, "DEL", "{s}:state", NULL);
    says(hand_open("I", "0", true), "adopted I 8-0 0");
    settled("8-0", "");
    /* With the last id that there can be. */
    stage_do(&stage, "XADD", "s", "18446744073709551615-18446744073709551615", "f", "v", NULL);
    hand_read("me", "5");
    stage_do(&stage, "DEL", "{s}:state", NULL);
    says(hand_open("J", "0", true), "adopted J 8-0 0");
    settled("8-0", "");
}
END_TEST

START_TEST(another_stream_begins_anew)
{
    hand_set_up(5);
    hand_read("me", "5");
    says(hand_commit("me", 1, 5, "1-0 +2-0 +3-0"), "done ddd");
    stage_do(&stage, "DEL", "s", NULL);
    says(hand_open("H", "$", false), "anew H 0-0 0");
    /* Fewer were ever added. */
    hand_set_up(5);
    says(hand_open("H", "0", false), "there G 0-0 0");
    stage_do(&stage, "DEL", "s", NULL);
    stage_do(&stage, "XADD", "s", "7-0", "f", "v", NULL);
    says(hand_open("I", "0", false), "anew I 0-0 0");
    hand_read("me", "5");
    says(hand_pending("me"), "7-0");
    /* A group that somebody else made there. */
    hand_set_up(5);
    hand_read("me", "5");
    says(hand_commit("me", 1, 5, "1-0 +2-0 +3-0"), "done ddd");
    stage_do(&stage, "DEL", "s", NULL);
    stage_do(&stage, "XADD", "s", "1-0", "f", "v", NULL);
    stage_do(&stage, "XGROUP", "CREATE", "s", "g", "0", NULL);
    says(hand_open("H", "0", false), "adopted H 0-0 0");
    hand_read("me", "5");
    hand_begin("me", 2, 1);
    hand_entry("1-0");
    call.generation = stage_text("H");
    says(hand_run(), "done d");
    ck_assert_int_eq(hand_applied("1-0"), 2); /* it is another entry */
}
END_TEST

START_TEST(what_a_deleted_consumer_had_is_handed_out_again)
{
    hand_set_up(9);
    hand_read("me", "2");
    hand_read("gone", "4");
    says(hand_commit("gone", 1, 4, "4-0"), "done d");
    stage_do(&stage, "XGROUP", "DELCONSUMER", "s", "g", "gone", NULL);
    says(hand_open("H", "0", false), "there G 0-0 0");
    says(hand_open("H", "0", true), "there G 0-0 3");
    says(hand_pending("vouch:lost"), "3-0 5-0 6-0");
    says(hand_pending("me"), "1-0 2-0");
    says(hand_open("H", "0", true), "there G 0-0 0");
    says(hand_commit("me", 1, 2, "1-0 +2-0"), "done dd");
}
END_TEST

/* More than one call reads: it goes on where it ended. */
START_TEST(much_is_handed_out_in_several_calls)
{
    enum { ENTRIES = 25300 };
    hand_set_up(0);
    for (int i = 0; i < ENTRIES; i++) {
        char command[96];
        int n = snprintf(command, sizeof command, "XADD s %d-1 f v\r\n", i + 1);
        ck_assert(ts_conn_send(stage.conn, command, (size_t)n, INT64_MAX));
    }
    for (int i = 0; i < ENTRIES; i++)
        ts_reply_free(ts_conn_read(stage.conn, INT64_MAX));
    hand_read("me", "25300");
    says(hand_commit("me", 1, ENTRIES, "12000-1 25300-1"), "done dd");
    stage_do(&stage, "XGROUP", "DESTROY", "s", "g", NULL);
    struct open_said said;
    char from[48] = "";
    int64_t given = 0;
    int calls = 0;
    do {
        struct open_call o = {.stream = stage_text("s"),
                              .state = stage_text("{s}:state"),
                              .group = stage_text("g"),
                              .start = stage_text("0"),
                              .generation = stage_text("H"),
                              .mend = true,
                              .from = stage_text(from)};
        open_run(&stage, &o, &said);
        ck_assert_msg(said.ok, "%s", said.error);
        ck_assert_int_le(said.answer.handed_out, 11000);
        given += said.answer.handed_out;
        (void)snprintf(from, sizeof from, "%s", said.next);
    } while (++calls < 10 && *from);
    ck_assert_int_eq(calls, 3);
    ck_assert_int_eq(given, ENTRIES - 2);
}
END_TEST

START_TEST(an_opening_that_cannot_be_is_refused)
{
    static const char *const starts[] = {"", "x", "-", "+", "1-x", ">"};
    for (size_t i = 0; i < sizeof starts / sizeof *starts; i++)
        ck_assert(strstr(hand_open("G", starts[i], false), "vouch open: "));
    ck_assert(strstr(hand_open("", "0", false), "vouch open: "));
    stage_do(&stage, "FLUSHALL", NULL);
    stage_do(&stage, "SET", "s", "1", NULL);
    ck_assert(strstr(hand_open("G", "0", false), "the stream is a string"));
    stage_do(&stage, "DEL", "s", NULL);
    stage_do(&stage, "SET", "{s}:state", "1", NULL);
    ck_assert_int_eq(strncmp(hand_open("G", "0", false), "WRONGTYPE ", 10), 0);
    ck_assert_int_eq(stage_int(&stage, "DBSIZE", NULL), 1);
    stage_do(&stage, "FLUSHALL", NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {in_order_low_rises_alone,
                                  out_of_order_runs_grow_together,
                                  what_is_not_settled_is_in_no_run,
                                  what_was_trimmed_holds_nothing_back,
                                  a_run_of_nothing_is_swallowed,
                                  ids_of_twenty_digits_are_compared_whole,
                                  a_group_is_made_where_it_is_asked_for,
                                  a_lost_group_gives_out_the_gaps_and_nothing_else,
                                  a_state_that_was_lost_is_made_of_what_is_pending,
                                  another_stream_begins_anew,
                                  what_a_deleted_consumer_had_is_handed_out_again,
                                  much_is_handed_out_in_several_calls,
                                  an_opening_that_cannot_be_is_refused,
                                  NULL};
    return hand_main("commit_state", tests);
}
