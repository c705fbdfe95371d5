/* Many requests at once, each of which may pass or not, decided without ever waiting for one of them.
 *
 *     rate_limiter [URL]        default $VOUCH_URL, else redis://localhost
 *
 * Reads requests from its input, a line each: who asks, and how many bytes. Whoever asks may ask five
 * times at once and then once a second, and have 100,000 bytes a minute: both or nothing. All lines that
 * are there in one turn of the loop are decided in one batch, which goes out in one write; meanwhile the
 * loop goes on. In the end it prints how many there were, in how many batches. */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vouch/vouch.h>

enum { CLIENT_FDS = VOUCH_CLIENT_MAX_CONNECTIONS + 1, TURN = 1000, LINE = 64, INPUT = 32768 };

struct request {
    char who[LINE];
    long long bytes;
};

struct gate {
    vouch_client *client;
    vouch_limiter *limiter;
    char input[INPUT];
    size_t held;
    bool ended;
    struct request asked[TURN]; /* in the batch that is under way */
    size_t count;
    vouch_batch *batch;
    vouch_op *op; /* or NULL */
    unsigned long requests, passed, batches;
};

static vouch_status make_limiter(vouch_limiter **out, vouch_error *error)
{
    vouch_limit_spec specs[2] = {VOUCH_LIMIT_SPEC_INIT, VOUCH_LIMIT_SPEC_INIT};
    specs[0].kind = VOUCH_LIMIT_GCRA;
    specs[0].limit = 1;
    specs[0].period_us = 1000000;
    specs[0].burst = 5;
    specs[1].kind = VOUCH_LIMIT_SLIDING_WINDOW;
    specs[1].limit = 100000;
    specs[1].period_us = 60000000;
    return vouch_limiter_new(specs, 2, NULL, out, error);
}

/* ---- a turn's requests ---------------------------------------------------------------------- */

/* "NAME BYTES" */
static bool read_request(const char *line, struct request *out)
{
    const char *space = strchr(line, ' ');
    char *end = NULL;
    if (!space || space == line || space - line >= LINE)
        return false;
    memcpy(out->who, line, (size_t)(space - line));
    out->who[space - line] = 0;
    out->bytes = strtoll(space + 1, &end, 10);
    return end != space + 1 && !*end && out->bytes >= 0 && out->bytes <= VOUCH_LIMIT_MAX;
}

/* Both limits of one caller have the same hash tag, so that in a cluster one server decides on them. */
static void ask(struct gate *g, const char *line)
{
    struct request *r = &g->asked[g->count];
    char requests[LINE + 16], bytes[LINE + 16];
    if (!read_request(line, r)) {
        fprintf(stderr, "no request: %s\n", line);
        return;
    }
    int64_t costs[] = {1, r->bytes};
    vouch_limit_options options = VOUCH_LIMIT_OPTIONS_INIT;
    options.costs = costs;
    (void)snprintf(requests, sizeof requests, "gate:{%s}:requests", r->who);
    (void)snprintf(bytes, sizeof bytes, "gate:{%s}:bytes", r->who);
    vouch_batch_add_limit(g->batch, g->limiter, VOUCH_LIMIT_TAKE, VOUCH_ARGS(requests, bytes), 1,
                          &options);
    g->count++;
}

/* Takes the whole lines that are there, and starts what decides on all of them. */
static bool begin_turn(struct gate *g)
{
    size_t used = 0;
    vouch_error error;
    if (g->ended && g->held && g->input[g->held - 1] != '\n')
        g->input[g->held++] = '\n';
    for (char *end; g->count < TURN && (end = memchr(g->input + used, '\n', g->held - used));) {
        *end = 0;
        ask(g, g->input + used);
        used = (size_t)(end - g->input) + 1;
    }
    if (!used && g->held > sizeof g->input / 2)
        used = g->held; /* no line is so long */
    g->held -= used;
    memmove(g->input, g->input + used, g->held);
    if (!g->count)
        return true;
    g->batches++;
    if (vouch_pipeline_start(g->client, g->batch, NULL, &g->op, &error) == VOUCH_OK)
        return true;
    fprintf(stderr, "%s\n", error.message);
    return false;
}

static void answer(struct gate *g, const struct request *r, const vouch_result *result)
{
    vouch_decision d;
    g->requests++;
    if (result->status != VOUCH_OK || !vouch_limit_read(result->reply, &d)) {
        /* Nobody knows: whether it passes then is this program's to say. This one lets it. */
        printf("%s %lld passes undecided (%s)\n", r->who, r->bytes,
               vouch_effect_name(result->effect));
        return;
    }
    g->passed += d.all.allowed != 0;
    if (d.all.allowed)
        printf("%s %lld passes, %lld requests and %lld bytes left\n", r->who, r->bytes,
               (long long)d.each[0].remaining, (long long)d.each[1].remaining);
    else if (d.all.retry_after_us == VOUCH_LIMIT_NEVER)
        printf("%s %lld is too much at once\n", r->who, r->bytes);
    else
        printf("%s %lld must wait for %lld ms\n", r->who, r->bytes,
               (long long)((d.all.retry_after_us + 999) / 1000));
}

static bool end_turn(struct gate *g)
{
    vouch_results *results = NULL;
    vouch_error error;
    vouch_status status = vouch_pipeline_finish(g->op, &results, &error); /* done: no waiting */
    g->op = NULL;
    if (status != VOUCH_OK)
        fprintf(stderr, "%s\n", error.message);
    for (size_t i = 0; i < vouch_results_count(results); i++)
        answer(g, &g->asked[i], vouch_results_at(results, i));
    vouch_results_free(results);
    vouch_batch_clear(g->batch);
    g->count = 0;
    return status == VOUCH_OK;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void read_input(struct gate *g)
{
    ssize_t n = read(STDIN_FILENO, g->input + g->held, sizeof g->input - 1 - g->held);
    if (n > 0)
        g->held += (size_t)n;
    g->ended = n <= 0;
}

/* Waits for the server, and for input as long as there is room for some. */
static void turn(struct gate *g)
{
    struct pollfd fds[CLIENT_FDS + 1];
    int64_t timeout_ms;
    size_t n = vouch_client_watch(g->client, fds, CLIENT_FDS, &timeout_ms);
    bool more = !g->ended && g->held < sizeof g->input / 2;
    fds[n] = (struct pollfd){.fd = more ? STDIN_FILENO : -1, .events = POLLIN};
    int ready = poll(fds, (nfds_t)(n + 1), g->op || more ? (int)timeout_ms : 0);
    if (ready > 0 && fds[n].revents)
        read_input(g);
    vouch_client_ready(g->client, fds, ready > 0 ? n : 0);
}

static bool run(struct gate *g)
{
    bool good = true;
    while (good && (g->op || g->held || !g->ended)) {
        turn(g);
        if (g->op && vouch_op_done(g->op))
            good = end_turn(g);
        if (good && !g->op)
            good = begin_turn(g);
    }
    fprintf(stderr, "%lu requests, %lu passed, %lu batches\n", g->requests, g->passed, g->batches);
    return good;
}

int main(int argc, char **argv)
{
    static struct gate gate;
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    vouch_error error;
    if (vouch_client_open(url ? url : "redis://localhost", NULL, &gate.client, &error) !=
            VOUCH_OK ||
        make_limiter(&gate.limiter, &error) != VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        vouch_client_close(gate.client);
        return EXIT_FAILURE;
    }
    gate.batch = vouch_batch_new();
    bool good = gate.batch && run(&gate);
    vouch_batch_free(gate.batch);
    vouch_client_close(gate.client);
    vouch_limiter_free(gate.limiter);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
