/* The connection's account: what was handed over, what was answered, and who is told what. */
#include "net/conn.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define COMMANDS_MAX 2048

/* An exchange with `count` commands of `size` bytes each, and what it was told. */
struct party {
    struct exchange x; /* first */
    struct arena arena;
    char *bytes;
    size_t ends[COMMANDS_MAX];
    size_t count, size, sent, per_pull;
    size_t replies, maybe, unsent;
    int losses;
    enum reader_fate fate;
    int64_t last;
};

static bool pull(struct exchange *x, size_t commands, struct run *out)
{
    struct party *p = (struct party *)x;
    size_t n = p->count - p->sent < commands ? p->count - p->sent : commands;
    if (p->per_pull && n > p->per_pull)
        n = p->per_pull;
    if (!n)
        return false;
    size_t base = p->sent * p->size;
    *out = (struct run){p->bytes + base, p->ends + p->sent, base, n, p->sent + n == p->count};
    p->sent += n;
    return true;
}

static void on_reply(struct exchange *x, const struct vouch_reply *reply, enum reader_fate fate)
{
    struct party *p = (struct party *)x;
    p->replies++;
    p->fate = fate;
    if (reply)
        (void)vouch_reply_int64(reply, &p->last);
}

static void on_lost(struct exchange *x, size_t maybe, size_t unsent, vouch_cause cause)
{
    struct party *p = (struct party *)x;
    ck_assert_int_eq(cause, VOUCH_CAUSE_LOST);
    p->losses++;
    p->maybe += maybe;
    p->unsent += unsent;
    p->sent -= maybe + unsent;
}

static void on_unsent(struct exchange *x, size_t unsent)
{
    struct party *p = (struct party *)x;
    p->unsent += unsent;
    p->sent -= unsent;
}

static void party_init(struct party *p, char letter, size_t count, size_t size)
{
    memset(p, 0, sizeof *p);
    p->x = (struct exchange){
        .pull = pull, .on_reply = on_reply, .on_lost = on_lost, .on_unsent = on_unsent};
    p->x.arena = &p->arena;
    p->bytes = malloc(count * size + 1);
    ck_assert_ptr_nonnull(p->bytes);
    memset(p->bytes, letter, count * size);
    for (size_t i = 0; i < count; i++)
        p->ends[i] = (i + 1) * size;
    p->count = count;
    p->size = size;
}

static void party_free(struct party *p)
{
    arena_free(&p->arena);
    free(p->bytes);
}

static struct conn c;
static struct party a, b;
static size_t round_trips; /* begun since `begin` */

static void begin(size_t window_commands, size_t window_bytes)
{
    struct reader_limits limits = {1000, 100, 8};
    ck_assert(conn_init(&c, limits, window_commands, window_bytes));
    round_trips = 0;
}

static void end(void)
{
    conn_free(&c);
    party_free(&a);
    party_free(&b);
}

/* Hands over up to n bytes; returns how many there were. */
static size_t hand(size_t n)
{
    struct span spans[4];
    size_t done = 0;
    while (done < n && conn_output(&c, spans, 4) != 0) {
        size_t take = spans[0].size < n - done ? spans[0].size : n - done;
        bool turning = conn_is_turning(&c);
        conn_taken(&c, take);
        conn_handed(&c, take);
        round_trips += turning && !conn_is_turning(&c);
        done += take;
    }
    return done;
}

static bool answer(const char *text)
{
    return conn_received(&c, text, strlen(text));
}

START_TEST(a_loss_tells_handed_from_not_handed_at_every_byte)
{
    for (size_t n = 0; n <= 50; n++) {
        begin(100, 1000);
        party_init(&a, 'a', 5, 10);
        party_init(&b, 'b', 0, 1);
        conn_offer(&c, &a.x);
        ck_assert_uint_eq(hand(n), n);
        conn_lost(&c, VOUCH_CAUSE_LOST);
        ck_assert_int_eq(a.losses, n > 0); /* with nothing pulled there is nothing to tell */
        ck_assert_uint_eq(a.maybe, n / 10);
        ck_assert_uint_eq(a.unsent, n ? 5 - n / 10 : 0);
        end();
    }
}
END_TEST

START_TEST(what_was_answered_is_not_lost)
{
    begin(100, 1000);
    party_init(&a, 'a', 5, 10);
    party_init(&b, 'b', 3, 10);
    conn_offer(&c, &a.x);
    conn_offer(&c, &b.x);
    ck_assert_uint_eq(hand(65), 65);
    ck_assert(answer(":1\r\n:2\r\n:3\r\n:4\r\n:5\r\n:6\r"));
    ck_assert_uint_eq(a.replies, 5);
    ck_assert_int_eq(a.last, 5);
    conn_lost(&c, VOUCH_CAUSE_LOST);
    ck_assert_int_eq(a.losses, 0);
    ck_assert_uint_eq(b.replies, 0);
    ck_assert_uint_eq(b.maybe, 1);
    ck_assert_uint_eq(b.unsent, 2);
    end();
}
END_TEST

START_TEST(taken_is_not_handed)
{
    struct span spans[4];
    begin(100, 1000);
    party_init(&a, 'a', 3, 10);
    party_init(&b, 'b', 0, 1);
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(conn_output(&c, spans, 4), 1);
    conn_taken(&c, 30); /* in a record that is not out yet */
    conn_handed(&c, 10);
    ck_assert_uint_eq(conn_output(&c, spans, 4), 0);
    conn_lost(&c, VOUCH_CAUSE_LOST);
    ck_assert_uint_eq(a.maybe, 1);
    ck_assert_uint_eq(a.unsent, 2);
    end();
}
END_TEST

START_TEST(a_reply_before_its_command_is_a_desync)
{
    begin(100, 1000);
    party_init(&a, 'a', 2, 10);
    party_init(&b, 'b', 0, 1);
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(hand(19), 19);
    ck_assert(answer(":1\r\n"));
    ck_assert(!answer(":2\r\n"));
    ck_assert_ptr_nonnull(c.fault);
    ck_assert_uint_eq(a.replies, 1);
    conn_lost(&c, VOUCH_CAUSE_LOST);
    ck_assert_uint_eq(a.maybe, 0);
    ck_assert_uint_eq(a.unsent, 1);
    end();
}
END_TEST

/* Nobody had asked when it began, so it answers nothing, though it ends after a command went out. */
START_TEST(a_reply_that_began_before_its_command_is_a_desync)
{
    static const char stray[] = "*2\r\n$3\r\nabc\r\n$1100\r\n";
    for (size_t n = 1; n < sizeof stray; n++) {
        begin(100, 1000);
        party_init(&a, 'a', 2, 10);
        party_init(&b, 'b', 0, 1);
        ck_assert(conn_received(&c, stray, n));
        conn_offer(&c, &a.x);
        ck_assert_uint_eq(hand(20), 20);
        ck_assert(conn_received(&c, stray + n, sizeof stray - 1 - n));
        for (int i = 0; i < 100; i++)
            ck_assert(answer("elevenbytes"));
        ck_assert(!answer("\r\n"));
        ck_assert_ptr_nonnull(c.fault);
        ck_assert_uint_eq(a.replies, 0);
        conn_lost(&c, VOUCH_CAUSE_LOST);
        ck_assert_uint_eq(a.maybe, 2);
        end();
    }
}
END_TEST

START_TEST(an_error_that_nobody_asked_for_is_kept_for_the_message)
{
    begin(100, 1000);
    party_init(&a, 'a', 0, 1);
    party_init(&b, 'b', 0, 1);
    ck_assert(!answer("-ERR max number of clients reached\r\n"));
    ck_assert_str_eq(c.stray, "ERR max number of clients reached");
    end();
}
END_TEST

START_TEST(the_window_bounds_commands)
{
    begin(7, 1000000);
    party_init(&a, 'a', 20, 10);
    party_init(&b, 'b', 0, 1);
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(hand(1000), 70);
    ck_assert(!conn_wants_out(&c));
    ck_assert(answer(":1\r\n:2\r\n"));
    ck_assert(conn_wants_out(&c));
    ck_assert_uint_eq(hand(1000), 20);
    conn_lost(&c, VOUCH_CAUSE_LOST);
    ck_assert_uint_eq(a.maybe, 7);
    end();
}
END_TEST

START_TEST(the_window_bounds_bytes_but_lets_one_command_beyond)
{
    begin(100, 35);
    party_init(&a, 'a', 20, 10);
    party_init(&b, 'b', 0, 1);
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(hand(1000), 40);
    ck_assert_uint_eq(a.sent, 4);
    ck_assert(answer(":1\r\n"));
    ck_assert_uint_eq(hand(1000), 10);
    conn_lost(&c, VOUCH_CAUSE_LOST);
    end();
    begin(100, 35);
    party_init(&a, 'a', 2, 500);
    party_init(&b, 'b', 0, 1);
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(hand(10000), 500);
    ck_assert(answer(":1\r\n"));
    ck_assert_uint_eq(hand(10000), 500);
    conn_lost(&c, VOUCH_CAUSE_LOST);
    end();
}
END_TEST

START_TEST(exchanges_take_turns)
{
    begin(2000, 1000000);
    party_init(&a, 'a', 600, 10);
    party_init(&b, 'b', 10, 10);
    conn_offer(&c, &a.x);
    conn_offer(&c, &b.x);
    struct span spans[8];
    ck_assert_uint_ge(conn_output(&c, spans, 8), 3);
    ck_assert_uint_eq(spans[0].size, (size_t)CONN_QUANTUM * 10);
    ck_assert_int_eq(spans[1].bytes[0], 'b');
    ck_assert_uint_eq(spans[1].size, 100);
    conn_lost(&c, VOUCH_CAUSE_LOST);
    ck_assert_uint_eq(a.unsent + b.unsent, 610);
    end();
}
END_TEST

START_TEST(runs_in_flight_are_bounded)
{
    begin(COMMANDS_MAX, 1000000);
    party_init(&a, 'a', COMMANDS_MAX, 10);
    party_init(&b, 'b', 0, 1);
    a.per_pull = 1;
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(hand(100000), (size_t)CONN_RUNS * 10);
    ck_assert(answer(":1\r\n"));
    ck_assert_uint_eq(hand(100000), 10);
    conn_lost(&c, VOUCH_CAUSE_LOST);
    ck_assert_uint_eq(a.maybe, CONN_RUNS);
    end();
}
END_TEST

START_TEST(abandoning_at_every_byte_leaves_the_neighbour_its_replies)
{
    for (size_t n = 0; n <= 90; n++) {
        size_t maybe, unsent;
        begin(100, 1000);
        party_init(&a, 'a', 3, 10);
        party_init(&b, 'b', 6, 10);
        a.per_pull = 1;
        b.per_pull = 2; /* a bb a bb a bb */
        conn_offer(&c, &a.x);
        conn_offer(&c, &b.x);
        ck_assert_uint_eq(hand(n), n);
        ck_assert(n < 10 || answer("*1\r\n$5\r\nhal")); /* half a reply, to a */
        conn_abandon(&c, &a.x, &maybe, &unsent);
        size_t a_handed = (n + 20) / 30, b_handed = n / 10 - a_handed;
        ck_assert_uint_eq(maybe, a_handed);
        ck_assert_uint_eq(maybe + unsent, n ? 3 : 0);
        arena_free(&a.arena); /* whoever abandons may free */
        if (n) {
            ck_assert(c.retiring);
            ck_assert_uint_eq(b.unsent, 6 - b_handed);
            ck_assert(!conn_wants_out(&c));
            ck_assert(conn_is_over(&c) == (b_handed == 0));
        }
        if (n >= 10)
            ck_assert(answer("lo\r\n"));
        for (size_t i = 1; i < n / 10; i++)
            ck_assert(answer(":7\r\n"));
        ck_assert_uint_eq(b.replies, b_handed);
        ck_assert_uint_eq(a.replies, 0);
        ck_assert(conn_is_over(&c) == (n > 0));
        conn_lost(&c, VOUCH_CAUSE_LOST);
        ck_assert_int_eq(a.losses + b.losses, 0);
        end();
    }
}
END_TEST

/* One that must go alone: behind all that is in flight, and with nothing behind it. */
START_TEST(a_solo_waits_and_is_waited_for)
{
    for (size_t out = 0; out <= 50; out += 10) {
        begin(100, 1000);
        party_init(&a, 'a', 10, 10);
        party_init(&b, 'b', 1, 7);
        a.per_pull = 5;
        conn_offer(&c, &a.x);
        ck_assert_uint_eq(hand(out), out);
        conn_solo(&c, &b.x);
        conn_offer(&c, &b.x);
        /* What was pulled before goes out. */
        size_t pulled = out ? 100 : 0;
        ck_assert_uint_eq(hand(1000), out ? pulled - out : 7);
        if (out) {
            ck_assert(!conn_wants_out(&c));
            for (size_t i = 0; i < pulled / 10; i++) {
                ck_assert_uint_eq(hand(1000), 0);
                ck_assert(answer("+OK\r\n"));
            }
            ck_assert(conn_wants_out(&c));
            ck_assert_uint_eq(hand(1000), 7);
        }
        conn_offer(&c, &a.x);
        ck_assert_uint_eq(hand(1000), 0);
        ck_assert(answer("+OK\r\n"));
        ck_assert_uint_eq(b.replies, 1);
        ck_assert_uint_eq(hand(1000), 0);
        conn_solo(&c, NULL);
        ck_assert_uint_eq(hand(1000), 100 - pulled);
        conn_lost(&c, VOUCH_CAUSE_LOST);
        end();
    }
}
END_TEST

START_TEST(a_solo_that_goes_away_before_its_turn_holds_nobody_up)
{
    size_t maybe, unsent;
    begin(100, 1000);
    party_init(&a, 'a', 2, 10);
    party_init(&b, 'b', 1, 7);
    conn_offer(&c, &a.x);
    conn_offer(&c, &b.x);
    conn_solo(&c, &b.x);
    conn_abandon(&c, &b.x, &maybe, &unsent);
    ck_assert_uint_eq(maybe + unsent, 0);
    ck_assert_uint_eq(hand(1000), 20);
    conn_lost(&c, VOUCH_CAUSE_LOST);
    end();
}
END_TEST

START_TEST(a_connection_begins_anew)
{
    begin(100, 1000);
    party_init(&a, 'a', 2, 10);
    party_init(&b, 'b', 0, 1);
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(hand(20), 20);
    ck_assert(answer("$5\r\nhal"));
    conn_lost(&c, VOUCH_CAUSE_LOST);
    ck_assert_uint_eq(a.maybe, 2);
    conn_restart(&c);
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(hand(20), 20);
    ck_assert(answer(":1\r\n:2\r\n"));
    ck_assert_uint_eq(a.replies, 2);
    ck_assert_int_eq(a.last, 2);
    end();
}
END_TEST

/* ---- round trips ---------------------------------------------------------------------------- */

/* What was pulled goes out in the same round trip, even if answers come before its last byte. */
START_TEST(a_batch_is_one_round_trip_in_however_many_pieces)
{
    begin(100, 1000);
    party_init(&a, 'a', 5, 10);
    party_init(&b, 'b', 1, 10);
    conn_offer(&c, &a.x);
    for (size_t n = 0; n < 50; n++) {
        ck_assert_uint_eq(hand(1), 1);
        ck_assert_uint_eq(round_trips, 1);
        ck_assert(n != 30 || answer(":1\r\n:2\r\n"));
    }
    ck_assert(answer(":3\r\n:4\r\n:5\r\n"));
    conn_offer(&c, &b.x);
    ck_assert_uint_eq(hand(10), 10);
    ck_assert_uint_eq(round_trips, 2);
    end();
}
END_TEST

START_TEST(what_is_pulled_before_an_answer_shares_the_round_trip)
{
    begin(100, 1000);
    party_init(&a, 'a', 3, 10);
    party_init(&b, 'b', 3, 10);
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(hand(30), 30);
    ck_assert(answer("$2\r\n")); /* not an answer yet */
    conn_offer(&c, &b.x);
    ck_assert_uint_eq(hand(30), 30);
    ck_assert_uint_eq(round_trips, 1);
    end();
}
END_TEST

/* However the answers come: what they make room for, before one to that has come, is one. */
START_TEST(each_refill_of_the_window_is_a_round_trip)
{
    begin(3, 1000);
    party_init(&a, 'a', 8, 10);
    party_init(&b, 'b', 0, 1);
    conn_offer(&c, &a.x);
    ck_assert_uint_eq(hand(1000), 30);
    ck_assert(!conn_is_answered(&c));
    for (size_t i = 0; i < 8; i++) {
        bool of_the_latest = i % 3 == 0 || i > 6;
        ck_assert(answer("$1\r")); /* the first bytes of an answer are enough */
        ck_assert(conn_is_answered(&c) == of_the_latest);
        ck_assert(answer("\nx\r\n"));
        ck_assert(conn_is_answered(&c) == of_the_latest);
        ck_assert_uint_eq(hand(1000), i < 5 ? 10 : 0);
        ck_assert_uint_eq(round_trips, i >= 3 ? 3 : 2);
        ck_assert(conn_is_answered(&c) == (i >= 6));
    }
    end();
}
END_TEST

START_TEST(a_new_connection_begins_with_a_round_trip)
{
    begin(1, 1000);
    party_init(&a, 'a', 3, 10);
    party_init(&b, 'b', 0, 1);
    for (int i = 0; i < 3; i++) { /* whatever the one before it had come to */
        conn_restart(&c);
        round_trips = a.sent = 0;
        conn_offer(&c, &a.x);
        ck_assert_uint_eq(hand(1), 1);
        ck_assert_uint_eq(round_trips, 1);
        ck_assert(!conn_is_answered(&c));
        ck_assert_uint_eq(hand(9), 9);
        ck_assert(answer(":1\r\n"));
        ck_assert_uint_eq(hand(1), 1);
        ck_assert_uint_eq(round_trips, 2);
        conn_lost(&c, VOUCH_CAUSE_LOST);
    }
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("conn");
    TCase *t = tcase_create("all");
    tcase_add_test(t, a_loss_tells_handed_from_not_handed_at_every_byte);
    tcase_add_test(t, what_was_answered_is_not_lost);
    tcase_add_test(t, taken_is_not_handed);
    tcase_add_test(t, a_reply_before_its_command_is_a_desync);
    tcase_add_test(t, a_reply_that_began_before_its_command_is_a_desync);
    tcase_add_test(t, an_error_that_nobody_asked_for_is_kept_for_the_message);
    tcase_add_test(t, the_window_bounds_commands);
    tcase_add_test(t, the_window_bounds_bytes_but_lets_one_command_beyond);
    tcase_add_test(t, exchanges_take_turns);
    tcase_add_test(t, runs_in_flight_are_bounded);
    tcase_add_test(t, abandoning_at_every_byte_leaves_the_neighbour_its_replies);
    tcase_add_test(t, a_solo_waits_and_is_waited_for);
    tcase_add_test(t, a_solo_that_goes_away_before_its_turn_holds_nobody_up);
    tcase_add_test(t, a_connection_begins_anew);
    tcase_add_test(t, a_batch_is_one_round_trip_in_however_many_pieces);
    tcase_add_test(t, what_is_pulled_before_an_answer_shares_the_round_trip);
    tcase_add_test(t, each_refill_of_the_window_is_a_round_trip);
    tcase_add_test(t, a_new_connection_begins_with_a_round_trip);
    suite_add_tcase(suite, t);
    return suite_run(suite, CK_NOFORK);
}
