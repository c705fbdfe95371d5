/* One command, one connection: nothing a test does to other connections, and no restart of the
 * server, can reach the answer. See truth.h. */
#include "truth.h"

#include "base.h"
#include "clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ts_conn *ts_truth_open(const ts_server *server)
{
    ts_address address = ts_server_truth_address(server);
    ts_conn *conn = ts_conn_open(&address, ts_deadline(TS_COMMAND_MS));
    if (!conn)
        return NULL;
    ts_reply *reply = ts_conn_command(conn, "AUTH", TS_TRUTH_USER, TS_TRUTH_PASSWORD, NULL);
    bool in = reply->type == TS_REPLY_STATUS;
    /* A server that loads its data refuses nobody, and says so itself to what follows. */
    bool loading = reply->type == TS_REPLY_ERROR && strncmp(reply->text, "LOADING ", 8) == 0;
    ts_reply_free(reply);
    if (in || loading)
        return conn;
    ts_conn_close(conn);
    return NULL;
}

ts_reply *ts_command_words(const ts_server *server, size_t count, const char *const *words,
                           const size_t *lengths)
{
    ts_conn *conn = ts_truth_open(server);
    if (conn) {
        ts_reply *reply = ts_conn_command_words(conn, count, words, lengths);
        ts_conn_close(conn);
        return reply;
    }
    static const char why[] = "cannot connect and log in";
    ts_reply *reply = ts_alloc(sizeof *reply);
    reply->type = TS_REPLY_LOST;
    reply->text = ts_copy(why, sizeof why - 1);
    reply->length = sizeof why - 1;
    return reply;
}

static ts_reply *command_list(const ts_server *server, va_list list, char *name, size_t size)
{
    const char *words[TS_WORDS_MAX];
    size_t count = ts_collect_words(list, words);
    snprintf(name, size, "%s %s", count > 0 ? words[0] : "(nothing)", count > 1 ? words[1] : "");
    return ts_command_words(server, count, words, NULL);
}

ts_reply *ts_command(const ts_server *server, ...)
{
    char name[64];
    va_list list;
    va_start(list, server);
    ts_reply *reply = command_list(server, list, name, sizeof name);
    va_end(list);
    return reply;
}

__attribute__((noreturn)) static void refuse(const char *name, const ts_reply *reply)
{
    ts_die("the truth of \"%s\" cannot be had: %s", name,
           reply->text ? reply->text : "a reply of another type");
}

static bool failed(const ts_reply *reply)
{
    return reply->type == TS_REPLY_LOST || reply->type == TS_REPLY_ERROR;
}

int64_t ts_int(const ts_server *server, ...)
{
    char name[64];
    va_list list;
    va_start(list, server);
    ts_reply *reply = command_list(server, list, name, sizeof name);
    va_end(list);
    int64_t value = reply->type == TS_REPLY_NIL ? TS_NIL : reply->integer;
    if (reply->type == TS_REPLY_TEXT) {
        char *end = NULL;
        errno = 0;
        value = strtoll(reply->text, &end, 10);
        if (errno != 0 || reply->length == 0 || end != reply->text + reply->length)
            refuse(name, reply);
    } else if (reply->type != TS_REPLY_INTEGER && reply->type != TS_REPLY_NIL) {
        refuse(name, reply);
    }
    ts_reply_free(reply);
    return value;
}

char *ts_text(const ts_server *server, ...)
{
    char name[64];
    va_list list;
    va_start(list, server);
    ts_reply *reply = command_list(server, list, name, sizeof name);
    va_end(list);
    if (failed(reply) || reply->type == TS_REPLY_ARRAY)
        refuse(name, reply);
    char *text = NULL;
    if (reply->type == TS_REPLY_INTEGER) {
        char number[32];
        int length = snprintf(number, sizeof number, "%lld", (long long)reply->integer);
        text = ts_copy(number, (size_t)length);
    } else if (reply->type != TS_REPLY_NIL) {
        text = ts_copy(reply->text, reply->length);
    }
    ts_reply_free(reply);
    return text;
}

void ts_do(const ts_server *server, ...)
{
    char name[64];
    va_list list;
    va_start(list, server);
    ts_reply *reply = command_list(server, list, name, sizeof name);
    va_end(list);
    if (failed(reply))
        refuse(name, reply);
    ts_reply_free(reply);
}

char *ts_info(const ts_server *server, const char *section, const char *field)
{
    ts_reply *reply = ts_command(server, "INFO", section, NULL);
    char *value = NULL;
    size_t length = strlen(field);
    const char *line = reply->type == TS_REPLY_TEXT ? reply->text : NULL;
    while (line && !value) {
        if (strncmp(line, field, length) == 0 && line[length] == ':')
            value = ts_copy(line + length + 1, strcspn(line + length + 1, "\r\n"));
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    ts_reply_free(reply);
    return value;
}
