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
    uintptr_t line; /* the number of the last one added */
    unsigned long counted;
    int64_t last_us;   /* the server's clock, at the last flush */
    vouch_error error; /* an event that could not be added at all */
};

/* There for the number that a callback's `user` carries; the events themselves for what they share. */
static struct events events;

static void counted(const vouch_result *result, int64_t server_us, void *user)
{
    if (result->effect == VOUCH_APPLIED)
        events.counted++;
    else
        printf("%s %llu\n", vouch_effect_name(result->effect), (unsigned long long)(uintptr_t)user);
    events.last_us = server_us ? server_us : events.last_us;
}

/* Adds one line's event. False if it cannot be now: then it is tried again. */
static bool add_line(const char *line, size_t size)
{
    const char *space = memchr(line, ' ', size);
    size_t word = space ? (size_t)(space - line) : size;
    vouch_status status = vouch_collector_add(events.collector, counted, (void *)(events.line + 1),
                                              "HINCRBY", "events", vouch_bytes(line, word), 1);
    if (status == VOUCH_OK)
        events.line++;
    else if (status != VOUCH_ELIMIT) /* ELIMIT: so much is held already; there will be room */
        (void)vouch_collector_error(events.collector, &events.error);
    return status == VOUCH_OK;
}

/* The next line that is there whole, or is longer than the room for it; or NULL. */
static const char *end_of_line(const char *line, size_t size)
{
    const char *end = memchr(line, '\n', size);
    return !end && size == sizeof events.input ? line + size - 1 : end;
}

/* Adds the lines that are there; what is left is the beginning of one, or waits for room. */
static void add_lines(void)
{
    size_t at = 0;
    const char *end;
    while ((end = end_of_line(events.input + at, events.size - at)) &&
           add_line(events.input + at, (size_t)(end - events.input) - at))
        at = (size_t)(end - events.input) + 1;
    events.size -= at;
    memmove(events.input, events.input + at, events.size);
}

static void read_input(void)
{
    ssize_t n = read(STDIN_FILENO, events.input + events.size, sizeof events.input - events.size);
    if (n > 0) {
        events.size += (size_t)n;
        return;
    }
    events.ended = true;
    if (events.size) /* the last line may lack its end; there is room: else nothing was read */
        events.input[events.size++] = '\n';
}

static int64_t sooner(int64_t a, int64_t b) /* of two waits, of which -1 is for ever */
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

/* One turn: waits for an event, for the server, or for the collector's time. */
static void turn(void)
{
    struct pollfd fds[1 + MOST];
    int64_t wait;
    size_t n = vouch_client_watch(events.client, fds + 1, MOST, &wait);
    wait = sooner(wait, vouch_collector_due_ms(events.collector));
    /* Back pressure: nothing is read while there is no room for it (poll skips a negative fd). */
    bool room = !events.ended && events.size < sizeof events.input;
    fds[0] = (struct pollfd){.fd = room ? STDIN_FILENO : -1, .events = POLLIN};
    int ready = poll(fds, (nfds_t)(1 + n), wait > 60000 ? 60000 : (int)wait);
    if (ready > 0 && fds[0].revents)
        read_input();
    vouch_client_ready(events.client, fds + 1, ready > 0 ? n : 0);
    vouch_error error;
    vouch_status status = vouch_collector_service(events.collector, &error);
    if (status != VOUCH_OK) /* once for a whole flush; its callbacks were told one by one */
        fprintf(stderr, "%s: %s\n", vouch_status_name(status), error.message);
    add_lines();
}

static bool open_both(const char *url, vouch_error *error)
{
    vouch_collector_options options = VOUCH_COLLECTOR_OPTIONS_INIT;
    options.server_time = 1;
    if (vouch_client_open(url, NULL, &events.client, error) != VOUCH_OK)
        return false;
    return vouch_collector_open(events.client, &options, &events.collector, error) == VOUCH_OK;
}

int main(int argc, char **argv)
{
    const char *url = argc > 1 ? argv[1] : getenv("VOUCH_URL");
    vouch_error error;
    if (!open_both(url ? url : "redis://localhost", &error)) {
        fprintf(stderr, "%s\n", error.message);
        vouch_client_close(events.client);
        return EXIT_FAILURE;
    }
    while (!events.error.status && !(events.ended && events.size == 0))
        turn();
    if (events.error.status)
        fprintf(stderr, "line %llu: %s\n", (unsigned long long)events.line + 1,
                events.error.message);
    vouch_status status = vouch_collector_close(events.collector, &error); /* flushes and waits */
    if (status != VOUCH_OK)
        fprintf(stderr, "%s: %s\n", vouch_status_name(status), error.message);
    vouch_client_close(events.client);
    fprintf(stderr, "%llu events, %lu counted\n", (unsigned long long)events.line, events.counted);
    if (events.last_us)
        fprintf(stderr, "the last by %lld, by the server's clock\n",
                (long long)(events.last_us / 1000000));
    return !events.error.status && events.counted == events.line ? EXIT_SUCCESS : EXIT_FAILURE;
}
