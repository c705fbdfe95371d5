/* Compare and set: a value is replaced only if it is still the one that was seen.
 *
 *     compare_and_set KEY EXPECTED NEW [URL]      default $VOUCH_URL, else redis://localhost
 *
 * Newer servers have a command for this (SET … IFEQ), older ones need a script; with either the hard part
 * is a reply that gets lost. Asked again, it says "not set", since the value is the new one by then. With
 * `resolve` vouch settles it: the call ran, or it did not, and will not.
 * Ends with 0 if it was set, 3 if the value was another one. */
#include <stdio.h>
#include <stdlib.h>
#include <vouch/vouch.h>

/* 1: set. */
static const char source[] = "#!lua\n"
                             "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end\n"
                             "redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')\n"
                             "return 1\n";

static int compare_and_set(vouch_client *client, const vouch_script *script, const char *key,
                           const char *expected, const char *next)
{
    vouch_call_options options = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    vouch_error error;
    int64_t set = 0;
    options.resolve = 1;
    vouch_status status = vouch_script_call(client, script, VOUCH_ARGS(key),
                                            VOUCH_ARGS(expected, next), &options, &call, &error);
    bool answered = vouch_reply_int64(vouch_call_reply(call), &set);
    vouch_call_free(call);
    if (status != VOUCH_OK) {
        fprintf(stderr, "%s: %s\n", vouch_effect_name(error.effect), error.message);
        return 2;
    }
    if (!answered) {
        printf("it ran, and what it returned was lost: look whether the value is yours\n");
        return 2;
    }
    printf("%s\n", set ? "set" : "not set: the value was another one");
    return set ? 0 : 3;
}

int main(int argc, char **argv)
{
    const char *url = argc > 4 ? argv[4] : getenv("VOUCH_URL");
    vouch_client *client = NULL;
    vouch_script *script = NULL;
    vouch_error error;
    if (argc < 4) {
        fprintf(stderr, "usage: compare_and_set KEY EXPECTED NEW [URL]\n");
        return 1;
    }
    vouch_status status = vouch_client_open(url ? url : "redis://localhost", NULL, &client, &error);
    if (!status)
        status = vouch_script_new(source, 0, NULL, &script, &error);
    if (status)
        fprintf(stderr, "%s\n", error.message);
    int code = status ? 1 : compare_and_set(client, script, argv[1], argv[2], argv[3]);
    vouch_script_free(script);
    vouch_client_close(client);
    return code;
}
