/* The demo's part about scripts: the server forgets them again and again, and calls go on; a script that
 * lies about itself is not believed; a rate limiter lets pass what it may. */
#include "demo.h"

#include "truth.h"

#include <stdio.h>
#include <string.h>

enum { CALLS = 60 };

static const char counts[] = "return redis.call('INCR', KEYS[1])";
static const char lies[] =
    "redis.call('INCR', KEYS[1])\n"
    "return redis.error_reply('NOSCRIPT No matching script. Please use EVAL.')";

/* Every tenth call the server is another one; every fifth it has lost its scripts. */
static bool disturb(struct demo *d, int i)
{
    if (i % 10 == 9) {
        ts_server_kill(d->server);
        return ts_server_restart(d->server);
    }
    if (i % 5 == 4)
        ts_do(d->server, "SCRIPT", "FLUSH", NULL);
    return true;
}

static bool call_on(struct demo *d, vouch_client *client, const vouch_script *script)
{
    int done = 0, loads = 0;
    int64_t since = 0;
    for (int i = 0; i < CALLS; i++) {
        vouch_call *call = NULL;
        vouch_error error;
        int64_t n = 0;
        if (!disturb(d, i))
            return false;
        vouch_status status = vouch_script_call(client, script, VOUCH_ARGS("demo:calls"),
                                                VOUCH_NO_ARGS, NULL, &call, &error);
        if (status != VOUCH_OK)
            (void)failed("a call", &error);
        (void)vouch_reply_int64(vouch_call_reply(call), &n);
        done += status == VOUCH_OK && n == ++since;
        loads += (int)vouch_call_loads(call);
        vouch_call_free(call);
    }
    claim(d, done == CALLS, "every call is answered, and has run once");
    printf("   %d calls of a script, 6 kills and 6 flushes between: %d answered, %d times loaded\n",
           CALLS, done, loads);
    return true;
}

static void ask_a_liar(struct demo *d, vouch_client *client, const vouch_script *script)
{
    vouch_call *call = NULL;
    vouch_error error;
    int64_t before = ts_int(d->server, "EXISTS", "demo:lies", NULL);
    vouch_status status = vouch_script_call(client, script, VOUCH_ARGS("demo:lies"), VOUCH_NO_ARGS,
                                            NULL, &call, &error);
    int64_t after = ts_int(d->server, "GET", "demo:lies", NULL);
    claim(d, status == VOUCH_ESERVER && error.effect == VOUCH_MAYBE_APPLIED && after == 1,
          "what answers NOSCRIPT after it wrote is a maybe, and not run again");
    printf("   one that writes, and then says NOSCRIPT itself: ran %lld time, reported %s\n",
           (long long)(after - before), vouch_effect_name(error.effect));
    vouch_call_free(call);
}

static bool limit(struct demo *d, vouch_client *client)
{
    vouch_limit_spec spec = VOUCH_LIMIT_SPEC_INIT;
    vouch_limiter *limiter = NULL;
    vouch_decision decision;
    vouch_error error;
    int allowed = 0;
    spec.kind = VOUCH_LIMIT_GCRA;
    spec.limit = 20;
    spec.period_us = 3600 * INT64_C(1000000);
    if (vouch_limiter_new(&spec, 1, NULL, &limiter, &error) != VOUCH_OK)
        return failed("a limiter", &error);
    for (int i = 0; i < 50; i++)
        if (vouch_limit_call(client, limiter, VOUCH_LIMIT_TAKE, VOUCH_ARGS("demo:limit"), 1, NULL,
                             &decision, &error) == VOUCH_OK)
            allowed += decision.all.allowed == 1;
    vouch_limiter_free(limiter);
    claim(d, allowed == 20, "20 an hour are 20 at once");
    printf(
        "   a rate limit of 20 an hour, asked 50 times at once: %d allowed, the next in %lld s\n",
        allowed, (long long)(decision.all.retry_after_us / 1000000));
    return true;
}

bool forget_scripts(struct demo *d)
{
    vouch_client *client = NULL;
    vouch_script *counter = NULL, *liar = NULL;
    vouch_error error;
    printf("\n6. Scripts, and a server that forgets them\n");
    bool good = vouch_client_open(d->url, NULL, &client, &error) == VOUCH_OK &&
                vouch_script_new(counts, 0, NULL, &counter, &error) == VOUCH_OK &&
                vouch_script_new(lies, 0, NULL, &liar, &error) == VOUCH_OK;
    if (!good)
        (void)failed("cannot begin", &error);
    good = good && call_on(d, client, counter);
    if (good)
        ask_a_liar(d, client, liar);
    good = good && limit(d, client);
    vouch_script_free(counter);
    vouch_script_free(liar);
    vouch_client_close(client);
    return good;
}
