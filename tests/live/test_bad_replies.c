/* Replies that no server should send: absurd, endless, hostile, broken off. Between two good commands
 * stands one that is answered like this. What was answered before it is kept, what is behind it keeps
 * its reply where there is one, and memory stays bounded. */
#include "rig.h"
#include "script.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define MIB ((size_t)1 << 20)

/* What this process has needed at most, in bytes. */
static size_t peak(void)
{
    struct rusage usage;
    ck_assert_int_eq(getrusage(RUSAGE_SELF, &usage), 0);
    return (size_t)usage.ru_maxrss * 1024;
}

/* ---- a server that answers INCR, and GETSET with what it is told ---------------------------- */

struct answer {
    const char *bytes;
    size_t size;
    bool ends;  /* closes the connection behind it */
    bool stops; /* says nothing more */
};

static bool respond(ts_responder_state *state, const ts_request *request, ts_buffer *reply)
{
    const struct answer *a = state->user;
    if (ts_request_is(request, 0, "INCR")) {
        if (!state->queued)
            ts_buffer_print(reply, ":1\r\n");
        return true;
    }
    if (!ts_request_is(request, 0, "GETSET"))
        return false;
    ts_buffer_add(reply, a->bytes, a->size);
    state->ending = a->ends;
    state->queued = a->stops;
    return true;
}

static ts_script *start(struct answer *a, ts_transport transport)
{
    ts_script_options so = {
        .transport = transport, .respond = true, .responder = respond, .user = a};
    return ts_script_start(&so);
}

/* INCR, GETSET, INCR on a connection of its own. */
static vouch_results *run(const ts_script *script, uint32_t protocol, int64_t deadline_ms,
                          vouch_error *e)
{
    char url[TS_URL_MAX];
    vouch_client_options o = rig_options(protocol, 0);
    vouch_client *client = NULL;
    vouch_results *results = NULL;
    ck_assert_int_eq(vouch_client_open(ts_script_url(script, url, sizeof url), &o, &client, e),
                     VOUCH_OK);
    vouch_batch *b = vouch_batch_new();
    vouch_pipeline_options p = VOUCH_PIPELINE_OPTIONS_INIT;
    p.deadline_ms = deadline_ms;
    vouch_batch_add(b, "INCR", "before");
    vouch_batch_add(b, "GETSET", "key", "value");
    vouch_batch_add(b, "INCR", "behind");
    vouch_status status = vouch_pipeline_run(client, b, &p, &results, e);
    ck_assert_int_eq(status, e->status);
    ck_assert_ptr_nonnull(results);
    for (size_t i = 0; i < 3; i++)
        ck_assert_uint_le(vouch_results_at(results, i)->attempts, 1);
    vouch_batch_free(b);
    vouch_client_close(client);
    return results;
}

static void check(const char *name, const vouch_results *results, size_t i, vouch_status status,
                  vouch_effect effect, vouch_cause cause)
{
    const vouch_result *r = vouch_results_at(results, i);
    ck_assert_msg(r->status == status && r->effect == effect && r->cause == cause,
                  "%s: command %zu: %s, %s, cause %d", name, i, vouch_status_name(r->status),
                  vouch_effect_name(r->effect), (int)r->cause);
    bool kept = status == VOUCH_OK || status == VOUCH_ESERVER;
    ck_assert_msg((r->reply != NULL) == kept, "%s: command %zu", name, i);
}

/* ---- what cannot be a reply, or never ends -------------------------------------------------- */

enum fate {
    LOST,  /* the connection is of no more use */
    LARGE, /* over a limit: drained, the connection is kept */
    LATE   /* it does not end within the deadline */
};

struct row {
    const char *name, *bytes;
    size_t times; /* the bytes, so often */
    const char *end;
    enum fate fate;
    const char *words;
};

#define DEADLINE_MS 60

static const struct row rows[] = {
    {"2^40 elements", "*1099511627776\r\n", 1, "", LOST, "declared more elements than could ever"},
    {"a map of 2^40", "%1099511627776\r\n", 1, "", LOST, "declared more elements than could ever"},
    {"a set of 2^40", "~1099511627776\r\n", 1, "", LOST, "declared more elements than could ever"},
    {"2^40 attributes", "|1099511627776\r\n", 1, "", LOST, "declared more elements than"},
    {"a negative array", "*-2\r\n", 1, "", LOST, "a negative length"},
    {"a negative string", "$-2\r\n", 1, "", LOST, "a negative length"},
    {"the least length", "$-9223372036854775808\r\n", 1, "", LOST, "a negative length"},
    {"the greatest length", "$9223372036854775807\r\n", 1, "", LOST, "a length beyond any"},
    {"a length over 64 bits", "$99999999999999999999\r\n", 1, "", LOST, "a number that is none"},
    {"a number over 64 bits", ":99999999999999999999\r\n", 1, "", LOST, "a number that is none"},
    {"a length in words", "$three\r\n", 1, "", LOST, "a number that is none"},
    {"an error of 64 KiB", "!65537\r\n", 1, "", LOST, "an error longer than any server's"},
    {"a line of 64 KiB", "+0123456789abcde", 4097, "", LOST, "a line over READER_LINE_MAX"},
    {"a string that goes on", "$3\r\nabcd\r\n", 1, "", LOST, "does not end where it said"},
    {"a push inside", "*1\r\n>1\r\n+a\r\n:1\r\n", 1, "", LOST, "a push message inside a reply"},
    {"a page of HTML", "<!DOCTYPE html>\r\n", 1, "", LOST, "a reply of no known type"},
    {"a TLS alert", "\x15\x03\x01", 1, "", LOST, "a reply of no known type"},
    {"nothing but an end of line", "\r\n", 1, "", LOST, "a reply of no known type"},
    {"33 levels", "*1\r\n", 33, ":1\r\n", LARGE, "reply_max_depth"},
    {"100,000 levels", "*1\r\n", 100000, ":1\r\n", LARGE, "reply_max_depth"},
    {"headers that multiply, by much", "*4294967296\r\n", 2, "", LOST, "declared more elements"},
    {"headers that multiply", "*1048576\r\n", 32, "", LATE, "the deadline passed"},
    {"a string of 2^40", "$1099511627776\r\nabc", 1, "", LATE, "the deadline passed"},
    {"an array without its end", "*2\r\n:1\r\n", 1, "", LATE, "the deadline passed"},
    {"half a line", "+O", 1, "", LATE, "the deadline passed"},
    {"nothing", "", 1, "", LATE, "the deadline passed"},
};

#define ROWS ((int)(sizeof rows / sizeof *rows))

static char *repeated(const struct row *row, size_t *size)
{
    size_t n = strlen(row->bytes), end = strlen(row->end);
    char *all = malloc(n * row->times + end + 1);
    ck_assert_ptr_nonnull(all);
    for (size_t i = 0; i < row->times; i++)
        memcpy(all + i * n, row->bytes, n);
    memcpy(all + n * row->times, row->end, end + 1);
    *size = n * row->times + end;
    return all;
}

static void check_row(const struct row *row, const vouch_results *results, const vouch_error *e)
{
    vouch_cause cause = row->fate == LOST ? VOUCH_CAUSE_PROTOCOL : VOUCH_CAUSE_DEADLINE;
    check(row->name, results, 0, VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    if (row->fate == LARGE) {
        check(row->name, results, 1, VOUCH_ETOOLARGE, VOUCH_APPLIED, VOUCH_CAUSE_LIMIT);
        check(row->name, results, 2, VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
        ck_assert_int_eq(e->status, VOUCH_EPARTIAL);
    } else {
        check(row->name, results, 1, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, cause);
        check(row->name, results, 2, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, cause);
        ck_assert_int_eq(e->status, VOUCH_EUNKNOWN);
        ck_assert_int_eq(e->effect, VOUCH_MAYBE_APPLIED);
    }
    ck_assert_uint_eq(e->command, 1);
    ck_assert_msg(strstr(e->message, row->words), "%s: %s", row->name, e->message);
    ck_assert_msg(strstr(e->message, "command 1 (GETSET)"), "%s: %s", row->name, e->message);
}

/* The time was up before it came to the bad reply. */
static bool is_early(const vouch_results *results)
{
    return vouch_results_at(results, 0)->status != VOUCH_OK ||
           vouch_results_at(results, 1)->status != VOUCH_EUNKNOWN ||
           vouch_results_at(results, 2)->status != VOUCH_EUNKNOWN;
}

START_TEST(a_bad_reply_harms_no_neighbour)
{
    const struct row *row = &rows[_i];
    struct answer a = {NULL, 0, false, row->fate == LATE};
    char *bytes = repeated(row, &a.size);
    a.bytes = bytes;
    size_t before = peak();
    for (uint32_t protocol = 2; protocol <= 3; protocol++) {
        vouch_error e;
        ts_script *script = start(&a, TS_UNIX);
        int64_t begun = ts_now_ms();
        int64_t deadline = row->fate == LATE ? DEADLINE_MS : RIG_PATIENCE_MS;
        int tries = 1;
        vouch_results *results = run(script, protocol, deadline, &e);
        for (; row->fate == LATE && is_early(results); tries++) { /* the machine is busy */
            ck_assert_int_lt(deadline *= 2, RIG_PATIENCE_MS);
            vouch_results_free(results);
            results = run(script, protocol, deadline, &e);
        }
        ck_assert_int_lt(ts_now_ms() - begun, INT64_C(3) * RIG_PATIENCE_MS);
        check_row(row, results, &e);
        ck_assert_int_le(ts_script_connections(script), tries); /* nothing was tried again */
        vouch_results_free(results);
        ts_script_free(script);
    }
    ck_assert_msg(peak() - before < 16 * MIB, "%s: %zu MiB more", row->name,
                  (peak() - before) / MIB);
    free(bytes);
}
END_TEST

/* ---- replies that break off ----------------------------------------------------------------- */

static const char *const whole[] = {
    "+OK\r\n",
    "+QUEUED\r\n",
    "-ERR no\r\n",
    ":-12\r\n",
    "$5\r\nhello\r\n",
    "$0\r\n\r\n",
    "$-1\r\n",
    "*-1\r\n",
    "*0\r\n",
    "*2\r\n$1\r\na\r\n*1\r\n:1\r\n",
    "_\r\n",
    "#t\r\n",
    ",1.5e3\r\n",
    "(123456789012345678901234567890\r\n",
    "!6\r\nERR no\r\n",
    "=7\r\ntxt:abc\r\n",
    "%1\r\n+k\r\n:1\r\n",
    "~2\r\n:1\r\n:2\r\n",
    "|1\r\n+ttl\r\n:3\r\n:7\r\n",
    ">2\r\n+invalidate\r\n*1\r\n+k\r\n:7\r\n",
};

/* Broken off after each byte, and behind its last. */
START_TEST(a_reply_that_breaks_off_is_no_reply)
{
    const char *reply = whole[_i];
    size_t n = strlen(reply);
    bool error = *reply == '-' || *reply == '!';
    struct answer a = {reply, 0, true, false};
    for (int k = 0; k < 4; k++) {
        ts_script *script = start(&a, k % 2 ? TS_TCP : TS_UNIX);
        for (a.size = 0; a.size <= n; a.size++) {
            vouch_error e;
            vouch_results *r = run(script, k < 2 ? 2 : 3, RIG_PATIENCE_MS, &e);
            check(reply, r, 0, VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
            if (a.size < n)
                check(reply, r, 1, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_LOST);
            else if (error)
                check(reply, r, 1, VOUCH_ESERVER, VOUCH_NOT_APPLIED, VOUCH_CAUSE_REFUSED);
            else
                check(reply, r, 1, VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
            check(reply, r, 2, VOUCH_EUNKNOWN, VOUCH_MAYBE_APPLIED, VOUCH_CAUSE_LOST);
            ck_assert_uint_eq(e.command, a.size < n ? 1 : 2);
            ck_assert_msg(strstr(e.message, k % 2 ? "127.0.0.1:" : "unix:/"), "%s", e.message);
            vouch_results_free(r);
        }
        ts_script_free(script);
    }
}
END_TEST

/* ---- a reply too large to keep -------------------------------------------------------------- */

/* 600 MiB where 512 are the limit: read to the end, at constant memory. */
START_TEST(a_reply_of_600_mib_is_drained)
{
    static char block[1 << 20];
    memset(block, 'x', sizeof block);
    const ts_step steps[] = {TS_RESPOND_UNTIL("GETSET"), TS_SEND("$629145600\r\n"),
                             TS_SEND_TIMES(block, sizeof block, 600), TS_SEND("\r\n:5\r\n"),
                             TS_END};
    const ts_step *const scripts[] = {steps};
    struct answer none = {"", 0, false, false};
    ts_script_options so = {.scripts = scripts, .count = 1, .responder = respond, .user = &none};
    ts_script *script = ts_script_start(&so);
    vouch_error e;
    size_t before = peak();
    vouch_results *results = run(script, 3, 120000, &e);
    size_t more = peak() - before;
    check("600 MiB", results, 0, VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    check("600 MiB", results, 1, VOUCH_ETOOLARGE, VOUCH_APPLIED, VOUCH_CAUSE_LIMIT);
    check("600 MiB", results, 2, VOUCH_OK, VOUCH_APPLIED, VOUCH_CAUSE_NONE);
    ck_assert_int_eq(e.status, VOUCH_EPARTIAL);
    ck_assert_int_eq(e.effect, VOUCH_APPLIED);
    ck_assert_msg(strstr(e.message, "reply_max_bytes"), "%s", e.message);
    printf("600 MiB drained: %zu KiB of memory more\n", more / 1024);
    ck_assert_msg(more < 4 * MIB, "%zu KiB", more / 1024);
    vouch_results_free(results);
    ts_script_free(script);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("bad_replies");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 250);
    tcase_add_test(c, a_reply_of_600_mib_is_drained); /* first: it measures the peak of memory */
    tcase_add_loop_test(c, a_bad_reply_harms_no_neighbour, 0, ROWS);
    tcase_add_loop_test(c, a_reply_that_breaks_off_is_no_reply, 0,
                        (int)(sizeof whole / sizeof *whole));
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
