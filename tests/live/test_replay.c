/* Dead letters put back, on real servers in both protocols: once, and if they are refused then whole. */
#include "children.h"
#include "letters.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- putting back --------------------------------------------------------------------------- */

START_TEST(each_goes_back_where_it_was_once)
{
    static const char *const ids[] = {"1-5", "2-5", "3-5", "9-9", "4-5", "1-5"};
    letters_begin(_i);
    letters_add("{s}in", 1);
    letters_add("{s}other", 2);
    letters_add_foreign("3-5");
    ts_do(letters_rig.server, "XADD", LETTERS_DEAD, "4-5", "vouch:stream", "{s}in", "vouch:group",
          "g", "vouch:id", "4-0", "vouch:reason", "r", "vouch:fields", "10000", NULL);
    vouch_replay *r = letters_replay(ids, 6, NULL);
    static const vouch_replay_verdict want[] = {VOUCH_REPLAY_MOVED,   VOUCH_REPLAY_MOVED,
                                                VOUCH_REPLAY_FOREIGN, VOUCH_REPLAY_ABSENT,
                                                VOUCH_REPLAY_EMPTY,   VOUCH_REPLAY_MOVED};
    for (size_t i = 0; i < 6; i++)
        ck_assert_msg(vouch_replay_at(r, i)->verdict == want[i], "%zu: %d", i,
                      (int)vouch_replay_at(r, i)->verdict);
    ck_assert_str_eq(vouch_replay_at(r, 0)->stream.data, "{s}in");
    ck_assert_str_eq(vouch_replay_at(r, 1)->stream.data, "{s}other");
    ck_assert_str_eq(letters_entry("{s}in", vouch_replay_at(r, 0)->id), "n 1 m m");
    ck_assert_str_eq(letters_entry("{s}other", vouch_replay_at(r, 1)->id), "n 2 m m");
    ck_assert_str_eq(vouch_replay_at(r, 5)->id, vouch_replay_at(r, 0)->id); /* named twice */
    ck_assert_ptr_null(vouch_replay_at(r, 3)->stream.data);
    ck_assert_str_eq(vouch_replay_at(r, 3)->id, "");
    ck_assert_uint_eq(vouch_replay_moved(r), 3);
    ck_assert_ptr_null(vouch_replay_at(r, 6));
    vouch_replay_free(r);
    ck_assert_int_eq(letters_length("{s}in") + letters_length("{s}other"), 2);
    ck_assert_int_eq(letters_length(LETTERS_DEAD), 2);
    r = letters_replay(ids, 2, NULL);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(vouch_replay_at(r, i)->verdict, VOUCH_REPLAY_ABSENT);
    vouch_replay_free(r);
    ck_assert_int_eq(letters_length("{s}in") + letters_length("{s}other"), 2);
    ts_reply *keys = ts_command(letters_rig.server, "KEYS", "vouch:replayed:*", NULL);
    ck_assert_uint_eq(keys->count, 1); /* what moved nothing writes nothing */
    ck_assert_int_gt(ts_int(letters_rig.server, "PTTL", keys->elements[0]->text, NULL),
                     VOUCH_REPLAY_RECORD_MS / 2);
    ts_reply_free(keys);
    letters_end();
}
END_TEST

/* Read by the group, it dies again, and comes back again: its marks are those of the last time. */
START_TEST(marks_say_whose_it_was)
{
    static const char *const first[] = {"1-5"}, *const second[] = {"2-5"};
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    letters_begin(_i);
    letters_add("{s}in", 1);
    o.mark = 1;
    o.stream = "{s}again";
    vouch_replay *r = letters_replay(first, 1, &o);
    ck_assert_str_eq(vouch_replay_at(r, 0)->stream.data, "{s}again");
    ck_assert_str_eq(letters_entry("{s}again", vouch_replay_at(r, 0)->id),
                     "n 1 m m vouch:replayed-group g vouch:replayed-id 1-0");
    vouch_replay_free(r);
    ts_do(letters_rig.server, "XADD", LETTERS_DEAD, "2-5", "vouch:stream", "{s}again",
          "vouch:group", "h", "vouch:id", "2-0", "vouch:reason", "r", "vouch:fields", "3", "n", "2",
          "vouch:replayed-group", "g", "vouch:replayed-id", "1-0", NULL);
    o.stream = NULL;
    r = letters_replay(second, 1, &o);
    ck_assert_str_eq(letters_entry("{s}again", vouch_replay_at(r, 0)->id),
                     "n 2 vouch:replayed-group h vouch:replayed-id 2-0");
    vouch_replay_free(r);
    ck_assert_int_eq(letters_length("{s}in") + letters_length(LETTERS_DEAD), 0);
    letters_end();
}
END_TEST

START_TEST(as_many_as_are_allowed)
{
    static char room[VOUCH_DEAD_LETTERS_MAX][16];
    const char *ids[VOUCH_DEAD_LETTERS_MAX];
    letters_begin(_i);
    for (size_t i = 0; i < VOUCH_DEAD_LETTERS_MAX; i++) {
        (void)snprintf(room[i], sizeof room[i], "%zu-5", i + 1);
        ids[i] = room[i];
        letters_add(i % 2 ? "{s}in" : "{s}other", (int)i + 1);
    }
    vouch_replay *r = letters_replay(ids, VOUCH_DEAD_LETTERS_MAX, NULL);
    ck_assert_uint_eq(vouch_replay_moved(r), VOUCH_DEAD_LETTERS_MAX);
    vouch_replay_free(r);
    ck_assert_int_eq(letters_length("{s}in"), VOUCH_DEAD_LETTERS_MAX / 2);
    ck_assert_int_eq(letters_length("{s}other"), VOUCH_DEAD_LETTERS_MAX / 2);
    ck_assert_int_eq(letters_length(LETTERS_DEAD), 0);
    letters_end();
}
END_TEST

/* The largest that becomes a dead letter comes back, too, marks and all. */
START_TEST(the_largest_comes_back)
{
    enum { FIELDS = 3500, HEAD = 3 + 10 };
    static const char *const ids[] = {"1-5"};
    const char *words[HEAD + 2 * FIELDS] = {
        "XADD", LETTERS_DEAD,   "1-5", "vouch:stream", "{s}in", "vouch:group", "g", "vouch:id",
        "1-0",  "vouch:reason", "r",   "vouch:fields", "3500"};
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    letters_begin(_i);
    for (size_t i = HEAD; i < HEAD + 2 * FIELDS; i++)
        words[i] = "w";
    ts_reply_free(rig_ask(&letters_rig, HEAD + 2 * FIELDS, words));
    o.mark = 1;
    vouch_replay *r = letters_replay(ids, 1, &o);
    ck_assert_int_eq(vouch_replay_at(r, 0)->verdict, VOUCH_REPLAY_MOVED);
    vouch_replay_free(r);
    ts_reply *back = ts_command(letters_rig.server, "XRANGE", "{s}in", "-", "+", NULL);
    ck_assert_uint_eq(back->elements[0]->elements[1]->count, 2 * FIELDS + 4);
    ts_reply_free(back);
    letters_end();
}
END_TEST

/* ---- refused as a whole --------------------------------------------------------------------- */

START_TEST(what_is_refused_is_refused_whole)
{
    static const char *const ids[] = {"1-5", "2-5"}, *const elsewhere[] = {"1-5", "3-5"};
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    letters_begin(_i);
    letters_add("{s}in", 1);
    letters_add("{s}list", 2);
    letters_add("elsewhere", 3);
    ts_do(letters_rig.server, "RPUSH", "{s}list", "x", NULL);
    letters_refused(ids, 2, NULL, VOUCH_ESERVER, "the stream '{s}list': the key holds a list");
    letters_refused(elsewhere, 2, NULL, VOUCH_EINVAL,
                    "the stream 'elsewhere' is not in the slot of the dead letters '" LETTERS_DEAD
                    "'");
    ts_do(letters_rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    o.outages = 1;
    letters_refused(ids, 1, &o, VOUCH_ESERVER, "OOM");
    ts_do(letters_rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    ck_assert_int_eq(letters_length(LETTERS_DEAD), 3);
    ck_assert_int_eq(ts_int(letters_rig.server, "EXISTS", "{s}in", NULL), 0);
    ts_do(letters_rig.server, "DEL", LETTERS_DEAD, NULL);
    ts_do(letters_rig.server, "RPUSH", LETTERS_DEAD, "x", NULL);
    letters_refused(ids, 1, NULL, VOUCH_ESERVER, "WRONGTYPE");
    letters_end();
}
END_TEST

START_TEST(a_missing_right_is_named_and_nothing_is_moved)
{
    static const struct {
        const char *rule, *words;
    } rights[] = {{"-xadd", "may not XADD '{s}in'"},
                  {"-xdel", "may not XDEL '" LETTERS_DEAD "'"},
                  {"-hset", "may not HSET 'vouch:replayed:{"},
                  {"-hget", "may not HGET 'vouch:replayed:{"},
                  {"-hincrby", "may not HINCRBY 'vouch:replayed:{"},
                  {"-pexpire", "may not PEXPIRE 'vouch:replayed:{"}};
    static const char *const ids[] = {"1-5"};
    letters_begin(_i);
    letters_add("{s}in", 1);
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        ts_do(letters_rig.server, "ACL", "SETUSER", "default", rights[i].rule, NULL);
        letters_refused(ids, 1, NULL, VOUCH_ESERVER, rights[i].words);
        ts_do(letters_rig.server, "ACL", "SETUSER", "default", "+@all", NULL);
    }
    ts_do(letters_rig.server, "ACL", "SETUSER", "default", "resetkeys", "~{s}in:dead", "~vouch:*",
          NULL);
    vouch_replay *r = NULL;
    letters_expect(
        vouch_dead_letters_replay(letters_client, LETTERS_DEAD, ids, 1, NULL, &r, &letters_error),
        VOUCH_ESERVER);
    ts_do(letters_rig.server, "ACL", "SETUSER", "default", "allkeys", NULL);
    ck_assert_int_eq(letters_length(LETTERS_DEAD), 1);
    ck_assert_int_eq(ts_int(letters_rig.server, "EXISTS", "{s}in", NULL), 0);
    letters_end();
}
END_TEST

/* The stream has no ids left: an error in the middle. What was moved is moved, the rest is where it was. */
START_TEST(an_error_in_the_middle_leaves_each_in_one_place)
{
    static const char *const ids[] = {"1-5", "2-5", "3-5"};
    letters_begin(_i);
    letters_add("{s}in", 1);
    letters_add("{s}full", 2);
    letters_add("{s}in", 3);
    ts_do(letters_rig.server, "XADD", "{s}full", "18446744073709551615-18446744073709551615", "f",
          "v", NULL);
    vouch_replay *r = NULL;
    letters_expect(
        vouch_dead_letters_replay(letters_client, LETTERS_DEAD, ids, 3, NULL, &r, &letters_error),
        VOUCH_ESERVER);
    ck_assert_int_eq(letters_error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(letters_length("{s}in"), 1);
    ck_assert_int_eq(letters_length(LETTERS_DEAD), 2);
    ts_do(letters_rig.server, "DEL", "{s}full", NULL);
    r = letters_replay(ids, 3, NULL);
    ck_assert_int_eq(vouch_replay_at(r, 0)->verdict, VOUCH_REPLAY_ABSENT);
    ck_assert_uint_eq(vouch_replay_moved(r), 2);
    vouch_replay_free(r);
    letters_end();
}
END_TEST

/* ---- several at once ------------------------------------------------------------------------ */

enum { PROCESSES = 4, LETTERS = 400, PART = 7 };

/* Moves all that it finds, a few at a time; ends when there are none. Its status: nothing but what must be. */
static int move_all(void *user)
{
    vouch_client *own = NULL;
    int status = 0;
    if (vouch_client_open(user, NULL, &own, NULL))
        return 9;
    for (size_t left = 1; left && !status;) {
        vouch_dead_letters_options o = VOUCH_DEAD_LETTERS_OPTIONS_INIT;
        vouch_dead_letters *page = NULL;
        vouch_replay *r = NULL;
        const char *ids[PART];
        o.count = PART;
        status = vouch_dead_letters_list(own, LETTERS_DEAD, &o, &page, NULL) ? 2 : 0;
        left = vouch_dead_letters_count(page);
        for (size_t i = 0; i < left; i++)
            ids[i] = vouch_dead_letters_at(page, i)->id.data;
        if (left && vouch_dead_letters_replay(own, LETTERS_DEAD, ids, left, NULL, &r, NULL))
            status = 3;
        for (size_t i = 0; i < vouch_replay_count(r); i++)
            if (vouch_replay_at(r, i)->verdict != VOUCH_REPLAY_MOVED &&
                vouch_replay_at(r, i)->verdict != VOUCH_REPLAY_ABSENT)
                status = 4;
        vouch_replay_free(r);
        vouch_dead_letters_free(page);
    }
    vouch_client_close(own);
    return status;
}

START_TEST(of_several_processes_one_moves_each)
{
    pid_t children[PROCESSES];
    char url[TS_URL_MAX];
    letters_begin(_i);
    (void)ts_server_url(letters_rig.server, url, sizeof url);
    for (int i = 1; i <= LETTERS; i++)
        letters_add("{s}in", i);
    for (size_t i = 0; i < PROCESSES; i++)
        children[i] = ts_child_run(move_all, url);
    for (size_t i = 0; i < PROCESSES; i++) {
        int status = -1;
        ck_assert(ts_child_wait(children[i], ts_deadline(RIG_PATIENCE_MS), &status));
        ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(letters_length(LETTERS_DEAD), 0);
    int seen[LETTERS + 1] = {0};
    ts_reply *r = ts_command(letters_rig.server, "XRANGE", "{s}in", "-", "+", NULL);
    ck_assert_uint_eq(r->count, LETTERS);
    for (size_t i = 0; i < r->count; i++) {
        long n = strtol(r->elements[i]->elements[1]->elements[1]->text, NULL, 10);
        if (n >= 1 && n <= LETTERS)
            seen[n]++;
    }
    for (int n = 1; n <= LETTERS; n++)
        ck_assert_msg(seen[n] == 1, "%d is back %d times", n, seen[n]);
    ts_reply_free(r);
    letters_end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {each_goes_back_where_it_was_once,
                                  marks_say_whose_it_was,
                                  as_many_as_are_allowed,
                                  the_largest_comes_back,
                                  what_is_refused_is_refused_whole,
                                  a_missing_right_is_named_and_nothing_is_moved,
                                  an_error_in_the_middle_leaves_each_in_one_place,
                                  of_several_processes_one_moves_each,
                                  NULL};
    Suite *suite = suite_create("replay");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    for (size_t i = 0; tests[i]; i++)
        tcase_add_loop_test(c, tests[i], 0, 4);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
