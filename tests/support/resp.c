/* The truth's client: blocking, RESP2, one connection. It reads by recursive descent from a buffer
 * that is refilled as needed. Invariant: once `lost` is set nothing is read or written any more. */
#include "resp.h"

#include "base.h"
#include "buffer.h"
#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ_SIZE = 65536, LINE_MAX_LENGTH = 65536, DEPTH_MAX = 32 };

struct ts_conn {
    int fd;
    ts_buffer input;
    const char *lost; /* why */
    int64_t deadline; /* of the call in progress */
};

ts_conn *ts_conn_open(const ts_address *address, int64_t deadline)
{
    int fd = ts_connect(address, deadline);
    if (fd < 0)
        return NULL;
    ts_conn *conn = ts_alloc(sizeof *conn);
    conn->fd = fd;
    return conn;
}

void ts_conn_close(ts_conn *conn)
{
    if (!conn)
        return;
    close(conn->fd);
    ts_buffer_free(&conn->input);
    free(conn);
}

int ts_conn_fd(const ts_conn *conn)
{
    return conn->fd;
}

static bool lose(ts_conn *conn, const char *why)
{
    if (!conn->lost)
        conn->lost = why;
    return false;
}

static bool wait_for(ts_conn *conn, short events)
{
    struct pollfd ready = {.fd = conn->fd, .events = events};
    int count;
    do
        count = poll(&ready, 1, ts_poll_ms(conn->deadline));
    while (count < 0 && errno == EINTR);
    return count == 1 || lose(conn, "time is up");
}

/* A refused write is no loss by itself: an answer such as "max clients" may wait to be read. */
bool ts_conn_send(ts_conn *conn, const void *bytes, size_t length, int64_t deadline)
{
    const char *at = bytes;
    conn->deadline = deadline;
    while (length > 0 && !conn->lost) {
        ssize_t sent = send(conn->fd, at, length, MSG_NOSIGNAL);
        if (sent > 0) {
            at += sent;
            length -= (size_t)sent;
        } else if (errno == EAGAIN) {
            wait_for(conn, POLLOUT);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return !conn->lost;
}

static bool refill(ts_conn *conn)
{
    while (!conn->lost) {
        ssize_t got = recv(conn->fd, ts_buffer_room(&conn->input, READ_SIZE), READ_SIZE, 0);
        if (got > 0) {
            ts_buffer_grew(&conn->input, (size_t)got);
            return true;
        }
        if (got == 0)
            return lose(conn, "the connection ended");
        if (errno == EAGAIN)
            wait_for(conn, POLLIN);
        else if (errno != EINTR)
            return lose(conn, strerrorname_np(errno));
    }
    return false;
}

size_t ts_conn_read_bytes(ts_conn *conn, void *bytes, size_t length, int64_t deadline)
{
    conn->deadline = deadline;
    while (ts_buffer_length(&conn->input) < length && refill(conn))
        continue;
    size_t held = ts_buffer_length(&conn->input);
    size_t taken = held < length ? held : length;
    if (taken > 0)
        memcpy(bytes, ts_buffer_bytes(&conn->input), taken);
    ts_buffer_take(&conn->input, taken);
    return taken;
}

/* One line without its CR LF, in fresh memory; NULL when lost. */
static char *read_line(ts_conn *conn, size_t *length)
{
    for (;;) {
        size_t held = ts_buffer_length(&conn->input);
        const char *bytes = ts_buffer_bytes(&conn->input);
        const char *end = held > 1 ? memmem(bytes, held, "\r\n", 2) : NULL;
        if (end) {
            *length = (size_t)(end - bytes);
            char *line = ts_copy(bytes, *length);
            ts_buffer_take(&conn->input, *length + 2);
            return line;
        }
        if (held > LINE_MAX_LENGTH) {
            lose(conn, "a line without end");
            return NULL;
        }
        if (!refill(conn))
            return NULL;
    }
}

static ts_reply *make_reply(ts_reply_type type)
{
    ts_reply *reply = ts_alloc(sizeof *reply);
    reply->type = type;
    return reply;
}

static ts_reply *lost_reply(ts_conn *conn, const char *why)
{
    lose(conn, why);
    ts_reply *reply = make_reply(TS_REPLY_LOST);
    reply->length = strlen(conn->lost);
    reply->text = ts_copy(conn->lost, reply->length);
    return reply;
}

static bool read_number(const char *text, int64_t *number)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *number = value;
    return errno == 0 && end != text && *end == 0;
}

static ts_reply *read_text(ts_conn *conn, size_t length)
{
    ts_reply *reply = make_reply(TS_REPLY_TEXT);
    reply->length = length;
    reply->text = ts_alloc(length + 3);
    size_t got = ts_conn_read_bytes(conn, reply->text, length + 2, conn->deadline);
    if (got == length + 2 && memcmp(reply->text + length, "\r\n", 2) == 0) {
        reply->text[length] = 0;
        return reply;
    }
    ts_reply_free(reply);
    return lost_reply(conn, "a text without its end");
}

static ts_reply *read_reply(ts_conn *conn, int depth);

static ts_reply *read_array(ts_conn *conn, size_t count, int depth)
{
    ts_reply *reply = make_reply(TS_REPLY_ARRAY);
    while (reply->count < count) {
        ts_reply *element = read_reply(conn, depth + 1);
        if (element->type == TS_REPLY_LOST) {
            ts_reply_free(reply);
            return element;
        }
        reply->elements =
            ts_resize(reply->elements, (reply->count + 1) * sizeof(struct ts_reply *));
        reply->elements[reply->count++] = element;
    }
    return reply;
}

static ts_reply *read_reply(ts_conn *conn, int depth)
{
    size_t length = 0;
    char *line = depth < DEPTH_MAX ? read_line(conn, &length) : NULL;
    if (!line)
        return lost_reply(conn, "nested too deep");
    ts_reply *reply = NULL;
    int64_t number = 0;
    if (line[0] == '+' || line[0] == '-') {
        reply = make_reply(line[0] == '+' ? TS_REPLY_STATUS : TS_REPLY_ERROR);
        reply->length = length - 1;
        reply->text = ts_copy(line + 1, length - 1);
    } else if (length == 0 || !strchr(":$*", line[0]) || !read_number(line + 1, &number)) {
        reply = lost_reply(conn, "no RESP2 reply");
    } else if (line[0] == ':') {
        reply = make_reply(TS_REPLY_INTEGER);
        reply->integer = number;
    } else if (number < 0) {
        reply = make_reply(TS_REPLY_NIL);
    } else {
        reply = line[0] == '$' ? read_text(conn, (size_t)number)
                               : read_array(conn, (size_t)number, depth);
    }
    free(line);
    return reply;
}

ts_reply *ts_conn_read(ts_conn *conn, int64_t deadline)
{
    conn->deadline = deadline;
    return read_reply(conn, 0);
}

void ts_reply_free(ts_reply *reply)
{
    if (!reply)
        return;
    for (size_t i = 0; i < reply->count; i++)
        ts_reply_free(reply->elements[i]);
    free(reply->elements);
    free(reply->text);
    free(reply);
}

char *ts_encode_words(size_t count, const char *const *words, const size_t *lengths, size_t *length)
{
    ts_buffer command = {0};
    ts_buffer_print(&command, "*%zu\r\n", count);
    for (size_t i = 0; i < count; i++) {
        size_t word = lengths ? lengths[i] : strlen(words[i]);
        ts_buffer_print(&command, "$%zu\r\n", word);
        ts_buffer_add(&command, words[i], word);
        ts_buffer_add(&command, "\r\n", 2);
    }
    *length = ts_buffer_length(&command);
    return command.data;
}

size_t ts_collect_words(va_list list, const char *words[TS_WORDS_MAX])
{
    size_t count = 0;
    for (const char *word; (word = va_arg(list, const char *)) != NULL; words[count++] = word)
        if (count == TS_WORDS_MAX)
            ts_die("more than %d words in a command", TS_WORDS_MAX);
    return count;
}

char *ts_encode(size_t *length, ...)
{
    const char *words[TS_WORDS_MAX];
    va_list list;
    va_start(list, length);
    size_t count = ts_collect_words(list, words);
    va_end(list);
    return ts_encode_words(count, words, NULL, length);
}

ts_reply *ts_conn_command_words(ts_conn *conn, size_t count, const char *const *words,
                                const size_t *lengths)
{
    int64_t deadline = ts_deadline(TS_COMMAND_MS);
    size_t length = 0;
    char *command = ts_encode_words(count, words, lengths, &length);
    ts_conn_send(conn, command, length, deadline);
    free(command);
    return ts_conn_read(conn, deadline);
}

ts_reply *ts_conn_command(ts_conn *conn, ...)
{
    const char *words[TS_WORDS_MAX];
    va_list list;
    va_start(list, conn);
    size_t count = ts_collect_words(list, words);
    va_end(list);
    return ts_conn_command_words(conn, count, words, NULL);
}
