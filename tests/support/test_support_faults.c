/* The faults that hold, lose, change or refuse. Each test runs over a Unix socket and over TCP. */
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
enum { LENGTH = sizeof text - 1 };

START_TEST(what_is_dropped_is_lost_and_the_connection_stays)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.to_server.drop_after = 6;
    plan.to_client.drop_after = 2;
    pair_connect(&p, 0, &plan);
    write_all(p.client, text, LENGTH);
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_SERVER, LENGTH, soon()));
    read_exactly(p.server, text, 6);
    write_all(p.server, text, LENGTH);
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_CLIENT, LENGTH, soon()));
    read_exactly(p.client, text, 2);
    ck_assert(nothing_to_read(p.server));
    ck_assert(nothing_to_read(p.client));
    ts_proxy_counts counts = ts_proxy_count(p.proxy, 0);
    ck_assert_int_eq(counts.to_server, 6);
    ck_assert_int_eq(counts.to_client, 2);
    ck_assert_int_eq(counts.open, 1);
    pair_stop(&p);
}
END_TEST

START_TEST(what_is_stalled_comes_after_release)
{
    pair p;
    pair_start(&p, transports[_i]);
    for (size_t n = 0; n <= LENGTH; n++) {
        ts_plan plan = ts_plan_none();
        plan.to_server.stall_after = (int64_t)n;
        pair_connect(&p, (int)n, &plan);
        write_all(p.client, text, LENGTH);
        ck_assert(ts_proxy_wait_received(p.proxy, (int)n, TS_TO_SERVER, LENGTH, soon()));
        read_exactly(p.server, text, n);
        ck_assert(nothing_to_read(p.server));
        ck_assert_int_eq(ts_proxy_count(p.proxy, (int)n).to_server, (int64_t)n);
        ts_proxy_release(p.proxy, n % 2 ? (int)n : TS_EVERY);
        read_exactly(p.server, text + n, LENGTH - n);
        pair_disconnect(&p);
    }
    pair_stop(&p);
}
END_TEST

START_TEST(a_late_writer_is_heard_after_its_end)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = 0;
    pair_connect(&p, 0, &plan);
    write_all(p.client, text, LENGTH);
    close(p.client);
    p.client = -1;
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_SERVER, LENGTH, soon()));
    ck_assert(!ts_proxy_wait_closed(p.proxy, 0, ts_deadline(2)));
    ck_assert(nothing_to_read(p.server));
    ts_proxy_release(p.proxy, 0);
    ck_assert_int_eq(read_exactly_to_end(p.server, text, LENGTH), 0);
    close(p.server);
    p.server = -1;
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    pair_stop(&p);
}
END_TEST

/* The end is shown to the client alone; what it said before, and still says, arrives once released. */
START_TEST(what_is_held_outlives_its_clients_end)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = 3;
    pair_connect(&p, 0, &plan);
    write_all(p.client, text, 10);
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_SERVER, 10, soon()));
    ts_proxy_cut(p.proxy, 0, TS_END_EOF, TS_CUT_HELD);
    ck_assert_int_eq(read_exactly_to_end(p.client, text, 0), 0);
    write_all(p.client, text + 10, LENGTH - 10);
    close(p.client);
    p.client = -1;
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_SERVER, LENGTH, soon()));
    read_exactly(p.server, text, 3);
    ck_assert(nothing_to_read(p.server));
    ck_assert(!ts_proxy_wait_closed(p.proxy, 0, ts_deadline(2)));
    ts_proxy_release(p.proxy, 0);
    ck_assert_int_eq(read_exactly_to_end(p.server, text + 3, LENGTH - 3), 0);
    close(p.server);
    p.server = -1;
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    pair_stop(&p);
}
END_TEST

/* The same of a client whose socket is closed: it says nothing more, and its end follows. */
START_TEST(what_is_held_outlives_a_closed_client)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = 0;
    pair_connect(&p, 0, &plan);
    write_all(p.client, text, LENGTH);
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_SERVER, LENGTH, soon()));
    ts_proxy_cut(p.proxy, 0, TS_END_RESET, TS_CUT_HELD);
    char byte;
    ck_assert_int_le(read_chunk(p.client, &byte, 1), 0);
    ck_assert(nothing_to_read(p.server));
    ts_proxy_release(p.proxy, 0);
    ck_assert_int_eq(read_exactly_to_end(p.server, text, LENGTH), 0);
    pair_stop(&p);
}
END_TEST

START_TEST(answers_are_held_and_released)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.to_client.stall_after = 3;
    pair_connect(&p, 0, &plan);
    write_all(p.server, text, LENGTH);
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_CLIENT, LENGTH, soon()));
    read_exactly(p.client, text, 3);
    ck_assert(nothing_to_read(p.client));
    ts_proxy_release(p.proxy, 0);
    read_exactly(p.client, text + 3, LENGTH - 3);
    pair_stop(&p);
}
END_TEST

START_TEST(back_pressure_halts_the_sender)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.to_server.stall_after = 10;
    plan.to_server.back_pressure = true;
    pair_connect(&p, 0, &plan);
    char block[4096];
    memset(block, 'x', sizeof block);
    size_t sent = 0;
    for (ssize_t now; (now = send(p.client, block, sizeof block, MSG_NOSIGNAL)) > 0;)
        sent += (size_t)now;
    ck_assert_int_eq(errno, EAGAIN);
    ck_assert(ts_proxy_wait_bytes(p.proxy, 0, TS_TO_SERVER, 10, soon()));
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).from_client, 10);
    ts_proxy_release(p.proxy, 0);
    for (size_t at = 0; at < sent;) {
        long got = read_chunk(p.server, block, sizeof block);
        ck_assert_int_gt(got, 0);
        at += (size_t)got;
    }
    pair_stop(&p);
}
END_TEST

START_TEST(pieces_are_read_one_by_one)
{
    pair p;
    pair_start(&p, transports[_i]);
    for (size_t k = 1; k <= 7; k++) {
        ts_plan plan = ts_plan_none();
        plan.to_server.split = plan.to_client.split = k;
        plan.to_server.split_wait = plan.to_client.split_wait = true;
        pair_connect(&p, (int)k - 1, &plan);
        write_all(p.client, text, LENGTH);
        write_all(p.server, text, LENGTH);
        for (size_t at = 0; at < LENGTH; at += k) {
            char chunk[LENGTH];
            size_t expected = LENGTH - at < k ? LENGTH - at : k;
            ck_assert_int_eq(read_chunk(p.server, chunk, sizeof chunk), (long)expected);
            ck_assert(memcmp(chunk, text + at, expected) == 0);
            ck_assert_int_eq(read_chunk(p.client, chunk, sizeof chunk), (long)expected);
            ck_assert(memcmp(chunk, text + at, expected) == 0);
        }
        pair_disconnect(&p);
    }
    pair_stop(&p);
}
END_TEST

START_TEST(pieces_without_waiting_all_arrive)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.to_server.split = 1;
    pair_connect(&p, 0, &plan);
    write_all(p.client, text, LENGTH);
    read_exactly(p.server, text, LENGTH);
    pair_stop(&p);
}
END_TEST

START_TEST(one_byte_is_garbled)
{
    pair p;
    pair_start(&p, transports[_i]);
    for (size_t n = 0; n < LENGTH; n++) {
        char changed[LENGTH];
        memcpy(changed, text, LENGTH);
        changed[n] = (char)(changed[n] ^ 0x81);
        ts_plan plan = ts_plan_none();
        plan.to_server.garble_at = plan.to_client.garble_at = (int64_t)n;
        plan.to_server.garble_mask = plan.to_client.garble_mask = 0x81;
        plan.to_server.split = 3;
        pair_connect(&p, (int)n, &plan);
        write_all(p.client, text, LENGTH);
        read_exactly(p.server, changed, LENGTH);
        write_all(p.server, text, n);
        write_all(p.server, text + n, LENGTH - n);
        read_exactly(p.client, changed, LENGTH);
        pair_disconnect(&p);
    }
    pair_stop(&p);
}
END_TEST

START_TEST(a_delay_delays_and_keeps_order)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.to_server.delay_ms = 40;
    pair_connect(&p, 0, &plan);
    int64_t begun = ts_now_ns();
    write_all(p.client, text, 5);
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_SERVER, 5, soon()));
    write_all(p.client, text + 5, LENGTH - 5);
    close(p.client);
    p.client = -1;
    ck_assert_int_eq(read_exactly_to_end(p.server, text, LENGTH), 0);
    ck_assert_int_ge(ts_now_ns() - begun, INT64_C(40000000));
    pair_stop(&p);
}
END_TEST

START_TEST(faults_of_one_plan_act_each_at_its_place)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_cut(TS_TO_SERVER, 15);
    plan.to_server.stall_after = 5;
    plan.to_server.split = 4;
    plan.to_server.garble_at = 7;
    plan.to_server.garble_mask = 1;
    pair_connect(&p, 0, &plan);
    write_all(p.client, text, LENGTH);
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_SERVER, LENGTH, soon()));
    read_exactly(p.server, text, 5);
    ck_assert(nothing_to_read(p.server));
    ts_proxy_release(p.proxy, 0);
    ck_assert_int_eq(read_exactly_to_end(p.server, "56689abcde", 10), 0);
    pair_stop(&p);
}
END_TEST

START_TEST(a_plan_changes_under_way)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan hold = ts_plan_none(), none = ts_plan_none();
    hold.to_server.stall_after = 4;
    ts_proxy_plan(p.proxy, TS_EVERY, &hold);
    pair_connect(&p, 0, NULL);
    write_all(p.client, text, LENGTH);
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_SERVER, LENGTH, soon()));
    read_exactly(p.server, text, 4);
    ck_assert(nothing_to_read(p.server));
    ts_proxy_plan(p.proxy, TS_EVERY, &none); /* of those to come: this one still holds */
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).to_server, 4);
    ts_proxy_plan(p.proxy, 0, &none);
    read_exactly(p.server, text + 4, LENGTH - 4);
    pair_stop(&p);
}
END_TEST

START_TEST(a_refused_connection_is_closed_at_once)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.refuse = true;
    pair_connect_only(&p, 0, &plan);
    ck_assert_int_eq(read_exactly_to_end(p.client, "", 0), 0);
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    pair_stop(&p);
}
END_TEST

START_TEST(a_mute_connection_reads_and_never_answers)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_plan plan = ts_plan_none();
    plan.mute = true;
    pair_connect_only(&p, 0, &plan);
    write_all(p.client, text, LENGTH);
    ck_assert(ts_proxy_wait_received(p.proxy, 0, TS_TO_SERVER, LENGTH, soon()));
    ck_assert(nothing_to_read(p.client));
    ck_assert_int_eq(ts_proxy_count(p.proxy, 0).to_server, 0);
    close(p.client);
    p.client = -1;
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    pair_stop(&p);
}
END_TEST

START_TEST(a_proxy_stops_listening_and_listens_again)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_address address = ts_proxy_address(p.proxy);
    ck_assert(ts_proxy_listen(p.proxy, false));
    ck_assert_int_eq(ts_connect(&address, soon()), -1);
    ck_assert_int_eq(errno, ECONNREFUSED);
    ck_assert(ts_proxy_listen(p.proxy, true));
    pair_connect(&p, 0, NULL);
    write_all(p.client, text, LENGTH);
    read_exactly(p.server, text, LENGTH);
    pair_stop(&p);
}
END_TEST

START_TEST(without_its_upstream_a_connection_ends)
{
    pair p;
    pair_start(&p, transports[_i]);
    ts_address nowhere = ts_address_new(transports[_i], p.folder, "nowhere");
    if (transports[_i] == TS_TCP)
        nowhere.port = ts_free_port();
    ts_proxy_upstream(p.proxy, &nowhere);
    pair_connect_only(&p, 0, NULL);
    char byte;
    ck_assert_int_le(read_chunk(p.client, &byte, 1), 0);
    ck_assert(ts_proxy_wait_closed(p.proxy, 0, soon()));
    close(p.client);
    ts_proxy_upstream(p.proxy, &p.upstream);
    pair_connect(&p, 1, NULL);
    write_all(p.client, text, LENGTH);
    read_exactly(p.server, text, LENGTH);
    pair_stop(&p);
}
END_TEST

Suite *faults_suite(void)
{
    Suite *suite = suite_create("faults");
    TCase *tests = tcase_create("faults");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, what_is_dropped_is_lost_and_the_connection_stays, 0, 2);
    tcase_add_loop_test(tests, what_is_stalled_comes_after_release, 0, 2);
    tcase_add_loop_test(tests, a_late_writer_is_heard_after_its_end, 0, 2);
    tcase_add_loop_test(tests, what_is_held_outlives_its_clients_end, 0, 2);
    tcase_add_loop_test(tests, what_is_held_outlives_a_closed_client, 0, 2);
    tcase_add_loop_test(tests, answers_are_held_and_released, 0, 2);
    tcase_add_loop_test(tests, back_pressure_halts_the_sender, 0, 2);
    tcase_add_loop_test(tests, pieces_are_read_one_by_one, 0, 2);
    tcase_add_loop_test(tests, pieces_without_waiting_all_arrive, 0, 2);
    tcase_add_loop_test(tests, one_byte_is_garbled, 0, 2);
    tcase_add_loop_test(tests, a_delay_delays_and_keeps_order, 0, 2);
    tcase_add_loop_test(tests, faults_of_one_plan_act_each_at_its_place, 0, 2);
    tcase_add_loop_test(tests, a_plan_changes_under_way, 0, 2);
    tcase_add_loop_test(tests, a_refused_connection_is_closed_at_once, 0, 2);
    tcase_add_loop_test(tests, a_mute_connection_reads_and_never_answers, 0, 2);
    tcase_add_loop_test(tests, a_proxy_stops_listening_and_listens_again, 0, 2);
    tcase_add_loop_test(tests, without_its_upstream_a_connection_ends, 0, 2);
    suite_add_tcase(suite, tests);
    return suite;
}
