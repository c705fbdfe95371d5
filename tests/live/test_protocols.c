/* What servers answer reads the same in RESP2 and RESP3, in one piece and byte by byte: every type of
 * reply there is. */
#include "rig.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX 12
#define TEXT_MAX  4096

/* What the getters say of the reply to these words. `pairs`: read by vouch_reply_pair. */
struct row {
    bool pairs;
    const char *says;
    const char *words[WORDS_MAX];
};

static const struct row rows[] = {
    {false, "OK", {"SET", "s", "12"}},
    {false, "12", {"GET", "s"}},
    {false, "nil", {"GET", "absent"}},
    {false, "(ERR value is not an integer or out of range)", {"INCRBY", "s", "x"}},
    {false, "13.5", {"INCRBYFLOAT", "s", "1.5"}},
    {false, "[13.5 nil]", {"MGET", "s", "absent"}},
    {false, "2", {"HSET", "h", "a", "1", "b", ""}},
    {true, "{a=1 b=}", {"HGETALL", "h"}},
    {false, "[a 1 b ]", {"HGETALL", "h"}},
    {false, "[]", {"HGETALL", "absent"}},
    {true, "{a=1 b=}", {"HRANDFIELD", "h", "5", "WITHVALUES"}},
    {false, "3", {"ZADD", "z", "1.5", "m", "-inf", "n", "inf", "o"}},
    {true, "{n=-inf m=1.5 o=inf}", {"ZRANGE", "z", "0", "-1", "WITHSCORES"}},
    {false, "[n m o]", {"ZRANGE", "z", "0", "-1"}},
    {false, "1.5", {"ZSCORE", "z", "m"}},
    {false, "nil", {"ZSCORE", "z", "absent"}},
    {false, "[1.5 nil]", {"ZMSCORE", "z", "m", "absent"}},
    {false, "2.75", {"ZADD", "z", "INCR", "1.25", "m"}},
    {false, "[n -inf]", {"ZPOPMIN", "z"}},
    {false, "1", {"SADD", "t", "x"}},
    {false, "[x]", {"SMEMBERS", "t"}},
    {false, "1", {"SISMEMBER", "t", "x"}},
    {false, "[1 0]", {"SMISMEMBER", "t", "x", "y"}},
    {true, "{maxmemory=0}", {"CONFIG", "GET", "maxmemory"}},
    {false, "1-1", {"XADD", "x", "1-1", "k", "v"}},
    {true, "{1-1=[k v]}", {"XRANGE", "x", "-", "+"}},
    {true, "{x=[[1-1 [k v]]]}", {"XREAD", "STREAMS", "x", "0"}},
    {false, "nil", {"XREAD", "STREAMS", "x", "5"}},
    {false, "nil", {"BLPOP", "absent", "0.001"}},
    {false, "1", {"GEOADD", "g", "1", "2", "here"}},
    {false, "[nil]", {"GEOPOS", "g", "there"}},
    {false, "[1 two [3 nil] []]", {"EVAL", "return {1,'two',{3,false},{}}", "0"}},
    {false, "[1]", {"EVAL", "return {1,nil,3}", "0"}},
    {false, "FINE", {"EVAL", "return redis.status_reply('FINE')", "0"}},
    {false, "(MY own words)", {"EVAL", "return redis.error_reply('MY own words')", "0"}},
    {false, "1", {"EVAL", "redis.setresp(3); return true", "0"}},
    {false, "0.5", {"EVAL", "return {double=0.5}", "0"}},
    {true, "{a=1}", {"EVAL", "return {map={a=1}}", "0"}},
    {false, "[a]", {"EVAL", "return {set={a=true}}", "0"}},
    {false,
     "123456789012345678901234567890",
     {"EVAL", "return {big_number='123456789012345678901234567890'}", "0"}},
    {false, "txt:said", {"EVAL", "return {verbatim_string={format='txt',string='txt:said'}}", "0"}},
    {false, "Hello World", {"DEBUG", "PROTOCOL", "string"}},
    {false, "12345", {"DEBUG", "PROTOCOL", "integer"}},
    {false, "3.141", {"DEBUG", "PROTOCOL", "double"}},
    {false, "nil", {"DEBUG", "PROTOCOL", "null"}},
    {false, "[0 1 2]", {"DEBUG", "PROTOCOL", "array"}},
    {false, "[0 1 2]", {"DEBUG", "PROTOCOL", "set"}},
    {true, "{0=0 1=1 2=0}", {"DEBUG", "PROTOCOL", "map"}},
    {false, "Some real reply following the attribute", {"DEBUG", "PROTOCOL", "attrib"}},
    {false, "This is a verbatim\nstring", {"DEBUG", "PROTOCOL", "verbatim"}},
    {false, "1", {"DEBUG", "PROTOCOL", "true"}},
    {false, "0", {"DEBUG", "PROTOCOL", "false"}},
    {false, "1234567999999999999999999999999999999", {"DEBUG", "PROTOCOL", "bignum"}},
    {false, "PONG", {"PING"}},
};

#define ROWS (sizeof rows / sizeof *rows)

/* ---- saying a reply by the getters alone ---------------------------------------------------- */

struct text {
    char bytes[TEXT_MAX];
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    int n = vsnprintf(t->bytes + t->size, TEXT_MAX - t->size, format, list);
    va_end(list);
    ck_assert(n >= 0 && (size_t)n < TEXT_MAX - t->size);
    t->size += (size_t)n;
}

static void say(struct text *t, const vouch_reply *r);

static void say_pairs(struct text *t, const vouch_reply *r)
{
    const vouch_reply *key, *value;
    put(t, "{");
    for (size_t i = 0; vouch_reply_pair(r, i, &key, &value); i++) {
        put(t, i ? " " : "");
        say(t, key);
        put(t, "=");
        say(t, value);
        vouch_string name = vouch_reply_string(key);
        if (name.data)
            ck_assert_ptr_eq(vouch_reply_get(r, name.data), value);
    }
    put(t, "}");
}

static void say_number(struct text *t, const vouch_reply *r)
{
    int64_t number = 0;
    bool yes = false;
    double real = 0;
    if (vouch_reply_bool(r, &yes)) {
        put(t, "%d", yes);
    } else {
        ck_assert(vouch_reply_int64(r, &number) && vouch_reply_double(r, &real));
        ck_assert(real == (double)number);
        put(t, "%lld", (long long)number);
    }
}

static void say(struct text *t, const vouch_reply *r)
{
    vouch_string s = vouch_reply_string(r);
    ck_assert_ptr_nonnull(r);
    if (vouch_reply_is_nil(r)) {
        put(t, "nil");
    } else if (vouch_reply_is_error(r)) {
        put(t, "(%.*s)", (int)s.size, s.data);
    } else if (s.data) {
        put(t, "%.*s", (int)s.size, s.data);
    } else if (vouch_reply_type(r) == VOUCH_TYPE_INTEGER ||
               vouch_reply_type(r) == VOUCH_TYPE_BOOL) {
        say_number(t, r);
    } else {
        put(t, "[");
        for (size_t i = 0; i < vouch_reply_count(r); i++) {
            put(t, i ? " " : "");
            say(t, vouch_reply_at(r, i));
        }
        put(t, "]");
    }
}

/* ---- the tests ------------------------------------------------------------------------------ */

static struct rig start(ts_server_kind kind)
{
    static const char *const config[] = {"enable-debug-command yes", NULL};
    ts_server_options so = {.kind = kind, .config = config};
    struct rig rig = {.server = ts_server_start(&so)};
    ck_assert_ptr_nonnull(rig.server);
    ts_proxy_options po = {.upstream = ts_server_address(rig.server)};
    rig.proxy = ts_proxy_start(&po);
    return rig;
}

static void read_all(struct rig *rig, uint32_t protocol, size_t split, bool wait)
{
    ts_plan plan = ts_plan_none();
    plan.to_client.split = split;
    plan.to_client.split_wait = wait;
    ts_proxy_plan(rig->proxy, TS_EVERY, &plan);
    rig_flush(rig);
    int connection = rig_next_connection(rig);
    vouch_client *client = rig_client(rig, protocol, 0);
    vouch_batch *b = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error e;
    for (size_t i = 0; i < ROWS; i++) {
        size_t n = 0;
        while (n < WORDS_MAX && rows[i].words[n])
            n++;
        ck_assert_uint_eq(vouch_batch_argv(b, n, rows[i].words, NULL), i);
    }
    vouch_batch_add(b, "DEBUG", "PROTOCOL", "push"); /* has no place in RESP2 */
    vouch_batch_add(b, "ECHO", "end");
    ck_assert_msg(vouch_pipeline_run(client, b, NULL, &results, &e) != VOUCH_ENOTSENT, "%s",
                  e.message);
    for (size_t i = 0; i < ROWS; i++) {
        struct text t = {.size = 0};
        const vouch_result *r = vouch_results_at(results, i);
        if (rows[i].pairs)
            say_pairs(&t, r->reply);
        else
            say(&t, r->reply);
        t.bytes[t.size] = 0;
        ck_assert_msg(strcmp(t.bytes, rows[i].says) == 0, "RESP%u, %s %s: %s, not %s", protocol,
                      rows[i].words[0], rows[i].words[1], t.bytes, rows[i].says);
        ck_assert_int_eq(r->status, t.bytes[0] == '(' ? VOUCH_ESERVER : VOUCH_OK);
    }
    const vouch_reply *after = vouch_results_at(results, ROWS)->reply;
    const vouch_reply *last = vouch_results_at(results, ROWS + 1)->reply;
    ck_assert_str_eq(vouch_reply_string(last).data, "end");
    ck_assert(vouch_reply_is_error(after) == (protocol == 2));
    ck_assert_int_eq(rig_next_connection(rig), connection + 1);
    vouch_results_free(results);
    vouch_batch_free(b);
    vouch_client_close(client);
}

START_TEST(every_type_of_reply_reads_alike)
{
    struct rig rig = start(_i ? TS_VALKEY : TS_REDIS);
    for (uint32_t protocol = 2; protocol <= 3; protocol++) {
        read_all(&rig, protocol, 0, false);
        read_all(&rig, protocol, 1, false);
        read_all(&rig, protocol, 1, true);
        read_all(&rig, protocol, 7, true);
    }
    rig_stop(&rig);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("protocols");
    TCase *c = tcase_create("all");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, every_type_of_reply_reads_alike, 0, 2);
    suite_add_tcase(suite, c);
    return rig_main(suite);
}
