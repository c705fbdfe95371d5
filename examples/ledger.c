/* A batch of payments that goes from created to executed to completed: only forward, each step once, each
 * with the time of the server's clock.
 *
 *     ledger [BATCH [URL]]      default batch-1; $VOUCH_URL, else redis://localhost
 *
 * One function in a library that is installed on the server by version. The step that a batch is at already
 * says so again, with the time it was first taken; a step back, or one that was skipped, is refused by a
 * reply, not by an error: an error of a script may come after writes, a reply says what happened. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

static const char source[] = "#!lua name=ledger\n"
                             "-- version: 1.0\n"
                             "local order = {created = 1, executed = 2, completed = 3}\n"
                             "\n"
                             "-- {1, state, when} if the batch is at the step asked for, else {0, "
                             "state, when it got there}\n"
                             "local function step(keys, args)\n"
                             "  local wanted = args[1]\n"
                             "  if not order[wanted] then return {0, 'no such step', 0} end\n"
                             "  local state = redis.call('HGET', keys[1], 'state') or 'none'\n"
                             "  local at = order[state] or 0\n"
                             "  if state == wanted then\n"
                             "    return {1, state, redis.call('HGET', keys[1], state)}\n"
                             "  end\n"
                             "  if order[wanted] ~= at + 1 then\n"
                             "    return {0, state, redis.call('HGET', keys[1], state) or 0}\n"
                             "  end\n"
                             "  local t = redis.call('TIME')\n"
                             "  local now = t[1] * 1000000 + t[2]\n"
                             "  local last = tonumber(redis.call('HGET', keys[1], state) or 0)\n"
                             "  if now < last then now = last end\n"
                             "  local text = string.format('%d', now)\n"
                             "  redis.call('HSET', keys[1], 'state', wanted, wanted, text)\n"
                             "  return {1, wanted, text}\n"
                             "end\n"
                             "\n"
                             "redis.register_function('step', step)\n";

static int step(vouch_client *client, const vouch_library *library, const char *batch,
                const char *wanted)
{
    vouch_call_options options = VOUCH_CALL_OPTIONS_INIT;
    vouch_call *call = NULL;
    vouch_error error;
    char key[300];
    int64_t ok = 0, when = 0;
    options.idempotent = 1; /* a step that was taken is not taken again */
    (void)snprintf(key, sizeof key, "{ledger}:%s", batch);
    if (vouch_function_call(client, library, "step", VOUCH_ARGS(key), VOUCH_ARGS(wanted), &options,
                            &call, &error)) {
        fprintf(stderr, "%s: %s\n", vouch_effect_name(error.effect), error.message);
        vouch_call_free(call);
        return -1;
    }
    const vouch_reply *reply = vouch_call_reply(call);
    vouch_string state = vouch_reply_string(vouch_reply_at(reply, 1));
    (void)vouch_reply_int64(vouch_reply_at(reply, 0), &ok);
    (void)vouch_reply_int64(vouch_reply_at(reply, 2), &when);
    printf("%-9s %s: it is %.*s, since %lld us\n", wanted, ok ? "done" : "refused", (int)state.size,
           state.data, (long long)when);
    vouch_call_free(call);
    return (int)ok;
}

static int story(vouch_client *client, const vouch_library *library, const char *batch)
{
    static const struct {
        const char *wanted;
        int ok;
    } steps[] = {{"created", 1},  {"completed", 0}, {"executed", 1},
                 {"executed", 1}, {"completed", 1}, {"executed", 0}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        if (step(client, library, batch, steps[i].wanted) != steps[i].ok)
            return 2;
    return 0;
}

int main(int argc, char **argv)
{
    const char *url = argc > 2 ? argv[2] : getenv("VOUCH_URL");
    const char *batch = argc > 1 ? argv[1] : "batch-1";
    vouch_library_report report = VOUCH_LIBRARY_REPORT_INIT;
    vouch_client *client = NULL;
    vouch_library *library = NULL;
    vouch_error error;
    vouch_status status = vouch_client_open(url ? url : "redis://localhost", NULL, &client, &error);
    if (!status)
        status = vouch_library_new(source, 0, NULL, &library, &error);
    if (!status)
        status = vouch_library_install(client, library, VOUCH_INSTALL_NEWER, 0, &report, &error);
    if (status)
        fprintf(stderr, "%s\n", error.message);
    else
        printf("the library was %s\n", report.installed ? "installed" : "there");
    int code = status ? 1 : story(client, library, batch);
    vouch_library_free(library);
    vouch_client_close(client);
    return code;
}
