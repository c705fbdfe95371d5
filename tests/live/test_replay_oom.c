/* Each allocation of listing, putting back and removing dead letters fails, alone or with all after it, against a real
 * server: nothing leaks, and each is in one place. The linker wraps the library's allocation functions (--wrap). */
#include "clock.h"
#include "heap.h"
#include "suite.h"
#include "truth.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

#define DEAD "{s}in:dead"

/* Dead letters; the last one is removed. */
enum { LETTERS = 4 };

/* Without memory a connection may not come about at all, and a call waits for its deadline. */
#define SOON_MS 1000

static const char *const ids[LETTERS] = {"1-5", "2-5", "3-5", "4-5"};
static ts_server *server;
static ts_conn *truth;
static vouch_client *client;

static vouch_client *connect_it(void)
{
    char url[TS_URL_MAX];
    vouch_client_options o = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *c = NULL;
    o.lazy = 1;
    o.retry_min_ms = o.retry_max_ms = 1;
    ck_assert_int_eq(vouch_client_open(ts_server_url(server, url, sizeof url), &o, &c, NULL),
                     VOUCH_OK);
    return c;
}

static void fill(void)
{
    for (size_t i = 0; i < LETTERS; i++)
        ts_reply_free(ts_conn_command(truth, "XADD", DEAD, ids[i], "vouch:stream",
                                      i % 2 ? "{s}in" : "{s}other", "vouch:group", "g", "vouch:id",
                                      "1-0", "vouch:reason", "r", "vouch:fields", "1", "was",
                                      ids[i], NULL));
}

/* ---- a use ---------------------------------------------------------------------------------- */

static bool list_all(int64_t deadline_ms)
{
    vouch_dead_letters_options o = VOUCH_DEAD_LETTERS_OPTIONS_INIT;
    vouch_dead_letters *page = NULL;
    vouch_error e;
    o.deadline_ms = deadline_ms;
    vouch_status status = vouch_dead_letters_list(client, DEAD, &o, &page, &e);
    ck_assert_int_eq(status == VOUCH_OK, page != NULL);
    ck_assert_int_eq(e.status, status);
    vouch_dead_letters_free(page);
    return status == VOUCH_OK;
}

static bool replay_most(const char *stream, int64_t deadline_ms)
{
    vouch_replay_options o = VOUCH_REPLAY_OPTIONS_INIT;
    vouch_replay *r = NULL;
    vouch_error e;
    o.stream = stream;
    o.deadline_ms = deadline_ms;
    vouch_status status = vouch_dead_letters_replay(client, DEAD, ids, LETTERS - 1, &o, &r, &e);
    ck_assert_int_eq(status == VOUCH_OK, r != NULL);
    ck_assert_int_eq(e.status, status);
    vouch_replay_free(r);
    return status == VOUCH_OK;
}

static bool remove_last(void)
{
    int64_t removed = 7;
    vouch_error e;
    vouch_status status =
        vouch_dead_letters_remove(client, DEAD, ids + LETTERS - 1, 1, &removed, &e);
    ck_assert(removed == 0 || removed == 1);
    ck_assert_int_eq(e.status, status);
    return status == VOUCH_OK;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static int64_t copies_in(const char *stream, const char *id)
{
    int64_t n = 0;
    ts_reply *r = ts_conn_command(truth, "XRANGE", stream, "-", "+", NULL);
    for (size_t i = 0; i < r->count; i++) {
        const ts_reply *words = r->elements[i]->elements[1];
        n += strcmp(words->elements[words->count - 1]->text, id) == 0;
    }
    ts_reply_free(r);
    return n;
}

/* What did not fail was done; each of those to be moved is in one place, be it the old one or the new. */
static void check(unsigned long n, bool replayed, bool removed)
{
    for (size_t i = 0; i < LETTERS; i++) {
        int64_t dead = copies_in(DEAD, ids[i]),
                back = copies_in("{s}in", ids[i]) + copies_in("{s}other", ids[i]);
        bool fits = i < LETTERS - 1 ? dead + back == 1 && (!replayed || back)
                                    : back == 0 && dead <= !removed;
        ck_assert_msg(fits, "allocation %lu fails: %s is there %lld times, and %lld times back", n,
                      ids[i], (long long)dead, (long long)back);
    }
}

/* False once no allocation is left to fail. */
static bool run_case(unsigned long n, unsigned long more, const char *stream)
{
    fill();
    heap_forget();
    client = connect_it();
    heap_fail(n, more);
    bool listed = list_all(SOON_MS), replayed = replay_most(stream, SOON_MS),
         removed = remove_last();
    bool reached = heap_recover() > n;
    ck_assert_msg(reached || (listed && replayed && removed), "none failed, and yet it did not do");
    check(n, replayed, removed);
    (void)!list_all(0); /* the client is as good as before */
    ck_assert(replay_most(stream, 0));
    ck_assert(remove_last());
    check(n, true, true);
    vouch_client_close(client);
    ck_assert_msg(heap_live() == 0, "allocation %lu fails: %ld blocks are left", n, heap_live());
    ts_reply_free(ts_conn_command(truth, "DEL", DEAD, "{s}in", "{s}other", NULL));
    return reached;
}

START_TEST(no_missing_memory_loses_or_doubles)
{
    unsigned long n = 0;
    ts_server_options so = {.kind = _i % 2 ? TS_VALKEY : TS_REDIS};
    server = ts_server_start(&so);
    ck_assert_ptr_nonnull(server);
    truth = ts_truth_open(server);
    ck_assert_ptr_nonnull(truth);
    while (run_case(n, _i / 2 % 2 ? ULONG_MAX / 2 : 0, _i / 4 ? "{s}in" : NULL))
        n++;
    printf("%lu allocations failed%s\n", n, _i / 2 % 2 ? ", with all after" : "");
    ck_assert_uint_gt(n, 30);
    ts_conn_close(truth);
    ts_server_free(server);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("replays, short of memory");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 600);
    tcase_add_loop_test(c, no_missing_memory_loses_or_doubles, 0, 8);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
