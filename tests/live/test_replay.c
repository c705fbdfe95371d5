/* Dead letters listed, put back and removed, on real servers in both protocols. */
#include "children.h"
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEAD "{s}in:dead"

static struct rig rig;
static vouch_client *client;
static vouch_error error;

#define expect(status, want)                                                                       \
    do {                                                                                           \
        vouch_status got = (status);                                                               \
        ck_assert_msg(got == (want), "%s: %s", vouch_status_name(got), error.message);             \
    } while (0)

static void begin(int kind)
{
    rig = rig_start(kind % 2 ? TS_VALKEY : TS_REDIS, TS_NO_PERSISTENCE);
    client = rig_client(&rig, kind / 2 ? 2 : 3, 1000);
}

static void end(void)
{
    vouch_client_close(client);
    rig_stop(&rig);
}

/* One as the scripts write it, of an entry "n-0" of `stream` with a field "n". */
static void add_dead(const char *stream, int n)
{
    char id[16], original[16], number[16];
    (void)snprintf(id, sizeof id, "%d-5", n);
    (void)snprintf(original, sizeof original, "%d-0", n);
    (void)snprintf(number, sizeof number, "%d", n);
    ts_do(rig.server, "XADD", DEAD, id, "vouch:stream", stream, "vouch:group", "g", "vouch:id",
          original, "vouch:reason", "r", "vouch:deliveries", "2", "vouch:consumer", "w:1",
          "vouch:fields", "2", "n", number, "m", "m", NULL);
}

static void add_foreign(const char *id)
{
    ts_do(rig.server, "XADD", DEAD, id, "n", "foreign", NULL);
}

static int64_t length(const char *stream)
{
    return ts_int(rig.server, "XLEN", stream, NULL);
}

static vouch_dead_letters *list(const char *from, uint32_t count)
{
    vouch_dead_letters_options o = VOUCH_DEAD_LETTERS_OPTIONS_INIT;
    vouch_dead_letters *page = NULL;
    o.from = from;
    o.count = count;
    expect(vouch_dead_letters_list(client, DEAD, &o, &page, &error), VOUCH_OK);
    return page;
}

static vouch_replay *replay(const char *const *ids, size_t n, const vouch_replay_options *o)
{
    vouch_replay *r = NULL;
    expect(vouch_dead_letters_replay(client, DEAD, ids, n, o, &r, &error), VOUCH_OK);
    ck_assert_uint_eq(vouch_replay_count(r), n);
    return r;
}

static void refused(const char *const *ids, size_t n, const vouch_replay_options *o,
                    vouch_status want, const char *words)
{
    vouch_replay *r = NULL;
    expect(vouch_dead_letters_replay(client, DEAD, ids, n, o, &r, &error), want);
    ck_assert_msg(strstr(error.message, words) != NULL, "'%s' lacks '%s'", error.message, words);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    ck_assert_ptr_null(r);
}

/* All words of an entry apart by spaces. */
static const char *entry(const char *stream, const char *id)
{
    static char text[512];
    ts_reply *r = ts_command(rig.server, "XRANGE", stream, id, id, NULL);
    size_t size = 0;
    *text = 0;
    if (r->count)
        for (size_t i = 0; i < r->elements[0]->elements[1]->count; i++)
            size += (size_t)snprintf(text + size, sizeof text - size, "%s%s", i ? " " : "",
                                     r->elements[0]->elements[1]->elements[i]->text);
    ts_reply_free(r);
    return text;
}

/* ---- listing -------------------------------------------------------------------------------- */

/* As consumers write them: what is read is what the scripts said. */
START_TEST(a_page_says_what_became_of_each)
{
    vouch_consumer_options o = VOUCH_CONSUMER_OPTIONS_INIT;
    vouch_consumer *c = NULL;
    vouch_delivery *d = NULL;
    begin(_i);
    o.ack = VOUCH_ACK_EXACTLY_ONCE;
    o.stream = "{s}in";
    o.group = "g";
    o.consumer = "w";
    o.block_ms = 10;
    ts_do(rig.server, "SET", "{s}text", "t", NULL);
    for (int i = 0; i < 2; i++)
        ts_do(rig.server, "XADD", "{s}in", i ? "2-0" : "1-0", "field", "value", NULL);
    expect(vouch_consumer_open(client, &o, &c, &error), VOUCH_OK);
    for (int64_t limit = ts_deadline(RIG_PATIENCE_MS); !d; ck_assert(!ts_passed(limit)))
        expect(vouch_consumer_poll(c, 100, &d, &error), VOUCH_OK);
    ck_assert_uint_eq(vouch_delivery_count(d), 2);
    vouch_batch_add(vouch_delivery_effects(d, 0), "INCR", "{s}sum");
    vouch_batch_add(vouch_delivery_effects(d, 0), "HSET", "{s}text", "f", "v");
    expect(vouch_delivery_reject(d, 1, "no such customer", &error), VOUCH_OK);
    expect(vouch_delivery_commit(d, &error), VOUCH_OK);
    vouch_delivery_free(d);
    expect(vouch_consumer_close(c, 5000, &error), VOUCH_OK);
    add_foreign("*");

    vouch_dead_letters *page = list(NULL, 0);
    ck_assert_uint_eq(vouch_dead_letters_count(page), 3);
    ck_assert_int_eq(vouch_dead_letters_total(page), 3);
    ck_assert_ptr_null(vouch_dead_letters_next(page));
    const vouch_dead_letter *failed = vouch_dead_letters_at(page, 0);
    ck_assert_str_eq(failed->stream.data, "{s}in");
    ck_assert_str_eq(failed->group.data, "g");
    ck_assert_str_eq(failed->original.data, "1-0");
    ck_assert_str_eq(failed->reason.data, "effect");
    ck_assert_int_eq(failed->deliveries, 1);
    ck_assert_int_eq(strncmp(failed->consumer.data, "w:", 2), 0);
    ck_assert_int_eq(failed->ran, 1);
    ck_assert_str_eq(failed->failed.data, "HSET {s}text f v");
    ck_assert_int_eq(strncmp(failed->error.data, "WRONGTYPE", 9), 0);
    ck_assert_str_eq(vouch_reply_string(vouch_reply_get(failed->fields, "field")).data, "value");
    const vouch_dead_letter *rejected = vouch_dead_letters_at(page, 1);
    ck_assert_str_eq(rejected->reason.data, "no such customer");
    ck_assert_str_eq(rejected->original.data, "2-0");
    ck_assert_int_eq(rejected->ran, -1);
    ck_assert_ptr_null(rejected->failed.data);
    ck_assert_uint_eq(vouch_reply_pairs(rejected->fields), 1);
    ck_assert_uint_eq(vouch_dead_letters_at(page, 2)->foreign, 1);
    ck_assert_ptr_null(vouch_dead_letters_at(page, 3));
    vouch_dead_letters_free(page);
    end();
}
END_TEST

START_TEST(pages_follow_each_other)
{
    begin(_i);
    vouch_dead_letters *page = list(NULL, 3); /* there is no such stream */
    ck_assert_uint_eq(vouch_dead_letters_count(page), 0);
    ck_assert_int_eq(vouch_dead_letters_total(page), 0);
    ck_assert_ptr_null(vouch_dead_letters_next(page));
    vouch_dead_letters_free(page);
    for (int i = 1; i <= 7; i++)
        add_dead("{s}in", i);
    char from[64] = "-";
    int seen = 0;
    for (size_t pages = 0; *from; pages++) {
        ck_assert_uint_lt(pages, 4);
        page = list(pages ? from : NULL, 3);
        for (size_t i = 0; i < vouch_dead_letters_count(page); i++)
            ck_assert_int_eq(atoi(vouch_dead_letters_at(page, i)->id.data), ++seen);
        const char *next = vouch_dead_letters_next(page);
        ck_assert_int_eq(vouch_dead_letters_total(page), 7);
        ck_assert_int_eq(next == NULL, seen == 7);
        (void)snprintf(from, sizeof from, "%s", next ? next : "");
        vouch_dead_letters_free(page);
    }
    ck_assert_int_eq(seen, 7);
    page = list("7-5", VOUCH_DEAD_LETTERS_MAX);
    ck_assert_uint_eq(vouch_dead_letters_count(page), 1);
    vouch_dead_letters_free(page);
    ts_do(rig.server, "DEL", DEAD, NULL);
    ts_do(rig.server, "SET", DEAD, "t", NULL);
    expect(vouch_dead_letters_list(client, DEAD, NULL, &page, &error), VOUCH_ESERVER);
    ck_assert_str_eq(error.code, "WRONGTYPE");
    ck_assert_ptr_null(page);
    end();
}
END_TEST

/* ---- putting back --------------------------------------------------------------------------- */

START_TEST(each_goes_back_where_it_was_once)
{
    static const char *const ids[] = {"1-5", "2-5", "3-5", "9-9", "4-5", "1-5"};
    begin(_i);
    add_dead("{s}in", 1);
    add_dead("{s}other", 2);
    add_foreign("3-5");
    ts_do(rig.server, "XADD", DEAD, "4-5", "vouch:stream", "{s}in", "vouch:group", "g", "vouch:id",
          "4-0", "vouch:reason", "r", "vouch:fields", "10000", NULL);
    vouch_replay *r = replay(ids, 6, NULL);
    static const vouch_replay_verdict want[] = {VOUCH_REPLAY_MOVED,   VOUCH_REPLAY_MOVED,
                                                VOUCH_REPLAY_FOREIGN, VOUCH_REPLAY_ABSENT,
                                                VOUCH_REPLAY_EMPTY,   VOUCH_REPLAY_MOVED};
    for (size_t i = 0; i < 6; i++)
        ck_assert_msg(vouch_replay_at(r, i)->verdict == want[i], "%zu: %d", i,
                      (int)vouch_replay_at(r, i)->verdict);
    ck_assert_str_eq(vouch_replay_at(r, 0)->stream.data, "{s}in");
    ck_assert_str_eq(vouch_replay_at(r, 1)->stream.data, "{s}other");
    ck_assert_str_eq(entry("{s}in", vouch_replay_at(r, 0)->id), "n 1 m m");
    ck_assert_str_eq(entry("{s}other", vouch_replay_at(r, 1)->id), "n 2 m m");
    ck_assert_str_eq(vouch_replay_at(r, 5)->id, vouch_replay_at(r, 0)->id); /* named twice */
    ck_assert_ptr_null(vouch_replay_at(r, 3)->stream.data);
    ck_assert_str_eq(vouch_replay_at(r, 3)->id, "");
    ck_assert_uint_eq(vouch_replay_moved(r), 3);
    ck_assert_ptr_null(vouch_replay_at(r, 6));
    vouch_replay_free(r);
    ck_assert_int_eq(length("{s}in") + length("{s}other"), 2);
    ck_assert_int_eq(length(DEAD), 2);
    r = replay(ids, 2, NULL);
    for (size_t i = 0; i < 2; i++)
        ck_assert_int_eq(vouch_replay_at(r, i)->verdict, VOUCH_REPLAY_ABSENT);
    vouch_replay_free(r);
    ck_assert_int_eq(length("{s}in") + length("{s}other"), 2);
    ts_reply *keys = ts_command(rig.server, "KEYS", "vouch:replayed:*", NULL);
    ck_assert_uint_eq(keys->count, 1); /* what moved nothing writes nothing */
    ck_assert_int_gt(ts_int(rig.server, "PTTL", keys->elements[0]->text, NULL),
                     VOUCH_REPLAY_RECORD_MS / 2);
    ts_reply_free(keys);
    end();
}
END_TEST

/* Read by the group, it dies again, and comes back again: its marks are those of the last time. */
START_TEST(marks_say_whose_it_was)
{
    static const char *const first[] = {"1-5"}, *const second[] = {"2-5"};
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    begin(_i);
    add_dead("{s}in", 1);
    o.mark = 1;
    o.stream = "{s}again";
    vouch_replay *r = replay(first, 1, &o);
    ck_assert_str_eq(vouch_replay_at(r, 0)->stream.data, "{s}again");
    ck_assert_str_eq(entry("{s}again", vouch_replay_at(r, 0)->id),
                     "n 1 m m vouch:replayed-group g vouch:replayed-id 1-0");
    vouch_replay_free(r);
    ts_do(rig.server, "XADD", DEAD, "2-5", "vouch:stream", "{s}again", "vouch:group", "h",
          "vouch:id", "2-0", "vouch:reason", "r", "vouch:fields", "3", "n", "2",
          "vouch:replayed-group", "g", "vouch:replayed-id", "1-0", NULL);
    o.stream = NULL;
    r = replay(second, 1, &o);
    ck_assert_str_eq(entry("{s}again", vouch_replay_at(r, 0)->id),
                     "n 2 vouch:replayed-group h vouch:replayed-id 2-0");
    vouch_replay_free(r);
    ck_assert_int_eq(length("{s}in") + length(DEAD), 0);
    end();
}
END_TEST

START_TEST(as_many_as_are_allowed)
{
    static char room[VOUCH_DEAD_LETTERS_MAX][16];
    const char *ids[VOUCH_DEAD_LETTERS_MAX];
    begin(_i);
    for (size_t i = 0; i < VOUCH_DEAD_LETTERS_MAX; i++) {
        (void)snprintf(room[i], sizeof room[i], "%zu-5", i + 1);
        ids[i] = room[i];
        add_dead(i % 2 ? "{s}in" : "{s}other", (int)i + 1);
    }
    vouch_replay *r = replay(ids, VOUCH_DEAD_LETTERS_MAX, NULL);
    ck_assert_uint_eq(vouch_replay_moved(r), VOUCH_DEAD_LETTERS_MAX);
    vouch_replay_free(r);
    ck_assert_int_eq(length("{s}in"), VOUCH_DEAD_LETTERS_MAX / 2);
    ck_assert_int_eq(length("{s}other"), VOUCH_DEAD_LETTERS_MAX / 2);
    ck_assert_int_eq(length(DEAD), 0);
    end();
}
END_TEST

/* The largest that becomes a dead letter comes back, too, marks and all. */
START_TEST(the_largest_comes_back)
{
    enum { FIELDS = 3500, HEAD = 3 + 10 };
    static const char *const ids[] = {"1-5"};
    const char *words[HEAD + 2 * FIELDS] = {
        "XADD", DEAD,           "1-5", "vouch:stream", "{s}in", "vouch:group", "g", "vouch:id",
        "1-0",  "vouch:reason", "r",   "vouch:fields", "3500"};
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    begin(_i);
    for (size_t i = HEAD; i < HEAD + 2 * FIELDS; i++)
        words[i] = "w";
    ts_reply_free(rig_ask(&rig, HEAD + 2 * FIELDS, words));
    o.mark = 1;
    vouch_replay *r = replay(ids, 1, &o);
    ck_assert_int_eq(vouch_replay_at(r, 0)->verdict, VOUCH_REPLAY_MOVED);
    vouch_replay_free(r);
    ts_reply *back = ts_command(rig.server, "XRANGE", "{s}in", "-", "+", NULL);
    ck_assert_uint_eq(back->elements[0]->elements[1]->count, 2 * FIELDS + 4);
    ts_reply_free(back);
    end();
}
END_TEST

/* ---- refused as a whole --------------------------------------------------------------------- */

START_TEST(what_is_refused_is_refused_whole)
{
    static const char *const ids[] = {"1-5", "2-5"}, *const elsewhere[] = {"1-5", "3-5"};
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    begin(_i);
    add_dead("{s}in", 1);
    add_dead("{s}list", 2);
    add_dead("elsewhere", 3);
    ts_do(rig.server, "RPUSH", "{s}list", "x", NULL);
    refused(ids, 2, NULL, VOUCH_ESERVER, "the stream '{s}list': the key holds a list");
    refused(elsewhere, 2, NULL, VOUCH_EINVAL,
            "the stream 'elsewhere' is not in the slot of the dead letters '" DEAD "'");
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "1", NULL);
    o.outages = 1;
    refused(ids, 1, &o, VOUCH_ESERVER, "OOM");
    ts_do(rig.server, "CONFIG", "SET", "maxmemory", "0", NULL);
    ck_assert_int_eq(length(DEAD), 3);
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "{s}in", NULL), 0);
    ts_do(rig.server, "DEL", DEAD, NULL);
    ts_do(rig.server, "RPUSH", DEAD, "x", NULL);
    refused(ids, 1, NULL, VOUCH_ESERVER, "WRONGTYPE");
    end();
}
END_TEST

START_TEST(a_missing_right_is_named_and_nothing_is_moved)
{
    static const struct {
        const char *rule, *words;
    } rights[] = {{"-xadd", "may not XADD '{s}in'"},
                  {"-xdel", "may not XDEL '" DEAD "'"},
                  {"-hset", "may not HSET 'vouch:replayed:{"},
                  {"-hget", "may not HGET 'vouch:replayed:{"},
                  {"-hincrby", "may not HINCRBY 'vouch:replayed:{"},
                  {"-pexpire", "may not PEXPIRE 'vouch:replayed:{"}};
    static const char *const ids[] = {"1-5"};
    begin(_i);
    add_dead("{s}in", 1);
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++) {
        ts_do(rig.server, "ACL", "SETUSER", "default", rights[i].rule, NULL);
        refused(ids, 1, NULL, VOUCH_ESERVER, rights[i].words);
        ts_do(rig.server, "ACL", "SETUSER", "default", "+@all", NULL);
    }
    ts_do(rig.server, "ACL", "SETUSER", "default", "resetkeys", "~{s}in:dead", "~vouch:*", NULL);
    vouch_replay *r = NULL;
    expect(vouch_dead_letters_replay(client, DEAD, ids, 1, NULL, &r, &error), VOUCH_ESERVER);
    ts_do(rig.server, "ACL", "SETUSER", "default", "allkeys", NULL);
    ck_assert_int_eq(length(DEAD), 1);
    ck_assert_int_eq(ts_int(rig.server, "EXISTS", "{s}in", NULL), 0);
    end();
}
END_TEST

/* The stream has no ids left: an error in the middle. What was moved is moved, the rest is where it was. */
START_TEST(an_error_in_the_middle_leaves_each_in_one_place)
{
    static const char *const ids[] = {"1-5", "2-5", "3-5"};
    begin(_i);
    add_dead("{s}in", 1);
    add_dead("{s}full", 2);
    add_dead("{s}in", 3);
    ts_do(rig.server, "XADD", "{s}full", "18446744073709551615-18446744073709551615", "f", "v",
          NULL);
    vouch_replay *r = NULL;
    expect(vouch_dead_letters_replay(client, DEAD, ids, 3, NULL, &r, &error), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_MAYBE_APPLIED);
    ck_assert_int_eq(length("{s}in"), 1);
    ck_assert_int_eq(length(DEAD), 2);
    ts_do(rig.server, "DEL", "{s}full", NULL);
    r = replay(ids, 3, NULL);
    ck_assert_int_eq(vouch_replay_at(r, 0)->verdict, VOUCH_REPLAY_ABSENT);
    ck_assert_uint_eq(vouch_replay_moved(r), 2);
    vouch_replay_free(r);
    end();
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
        status = vouch_dead_letters_list(own, DEAD, &o, &page, NULL) ? 2 : 0;
        left = vouch_dead_letters_count(page);
        for (size_t i = 0; i < left; i++)
            ids[i] = vouch_dead_letters_at(page, i)->id.data;
        if (left && vouch_dead_letters_replay(own, DEAD, ids, left, NULL, &r, NULL))
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
    begin(_i);
    (void)ts_server_url(rig.server, url, sizeof url);
    for (int i = 1; i <= LETTERS; i++)
        add_dead("{s}in", i);
    for (size_t i = 0; i < PROCESSES; i++)
        children[i] = ts_child_run(move_all, url);
    for (size_t i = 0; i < PROCESSES; i++) {
        int status = -1;
        ck_assert(ts_child_wait(children[i], ts_deadline(RIG_PATIENCE_MS), &status));
        ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(length(DEAD), 0);
    bool seen[LETTERS + 1] = {false};
    ts_reply *r = ts_command(rig.server, "XRANGE", "{s}in", "-", "+", NULL);
    ck_assert_uint_eq(r->count, LETTERS);
    for (size_t i = 0; i < r->count; i++) {
        int n = atoi(r->elements[i]->elements[1]->elements[1]->text);
        ck_assert(n >= 1 && n <= LETTERS && !seen[n]);
        seen[n] = true;
    }
    ts_reply_free(r);
    end();
}
END_TEST

/* ---- removing ------------------------------------------------------------------------------- */

START_TEST(what_is_removed_is_gone)
{
    static const char *const ids[] = {"1-5", "3-5", "9-9"};
    int64_t removed = -1;
    begin(_i);
    for (int i = 1; i <= 3; i++)
        add_dead("{s}in", i);
    expect(vouch_dead_letters_remove(client, DEAD, ids, 3, &removed, &error), VOUCH_OK);
    ck_assert_int_eq(removed, 2);
    ck_assert_int_eq(length(DEAD), 1);
    expect(vouch_dead_letters_remove(client, DEAD, ids, 3, &removed, &error), VOUCH_OK);
    ck_assert_int_eq(removed, 0);
    expect(vouch_dead_letters_remove(client, "{s}none", ids, 3, NULL, &error), VOUCH_OK);
    ts_do(rig.server, "SET", "{s}text", "t", NULL);
    expect(vouch_dead_letters_remove(client, "{s}text", ids, 3, &removed, &error), VOUCH_ESERVER);
    ck_assert_int_eq(error.effect, VOUCH_NOT_APPLIED);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {a_page_says_what_became_of_each,
                                  pages_follow_each_other,
                                  each_goes_back_where_it_was_once,
                                  marks_say_whose_it_was,
                                  as_many_as_are_allowed,
                                  the_largest_comes_back,
                                  what_is_refused_is_refused_whole,
                                  a_missing_right_is_named_and_nothing_is_moved,
                                  an_error_in_the_middle_leaves_each_in_one_place,
                                  of_several_processes_one_moves_each,
                                  what_is_removed_is_gone};
    Suite *suite = suite_create("replay");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        tcase_add_loop_test(c, tests[i], 0, 4); /* both servers, both protocols */
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
