/* The story that scripts/demo tells: what vouch says of each command, compared with what the server
 * really holds. Run by itself it does the same: it starts a server of its own, in a temporary folder.
 *
 * How the accidents come out the same every time, without luck: the server is stopped (SIGSTOP)
 * whenever something is handed to it, and runs only while nobody reads its answers.
 *
 *     server stopped    the batch starts: its first 1,000 commands are handed over (the window)
 *     server runs       it executes and answers them; the answers wait in the socket
 *     server stopped    the client reads the answers and hands over the next 1,000
 *                       … and now the accident
 *
 * The truth is asked over a small client of the tests' own, which shares nothing with vouch. */
#include "demo.h"

#include "clock.h"
#include "truth.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_BATCH = 1000, BAD = 500, MANY = 3000, WINDOW = 1000, SOON_MS = 20000 };

/* A batch that met with an accident. */
struct accident {
    const char *name;
    vouch_effect says[MANY]; /* of each command, by vouch */
    int64_t holds[MANY];     /* of its key, by the server; 0: no such key */
    size_t doubtful, ran;    /* how many are MAYBE, and how many of these the server ran */
};

void claim(struct demo *d, bool so, const char *what)
{
    if (so)
        return;
    d->wrong = true;
    printf("   MISMATCH: not so: %s\n", what);
}

bool failed(const char *what, const vouch_error *error)
{
    printf("   %s: %s: %s\n", what, vouch_status_name(error->status), error->message);
    return false;
}

static vouch_client *open_client(const struct demo *d)
{
    vouch_client_options options = VOUCH_CLIENT_OPTIONS_INIT;
    vouch_client *client = NULL;
    vouch_error error;
    options.window_commands = WINDOW;
    if (vouch_client_open(d->url, &options, &client, &error) != VOUCH_OK)
        failed("cannot open a client", &error);
    return client;
}

static const char *key_of(const char *name, size_t i, char key[32])
{
    (void)snprintf(key, 32, "%s:%04zu", name, i);
    return key;
}

/* What the server holds under name:0000 … name:<count - 1>. */
static bool ask_server(const struct demo *d, const char *name, size_t count, int64_t *holds)
{
    static char keys[MANY][32];
    const char *words[MANY + 1] = {"MGET"};
    for (size_t i = 0; i < count; i++)
        words[i + 1] = key_of(name, i, keys[i]);
    ts_reply *reply = ts_command_words(d->server, count + 1, words, NULL);
    bool good = reply->type == TS_REPLY_ARRAY && reply->count == count;
    for (size_t i = 0; good && i < count; i++) {
        const ts_reply *value = reply->elements[i];
        holds[i] = value->type == TS_REPLY_TEXT ? strtoll(value->text, NULL, 10) : 0;
    }
    ts_reply_free(reply);
    return good;
}

/* ---- 1: one bad command among many ---------------------------------------------------------- */

static void print_result(size_t i, const char *command, const vouch_result *r)
{
    char text[40] = "-";
    int64_t number;
    vouch_string words = vouch_reply_string(r->reply);
    if (vouch_reply_int64(r->reply, &number))
        (void)snprintf(text, sizeof text, "%lld", (long long)number);
    else if (words.data)
        (void)snprintf(text, sizeof text, "%.*s", (int)words.size, words.data);
    if (words.size >= sizeof text)
        memcpy(text + sizeof text - 4, "...", 4);
    printf("   %4zu  %-16s %-15s %-13s %s\n", i, command, vouch_status_name(r->status),
           vouch_effect_name(r->effect), text);
}

static void check_first(struct demo *d, vouch_status status, const vouch_results *results,
                        const vouch_error *error)
{
    int64_t holds[FIRST_BATCH];
    bool others = true, counted = ask_server(d, "page", FIRST_BATCH, holds);
    for (size_t i = 0; i < FIRST_BATCH; i++) {
        const vouch_result *r = vouch_results_at(results, i);
        others = others && (i == BAD || (r->status == VOUCH_OK && r->effect == VOUCH_APPLIED));
        counted = counted && holds[i] == (i == BAD ? 0 : 1);
    }
    const vouch_result *bad = vouch_results_at(results, BAD);
    claim(d, status == VOUCH_EPARTIAL && error->command == BAD, "the call names the bad command");
    claim(d, bad->status == VOUCH_ESERVER && bad->effect == VOUCH_NOT_APPLIED,
          "the bad command was refused, and not applied");
    claim(d,
          vouch_results_next_failed(results, 0) == BAD &&
              vouch_results_next_failed(results, BAD + 1) == VOUCH_NO_COMMAND,
          "it is the only one that failed");
    claim(d, others, "all others are OK and APPLIED");
    claim(d, counted, "the server holds 999 counters, each 1");
}

static bool one_bad_command(struct demo *d, vouch_client *client)
{
    static const size_t shown[] = {0, BAD - 1, BAD, BAD + 1, FIRST_BATCH - 1};
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error error;
    char key[32], command[48];
    for (size_t i = 0; i < FIRST_BATCH; i++)
        if (i == BAD)
            vouch_batch_add(batch, "LPUSH", "page:0007", "oops"); /* a counter is no list */
        else
            vouch_batch_add(batch, "INCR", key_of("page", i, key));
    vouch_status status = vouch_pipeline_run(client, batch, NULL, &results, &error);
    vouch_batch_free(batch);
    if (!results)
        return failed("the pipeline", &error);

    printf("\n1. One bad command among %d\n", FIRST_BATCH);
    printf("      #  command          status          effect        reply\n");
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        (void)snprintf(command, sizeof command, "%s %s", shown[i] == BAD ? "LPUSH" : "INCR",
                       key_of("page", shown[i] == BAD ? 7 : shown[i], key));
        print_result(shown[i], command, vouch_results_at(results, shown[i]));
    }
    printf("   The call as a whole: %s, %s, first fault at command %zu.\n",
           vouch_status_name(status), vouch_effect_name(error.effect), error.command);
    check_first(d, status, results, &error);
    vouch_results_free(results);
    return true;
}

/* ---- 2 and 3: accidents --------------------------------------------------------------------- */

/* Moves every byte that can be moved while the server stands still. */
static void move_bytes(vouch_client *client)
{
    struct pollfd fds[VOUCH_CLIENT_MAX_CONNECTIONS + 1];
    int64_t timeout_ms;
    size_t n;
    do {
        n = vouch_client_watch(client, fds, sizeof fds / sizeof *fds, &timeout_ms);
        if (poll(fds, n, 0) <= 0)
            return;
        vouch_client_ready(client, fds, n);
    } while (n);
}

/* Lets the server run until it has answered everything it was handed, then stops it. */
static bool run_server(const struct demo *d, const char *last_key)
{
    int64_t deadline = ts_deadline(SOON_MS);
    if (!ts_server_resume(d->server))
        return false;
    while (ts_int(d->server, "EXISTS", last_key, NULL) != 1)
        if (!ts_look_again(deadline))
            return false;
    /* It answers its clients at the end of a round of its loop: one more, and all are answered. */
    ts_do(d->server, "PING", NULL);
    return ts_server_pause(d->server);
}

static bool start_accident(const struct demo *d, struct accident *a, vouch_client *client,
                           vouch_batch *batch, vouch_op **op)
{
    vouch_pipeline_options options = VOUCH_PIPELINE_OPTIONS_INIT;
    vouch_error error;
    char key[32];
    options.deadline_ms = VOUCH_NO_DEADLINE;
    for (size_t i = 0; i < MANY; i++)
        vouch_batch_add(batch, "INCR", key_of(a->name, i, key));
    if (!ts_server_pause(d->server))
        return false;
    if (vouch_pipeline_start(client, batch, &options, op, &error) != VOUCH_OK)
        return failed("the pipeline", &error);
    vouch_client_ready(client, NULL, 0); /* what it may, it writes now */
    if (!run_server(d, key_of(a->name, WINDOW - 1, key)))
        return false;
    move_bytes(client);
    return true;
}

static bool keep_effects(struct demo *d, struct accident *a, vouch_op *op)
{
    vouch_results *results = NULL;
    vouch_error error;
    vouch_status status = vouch_pipeline_finish(op, &results, &error);
    if (!results)
        return failed("the pipeline", &error);
    for (size_t i = 0; i < MANY; i++)
        a->says[i] = vouch_results_at(results, i)->effect;
    vouch_results_free(results);
    claim(d, status == VOUCH_EUNKNOWN, "the call says VOUCH_EUNKNOWN");
    printf("   %s at command %zu: %s\n", vouch_status_name(status), error.command,
           vouch_cause_sentence(error.cause));
    return true;
}

/* The table, and whether it is true. */
static bool compare(struct demo *d, struct accident *a)
{
    static const vouch_effect rows[] = {VOUCH_APPLIED, VOUCH_MAYBE_APPLIED, VOUCH_NOT_APPLIED};
    size_t there[3] = {0}, absent[3] = {0};
    bool twice = false;
    if (!ask_server(d, a->name, MANY, a->holds))
        return false;
    for (size_t i = 0; i < MANY; i++) {
        ++*(a->holds[i] ? &there[a->says[i]] : &absent[a->says[i]]);
        twice = twice || a->holds[i] > 1;
    }
    printf("   vouch says        commands   on the server   not there\n");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("   %-15s %10zu %15zu %11zu\n", vouch_effect_name(rows[i]),
               there[rows[i]] + absent[rows[i]], there[rows[i]], absent[rows[i]]);
    claim(d, there[VOUCH_APPLIED] && !absent[VOUCH_APPLIED], "all APPLIED are there");
    claim(d, !there[VOUCH_NOT_APPLIED] && absent[VOUCH_NOT_APPLIED], "no NOT_APPLIED is there");
    claim(d, !twice, "no counter counted twice");
    a->ran = there[VOUCH_MAYBE_APPLIED];
    a->doubtful = a->ran + absent[VOUCH_MAYBE_APPLIED];
    claim(d, a->doubtful > 0, "some are in doubt");
    return true;
}

static bool freeze(struct demo *d, struct accident *a, vouch_client **client, vouch_op *op)
{
    vouch_op_cancel(op);
    bool good = keep_effects(d, a, op);
    vouch_client_close(*client);
    *client = NULL;
    /* It goes on with what is in its socket, and finds out later that nobody listens. */
    return ts_server_resume(d->server) &&
           ts_server_wait_clients(d->server, 0, ts_deadline(SOON_MS)) && good;
}

static bool kill_server(struct demo *d, struct accident *a, vouch_op *op)
{
    ts_server_kill(d->server);
    return keep_effects(d, a, op) && ts_server_restart(d->server);
}

static bool meet_accident(struct demo *d, struct accident *a, bool killed)
{
    vouch_client *client = open_client(d);
    vouch_batch *batch = vouch_batch_new();
    vouch_op *op = NULL;
    bool good = client && start_accident(d, a, client, batch, &op);
    if (good)
        good = killed ? kill_server(d, a, op) : freeze(d, a, &client, op);
    vouch_client_close(client);
    vouch_batch_free(batch);
    return good && compare(d, a);
}

/* ---- 4: what the caller does with it -------------------------------------------------------- */

/* Asks the server, through vouch, which of the MAYBE are there: theirs is[i]. */
static bool settle(vouch_client *client, const struct accident *a, bool is[static MANY])
{
    vouch_batch *batch = vouch_batch_new();
    vouch_results *results = NULL;
    vouch_error error;
    char key[32];
    size_t n = 0;
    for (size_t i = 0; i < MANY; i++)
        if (a->says[i] == VOUCH_MAYBE_APPLIED)
            vouch_batch_add(batch, "EXISTS", key_of(a->name, i, key));
    vouch_status status = vouch_pipeline_run(client, batch, NULL, &results, &error);
    vouch_batch_free(batch);
    for (size_t i = 0; status == VOUCH_OK && i < MANY; i++) {
        int64_t exists = a->says[i] == VOUCH_APPLIED;
        if (a->says[i] == VOUCH_MAYBE_APPLIED)
            (void)vouch_reply_int64(vouch_results_at(results, n++)->reply, &exists);
        is[i] = exists == 1;
    }
    vouch_results_free(results);
    return status == VOUCH_OK || failed("asking the server", &error);
}

/* Sends what is missing, and only that; then every counter must be exactly 1. */
static bool complete(struct demo *d, vouch_client *client, struct accident *a)
{
    static bool is[MANY];
    vouch_results *results = NULL;
    vouch_error error;
    char key[32];
    size_t again = 0, held = 0;
    if (!settle(client, a, is))
        return false;
    vouch_batch *batch = vouch_batch_new();
    for (size_t i = 0; i < MANY; i++) {
        held += a->holds[i] != 0;
        if (is[i])
            continue;
        vouch_batch_add(batch, "INCR", key_of(a->name, i, key));
        again++;
    }
    vouch_status status = vouch_pipeline_run(client, batch, NULL, &results, &error);
    vouch_batch_free(batch);
    vouch_results_free(results);
    if (status != VOUCH_OK || !ask_server(d, a->name, MANY, a->holds))
        return failed("the missing commands", &error);
    bool once = true;
    for (size_t i = 0; i < MANY; i++)
        once = once && a->holds[i] == 1;
    claim(d, once, "every counter is exactly 1 in the end");
    if (once)
        printf("   %s: %zu sent again, and all %d counters are 1.\n"
               "           (Sending the whole batch again would have left %zu of them at 2.)\n",
               a->name, again, MANY, held);
    return true;
}

static bool what_to_do(struct demo *d, struct accident *frozen, struct accident *killed)
{
    vouch_client *client = open_client(d);
    printf(
        "\n4. What to do with each\n"
        "   APPLIED        Nothing. It happened, and its reply is there.\n"
        "   NOT_APPLIED    Send it again when you like: it cannot happen twice.\n"
        "   MAYBE_APPLIED  Do not guess. Ask the server, once the old connection is gone from it;\n"
        "                  or write what may be done twice (SET, SADD), and say it is idempotent.\n"
        "   Done here, with the two batches above:\n");
    bool good = client && complete(d, client, frozen) && complete(d, client, killed);
    vouch_client_close(client);
    return good;
}

/* ---- the story ------------------------------------------------------------------------------ */

static bool tell(struct demo *d)
{
    static struct accident frozen = {.name = "frozen"}, killed = {.name = "killed"};
    vouch_client *client = open_client(d);
    bool good = client && one_bad_command(d, client);
    vouch_client_close(client);
    if (!good)
        return false;

    printf("\n2. The server freezes in mid-batch, the caller gives up, the server thaws\n"
           "   %d INCRs on as many keys, at most %d of them unanswered at any time.\n",
           MANY, WINDOW);
    if (!meet_accident(d, &frozen, false))
        return false;
    claim(d, frozen.ran > 0, "the server ran some of those in doubt");
    printf("   Those in doubt were in the server's socket: it ran %zu of them all the same.\n",
           frozen.ran);

    printf("\n3. The same, but the server is killed (kill -9) and started again\n");
    if (!meet_accident(d, &killed, true))
        return false;
    printf("   Of %zu in doubt %zu ran here, and %zu of %zu above: the client cannot know.\n",
           killed.doubtful, killed.ran, frozen.ran, frozen.doubtful);
    return what_to_do(d, &frozen, &killed) && cut_exec(d) && forget_scripts(d) && kill_workers(d) &&
           lint_a_script(d);
}

int main(void)
{
    static struct demo d;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    d.server = ts_server_start(&(ts_server_options){.persistence = TS_AOF_ALWAYS});
    if (!d.server)
        return EXIT_FAILURE;
    (void)ts_server_url(d.server, d.url, sizeof d.url);
    char *version = ts_info(d.server, "server", "redis_version");
    printf("vouch %s, and a server of its own (Redis %s) on a Unix socket. Every answer is on its\n"
           "disk before it is sent (appendfsync always), so a crash takes back nothing answered.\n",
           vouch_version(), version ? version : "?");
    free(version);
    bool told = tell(&d);
    ts_server_free(d.server);
    if (told && !d.wrong)
        printf("\nEverything said here was checked against the server's own data: it agrees.\n");
    else
        printf("\nNOT as claimed: see above.\n");
    return told && !d.wrong ? EXIT_SUCCESS : EXIT_FAILURE;
}
