/* What servers promise of MULTI, EXEC, WATCH and DISCARD, seen through vouch: the cases of their own
 * suites that concern a client. */
#include "deed.h"

#include <stdlib.h>
#include <string.h>

static struct deed d;

/* Loop tests: both kinds of server, in both protocols. */
#define SERVERS 4

static void begin(int i)
{
    deed_begin(&d, i % 2 ? TS_VALKEY : TS_REDIS, i / 2 ? 2 : 3);
}

static void end(void)
{
    deed_end(&d);
}

/* ---- WATCH ---------------------------------------------------------------------------------- */

#define STALE "DEBUG SET-ACTIVE-EXPIRE 0;SET x old PX 1;@pass 1"

/* What others do between the reads and MULTI. */
struct watch_case {
    const char *name, *before, *read, *between;
    bool conflict;
    bool bare; /* `read` names keys, which are watched and not read */
};

static const struct watch_case watch_cases[] = {
    {"nothing", "SET x 30", "GET x;GET y;GET z", NULL, false, false},
    {"one of one", "SET x 30", "GET x", "SET x 40", true, false},
    {"one of five", "SET x 30", "GET a;GET b;GET x;GET k;GET z", "SET x 40", true, false},
    {"one of five in one read", "SET x 30", "MGET a b x k z", "SET k 40", true, false},
    {"the same value", "SET x 30", "GET x", "SET x 30", true, false},
    {"there and back", "SET x 30", "GET x", "SET x 40;SET x 30", true, false},
    {"another key", "SET x 30", "GET x", "SET y 40", false, false},
    {"a write that fails", "SET x a", "GET x", "!LPUSH x 1;!INCR x", false, false},
    {"a write without effect", "SADD x a", "SMEMBERS x", "SADD x a;SREM x b", false, false},
    {"DEL of what is not there", NULL, "GET x", "DEL x", false, false},
    {"DEL", "SET x 1", "GET x", "DEL x", true, false},
    {"created", NULL, "GET x", "SET x 1", true, false},
    {"SORT STORE of nothing", "LPUSH x bar", "LRANGE x 0 -1", "SORT empty STORE x", true, false},
    {"EXPIRE", "SET x 1", "GET x", "EXPIRE x 100", true, false},
    {"PERSIST", "SET x 1 EX 100", "GET x", "PERSIST x", true, false},
    {"TOUCH, and reads by others", "SET x 1", "GET x", "TOUCH x;GET x;OBJECT ENCODING x", false,
     false},
    {"a hash", "HSET x f 1", "HGETALL x", "HSET x g 1", true, false},
    {"a sorted set", "ZADD x 1 a", "ZRANGE x 0 -1", "ZADD x 2 a", true, false},
    {"a list", "RPUSH x a", "LRANGE x 0 -1", "LPOP x", true, false},
    {"a stream", "XADD x * f 1", "XRANGE x - +", "XADD x * f 2", true, false},
    {"a bit", "SETBIT x 7 1", "GETBIT x 7", "SETBIT x 8 1", true, false},
    {"RENAME from", "SET x 1", "GET x", "RENAME x y", true, false},
    {"RENAME onto", "SET x 1;SET y 2", "GET x", "RENAME y x", true, false},
    {"RENAME of others", "SET x 1;SET y 2", "GET x", "RENAME y z", false, false},
    {"MOVE", "SET x 1", "GET x", "MOVE x 1", true, false},
    {"COPY onto", "SET y 1", "GET x", "COPY y x", true, false},
    {"COPY from", "SET x 1", "GET x", "COPY x y", false, false},
    {"a script", "SET x 1", "GET x", "EVAL return(redis.call('SET','x','2')) 0", true, false},
    {"a script that reads", "SET x 1", "GET x", "EVAL return(redis.call('GET','x')) 0", false,
     false},
    {"a transaction", "SET x 1", "GET x", "MULTI;INCR x;EXEC", true, false},
    {"a discarded transaction", "SET x 1", "GET x", "MULTI;INCR x;DISCARD", false, false},
    {"another database", "SET x 1", "GET x", "SELECT 1;SET x 2;SELECT 0", false, false},
    {"FLUSHALL with the key", "SET x 1", "GET x", "FLUSHALL", true, false},
    {"FLUSHALL without", NULL, "GET x", "FLUSHALL", false, false},
    {"FLUSHDB with the key", "SET x 1", "GET x", "FLUSHDB", true, false},
    {"FLUSHDB without", NULL, "GET x", "FLUSHDB", false, false},
    {"FLUSHDB of another", "SET x 1", "GET x", "SELECT 1;FLUSHDB;SELECT 0", false, false},
    {"SWAPDB takes it away", "SET x 1", "GET x", "SWAPDB 0 1", true, false},
    {"SWAPDB brings it", "SELECT 1;SET x 1;SELECT 0", "GET x", "SWAPDB 0 1", true, false},
    {"SWAPDB of others", "SET x 1", "GET x", "SWAPDB 1 2", false, false},
    {"SWAPDB without", NULL, "GET x", "SWAPDB 0 1", false, false},
    {"eviction", "SET x 1", "GET x", "@evict x", true, false},
    {"an expired key is removed", "SET x 1", "GET x", "PEXPIRE x 1;@gone x", true, false},
    {"bare: touched", "SET x 1", "x", "SET x 2", true, true},
    {"bare: not touched", "SET x 1", "x", "SET y 2", false, true},
    {"stale before", STALE, "x", NULL, false, true},
    {"stale before, then read", STALE, "GET x", NULL, false, false},
    {"stale before, then DEL", STALE, "x", "DEL x", false, true},
    {"stale before, then looked for", STALE, "x", "EXISTS x", false, true},
    {"stale before, then FLUSHDB", STALE, "x", "FLUSHDB", false, true},
    {"stale before, then SWAPDB", STALE, "x", "SWAPDB 0 1", false, true},
    {"stale before, then written", STALE, "x", "SET x new", true, true},
};

#define WATCH_CASES (sizeof watch_cases / sizeof *watch_cases)

static struct plan plan_of(const struct watch_case *w)
{
    return (struct plan){.watch = w->bare ? w->read : NULL,
                         .read = w->bare ? NULL : w->read,
                         .between = w->between,
                         .times = w->between != NULL,
                         .queue = "INCR done"};
}

static void prepare(const struct watch_case *w)
{
    deed_tell(&d, "SELECT 0;FLUSHALL;DEBUG SET-ACTIVE-EXPIRE 1");
    deed_tell(&d, w->before);
}

/* Once without another attempt, then with. */
static void check_watch(const struct watch_case *w, enum deed_mode mode)
{
    prepare(w);
    deed_mode(&d, mode);
    d.retry.conflicts = VOUCH_RETRY_NONE;
    struct plan p = plan_of(w);
    (void)deed_plan(&d, &p);
    if (w->conflict)
        deed_expect(&d, w->name, VOUCH_ECONFLICT, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CONFLICT);
    else
        deed_expect(&d, w->name, VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_msg(deed_int(&d, "GET done") == (w->conflict ? TS_NIL : 1), "%s", w->name);
    ck_assert_uint_eq(vouch_tx_result_attempts(d.result), 1);
    ck_assert_uint_eq(vouch_tx_result_conflicts(d.result), w->conflict);
    prepare(w);
    deed_mode(&d, mode);
    p = plan_of(w);
    (void)deed_plan(&d, &p);
    deed_expect(&d, w->name, VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_msg(deed_int(&d, "GET done") == 1, "%s", w->name);
    ck_assert_msg(vouch_tx_result_conflicts(d.result) == w->conflict, "%s", w->name);
    ck_assert_uint_eq(vouch_tx_result_attempts(d.result), 1 + w->conflict);
}

START_TEST(a_watched_key_that_changes_is_a_conflict_and_nothing_else_is)
{
    begin(_i);
    for (size_t i = 0; i < WATCH_CASES; i++)
        for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++)
            check_watch(&watch_cases[i], mode);
    ck_assert_uint_eq(deed_stats(&d).connects, 1);
    end();
}
END_TEST

/* Alive when it is watched, and not when EXEC comes; first removed by nobody, then by the server. */
START_TEST(a_key_that_expires_while_it_is_watched_is_a_conflict)
{
    begin(_i);
    for (int active = 0; active < 2; active++) {
        int64_t limit = ts_deadline(RIG_PATIENCE_MS);
        deed_mode(&d, DEED_PLAIN);
        d.retry.conflicts = VOUCH_RETRY_NONE;
        struct plan p;
        do {
            deed_tell(&d, active ? "DEBUG SET-ACTIVE-EXPIRE 1" : "DEBUG SET-ACTIVE-EXPIRE 0");
            deed_tell(&d, "DEL done;SET x alive PX 60");
            p = (struct plan){.read = "GET x",
                              .between = active ? "@pass 60;@gone x" : "@pass 60",
                              .times = 1,
                              .queue = "INCR done"};
            (void)deed_plan(&d, &p);
            ck_assert(!ts_passed(limit));
        } while (strcmp(p.heard, "alive ") != 0); /* a busy machine */
        deed_expect(&d, "expired", VOUCH_ECONFLICT, VOUCH_NOT_APPLIED, VOUCH_OUTCOME_CONFLICT);
        ck_assert_int_eq(deed_int(&d, "GET done"), TS_NIL);
    }
    end();
}
END_TEST

/* A watch ends with its transaction, however that ended. */
START_TEST(no_watch_outlives_its_transaction)
{
    static const struct {
        const char *name, *between, *queue;
        bool cancel;
        vouch_tx_outcome outcome;
    } ends[] = {
        {"committed", NULL, "INCR n", false, VOUCH_OUTCOME_COMMITTED},
        {"conflict", "SET x 1", "INCR n", false, VOUCH_OUTCOME_CONFLICT},
        {"cancelled", NULL, "INCR n", true, VOUCH_OUTCOME_CANCELLED},
        {"cancelled after a touch", "SET x 1", "INCR n", true, VOUCH_OUTCOME_CANCELLED},
        {"refused", NULL, "INCR n;NOSUCH", false, VOUCH_OUTCOME_REFUSED_QUEUEING},
        {"refused after a touch", "SET x 1", "SET n", false, VOUCH_OUTCOME_REFUSED_QUEUEING},
        {"errors", "LPUSH l 1", "INCR l", false, VOUCH_OUTCOME_ERRORS},
        {"nothing queued", NULL, NULL, false, VOUCH_OUTCOME_COMMITTED},
    };
    begin(_i);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct plan p = {.read = "GET x",
                         .between = ends[i].between,
                         .times = ends[i].between != NULL,
                         .queue = ends[i].queue,
                         .cancel = ends[i].cancel};
        deed_mode(&d, DEED_PLAIN);
        d.retry.conflicts = VOUCH_RETRY_NONE;
        (void)deed_plan(&d, &p);
        ck_assert_msg(vouch_tx_result_outcome(d.result) == ends[i].outcome, "%s: %s", ends[i].name,
                      d.error.message);
        deed_tell(&d, "SET x later");
        deed_is_clean(&d, ends[i].name);
    }
    ck_assert_uint_eq(deed_stats(&d).connects, 1);
    end();
}
END_TEST

/* ---- EXEC ----------------------------------------------------------------------------------- */

/* A word that stands for nothing else. */
static void expect_words(size_t i, const char *words)
{
    const vouch_queue_error *q;
    ck_assert_uint_gt(vouch_tx_queue_errors(d.result, &q), i);
    ck_assert_msg(strstr(q[i].words.data, words), "%s", q[i].words.data);
}

START_TEST(errors_while_queueing_abort_all_and_clear_the_state)
{
    begin(_i);
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        const vouch_queue_error *q;
        deed_mode(&d, mode);
        (void)deed_exec(&d, "SET a 1;NOSUCH a;SET b 1;GET;SET c 1;OBJECT NOSUCH c;LPUSH l");
        deed_expect(&d, "queueing", VOUCH_ESERVER, VOUCH_NOT_APPLIED,
                    VOUCH_OUTCOME_REFUSED_QUEUEING);
        ck_assert_uint_eq(vouch_tx_queue_errors(d.result, &q), 4);
        ck_assert(q[0].index == 1 && q[1].index == 3 && q[2].index == 5 && q[3].index == 6);
        expect_words(0, "unknown command");
        expect_words(1, "wrong number of arguments");
        expect_words(2, "unknown subcommand");
        ck_assert_uint_eq(d.error.command, 1);
        ck_assert_str_eq(d.error.code, "ERR");
        ck_assert_int_eq(deed_int(&d, "EXISTS a b c l"), 0);
        deed_is_clean(&d, "after EXECABORT");
    }
    ck_assert_uint_eq(deed_stats(&d).connects, 1);
    end();
}
END_TEST

START_TEST(an_error_while_executing_undoes_nothing)
{
    begin(_i);
    for (enum deed_mode mode = DEED_PLAIN; mode < DEED_MODES; mode++) {
        const vouch_exec_error *e;
        deed_tell(&d, "FLUSHALL;SET text abc");
        deed_mode(&d, mode);
        (void)deed_exec(&d, "SET a 1;INCR text;SET b 2;LPUSH text x;CONFIG SET maxmemory bla;INCR "
                            "a;EVAL error('x') 0");
        deed_expect(&d, "executing", VOUCH_EPARTIAL, VOUCH_MAYBE_APPLIED, VOUCH_OUTCOME_ERRORS);
        ck_assert_uint_eq(vouch_tx_exec_errors(d.result, &e), 4);
        ck_assert(e[0].index == 1 && e[1].index == 3 && e[2].index == 4 && e[3].index == 6);
        ck_assert_int_eq(e[0].effect, VOUCH_NOT_APPLIED);
        ck_assert_int_eq(e[3].effect, VOUCH_MAYBE_APPLIED); /* a script */
        ck_assert_int_eq(deed_int(&d, "GET a"), 2);
        ck_assert_int_eq(deed_int(&d, "GET b"), 2);
        ck_assert_int_eq(vouch_tx_result_at(d.result, 0)->effect, VOUCH_APPLIED);
        int64_t n = 0;
        ck_assert(vouch_reply_int64(vouch_tx_result_reply(d.result, 5), &n) && n == 2);
        deed_is_clean(&d, "after errors");
    }
    end();
}
END_TEST

START_TEST(blocking_commands_do_not_block)
{
    begin(_i);
    deed_tell(&d, "XGROUP CREATE s g $ MKSTREAM");
    (void)deed_exec(&d, "BLPOP l 0;BRPOP l 0;BRPOPLPUSH l m 0;BLMOVE l m LEFT LEFT 0;BZPOPMIN z 0;"
                        "BZPOPMAX z 0;BLMPOP 0 1 l LEFT;BZMPOP 0 1 z MIN;XREAD BLOCK 0 STREAMS s $;"
                        "XREADGROUP GROUP g c BLOCK 0 STREAMS s >");
    deed_expect(&d, "blocking", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    for (size_t i = 0; i < 10; i++)
        ck_assert(vouch_reply_is_nil(vouch_tx_result_reply(d.result, i)));
    end();
}
END_TEST

START_TEST(replies_of_every_type_come_out_of_exec)
{
    begin(_i);
    deed_tell(&d, "RPUSH l a b c;HSET h f 1 g 2;ZADD z 1.5 a;SADD s a;XADD x 1-1 f v;SET t text");
    (void)deed_exec(&d,
                    "LRANGE l 0 -1;HGETALL h;ZSCORE z a;SMEMBERS s;XRANGE x - +;GET t;GET no;PING;"
                    "SPOP s;EVAL return{1,{2,{3}}} 0;EXISTS s");
    deed_expect(&d, "types", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    double score = 0;
    int64_t three = 0, gone = 1;
    const vouch_reply *nested = vouch_tx_result_reply(d.result, 9);
    ck_assert_uint_eq(vouch_reply_count(vouch_tx_result_reply(d.result, 0)), 3);
    ck_assert(vouch_reply_double(vouch_tx_result_reply(d.result, 2), &score) && score == 1.5);
    ck_assert(vouch_reply_is_nil(vouch_tx_result_reply(d.result, 6)));
    ck_assert_str_eq(vouch_reply_string(vouch_tx_result_reply(d.result, 7)).data, "PONG");
    nested = vouch_reply_at(vouch_reply_at(vouch_reply_at(nested, 1), 1), 0);
    ck_assert(vouch_reply_int64(nested, &three) && three == 3);
    ck_assert(vouch_reply_int64(vouch_tx_result_reply(d.result, 10), &gone) && gone == 0);
    end();
}
END_TEST

/* Nothing to do is nothing to send; with a token there is its marker. */
START_TEST(an_empty_transaction_is_no_mistake)
{
    begin(_i);
    (void)deed_exec(&d, NULL);
    ck_assert_int_eq(d.status, VOUCH_OK);
    deed_mode(&d, DEED_TOKEN);
    (void)deed_exec(&d, NULL);
    deed_expect(&d, "empty, with a token", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_COMMITTED);
    ck_assert_int_eq(deed_int(&d, "DBSIZE"), 1);
    (void)deed_exec(&d, NULL);
    deed_expect(&d, "again", VOUCH_OK, VOUCH_APPLIED, VOUCH_OUTCOME_ALREADY);
    deed_is_clean(&d, "empty");
    end();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("tx_suite");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, a_watched_key_that_changes_is_a_conflict_and_nothing_else_is, 0,
                        SERVERS);
    tcase_add_loop_test(c, a_key_that_expires_while_it_is_watched_is_a_conflict, 0, SERVERS);
    tcase_add_loop_test(c, no_watch_outlives_its_transaction, 0, SERVERS);
    tcase_add_loop_test(c, errors_while_queueing_abort_all_and_clear_the_state, 0, SERVERS);
    tcase_add_loop_test(c, an_error_while_executing_undoes_nothing, 0, SERVERS);
    tcase_add_loop_test(c, blocking_commands_do_not_block, 0, SERVERS);
    tcase_add_loop_test(c, replies_of_every_type_come_out_of_exec, 0, SERVERS);
    tcase_add_loop_test(c, an_empty_transaction_is_no_mistake, 0, SERVERS);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
