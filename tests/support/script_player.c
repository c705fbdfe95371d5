/* Plays one connection's script: blocking, in a thread of its own, each step with a deadline. The
 * first difference ends the play and the connection, so that the client does not hang. */
#include "script_parts.h"

#include "base.h"
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 64 * 1024, SHOWN_BYTES = 60 };

typedef enum arrival { ARRIVED, ENDED, TOO_LATE } arrival;

/* Always false, for the callers' return. */
__attribute__((format(printf, 2, 3))) static bool differ(player *p, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&p->script->lock);
    if (!p->difference[0])
        vsnprintf(p->difference, sizeof p->difference, format, arguments);
    pthread_mutex_unlock(&p->script->lock);
    va_end(arguments);
    return false;
}

/* The bytes as C would write them, shortened. */
static const char *show(char shown[SHOWN_BYTES * 4 + 4], const char *bytes, size_t length)
{
    size_t at = 0;
    for (size_t i = 0; i < length && i < SHOWN_BYTES; i++) {
        unsigned char c = (unsigned char)bytes[i];
        const char *plain = c == '\r' ? "\\r" : c == '\n' ? "\\n" : NULL;
        if (plain)
            at += (size_t)snprintf(shown + at, 5, "%s", plain);
        else
            at += (size_t)snprintf(shown + at, 5, c < 32 || c > 126 ? "\\x%02x" : "%c", c);
    }
    snprintf(shown + at, 4, "%s", length > SHOWN_BYTES ? "..." : "");
    return shown;
}

static bool wait_for(player *p, short events)
{
    struct pollfd set[] = {{.fd = p->fd, .events = events},
                           {.fd = p->script->stop_fd, .events = POLLIN}};
    int count;
    do
        count = poll(set, 2, ts_poll_ms(p->deadline));
    while (count < 0 && errno == EINTR);
    return count > 0 && !set[1].revents;
}

static arrival receive(player *p)
{
    for (;;) {
        ssize_t got = recv(p->fd, ts_buffer_room(&p->input, READ_SIZE), READ_SIZE, 0);
        if (got > 0) {
            const char *bytes = p->input.data + p->input.end;
            ts_buffer_grew(&p->input, (size_t)got);
            pthread_mutex_lock(&p->script->lock);
            ts_buffer_add(&p->record, bytes, (size_t)got);
            pthread_cond_broadcast(&p->script->changed);
            pthread_mutex_unlock(&p->script->lock);
            return ARRIVED;
        }
        if (got == 0 || (errno != EAGAIN && errno != EINTR))
            return ENDED;
        if (!wait_for(p, POLLIN))
            return TOO_LATE;
    }
}

static bool receive_or_differ(player *p, const char *wanted)
{
    arrival came = receive(p);
    if (came == ARRIVED)
        return true;
    char shown[SHOWN_BYTES * 4 + 4];
    show(shown, ts_buffer_bytes(&p->input), ts_buffer_length(&p->input));
    return differ(p, "%s while waiting for %s; there was \"%s\"",
                  came == ENDED ? "the client ended the connection" : "time was up", wanted, shown);
}

static bool expect(player *p, const ts_step *step)
{
    char wanted[SHOWN_BYTES * 4 + 4], came[SHOWN_BYTES * 4 + 4];
    show(wanted, step->bytes, step->length);
    for (;;) {
        size_t held = ts_buffer_length(&p->input);
        const char *bytes = ts_buffer_bytes(&p->input);
        size_t compared = held < step->length ? held : step->length;
        if (compared > 0 && memcmp(bytes, step->bytes, compared) != 0)
            return differ(p, "\"%s\" came instead of \"%s\"", show(came, bytes, held), wanted);
        if (compared == step->length) {
            ts_buffer_take(&p->input, compared);
            return true;
        }
        if (!receive_or_differ(p, wanted))
            return false;
    }
}

static bool expect_count(player *p, size_t count)
{
    while (ts_buffer_length(&p->input) < count)
        if (!receive_or_differ(p, "a number of bytes"))
            return false;
    ts_buffer_take(&p->input, count);
    return true;
}

/* The next whole command; it lies in the input until *used bytes are taken from there. */
static bool next_request(player *p, ts_request *request, size_t *used)
{
    for (;;) {
        size_t held = ts_buffer_length(&p->input);
        const char *bytes = ts_buffer_bytes(&p->input);
        ts_parse found = held ? ts_request_parse(bytes, held, request, used) : TS_PARSE_MORE;
        if (found == TS_PARSE_WHOLE)
            return true;
        char came[SHOWN_BYTES * 4 + 4];
        if (found == TS_PARSE_WRONG)
            return differ(p, "\"%s\" is no command", show(came, bytes, held));
        if (!receive_or_differ(p, "a command"))
            return false;
    }
}

static bool expect_command(player *p, const char *name)
{
    ts_request request;
    size_t used = 0;
    if (!next_request(p, &request, &used))
        return false;
    bool same = !name || ts_request_is(&request, 0, name);
    ts_request_free(&request);
    char came[SHOWN_BYTES * 4 + 4];
    if (!same)
        return differ(p, "\"%s\" came instead of %s", show(came, ts_buffer_bytes(&p->input), used),
                      name);
    ts_buffer_take(&p->input, used);
    return true;
}

static bool send_all(player *p, const char *bytes, size_t length, size_t piece)
{
    while (length > 0) {
        size_t now = piece > 0 && piece < length ? piece : length;
        ssize_t sent = send(p->fd, bytes, now, MSG_NOSIGNAL);
        if (sent > 0) {
            bytes += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN) {
            if (!wait_for(p, POLLOUT))
                return differ(p, "the client did not read in time");
        } else if (errno != EINTR) {
            return differ(p, "the connection ended while sending");
        }
    }
    return true;
}

static bool send_times(player *p, const ts_step *step)
{
    for (size_t i = 0; i < step->count; i++)
        if (!send_all(p, step->bytes, step->length, 0))
            return false;
    return true;
}

static bool respond(player *p, const ts_request *request)
{
    ts_script *script = p->script;
    ts_buffer reply = {0};
    bool answered = false;
    if (script->options.responder) {
        pthread_mutex_lock(&script->responding);
        answered = script->options.responder(&p->state, request, &reply);
        pthread_mutex_unlock(&script->responding);
    }
    if (!answered)
        ts_default_reply(&p->state, request, script->options.resp2_only, &reply);
    bool sent = send_all(p, ts_buffer_bytes(&reply), ts_buffer_length(&reply), 0);
    ts_buffer_free(&reply);
    return sent && !p->state.ending;
}

/* Answers whole commands until one of this name, which it takes; NULL: until the end. */
static bool respond_until(player *p, const char *name)
{
    for (;;) {
        ts_request request;
        size_t used = 0;
        if (!next_request(p, &request, &used))
            return false;
        bool last = name && ts_request_is(&request, 0, name);
        bool going_on = last || respond(p, &request);
        ts_request_free(&request);
        ts_buffer_take(&p->input, used);
        if (last || !going_on)
            return last;
    }
}

static bool expect_end(player *p)
{
    char came[SHOWN_BYTES * 4 + 4];
    arrival arrived = ARRIVED;
    if (ts_buffer_length(&p->input) == 0)
        arrived = receive(p);
    if (arrived == TOO_LATE)
        return differ(p, "the client did not end the connection in time");
    size_t held = ts_buffer_length(&p->input);
    if (held > 0)
        return differ(p, "\"%s\" came instead of the end",
                      show(came, ts_buffer_bytes(&p->input), held));
    return true;
}

static bool pause_player(player *p)
{
    ts_script *script = p->script;
    bool in_time = true;
    pthread_mutex_lock(&script->lock);
    p->paused = true;
    pthread_cond_broadcast(&script->changed);
    while (p->resumes == 0 && !script->stopping && in_time)
        in_time = ts_condition_wait(&script->changed, &script->lock, p->deadline);
    bool told = p->resumes > 0;
    p->resumes -= told;
    p->paused = false;
    pthread_mutex_unlock(&script->lock);
    return told || differ(p, "nobody resumed the script in time");
}

static bool end_connection(player *p, bool reset)
{
    if (reset)
        ts_close_reset(p->fd);
    else
        close(p->fd);
    p->fd = -1;
    return true;
}

static bool play_step(player *p, const ts_step *step)
{
    int64_t ms = p->script->options.step_ms;
    p->deadline = ts_deadline(ms ? ms : TS_SCRIPT_STEP_MS);
    switch (step->kind) {
    case TS_STEP_END:
        return false;
    case TS_STEP_EXPECT:
        return expect(p, step);
    case TS_STEP_EXPECT_COUNT:
        return expect_count(p, step->count);
    case TS_STEP_EXPECT_WORD:
        return expect_command(p, step->bytes);
    case TS_STEP_RESPOND_UNTIL:
        return respond_until(p, step->bytes);
    case TS_STEP_EXPECT_END:
        return expect_end(p);
    case TS_STEP_SEND:
        return send_all(p, step->bytes, step->length, step->count);
    case TS_STEP_SEND_TIMES:
        return send_times(p, step);
    case TS_STEP_PAUSE:
        return pause_player(p);
    case TS_STEP_CLOSE:
        return end_connection(p, false);
    case TS_STEP_RESET:
        return end_connection(p, true);
    }
    return false;
}

static void set_done(player *p)
{
    pthread_mutex_lock(&p->script->lock);
    p->done = true;
    pthread_cond_broadcast(&p->script->changed);
    pthread_mutex_unlock(&p->script->lock);
}

/* After the last step: the connection stays, and nothing more may come. */
static void keep_open(player *p)
{
    p->deadline = INT64_MAX;
    char came[SHOWN_BYTES * 4 + 4];
    if (ts_buffer_length(&p->input) > 0 || receive(p) == ARRIVED)
        differ(p, "\"%s\" came after the last step",
               show(came, ts_buffer_bytes(&p->input), ts_buffer_length(&p->input)));
}

static void play(player *p)
{
    const ts_step *step = p->steps;
    while (step->kind != TS_STEP_END && p->fd >= 0 && play_step(p, step))
        step++;
    pthread_mutex_lock(&p->script->lock);
    bool differs = p->difference[0] != 0;
    pthread_mutex_unlock(&p->script->lock);
    if (differs || p->fd < 0)
        return;
    if (step->kind != TS_STEP_END) {
        differ(p, "the responder ended the connection before the last step");
        return;
    }
    set_done(p);
    keep_open(p);
}

/* The responder's connections may end at any time: that is no difference. */
static void answer_all(player *p)
{
    p->deadline = INT64_MAX;
    respond_until(p, NULL);
    pthread_mutex_lock(&p->script->lock);
    p->difference[0] = 0;
    pthread_mutex_unlock(&p->script->lock);
}

void *player_thread(void *argument)
{
    player *p = argument;
    if (p->steps)
        play(p);
    else if (p->script->options.respond)
        answer_all(p);
    else
        differ(p, "a connection for which there is no script");
    if (p->fd >= 0)
        end_connection(p, false);
    set_done(p);
    return NULL;
}
