/* Functions that write and then answer as the server would have refused them: that they are not there,
 * that memory is short. Whether their source shows it, or another version of the library does it that
 * somebody else has installed: never is it said that they did not run, and they run once. */
#include "shelf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rig rig;
static vouch_client *client;
static vouch_error error;

static void begin(ts_server_kind kind)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
}

static void begin_redis(void)
{
    begin(TS_REDIS);
}

static void begin_valkey(void)
{
    begin(TS_VALKEY);
}

static void end(void)
{
    rig_stop(&rig);
}

static const char *const words[] = {
    "ERR Function not found",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "BUSY Redis is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
    "BUSY Valkey is busy running a script. You can only call FUNCTION KILL or SHUTDOWN NOSAVE.",
    "READONLY You can't write against a read only replica.",
    "LOADING Redis is loading the dataset in memory",
    "NOAUTH Authentication required.",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOSCRIPT No matching script. Please use EVAL.",
    "ERR Library 'bank' already exists",
    "MOVED 1 127.0.0.1:1",
    "ERR unknown command 'FCALL'",
};
#define WORDS (sizeof words / sizeof *words)

/* Who answers with them. */
enum forger { LITERAL, ARGUMENT, DATA, ANOTHER_VERSION, ANOTHER_CASE, ANOTHER_LIBRARY, FORGERS };
static const char *const forgers[FORGERS] = {"a literal",
                                             "an argument",
                                             "data",
                                             "another version of the library",
                                             "one with other letters",
                                             "another library"};

/* As a string of Lua. */
static const char *literal(char out[static 200], const char *text)
{
    size_t n = 0;
    out[n++] = '\'';
    for (const char *c = text; *c; c++) {
        if (*c == '\'')
            out[n++] = '\\';
        out[n++] = *c;
    }
    out[n++] = '\'';
    out[n] = 0;
    return out;
}

static void write_source(char out[static SHELF_SOURCE_MAX], enum forger forger, const char *text)
{
    char made[200];
    (void)snprintf(out, SHELF_SOURCE_MAX,
                   "#!lua name=%s\n"
                   "redis.register_function('%s', function(keys, args)\n"
                   "  redis.call('INCR', keys[1])\n"
                   "  return {err = %s}\n"
                   "end)\n",
                   forger == ANOTHER_LIBRARY ? "thief" : "bank",
                   forger == ANOTHER_CASE ? "Deposit" : "deposit",
                   forger == LITERAL ? literal(made, text)
                   : forger == DATA  ? "redis.call('GET', 'words')"
                                     : "args[1]");
}

/* ---- ways to call --------------------------------------------------------------------------- */

enum way {
    SINGLE,
    STRICT,
    RESOLVE,
    TOKEN,
    PIPELINE,
    REORDERED,
    EXEC,
    EXEC_INSIDE,
    EXEC_RESOLVE,
    WAYS
};
static const char *const ways[WAYS] = {
    "a call",      "a strict call",   "a call with resolve", "a call with a token",
    "a pipeline",  "with reorder_ok", "a transaction",       "a transaction, loading inside",
    "with resolve"};

#define COMMANDS 3

struct seen {
    size_t count;
    vouch_effect effects[COMMANDS];
};

static void see_call(const vouch_library *l, enum way way, const char *text, struct seen *s)
{
    vouch_call_options o = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    static unsigned tokens;
    char token[24];
    (void)snprintf(token, sizeof token, "%u", tokens++);
    o.strict = way == STRICT;
    o.resolve = way == RESOLVE;
    o.token = way == TOKEN ? token : NULL;
    vouch_status status = vouch_function_call(client, l, "deposit", VOUCH_ARGS("k0"),
                                              VOUCH_ARGS(text), &o, &call, &error);
    ck_assert_msg(status == VOUCH_ESERVER, "%s: %s", vouch_status_name(status), error.message);
    s->count = 1;
    s->effects[0] = vouch_call_result(call)->effect;
    ck_assert_int_eq(error.effect, s->effects[0]);
    vouch_call_free(call);
}

static vouch_batch *batch_of(const vouch_library *l, const char *text)
{
    static const char *const keys[COMMANDS] = {"k0", "k1", "k2"};
    vouch_batch *b = vouch_batch_new();
    for (int i = 0; i < COMMANDS; i++)
        vouch_batch_add_function(b, l, "deposit", VOUCH_ARGS(keys[i]), VOUCH_ARGS(text));
    return b;
}

static void see_pipeline(const vouch_library *l, enum way way, const char *text, struct seen *s)
{
    vouch_pipeline_options o = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_results *r = NULL;
    vouch_batch *b = batch_of(l, text);
    o.reorder_ok = way == REORDERED;
    vouch_status status = vouch_pipeline_run(client, b, &o, &r, &error);
    ck_assert(status != VOUCH_OK && r);
    for (s->count = 0; s->count < COMMANDS; s->count++)
        s->effects[s->count] = vouch_results_at(r, s->count)->effect;
    vouch_results_free(r);
    vouch_batch_free(b);
}

static void see_transaction(const vouch_library *l, enum way way, const char *text, struct seen *s)
{
    vouch_tx_options o = VOUCH_TX_OPTIONS_INIT;
    vouch_tx_result *r = NULL;
    vouch_batch *b = batch_of(l, text);
    o.load_inside = way == EXEC_INSIDE;
    o.resolve = way == EXEC_RESOLVE;
    vouch_status status = vouch_transaction_exec(client, b, &o, &r, &error);
    ck_assert_msg(status == VOUCH_EPARTIAL, "%s: %s", vouch_status_name(status), error.message);
    ck_assert_int_eq(vouch_tx_result_outcome(r), VOUCH_OUTCOME_ERRORS);
    ck_assert_int_ne(error.effect, VOUCH_NOT_APPLIED);
    for (s->count = 0; s->count < COMMANDS; s->count++)
        s->effects[s->count] = vouch_tx_result_at(r, s->count)->effect;
    vouch_tx_result_free(r);
    vouch_batch_free(b);
}

static void see(const vouch_library *l, enum way way, const char *text, struct seen *s)
{
    if (way <= TOKEN)
        see_call(l, way, text, s);
    else if (way <= REORDERED)
        see_pipeline(l, way, text, s);
    else
        see_transaction(l, way, text, s);
}

/* ---- the truth ------------------------------------------------------------------------------ */

static void compare(const struct seen *s, const char *what)
{
    static const char *const mget[] = {"MGET", "k0", "k1", "k2"};
    ts_reply *r = rig_ask(&rig, 4, mget);
    for (size_t i = 0; i < s->count; i++) {
        const char *held = r->elements[i]->text;
        int64_t runs = held ? strtoll(held, NULL, 10) : 0;
        ck_assert_msg(runs <= 1, "%s: command %zu ran %lld times", what, i, (long long)runs);
        ck_assert_msg(runs == 0 || s->effects[i] != VOUCH_NOT_APPLIED,
                      "%s: command %zu ran, and is said not to be", what, i);
        ck_assert_msg(runs == 1 || s->effects[i] == VOUCH_NOT_APPLIED, "%s: command %zu is %s",
                      what, i, vouch_effect_name(s->effects[i]));
    }
    ts_reply_free(r);
}

static void forge(enum forger forger, const char *text, enum way way, bool known, uint32_t protocol)
{
    char source[SHELF_SOURCE_MAX], what[300];
    struct seen s = {0};
    write_source(source, forger, text);
    (void)snprintf(what, sizeof what, "%s returns '%s', %s%s", forgers[forger], text, ways[way],
                   known ? ", known" : "");
    rig_flush(&rig);
    shelf_clear(rig.server);
    ts_do(rig.server, "SET", "words", text, NULL);
    vouch_library *l = forger >= ANOTHER_VERSION ? shelf_version("1") : shelf_library(source, NULL);
    if (forger >= ANOTHER_VERSION)
        shelf_put(rig.server, source);
    client = rig_client(&rig, protocol, 1000);
    if (known && forger != ANOTHER_LIBRARY) /* that keeps it from being loaded */
        shelf_expect(
            vouch_client_require(client, NULL, 0, (const vouch_library *const *)&l, 1, 0, &error),
            VOUCH_OK, error);
    see(l, way, text, &s);
    compare(&s, what);
    vouch_client_close(client);
    vouch_library_free(l);
}

START_TEST(nobody_is_believed_who_wrote)
{
    unsigned n = 0;
    for (int forger = 0; forger < FORGERS; forger++)
        for (size_t w = 0; w < WORDS; w++)
            for (int way = 0; way < WAYS; way++, n++)
                forge((enum forger)forger, words[w], (enum way)way, n % 2, 2 + n / 2 % 2);
    printf("%u forged answers\n", n);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("function forged");
    for (int i = 0; i < 2; i++) {
        TCase *c = tcase_create(i ? "valkey" : "redis");
        tcase_add_checked_fixture(c, i ? begin_valkey : begin_redis, end);
        tcase_set_timeout(c, 120);
        tcase_add_test(c, nobody_is_believed_who_wrote);
        suite_add_tcase(suite, c);
    }
    return rig_main(suite);
}
