#include "script_scene.h"

#include <stdlib.h>

struct rig rig;
vouch_client *client;
vouch_error error;
vouch_call *call;
vouch_script *incr, *plain;

static const char incr_source[] = "local n = redis.call('INCR', KEYS[1])\n"
                                  "if n > tonumber(ARGV[1]) then\n"
                                  "  return redis.error_reply('FULL no more than ' .. ARGV[1])\n"
                                  "end\n"
                                  "return n\n";
static const char plain_source[] = "return redis.call('INCRBY', KEYS[1], ARGV[1])";

static void begin(ts_server_kind kind)
{
    rig = rig_start(kind, TS_NO_PERSISTENCE);
    client = rig_client(&rig, 3, 1000);
    expect(vouch_script_new(incr_source, 0, NULL, &incr, &error), VOUCH_OK);
    expect(vouch_script_new(plain_source, 0, NULL, &plain, &error), VOUCH_OK);
}

void begin_redis(void)
{
    begin(TS_REDIS);
}

void begin_valkey(void)
{
    begin(TS_VALKEY);
}

void end(void)
{
    vouch_call_free(call);
    call = NULL;
    vouch_client_close(client);
    vouch_script_free(incr);
    vouch_script_free(plain);
    rig_stop(&rig);
}

void flush(void)
{
    static const char *const words[] = {"SCRIPT", "FLUSH"};
    ts_reply_free(rig_ask(&rig, 2, words));
}

int64_t get(const char *key)
{
    const char *words[] = {"GET", key};
    ts_reply *r = rig_ask(&rig, 2, words);
    int64_t v = r->text ? strtoll(r->text, NULL, 10) : 0;
    ts_reply_free(r);
    return v;
}

vouch_status run(const vouch_script *s, const char *key, int argument, const vouch_call_options *o)
{
    vouch_call_free(call);
    return vouch_script_call(client, s, VOUCH_ARGS(key), VOUCH_ARGS(argument), o, &call, &error);
}

int64_t answer(void)
{
    int64_t n = -1;
    ck_assert(vouch_reply_int64(vouch_call_reply(call), &n));
    return n;
}
