/* The proxy itself: forwarding, counting, waiting, cutting. Faults that delay or change bytes are
 * in test_support_faults.c. Each test runs over a Unix socket and over TCP. */
#include "test_support.h"

#include "base.h"
#include "clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const ts_transport transports[] = {TS_UNIX, TS_TCP};
static const char text[] = "0123456789abcdefghij";
enum { LENGTH = sizeof text - 1, LARGE = 3 * 1024 * 1024 };

START_TEST(bytes_pass_unchanged_and_are_counted)
{
    pair p;
    pair_start(&p, transports[_i]);
    pair_connect(&p, 0, NULL);
    write_all(p.client, text, 10);
    read_exactly(p.server, text, 10);
    write_all(p.server, text, 7);
    read_exactly(p.client, text, 7);
    ck_assert(ts_proxy_wait_bytes(p.proxy, 0, TS_TO_SERVER, 10, soon()));
    ck_assert(ts_proxy_wait_bytes(p.proxy, 0, TS_TO_CLIENT, 7, soon()));
    ts_proxy_counts counts = ts_proxy_count(p.proxy, 0);
    ck_assert_int_eq(counts.to_server, 10);
    ck_assert_int_eq(counts.from_client, 10);
    ck_assert_int_eq(counts.to_client, 7);
    ck_assert_int_eq(counts.from_server, 7);
    ck_assert_int_eq(counts.connections, 1);
    ck_assert_int_eq(counts.open, 1);
    pair_stop(&p);
}
END_TEST

static void *write_large(void *user)
{
    int fd = *(int *)user;
    char *large = ts_alloc(LARGE);
    for (size_t i = 0; i < LARGE; i++)
        large[i] = (char)(i % 251);
    for (size_t at = 0; at < LARGE;) {
        ssize_t sent = send(fd, large + at, LARGE - at, MSG_NOSIGNAL);
        at += sent > 0 ? (size_t)sent : 0;
    }
    free(large);
    return NULL;
}

START_TEST(a_large_stream_passes_whole)
{
    pair p;
    pair_start(&p, transports[_i]);
    pair_connect(&p, 0, NULL);
    pthread_t writer;
    ck_assert_int_eq(pthread_create(&writer, NULL, write_large, &p.client), 0);
    char chunk[65536];
    for (size_t at = 0; at < LARGE;) {
        long got = read_chunk(p.server, chunk, sizeof chunk);
        ck_assert_int_gt(got, 0);
        for (size_t i = 0; i < (size_t)got; i++)
            ck_assert(chunk[i] == (char)((at + i) % 251));
        at += (size_t)got;
    }
    pthread_join(writer, NULL);
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).from_client, LARGE);
    pair_stop(&p);
}
END_TEST

static void ask(pair *p, size_t bytes)
{
    write_all(p->client, text, bytes);
    read_exactly(p->server, text, bytes);
}

static void answer(pair *p, size_t bytes)
{
    write_all(p->server, text, bytes);
    read_exactly(p->client, text, bytes);
}

START_TEST(a_round_trip_is_a_run_of_requests_after_a_reply)
{
    pair p;
    pair_start(&p, transports[_i]);
    pair_connect(&p, 0, NULL);
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).round_trips, 0);
    ask(&p, 3);
    ask(&p, 4); /* nothing was answered between: the same trip */
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).round_trips, 1);
    answer(&p, 2);
    answer(&p, 2);
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).round_trips, 1);
    for (int trip = 2; trip <= 5; trip++) {
        ask(&p, 1);
        ck_assert_int_eq(ts_proxy_count(p.proxy, 0).round_trips, trip);
        answer(&p, 1);
    }
    pair_stop(&p);
}
END_TEST

START_TEST(connections_are_numbered_as_accepted)
{
    pair first, p;
    pair_start(&p, transports[_i]);
    pair_connect(&p, 0, NULL);
    first = p;
    pair_connect(&p, 1, NULL);
    write_all(p.client, text, 5);
    read_exactly(p.server, text, 5);
    write_all(first.client, text, 3);
    read_exactly(first.server, text, 3);
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).from_client, 3);
    ck_assert_int_eq(ts_proxy_count(p.proxy, 1).from_client, 5);
    ck_assert_int_eq(ts_proxy_count(p.proxy, TS_EVERY).from_client, 8);
    ck_assert_int_eq(ts_proxy_count(p.proxy, TS_EVERY).connections, 2);
    ck_assert_int_eq(ts_proxy_count(p.proxy, 2).connections, 0);
    close(first.client);
    ck_assert(read_exactly_to_end(first.server, "", 0) == 0);
    close(first.server);
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    ck_assert_int_eq(ts_proxy_count(p.proxy, TS_EVERY).open, 1);
    ck_assert(!ts_proxy_wait_closed(p.proxy, TS_EVERY, ts_deadline(1)));
    pair_stop(&p);
}
END_TEST

START_TEST(the_clients_end_reaches_the_server_whose_answers_still_pass)
{
    pair p;
    pair_start(&p, transports[_i]);
    pair_connect(&p, 0, NULL);
    write_all(p.client, text, LENGTH);
    shutdown(p.client, SHUT_WR);
    ck_assert_int_eq(read_exactly_to_end(p.server, text, LENGTH), 0);
    write_all(p.server, text, 4);
    close(p.server);
    p.server = -1;
    ck_assert_int_eq(read_exactly_to_end(p.client, text, 4), 0);
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    pair_stop(&p);
}
END_TEST

START_TEST(the_servers_end_reaches_the_client_after_its_bytes)
{
    pair p;
    pair_start(&p, transports[_i]);
    pair_connect(&p, 0, NULL);
    write_all(p.server, text, LENGTH);
    close(p.server);
    p.server = -1;
    ck_assert_int_eq(read_exactly_to_end(p.client, text, LENGTH), 0);
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    pair_stop(&p);
}
END_TEST

START_TEST(a_servers_reset_is_a_reset)
{
    pair p;
    pair_start(&p, TS_TCP);
    pair_connect(&p, 0, NULL);
    ts_close_reset(p.server);
    p.server = -1;
    ck_assert_int_eq(read_exactly_to_end(p.client, "", 0), -1);
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    pair_stop(&p);
}
END_TEST

START_TEST(waits_end_at_their_deadline)
{
    pair p;
    pair_start(&p, transports[_i]);
    ck_assert(!ts_proxy_wait_connections(p.proxy, 1, ts_deadline(2)));
    ck_assert(!ts_proxy_wait_closed(p.proxy, 0, ts_deadline(2)));
    pair_connect(&p, 0, NULL);
    ck_assert(!ts_proxy_wait_bytes(p.proxy, 0, TS_TO_SERVER, 1, ts_deadline(2)));
    ck_assert(!ts_proxy_wait_received(p.proxy, 0, TS_TO_CLIENT, 1, ts_deadline(2)));
    ck_assert(!ts_proxy_wait_closed(p.proxy, 0, ts_deadline(2)));
    pair_stop(&p);
}
END_TEST

/* The reset of a Unix socket is a close. */
static int shown_end(ts_transport transport, ts_ending ending)
{
    return ending == TS_END_RESET && transport != TS_UNIX ? -1 : 0;
}

START_TEST(a_cut_to_the_server_forwards_exactly_n_bytes)
{
    static const ts_ending endings[] = {TS_END_EOF, TS_END_CLOSE, TS_END_RESET};
    pair p;
    int index = 0;
    pair_start(&p, transports[_i]);
    for (size_t e = 0; e < 3; e++) {
        /* A reset at 0 may come before the client's connect has looked at its outcome. */
        for (size_t n = endings[e] == TS_END_RESET; n <= LENGTH; n++) {
            ts_plan plan = ts_plan_cut(TS_TO_SERVER, (int64_t)n);
            plan.ending = endings[e];
            /* At 0 the end may have come before the client writes. */
            pair_connect(&p, index, &plan);
            if (n > 0)
                write_all(p.client, text, LENGTH);
            ck_assert_int_eq(read_exactly_to_end(p.server, text, n), 0);
            ck_assert_int_eq(read_exactly_to_end(p.client, "", 0),
                             shown_end(transports[_i], endings[e]));
            ck_assert(!ts_proxy_wait_closed(p.proxy, index, ts_now_ms()));
            pair_disconnect(&p);
            ck_assert(ts_proxy_wait_closed(p.proxy, index, soon()));
            ck_assert_int_eq(ts_proxy_count(p.proxy, index).to_server, (int64_t)n);
            index++;
        }
    }
    pair_stop(&p);
}
END_TEST

START_TEST(a_cut_to_the_client_forwards_exactly_n_bytes)
{
    static const ts_ending endings[] = {TS_END_EOF, TS_END_CLOSE, TS_END_RESET};
    pair p;
    int index = 0;
    pair_start(&p, transports[_i]);
    for (size_t e = 0; e < 3; e++) {
        for (size_t n = endings[e] == TS_END_RESET; n <= LENGTH; n++) {
            ts_plan plan = ts_plan_cut(TS_TO_CLIENT, (int64_t)n);
            plan.ending = endings[e];
            pair_connect(&p, index, &plan);
            write_all(p.server, text, LENGTH);
            ck_assert_int_eq(read_exactly_to_end(p.client, text, n),
                             shown_end(transports[_i], endings[e]));
            ck_assert_int_eq(read_exactly_to_end(p.server, "", 0), 0);
            pair_disconnect(&p);
            ck_assert(ts_proxy_wait_closed(p.proxy, index, soon()));
            ck_assert_int_eq(ts_proxy_count(p.proxy, index).to_client, (int64_t)n);
            index++;
        }
    }
    pair_stop(&p);
}
END_TEST

START_TEST(an_abrupt_cut_closes_both_sides_at_once)
{
    for (int reset = 0; reset < 2; reset++) {
        pair p;
        pair_start(&p, transports[_i]);
        ts_plan plan = ts_plan_cut(TS_TO_SERVER, 5);
        plan.mode = TS_CUT_ABRUPT;
        plan.ending = reset ? TS_END_RESET : TS_END_CLOSE;
        pair_connect(&p, 0, &plan);
        write_all(p.client, text, 5);
        ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
        int end = shown_end(transports[_i], plan.ending);
        ck_assert_int_eq(read_exactly_to_end(p.server, text, 5), end);
        ck_assert_int_eq(read_exactly_to_end(p.client, "", 0), end);
        pair_stop(&p);
    }
}
END_TEST

START_TEST(a_cut_with_answers_hands_them_over_before_the_end)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_cut(TS_TO_SERVER, 5);
    plan.mode = TS_CUT_ANSWER;
    pair_connect(&p, 0, &plan);
    write_all(p.client, text, LENGTH);
    ck_assert_int_eq(read_exactly_to_end(p.server, text, 5), 0);
    write_all(p.server, text, 9);
    read_exactly(p.client, text, 9);
    ck_assert(nothing_to_read(p.client));
    close(p.server);
    p.server = -1;
    ck_assert_int_eq(read_exactly_to_end(p.client, "", 0), 0);
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    pair_stop(&p);
}
END_TEST

START_TEST(an_end_that_is_shown_leaves_writes_accepted)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_cut(TS_TO_SERVER, 1);
    pair_connect(&p, 0, &plan);
    write_all(p.client, text, 2);
    ck_assert_int_eq(read_exactly_to_end(p.client, "", 0), 0);
    for (int i = 0; i < 100; i++)
        write_all(p.client, text, LENGTH);
    ck_assert_int_eq(read_exactly_to_end(p.server, text, 1), 0);
    pair_stop(&p);
}
END_TEST

START_TEST(a_plan_from_here_counts_from_here)
{
    pair p;
    pair_start(&p, transports[_i]);
    pair_connect(&p, 0, NULL);
    write_all(p.client, text, 8);
    read_exactly(p.server, text, 8);
    ck_assert(ts_proxy_wait_bytes(p.proxy, 0, TS_TO_SERVER, 8, soon()));
    ts_plan plan = ts_plan_cut(TS_TO_SERVER, 3);
    ts_proxy_plan_from_here(p.proxy, 0, &plan);
    write_all(p.client, text + 8, 12);
    ck_assert_int_eq(read_exactly_to_end(p.server, text + 8, 3), 0);
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).to_server, 11);
    pair_stop(&p);
}
END_TEST

START_TEST(a_connection_is_cut_on_command)
{
    pair p;
    pair_start(&p, transports[_i]);
    for (int i = 0; i < 2; i++) {
        pair_connect(&p, i, NULL);
        write_all(p.client, text, 8);
        read_exactly(p.server, text, 8);
        ts_proxy_cut(p.proxy, i == 0 ? 0 : TS_EVERY, TS_END_CLOSE, TS_CUT_ABRUPT);
        ck_assert(ts_proxy_wait_closed(p.proxy, i, soon()));
        ck_assert_int_eq(read_exactly_to_end(p.client, "", 0), 0);
        pair_disconnect(&p);
    }
    pair_stop(&p);
}
END_TEST

Suite *proxy_suite(void)
{
    Suite *suite = suite_create("proxy");
    TCase *tests = tcase_create("proxy");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, bytes_pass_unchanged_and_are_counted, 0, 2);
    tcase_add_loop_test(tests, a_large_stream_passes_whole, 0, 2);
    tcase_add_loop_test(tests, a_round_trip_is_a_run_of_requests_after_a_reply, 0, 2);
    tcase_add_loop_test(tests, connections_are_numbered_as_accepted, 0, 2);
    tcase_add_loop_test(tests, the_clients_end_reaches_the_server_whose_answers_still_pass, 0, 2);
    tcase_add_loop_test(tests, the_servers_end_reaches_the_client_after_its_bytes, 0, 2);
    tcase_add_test(tests, a_servers_reset_is_a_reset);
    tcase_add_loop_test(tests, waits_end_at_their_deadline, 0, 2);
    tcase_add_loop_test(tests, a_cut_to_the_server_forwards_exactly_n_bytes, 0, 2);
    tcase_add_loop_test(tests, a_cut_to_the_client_forwards_exactly_n_bytes, 0, 2);
    tcase_add_loop_test(tests, an_abrupt_cut_closes_both_sides_at_once, 0, 2);
    tcase_add_loop_test(tests, a_cut_with_answers_hands_them_over_before_the_end, 0, 2);
    tcase_add_loop_test(tests, an_end_that_is_shown_leaves_writes_accepted, 0, 2);
    tcase_add_loop_test(tests, a_plan_from_here_counts_from_here, 0, 2);
    tcase_add_loop_test(tests, a_connection_is_cut_on_command, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
