/* What real servers make of a case. */
#include "cases_live.h"

#include "base.h"
#include "buffer.h"
#include "truth.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEYS_MAX = 40 };

static const char *const arguments[] = {"10", "abc", "3"};

static void render(ts_buffer *out, const ts_reply *reply)
{
    switch (reply->type) {
    case TS_REPLY_LOST:
        ts_buffer_print(out, "(lost) %s", reply->text);
        break;
    case TS_REPLY_STATUS:
        ts_buffer_print(out, "%s", reply->text);
        break;
    case TS_REPLY_ERROR:
        ts_buffer_print(out, "(error) %s", reply->text);
        break;
    case TS_REPLY_INTEGER:
        ts_buffer_print(out, "(integer) %" PRId64, reply->integer);
        break;
    case TS_REPLY_TEXT:
        ts_buffer_print(out, "\"%s\"", reply->text);
        break;
    case TS_REPLY_NIL:
        ts_buffer_print(out, "(nil)");
        break;
    case TS_REPLY_ARRAY:
        if (reply->count == 0)
            ts_buffer_print(out, "(empty array)");
        for (size_t i = 0; i < reply->count; i++) {
            ts_buffer_print(out, "%s%zu) ", i > 0 ? " " : "", i + 1);
            render(out, reply->elements[i]);
        }
        break;
    }
}

static char *rendered(ts_reply *reply)
{
    ts_buffer out = {0};
    render(&out, reply);
    ts_reply_free(reply);
    char *text = ts_copy(ts_buffer_bytes(&out), ts_buffer_length(&out));
    ts_buffer_free(&out);
    return text;
}

/* Cuts the next word out of *at: up to a space or ;, or a text in double quotes. NULL: no more of this command. */
static char *setup_word(char **at)
{
    char *word = *at + strspn(*at, " ");
    if (*word == '\0' || *word == ';') {
        *at = word;
        return NULL;
    }
    char *end;
    if (*word == '"') {
        word++;
        end = word + strcspn(word, "\"");
    } else {
        end = word + strcspn(word, " ;");
        if (*end == ';') { /* cut there, and found again */
            memmove(end + 1, end, strlen(end) + 1);
        }
    }
    *at = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

/* Runs the commands of `text`, apart by ;, with `first` in front of each one's words unless it is NULL. */
static void run_all(ts_conn *conn, const struct lint_case *c, const char *text, const char *first,
                    const char *second)
{
    size_t size = strlen(text);
    char *copy = ts_alloc(2 * size + 1); /* room for what is moved */
    memcpy(copy, text, size);
    char *at = copy;
    while (*at) {
        const char *words[TS_WORDS_MAX] = {first, second};
        size_t before = first ? 2 : 0, count = before;
        for (const char *word; count < TS_WORDS_MAX && (word = setup_word(&at));)
            words[count++] = word;
        if (count > before) {
            ts_reply *reply = ts_conn_command_words(conn, count, words, NULL);
            if (reply->type == TS_REPLY_ERROR || reply->type == TS_REPLY_LOST)
                ts_die("%s:%u: its %s is refused: %s", c->path, c->line, words[before],
                       reply->text);
            ts_reply_free(reply);
        }
        at += strspn(at, "; ");
    }
    free(copy);
}

/* Each library by itself: FUNCTION FLUSH crashes Redis 8.0.2 (freeClient, called by functionsLibCtxClearCurrent). */
static void empty(ts_conn *conn)
{
    ts_reply_free(ts_conn_command(conn, "FLUSHALL", NULL));
    ts_reply_free(ts_conn_command(conn, "SCRIPT", "FLUSH", NULL));
    ts_reply *list = ts_conn_command(conn, "FUNCTION", "LIST", NULL);
    for (size_t i = 0; list->type == TS_REPLY_ARRAY && i < list->count; i++)
        ts_reply_free(ts_conn_command(conn, "FUNCTION", "DELETE",
                                      list->elements[i]->elements[1]->text, NULL));
    ts_reply_free(list);
}

static size_t add_call(const char *words[TS_WORDS_MAX], size_t count, const struct lint_case *c,
                       char number[16], char keys[KEYS_MAX][16])
{
    uint32_t numkeys = c->numkeys_known ? c->numkeys : 2;
    if (numkeys > KEYS_MAX)
        ts_die("%s:%u: more than %d keys", c->path, c->line, KEYS_MAX);
    snprintf(number, 16, "%u", numkeys);
    words[count++] = number;
    for (uint32_t i = 0; i < numkeys; i++) {
        snprintf(keys[i], 16, "{t}%u", i + 1);
        words[count++] = keys[i];
    }
    for (size_t i = 0; i < sizeof arguments / sizeof *arguments; i++)
        words[count++] = arguments[i];
    return count;
}

static ts_reply *call(ts_conn *conn, const struct lint_case *c, const char *source, bool library)
{
    char number[16], keys[KEYS_MAX][16];
    const char *words[TS_WORDS_MAX];
    if (library) {
        ts_reply *loaded = ts_conn_command(conn, "FUNCTION", "LOAD", source, NULL);
        if (loaded->type == TS_REPLY_ERROR || loaded->type == TS_REPLY_LOST)
            return loaded;
        ts_reply_free(loaded);
    }
    words[0] = library ? "FCALL" : "EVAL";
    words[1] = library ? "f" : source;
    return ts_conn_command_words(conn, add_call(words, 2, c, number, keys), words, NULL);
}

/* The words of a configuration's lines, with what they were, to put back. */
static char *present_config(ts_conn *conn, const char *config)
{
    ts_buffer back = {0};
    size_t size = strlen(config);
    char *copy = ts_alloc(2 * size + 1);
    memcpy(copy, config, size);
    for (char *at = copy; *at; at += strspn(at, "; ")) {
        const char *name = setup_word(&at);
        ts_reply *reply = ts_conn_command(conn, "CONFIG", "GET", name ? name : "", NULL);
        if (reply->type == TS_REPLY_ARRAY && reply->count == 2)
            ts_buffer_print(&back, "%s \"%s\";", name, reply->elements[1]->text);
        ts_reply_free(reply);
        while (setup_word(&at))
            ;
    }
    free(copy);
    char *text = ts_copy(ts_buffer_bytes(&back), ts_buffer_length(&back));
    ts_buffer_free(&back);
    return text;
}

char *lint_case_answer(const ts_server *server, const struct lint_case *c, bool library)
{
    ts_conn *conn = ts_truth_open(server);
    if (!conn)
        return ts_copy("(lost) no connection", 20);
    empty(conn);
    char *back = c->config ? present_config(conn, c->config) : NULL;
    if (c->setup)
        run_all(conn, c, c->setup, NULL, NULL);
    if (c->config)
        run_all(conn, c, c->config, "CONFIG", "SET");
    char *source = ts_copy(c->source, c->size);
    char *answer = rendered(call(conn, c, source, library));
    free(source);
    if (back)
        run_all(conn, c, back, "CONFIG", "SET");
    free(back);
    ts_conn_close(conn);
    return answer;
}
