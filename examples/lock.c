/* A lock with a fencing token: whoever held it and slept too long can do no harm.
 *
 *     lock [URL]      default $VOUCH_URL, else redis://localhost
 *
 * Three scripts: acquire, extend, release. A lock that expires is not enough: its holder may be asleep, wake
 * up and write. So each holder gets a number that only rises, and the fourth script, which writes, refuses
 * numbers below the highest it has seen. All four may run twice with the same arguments and do the same, so
 * a lost reply is simply asked for again (idempotent). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

#define LOCK     "{shop}:lock"
#define FENCE    "{shop}:fence"
#define RESOURCE "{shop}:stock"

/* The holder's number; 0: somebody else holds it. */
static const char acquire[] =
    "#!lua\n"
    "local holder = redis.call('HGET', KEYS[1], 'owner')\n"
    "if holder and holder ~= ARGV[1] then return 0 end\n"
    "local fence = redis.call('HGET', KEYS[1], 'fence') or redis.call('INCR', KEYS[2])\n"
    "redis.call('HSET', KEYS[1], 'owner', ARGV[1], 'fence', fence)\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[2])\n"
    "return tonumber(fence)\n";

/* 1 if it is still held by this owner. */
static const char extend[] =
    "#!lua\n"
    "if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end\n"
    "return redis.call('PEXPIRE', KEYS[1], ARGV[2])\n";

static const char release[] =
    "#!lua\n"
    "if redis.call('HGET', KEYS[1], 'owner') ~= ARGV[1] then return 0 end\n"
    "return redis.call('DEL', KEYS[1])\n";

/* 1 if it was written: only by a number that is not below the highest seen. */
static const char write_fenced[] =
    "#!lua\n"
    "local seen = tonumber(redis.call('HGET', KEYS[1], 'fence') or 0)\n"
    "if tonumber(ARGV[1]) < seen then return 0 end\n"
    "redis.call('HSET', KEYS[1], 'fence', ARGV[1], 'value', ARGV[2])\n"
    "return 1\n";

enum { ACQUIRE, EXTEND, RELEASE, WRITE, SCRIPTS };
static const char *const sources[SCRIPTS] = {acquire, extend, release, write_fenced};

struct shop {
    vouch_client *client;
    vouch_script *scripts[SCRIPTS];
};

/* What the script returned; -1: it is not known, and the message says why. */
static int64_t call(struct shop *s, int script, vouch_args keys, vouch_args args)
{
    vouch_call_options options = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *c = NULL;
    vouch_error error;
    int64_t n = -1;
    options.idempotent = 1;
    if (vouch_script_call(s->client, s->scripts[script], keys, args, &options, &c, &error))
        fprintf(stderr, "%s: %s\n", vouch_effect_name(error.effect), error.message);
    else
        (void)vouch_reply_int64(vouch_call_reply(c), &n);
    vouch_call_free(c);
    return n;
}

static int64_t take(struct shop *s, const char *who, int ms)
{
    return call(s, ACQUIRE, VOUCH_ARGS(LOCK, FENCE), VOUCH_ARGS(who, ms));
}

static bool put(struct shop *s, int64_t fence, const char *value)
{
    return call(s, WRITE, VOUCH_ARGS(RESOURCE), VOUCH_ARGS(fence, value)) == 1;
}

static int story(struct shop *s)
{
    int64_t ann = take(s, "ann", 60000);
    printf("ann holds the lock, number %lld\n", (long long)ann);
    printf("ann asks again: number %lld still\n", (long long)take(s, "ann", 60000));
    if (take(s, "bob", 60000) == 0)
        printf("bob does not get it\n");
    if (call(s, EXTEND, VOUCH_ARGS(LOCK), VOUCH_ARGS("ann", 1)) == 1)
        printf("ann extends it, but by a millisecond only, and falls asleep\n");
    int64_t bob = 0;
    while ((bob = take(s, "bob", 60000)) == 0)
        ;
    printf("bob holds the lock, number %lld\n", (long long)bob);
    bool ok = bob > ann && put(s, bob, "counted by bob");
    printf("bob writes: %s\n", ok ? "done" : "refused");
    bool late = put(s, ann, "counted by ann");
    printf("ann wakes up and writes: %s\n", late ? "done" : "refused");
    bool free = call(s, RELEASE, VOUCH_ARGS(LOCK), VOUCH_ARGS("ann")) == 0 &&
                call(s, RELEASE, VOUCH_ARGS(LOCK), VOUCH_ARGS("bob")) == 1;
    return ok && !late && free ? 0 : 2;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    struct shop s = {.client = NULL};
    vouch_error error = {.status = VOUCH_OK};
    vouch_status status =
        vouch_client_open(url ? url : "redis://localhost", NULL, &s.client, &error);
    for (int i = 0; i < SCRIPTS && status == VOUCH_OK; i++)
        status = vouch_script_new(sources[i], 0, NULL, &s.scripts[i], &error);
    if (status != VOUCH_OK)
        fprintf(stderr, "%s\n", error.message);
    int code = status == VOUCH_OK ? story(&s) : 1;
    for (int i = 0; i < SCRIPTS; i++)
        vouch_script_free(s.scripts[i]);
    vouch_client_close(s.client);
    return code;
}
