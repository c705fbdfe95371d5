/* Loads any number of lines "key value" from standard input, at constant memory:
 *
 *     bulk_load [URL] < lines        default $VOUCH_URL, else redis://localhost
 *
 * Progress, and what happens to the connection, go to standard error. Each line that was not loaded, or may not have been, goes to
 * standard output with its number: "NOT_APPLIED 17", "MAYBE_APPLIED 18". SET may be done twice, so
 * all of them can simply be loaded again. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vouch/vouch.h>

struct load {
    char *line; /* getline's */
    size_t room;
    bool malformed;
};

/* The source: adds one command a call, false at the end. What it adds is copied. */
static bool next_line(vouch_batch *into, void *user)
{
    struct load *load = user;
    ssize_t length = getline(&load->line, &load->room, stdin);
    if (length < 0)
        return false;
    if (length && load->line[length - 1] == '\n')
        length--;
    char *space = memchr(load->line, ' ', (size_t)length);
    if (!space) {
        load->malformed = true;
        return false;
    }
    size_t key = (size_t)(space - load->line);
    vouch_batch_add(into, "SET", vouch_bytes(load->line, key),
                    vouch_bytes(space + 1, (size_t)length - key - 1));
    return true;
}

/* The sink: the results, one by one, in the order of the lines. */
static bool take_result(uint64_t index, const vouch_result *result, void *user)
{
    (void)user;
    if (result->status != VOUCH_OK)
        printf("%s %llu\n", vouch_effect_name(result->effect), (unsigned long long)index + 1);
    return true;
}

static bool show_progress(const vouch_totals *so_far, void *user)
{
    (void)user;
    fprintf(stderr, "%llu lines\n", (unsigned long long)so_far->commands);
    return true; /* false would stop the load; what is under way would still be reported */
}

/* What happens meanwhile: a server that is away, or loads its data, is seen here as it happens. */
static void show_event(const vouch_event *event, void *user)
{
    (void)user;
    fprintf(stderr, "%s %s", vouch_event_name(event->kind), event->server);
    if (event->commands)
        fprintf(stderr, ", %llu commands", (unsigned long long)event->commands);
    if (event->wait_ms > 0)
        fprintf(stderr, ", next try in %lld ms", (long long)event->wait_ms);
    fprintf(stderr, "%s%s\n", *event->message ? ": " : "", event->message);
}

static void show_stats(const vouch_client *client)
{
    vouch_stats stats = VOUCH_STATS_INIT;
    if (vouch_client_stats(client, &stats) != VOUCH_OK)
        return;
    fprintf(stderr, "%llu round trips, half of them below %lld us; %llu bytes out, %llu in\n",
            (unsigned long long)stats.round_trips, (long long)vouch_stats_latency_us(&stats, 0.5),
            (unsigned long long)stats.bytes_out, (unsigned long long)stats.bytes_in);
    unsigned long long lost = stats.lost + stats.lost_idle;
    fprintf(stderr, "%llu connections, %llu lost, %llu failed, %llu commands sent again\n",
            (unsigned long long)stats.connects, lost, (unsigned long long)stats.connect_failures,
            (unsigned long long)stats.retries);
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    vouch_client *client = NULL;
    vouch_error error;
    vouch_client_options settings = VOUCH_CLIENT_OPTIONS_INIT;
    settings.on_event = show_event;
    if (vouch_client_open(url ? url : "redis://localhost", &settings, &client, &error) !=
        VOUCH_OK) {
        fprintf(stderr, "%s\n", error.message);
        return EXIT_FAILURE;
    }

    struct load load = {0};
    vouch_totals totals;
    vouch_pipeline_options options = VOUCH_PIPELINE_OPTIONS_INIT;
    options.progress = show_progress;
    options.progress_every = 100000;
    options.idempotent = 1; /* SET: what is in doubt after a lost connection is sent again */
    vouch_status status =
        vouch_pipeline_stream(client, next_line, take_result, &load, &options, &totals, &error);
    fprintf(stderr, "%llu applied, %llu not applied, %llu maybe\n",
            (unsigned long long)totals.applied, (unsigned long long)totals.not_applied,
            (unsigned long long)totals.maybe);
    if (status != VOUCH_OK)
        fprintf(stderr, "%s: %s\n", vouch_status_name(status), error.message);
    if (load.malformed)
        fprintf(stderr, "stopped at line %llu: no space between key and value\n",
                (unsigned long long)totals.commands + 1);
    show_stats(client);
    free(load.line);
    vouch_client_close(client);
    return status == VOUCH_OK && !load.malformed ? EXIT_SUCCESS : EXIT_FAILURE;
}
