/* Bodies of transactions that do what they should not, and what they may: defined each, never sent if
 * it makes no sense. */
#include "deed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct deed d;

static void begin(int i)
{
    deed_begin(&d, i % 2 ? TS_VALKEY : TS_REDIS, i / 2 ? 2 : 3);
}

/* Loop tests: both kinds of server, in both protocols. */
#define SERVERS 4

/* ---- replays -------------------------------------------------------------------------------- */

/* What a body does in its calls, the last one again and again. */
struct call {
    const char *read, *peek, *watch;
    vouch_tx_step step;
};

struct script {
    const struct call *calls;
    size_t count, next;
};

static vouch_tx_step scripted(vouch_tx *tx, void *user)
{
    struct script *s = user;
    const struct call *c = &s->calls[s->next];
    if (s->next + 1 < s->count)
        s->next++;
    if (c->watch)
        vouch_tx_watch(tx, vouch_text(c->watch));
    if (c->read)
        (void)vouch_tx_read(tx, "GET", c->read);
    if (c->peek)
        (void)vouch_tx_peek(tx, "GET", c->peek);
    vouch_tx_queue(tx, "INCR", "done");
    return c->step;
}

static void run_script(const struct call *calls, size_t count)
{
    struct script s = {calls, count, 0};
    deed_mode(&d, DEED_PLAIN);
    deed_tell(&d, "DEL done");
    (void)deed_run(&d, scripted, &s);
}

#define NEXT VOUCH_TX_READ
#define END  VOUCH_TX_COMMIT

static const struct {
    const char *name;
    struct call calls[2];
    const char *words; /* NULL: it is committed */
} replays[] = {
    {"the same", {{"x", "y", "w", NEXT}, {"x", "y", "w", END}}, NULL},
    {"a commit that means read", {{"x", NULL, NULL, END}, {"x", NULL, NULL, END}}, NULL},
    {"a commit with a watch means read", {{NULL, NULL, "w", END}, {NULL, NULL, "w", END}}, NULL},
    {"fewer reads", {{"x", "y", NULL, NEXT}, {"x", NULL, NULL, END}}, NULL},
    {"no read any more", {{"x", NULL, NULL, NEXT}, {NULL, NULL, NULL, END}}, NULL},
    {"another key",
     {{"x", NULL, NULL, NEXT}, {"y", NULL, NULL, END}},
     "vouch_tx_read, number 0, GET: not what the body read here before"},
    {"a longer key",
     {{"x", NULL, NULL, NEXT}, {"xx", NULL, NULL, END}},
     "vouch_tx_read, number 0, GET: not what the body read here before"},
    {"peek instead",
     {{"x", NULL, NULL, NEXT}, {NULL, "x", NULL, END}},
     "vouch_tx_peek, number 0, GET: not what the body read here before"},
    {"read instead",
     {{NULL, "x", NULL, NEXT}, {"x", NULL, NULL, END}},
     "vouch_tx_read, number 0, GET: not what the body read here before"},
    {"another order",
     {{"x", "y", NULL, NEXT}, {"y", "x", NULL, END}},
     "vouch_tx_read, number 0, GET: not what the body read here before"},
    {"another watch",
     {{"x", NULL, "v", NEXT}, {"x", NULL, "w", END}},
     "vouch_tx_watch: not the key that the body watched here before"},
    {"nothing to read", {{NULL, NULL, NULL, NEXT}, {NULL, NULL, NULL, NEXT}}, "asks to read"},
    {"all read already", {{"x", NULL, NULL, NEXT}, {"x", NULL, NULL, NEXT}}, "asks to read"},
    {"no step at all",
     {{NULL, NULL, NULL, (vouch_tx_step)7}, {NULL, NULL, NULL, END}},
     "none of VOUCH_TX_CANCEL"},
};

START_TEST(a_body_must_do_the_same_as_long_as_it_is_told_the_same)
{
    begin(_i);
    for (size_t i = 0; i < sizeof replays / sizeof *replays; i++) {
        run_script(replays[i].calls, 2);
        if (!replays[i].words) {
            deed_expect(&d, replays[i].name, VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
            ck_assert_int_eq(deed_int(&d, "GET done"), 1);
            continue;
        }
        deed_expect(&d, replays[i].name, VOUCH_EINVAL, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
        ck_assert_msg(strstr(d.error.message, replays[i].words), "%s", d.error.message);
        ck_assert_uint_eq(d.error.retriable, 0);
        ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
        deed_is_clean(&d, replays[i].name);
    }
    deed_end(&d);
}
END_TEST

/* ---- rounds --------------------------------------------------------------------------------- */

struct rounds {
    unsigned want, seen;
};

/* Reads one key more in each call. */
static vouch_tx_step one_more(vouch_tx *tx, void *user)
{
    struct rounds *r = user;
    for (unsigned i = 0; i < r->want; i++)
        if (!vouch_tx_peek(tx, "GET", (int)i)) {
            r->seen = i;
            return VOUCH_TX_READ;
        }
    vouch_tx_queue(tx, "INCR", "done");
    return VOUCH_TX_COMMIT;
}

START_TEST(rounds_have_a_limit_on_both_sides)
{
    begin(_i);
    struct rounds r = {VOUCH_TX_MAX_ROUNDS, 0};
    (void)deed_run(&d, one_more, &r);
    deed_expect(&d, "the most", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    r.want++;
    (void)deed_run(&d, one_more, &r);
    deed_expect(&d, "one more", VOUCH_ELIMIT, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
    ck_assert_int_eq(d.error.cause, VOUCH_CAUSE_LIMIT);
    ck_assert_msg(strstr(d.error.message, "VOUCH_TX_MAX_ROUNDS"), "%s", d.error.message);
    ck_assert_uint_eq(r.seen, VOUCH_TX_MAX_ROUNDS);
    ck_assert_int_eq(deed_int(&d, "GET done"), 1);
    deed_is_clean(&d, "rounds");
    deed_end(&d);
}
END_TEST

/* ---- bodies that do not commit -------------------------------------------------------------- */

START_TEST(a_body_that_never_commits_ends)
{
    begin(_i);
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        struct plan p = {.read = "GET x", .queue = "INCR done", .cancel = true};
        deed_mode(&d, mode);
        (void)deed_plan(&d, &p);
        deed_expect(&d, "cancel", VOUCH_ECANCELLED, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CANCELLED);
        ck_assert_int_eq(p.calls, 2);
        ck_assert_uint_eq(vouch_tx_result_count(d.result), 0);
        ck_assert_int_eq(deed_int(&d, "DBSIZE"), 0); /* no marker either */
    }
    deed_is_clean(&d, "cancel");
    deed_end(&d);
}
END_TEST

START_TEST(conflicts_have_a_budget_on_both_sides)
{
    static const uint32_t budgets[] = {VOUCH_RETRY_NONE, 1, 3, 0}, most[] = {0, 1, 3, 16};
    begin(_i);
    for (size_t i = 0; i < 4; i++) {
        for (int over = 0; over < 2; over++) {
            struct plan p = {.read = "GET x", .between = "INCR x", .queue = "INCR done"};
            deed_mode(&d, DEED_PLAIN);
            d.retry.conflicts = budgets[i];
            p.times = (int)most[i] + over;
            (void)deed_plan(&d, &p);
            if (over)
                deed_expect(&d, "over", VOUCH_ECONFLICT, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CONFLICT);
            else
                deed_expect(&d, "within", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
            ck_assert_uint_eq(vouch_tx_result_conflicts(d.result), most[i] + (uint32_t)over);
            ck_assert_uint_eq(vouch_tx_result_attempts(d.result), most[i] + 1);
        }
    }
    ck_assert_int_eq(deed_int(&d, "GET done"), 4);
    deed_is_clean(&d, "conflicts");
    deed_end(&d);
}
END_TEST

static vouch_tx_step cancel_the_second_time(vouch_tx *tx, void *user)
{
    if (!vouch_tx_read(tx, "GET", "x"))
        return VOUCH_TX_READ;
    (void)vouch_tx_queue_batch(tx, user);
    deed_tell(&d, "INCR x");
    return vouch_tx_attempt(tx) > 1 ? VOUCH_TX_CANCEL : VOUCH_TX_COMMIT;
}

/* Nothing of an attempt that others overtook is told of the one that followed it. */
START_TEST(a_cancel_after_a_conflict_has_no_results)
{
    begin(_i);
    vouch_batch *b = deed_batch("INCR done;INCR done");
    (void)deed_run(&d, cancel_the_second_time, b);
    deed_expect(&d, "cancel", VOUCH_ECANCELLED, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CANCELLED);
    ck_assert_uint_eq(vouch_tx_result_attempts(d.result), 2);
    ck_assert_uint_eq(vouch_tx_result_conflicts(d.result), 1);
    ck_assert_uint_eq(vouch_tx_result_count(d.result), 0);
    ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
    vouch_batch_free(b);
    deed_end(&d);
}
END_TEST

/* ---- reads ---------------------------------------------------------------------------------- */

START_TEST(an_error_reply_is_the_bodys_to_judge)
{
    begin(_i);
    deed_tell(&d, "SET text abc");
    struct plan p = {.read = "GET x;LLEN text", .queue = "INCR done"};
    (void)deed_plan(&d, &p);
    deed_expect(&d, "judged", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    p.cancel = true;
    (void)deed_plan(&d, &p);
    deed_expect(&d, "cancelled", VOUCH_ECANCELLED, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CANCELLED);
    ck_assert_str_eq(d.error.code, "WRONGTYPE");
    ck_assert_msg(strstr(d.error.message, "read 1 was answered: WRONGTYPE"), "%s", d.error.message);
    deed_is_clean(&d, "an error reply");
    deed_end(&d);
}
END_TEST

START_TEST(a_read_without_a_key_is_a_peek)
{
    static const char *const keyless[] = {"DBSIZE", "RANDOMKEY", "TIME",
                                          "PING",   "SCAN 0",    "KEYS *"};
    begin(_i);
    for (size_t i = 0; i < sizeof keyless / sizeof *keyless; i++) {
        struct plan p = {.read = keyless[i]}, q = {.peek = keyless[i], .queue = "INCR done"};
        (void)deed_plan(&d, &p);
        deed_expect(&d, keyless[i], VOUCH_EINVAL, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_NOT_SENT);
        (void)deed_plan(&d, &q);
        deed_expect(&d, keyless[i], VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    }
    deed_end(&d);
}
END_TEST

/* ---- the server's own list ------------------------------------------------------------------ */

static bool has(const ts_reply *flags, const char *flag)
{
    for (size_t i = 0; i < flags->count; i++)
        if (strcmp(flags->elements[i]->text, flag) == 0)
            return true;
    return false;
}

struct attempt_at {
    const char *words[16];
    size_t count;
    bool read;
};

static vouch_tx_step try_command(vouch_tx *tx, void *user)
{
    const struct attempt_at *a = user;
    if (a->read)
        (void)vouch_tx_peek_argv(tx, a->count, a->words, NULL);
    else
        (void)vouch_tx_queue_argv(tx, a->count, a->words, NULL);
    return VOUCH_TX_CANCEL; /* what is wrong with it is found before */
}

static unsigned refused_reads, refused_queued, asked;

/* An entry of COMMAND; its name may be "container|sub". */
static void check_command(const ts_reply *entry)
{
    const ts_reply *flags = entry->elements[2];
    struct attempt_at a = {.count = 0};
    char name[64];
    int64_t arity = entry->elements[1]->integer;
    (void)snprintf(name, sizeof name, "%s", entry->elements[0]->text);
    char *bar = strchr(name, '|');
    a.words[a.count++] = name;
    if (bar) {
        *bar = 0;
        a.words[a.count++] = bar + 1;
    }
    while (a.count < (size_t)(arity < 0 ? -arity : arity) && a.count < 16)
        a.words[a.count++] = "1";
    a.read = true;
    (void)deed_run(&d, try_command, &a);
    if (has(flags, "write") || has(flags, "no_multi"))
        ck_assert_msg(d.status == VOUCH_EINVAL, "%s is taken for a read", entry->elements[0]->text);
    refused_reads += d.status == VOUCH_EINVAL;
    a.read = false;
    (void)deed_run(&d, try_command, &a);
    if (has(flags, "no_multi"))
        ck_assert_msg(d.status == VOUCH_EINVAL, "%s is queued", entry->elements[0]->text);
    refused_queued += d.status == VOUCH_EINVAL;
    asked++;
    for (size_t i = 0; entry->count > 9 && i < entry->elements[9]->count; i++)
        check_command(entry->elements[9]->elements[i]);
}

START_TEST(what_a_server_calls_a_write_is_no_read_and_what_it_bars_from_multi_is_not_queued)
{
    static const char *const words[] = {"COMMAND"};
    begin(_i);
    asked = refused_reads = refused_queued = 0;
    ts_reply *all = rig_ask(&d.rig, 1, words);
    for (size_t i = 0; i < all->count; i++)
        check_command(all->elements[i]);
    printf("%u commands: %u refused as reads, %u refused in the queue\n", asked, refused_reads,
           refused_queued);
    ck_assert_uint_gt(asked, 300);
    ck_assert_uint_eq(deed_stats(&d).connects, 0); /* nothing was sent */
    ts_reply_free(all);
    deed_end(&d);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_body");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_body_must_do_the_same_as_long_as_it_is_told_the_same, 0, SERVERS);
    tcase_add_loop_test(c, rounds_have_a_limit_on_both_sides, 0, SERVERS);
    tcase_add_loop_test(c, a_body_that_never_commits_ends, 0, SERVERS);
    tcase_add_loop_test(c, conflicts_have_a_budget_on_both_sides, 0, SERVERS);
    tcase_add_loop_test(c, a_cancel_after_a_conflict_has_no_results, 0, SERVERS);
    tcase_add_loop_test(c, an_error_reply_is_the_bodys_to_judge, 0, SERVERS);
    tcase_add_loop_test(c, a_read_without_a_key_is_a_peek, 0, SERVERS);
    tcase_add_loop_test(
        c, what_a_server_calls_a_write_is_no_read_and_what_it_bars_from_multi_is_not_queued, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
