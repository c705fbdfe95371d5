/* Events as they come, gathered and sent as pipelines, in a poll loop.
 *
 *     collector [URL]        default $VOUCH_URL, else redis://localhost
 *
 * Every line of standard input is an event: its first word is counted, in one hash for all. Each event
 * is one command; the collector sends them together, 1,000 or a quarter of a second's worth. What may
 * not have been counted is printed with its line's number: "NOT_APPLIED 17", "MAYBE_APPLIED 18". */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vouch/vouch.h>

enum { MOST = VOUCH_CLIENT_MAX_CONNECTIONS + 1 };

struct events {
    vouch_client *client;
    vouch_collector *collector;
    char input[65536]; /* what was read and not added yet */
    size_t size;
    bool ended;
    unsigned long added, told, counted;
    int64_t last_us;   /* the server's clock, at the last flush */
    vouch_error error; /* an event that could not be added at all */
};

/* One event's callback. They come in the order of the events, so they need not carry their number. */
static void counted(const vouch_result *result, int64_t server_us, void *user)
{
    struct events *events = user;
    events->told++;
    if (result->effect == VOUCH_APPLIED)
        events->counted++;
    else
        printf("%s %lu\n", vouch_effect_name(result->effect), events->told);
    if (server_us)
        events->last_us = server_us;
}

/* Adds one line's event. False if it cannot be now: then it is tried again. */
static bool add_line(struct events *events, const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    size_t word = space ? (size_t)(space - line) : size;
    vouch_status status = vouch_collector_add(events->collector, counted, events, "HINCRBY",
                                              "events", vouch_bytes(line, word), 1);
    if (status == VOUCH_OK)
        events->added++;
    else if (status != VOUCH_ELIMIT) /* ELIMIT: so much is held already; there will be room */
        (void)vouch_collector_error(events->collector, &events->error);
    return status == VOUCH_OK;
}

/* The next line that is there whole, or is longer than the room for it; or NULL. */
static const char *end_of_line(const struct events *events, const char *line, size_t size)
{
    const char *end = memchr(line, '\n', size);
    return !end && size == sizeof events->input ? line + size - 1 : end;
}

/* Adds the lines that are there; what is left is the beginning of one, or waits for room. */
static void add_lines(struct events *events)
{
    size_t at = 0;
    const char *end;
    while ((end = end_of_line(events, events->input + at, events->size - at)) &&
           add_line(events, events->input + at, (size_t)(end - events->input) - at))
        at = (size_t)(end - events->input) + 1;
    events->size -= at;
    memmove(events->input, events->input + at, events->size);
}

static void read_input(struct events *events)
{
    ssize_t n =
        read(STDIN_FILENO, events->input + events->size, sizeof events->input - events->size);
    if (n > 0) {
        events->size += (size_t)n;
        return;
    }
    events->ended = true;
    if (events->size) /* the last line may lack its end; there is room: else nothing was read */
        events->input[events->size++] = '\n';
}

static int64_t sooner(int64_t a, int64_t b) /* of two waits, of which -1 is for ever */
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* One turn: waits for an event, for the server, or for the collector's time. */
static void turn(struct events *events)
{
    struct pollfd fds[1 + MOST];
    int64_t wait;
    size_t n = vouch_client_watch(events->client, fds + 1, MOST, &wait);
    wait = sooner(wait, vouch_collector_due_ms(events->collector));
    /* Back pressure: nothing is read while there is no room for it (poll skips a negative fd). */
    bool room = !events->ended && events->size < sizeof events->input;
    fds[0] = (struct pollfd){.fd = room ? STDIN_FILENO : -1, .events = POLLIN};
    int ready = poll(fds, (nfds_t)(1 + n), wait > 60000 ? 60000 : (int)wait);
    if (ready > 0 && fds[0].revents)
        read_input(events);
    vouch_client_ready(events->client, fds + 1, ready > 0 ? n : 0);
    vouch_error error;
    vouch_status status = vouch_collector_service(events->collector, &error);
    if (status != VOUCH_OK) /* once for a whole flush; its callbacks were told one by one */
        fprintf(stderr, "%s: %s\n", vouch_status_name(status), error.message);
    add_lines(events);
}

static bool open_both(struct events *events, const char *url, vouch_error *error)
{
    vouch_collector_options options = VOUCH_COLLECTOR_OPTIONS_INIT;
    options.server_time = 1;
    if (vouch_client_open(url, NULL, &events->client, error) != VOUCH_OK)
        return false;
    return vouch_collector_open(events->client, &options, &events->collector, error) == VOUCH_OK;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    static struct events events; /* large */
    vouch_error error;
    if (!open_both(&events, url ? url : "redis://localhost", &error)) {
        fprintf(stderr, "%s\n", error.message);
        vouch_client_close(events.client);
        return EXIT_FAILURE;
    }
    while (!events.error.status && !(events.ended && events.size == 0))
        turn(&events);
    if (events.error.status)
        fprintf(stderr, "line %lu: %s\n", events.added + 1, events.error.message);
    vouch_status status = vouch_collector_close(events.collector, &error); /* flushes and waits */
    if (status != VOUCH_OK)
        fprintf(stderr, "%s: %s\n", vouch_status_name(status), error.message);
    vouch_client_close(events.client);
    fprintf(stderr, "%lu events, %lu counted\n", events.added, events.counted);
    if (events.last_us)
        fprintf(stderr, "the last by %lld, by the server's clock\n",
                (long long)(events.last_us / 1000000));
    return !events.error.status && events.counted == events.added ? EXIT_SUCCESS : EXIT_FAILURE;
}
