/* The server in memory. */
#include "sim_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void sim_bytes_add(struct sim_bytes *b, const void *bytes, size_t n)
{
    if (b->size + n > b->capacity) {
        b->capacity = 2 * (b->size + n) + 256;
        b->at = realloc(b->at, b->capacity);
        if (!b->at)
            abort();
    }
    if (n)
        memcpy(b->at + b->size, bytes, n);
    b->size += n;
}

void sim_bytes_free(struct sim_bytes *b)
{
    free(b->at);
    memset(b, 0, sizeof *b);
}

/* ---- parsing -------------------------------------------------------------------------------- */

static const char *header(const char *p, const char *end, char type, size_t *n)
{
    if (p == end)
        return NULL;
    if (*p != type)
        abort(); /* the library sent what is no command */
    *n = 0;
    for (p++; p < end && *p >= '0' && *p <= '9'; p++)
        *n = *n * 10 + (size_t)(*p - '0');
    return end - p >= 2 ? p + 2 : NULL;
}

/* Commands carry their number behind the last 'k' of their last key. */
static int number_of(const char *word, size_t n)
{
    size_t i = n;
    while (i > 0 && word[i - 1] >= '0' && word[i - 1] <= '9')
        i--;
    if (i == n || i == 0 || word[i - 1] != 'k')
        return -1;
    return atoi(word + i); /* NOLINT(cert-err34-c): digits, followed by CR */
}

size_t sim_parse(const char *bytes, size_t n, const char **name, size_t *name_size, int *command)
{
    const char *end = bytes + n;
    size_t words = 0;
    const char *p = header(bytes, end, '*', &words);
    *command = -1;
    for (size_t i = 0; p && i < words; i++) {
        size_t size = 0;
        p = header(p, end, '$', &size);
        if (!p || (size_t)(end - p) < size + 2)
            return 0;
        if (i == 0) {
            *name = p;
            *name_size = size;
        }
        int number = number_of(p, size);
        if (number >= 0)
            *command = number;
        p += size + 2;
    }
    return p ? (size_t)(p - bytes) : 0;
}

/* ---- executing ------------------------------------------------------------------------------ */

static void say(struct sim_session *s, const char *text)
{
    sim_bytes_add(&s->out, text, strlen(text));
}

static bool is(const char *name, size_t n, const char *what)
{
    return n == strlen(what) && memcmp(name, what, n) == 0;
}

static void apply(struct sim_session *s, int command)
{
    struct sim_truth *t = s->truth;
    t->executed[command]++;
    if (t->log_count < SIM_LOG_MAX)
        t->log[t->log_count++] = command;
}

static void hello(struct sim_session *s)
{
    if (s->truth->resp2_only) {
        say(s, "-NOPROTO unsupported protocol version\r\n");
        return;
    }
    s->resp3 = true;
    say(s, "%3\r\n$6\r\nserver\r\n$3\r\nsim\r\n$5\r\nproto\r\n:3\r\n$4\r\nrole\r\n+master\r\n");
}

static void add_reply(struct sim_session *s, int command)
{
    char text[32];
    (void)snprintf(text, sizeof text, ":%u\r\n", s->truth->executed[command]);
    say(s, text);
}

/* A write whose reply is over the client's limit: three kinds of it. */
static void large_reply(struct sim_session *s, int command)
{
    if (command % 3 == 0)
        say(s, "$50\r\n01234567890123456789012345678901234567890123456789\r\n");
    else if (command % 3 == 1)
        say(s, "*2\r\n*9\r\n:1\r\n:2\r\n:3\r\n:4\r\n$1\r\n5\r\n:6\r\n:7\r\n:8\r\n:9\r\n+end\r\n");
    else
        say(s, "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n");
}

static void script_call(struct sim_session *s, int command)
{
    if (!s->truth->loaded[s->node]) {
        say(s, "-" SIM_NOSCRIPT "\r\n");
        return;
    }
    apply(s, command);
    if (s->truth->forges[command])
        say(s, "-" SIM_NOSCRIPT "\r\n");
    else
        add_reply(s, command);
}

static void script_exists(struct sim_session *s)
{
    say(s, s->truth->loaded[s->node] ? "*1\r\n:1\r\n" : "*1\r\n:0\r\n");
}

static void script_load(struct sim_session *s)
{
    s->truth->loaded[s->node] = !s->truth->flush_once;
    s->truth->flush_once = false;
    say(s, "$40\r\n" SIM_SCRIPT_SHA "\r\n");
}

static void data_command(struct sim_session *s, const char *name, size_t n, int command)
{
    size_t number = s->truth->data_commands++;
    if (!s->replies)
        s->first_data_reply = s->out.size;
    /* A push and an attribute may come at any time: they must not shift replies. */
    if (s->resp3 && command % 5 == 4)
        say(s, ">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nx\r\n|1\r\n+ttl\r\n:3\r\n");
    if (number >= s->truth->refuse_from && number < s->truth->refuse_to) {
        say(s, "-LOADING Redis is loading the dataset in memory\r\n");
    } else if (is(name, n, "INCR")) {
        apply(s, command);
        add_reply(s, command);
    } else if (is(name, n, "GET")) {
        say(s, s->resp3 ? "_\r\n" : "$-1\r\n");
    } else if (is(name, n, "LPUSH")) {
        say(s, "-WRONGTYPE Operation against a key holding the wrong kind of value\r\n");
    } else if (is(name, n, "GETSET")) {
        apply(s, command);
        large_reply(s, command);
    } else if (is(name, n, "EVALSHA")) {
        script_call(s, command);
    } else {
        abort();
    }
    if (s->replies < SIM_LOG_MAX) {
        s->reply_to[s->replies] = command;
        s->reply_end[s->replies++] = s->out.size;
    }
}

/* The command, `size` bytes from `at` on, has this word in it. */
static bool has_word(const char *at, size_t size, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= size; i++)
        if (memcmp(at + i, word, n) == 0)
            return true;
    return false;
}

static void execute(struct sim_session *s, const char *name, size_t n, int command, bool question)
{
    if (command >= 0)
        data_command(s, name, n, command);
    else if (is(name, n, "HELLO"))
        hello(s);
    else if (is(name, n, "SCRIPT") && question)
        script_exists(s);
    else if (is(name, n, "SCRIPT"))
        script_load(s);
    else
        say(s, "+OK\r\n"); /* AUTH, SELECT, CLIENT, MULTI, DISCARD */
}

void sim_session_arrive(struct sim_session *s, const char *bytes, size_t n)
{
    sim_bytes_add(&s->in, bytes, n);
    size_t at = 0, size;
    const char *name = NULL;
    size_t name_size = 0;
    int command;
    while (at < s->in.size &&
           (size = sim_parse(s->in.at + at, s->in.size - at, &name, &name_size, &command)) != 0) {
        execute(s, name, name_size, command, has_word(s->in.at + at, size, "EXISTS"));
        at += size;
    }
    if (at) {
        memmove(s->in.at, s->in.at + at, s->in.size - at);
        s->in.size -= at;
    }
}

void sim_session_free(struct sim_session *s)
{
    sim_bytes_free(&s->in);
    sim_bytes_free(&s->out);
}
