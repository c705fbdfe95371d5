/* What the tests of scripts call. */
#include "callee.h"

#include <stdio.h>
#include <string.h>

const char *callee_kind_name(enum callee_kind kind)
{
    static const char *const names[CALLEE_KINDS] = {"honest", "forger", "read-only"};
    return kind < CALLEE_KINDS ? names[kind] : "?";
}

struct callee callee_of(const char *source, const vouch_script_options *options)
{
    struct callee c = {.script = NULL};
    vouch_error e;
    ck_assert_msg(vouch_script_new(source, 0, options, &c.script, &e) == VOUCH_OK, "%s", e.message);
    return c;
}

struct callee callee_counter(enum callee_kind kind, int number)
{
    static const char *const bodies[CALLEE_KINDS] = {
        "return redis.call('INCR', KEYS[1])",
        "if ARGV[1] == 'forge' then return redis.error_reply(ARGV[2]) end "
        "return redis.call('INCR', KEYS[1])",
        "return redis.call('GET', KEYS[1])"};
    vouch_script_options o = VOUCH_SCRIPT_OPTIONS_INIT;
    char source[256];
    o.honest = kind == CALLEE_HONEST;
    o.readonly = kind == CALLEE_READONLY;
    (void)snprintf(source, sizeof source, "-- %d\n%s", number, bodies[kind]);
    return callee_of(source, &o);
}

struct callee callee_function(const char *source, const char *function,
                              const vouch_library_options *options)
{
    struct callee c = {.script = NULL};
    vouch_error e;
    ck_assert_msg(vouch_library_new(source, 0, options, &c.library, &e) == VOUCH_OK, "%s",
                  e.message);
    (void)snprintf(c.function, sizeof c.function, "%s", function);
    return c;
}

struct callee callee_function_counter(enum callee_kind kind, int number)
{
    static const char *const bodies[CALLEE_KINDS] = {
        "return redis.call('INCR', keys[1])",
        "if args[1] == 'forge' then return redis.error_reply(args[2]) end "
        "return redis.call('INCR', keys[1])",
        "return redis.call('GET', keys[1])"};
    vouch_library_options o = VOUCH_LIBRARY_OPTIONS_INIT;
    char source[512], function[32];
    o.honest = kind == CALLEE_HONEST;
    (void)snprintf(function, sizeof function, "count%d", number);
    (void)snprintf(source, sizeof source,
                   "#!lua name=counter%d\n"
                   "redis.register_function{function_name = '%s',\n"
                   "callback = function(keys, args) %s end%s}\n",
                   number, function, bodies[kind],
                   kind == CALLEE_READONLY ? ", flags = {'no-writes'}" : "");
    return callee_function(source, function, &o);
}

void callee_free(struct callee *c)
{
    vouch_script_free(c->script);
    vouch_library_free(c->library);
    c->script = NULL;
    c->library = NULL;
}

vouch_status callee_start(vouch_client *client, const struct callee *c, vouch_args keys,
                          vouch_args args, const vouch_call_options *options, vouch_op **op,
                          vouch_error *error)
{
    if (c->library)
        return vouch_function_start(client, c->library, c->function, keys, args, options, op,
                                    error);
    return vouch_script_start(client, c->script, keys, args, options, op, error);
}

vouch_status callee_call(vouch_client *client, const struct callee *c, vouch_args keys,
                         vouch_args args, const vouch_call_options *options, vouch_call **call,
                         vouch_error *error)
{
    vouch_call_free(*call);
    if (c->library)
        return vouch_function_call(client, c->library, c->function, keys, args, options, call,
                                   error);
    return vouch_script_call(client, c->script, keys, args, options, call, error);
}

size_t callee_add(vouch_batch *batch, const struct callee *c, vouch_args keys, vouch_args args)
{
    return c->library ? vouch_batch_add_function(batch, c->library, c->function, keys, args)
                      : vouch_batch_add_script(batch, c->script, keys, args);
}

void callee_lose_all(const ts_server *server)
{
    ts_do(server, "SCRIPT", "FLUSH", NULL);
    ts_do(server, "FUNCTION", "FLUSH", NULL);
}

bool callee_is_there(const ts_server *server, const struct callee *c)
{
    if (c->library) {
        ts_reply *list = ts_command(server, "FUNCTION", "LIST", "LIBRARYNAME",
                                    vouch_library_name(c->library), NULL);
        bool listed = list->count == 1;
        ts_reply_free(list);
        return listed;
    }
    ts_reply *r = ts_command(server, "SCRIPT", "EXISTS", vouch_script_digest(c->script), NULL);
    bool there = r->count == 1 && r->elements[0]->integer == 1;
    ts_reply_free(r);
    return there;
}

bool callee_words_say_missing(vouch_string words)
{
    static const char begin[] = "NOSCRIPT No matching script.", line[] = "ERR Function not found";
    return (words.size >= sizeof begin - 1 && memcmp(words.data, begin, sizeof begin - 1) == 0) ||
           (words.size == sizeof line - 1 && memcmp(words.data, line, sizeof line - 1) == 0);
}

uint64_t callee_trips(const vouch_client *client)
{
    vouch_stats stats = VOUCH_STATS_INIT;
    ck_assert_int_eq(vouch_client_stats(client, &stats), VOUCH_OK);
    return stats.round_trips;
}
