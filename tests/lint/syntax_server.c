/* Asks a server. Scripts pile up in it, so it is made to forget them now and then. */
#include "syntax_server.h"

#include "base.h"
#include "buffer.h"
#include "clock.h"
#include "truth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATIENCE_MS = 60000, FORGET_AFTER = 20000 };

struct syntax_server {
    ts_server *server;
    ts_conn *conn;
    size_t asked; /* since it last forgot */
    bool refuses_nested, ends_at_nul;
};

static void add_word(ts_buffer *out, const char *word, size_t size)
{
    ts_buffer_print(out, "$%zu\r\n", size);
    ts_buffer_add(out, word, size);
    ts_buffer_add(out, "\r\n", 2);
}

static ts_reply *answer(struct syntax_server *s)
{
    ts_reply *reply = ts_conn_read(s->conn, ts_deadline(PATIENCE_MS));
    if (reply->type == TS_REPLY_LOST)
        ts_die("the server is gone: %s", reply->text);
    return reply;
}

static void judge(struct syntax_source *source, const ts_reply *reply)
{
    const char *text = reply->text ? reply->text : "";
    (void)snprintf(source->message, sizeof source->message, "%s", text);
    if (reply->type != TS_REPLY_ERROR || strstr(text, "No functions registered"))
        source->verdict = SYNTAX_TAKEN;
    else if (strstr(text, "Error compiling"))
        source->verdict = SYNTAX_REFUSED;
    else
        source->verdict = SYNTAX_UNKNOWN;
}

void syntax_server_ask(struct syntax_server *s, struct syntax_source *sources, size_t count)
{
    ts_buffer out = {0};
    for (size_t i = 0; i < count; i++) {
        ts_buffer_print(&out, sources[i].library
                                  ? "*4\r\n$8\r\nFUNCTION\r\n$4\r\nLOAD\r\n$7\r\nREPLACE\r\n"
                                  : "*3\r\n$6\r\nSCRIPT\r\n$4\r\nLOAD\r\n");
        add_word(&out, sources[i].text, sources[i].size);
    }
    s->asked += count;
    bool forget = s->asked > FORGET_AFTER;
    if (forget) {
        ts_buffer_print(&out, "*3\r\n$6\r\nSCRIPT\r\n$5\r\nFLUSH\r\n$4\r\nSYNC\r\n");
        s->asked = 0;
    }
    if (!ts_conn_send(s->conn, ts_buffer_bytes(&out), ts_buffer_length(&out),
                      ts_deadline(PATIENCE_MS)))
        ts_die("the server does not listen");
    ts_buffer_free(&out);
    for (size_t i = 0; i < count + forget; i++) {
        ts_reply *reply = answer(s);
        if (i < count)
            judge(&sources[i], reply);
        ts_reply_free(reply);
    }
}

struct syntax_server *syntax_server_start(ts_server_kind kind)
{
    ts_server_options options = {.kind = kind};
    struct syntax_server *s = ts_alloc(sizeof *s);
    s->server = ts_server_start(&options);
    s->conn = s->server ? ts_truth_open(s->server) : NULL;
    if (!s->conn)
        ts_die("there is no server to ask");
    static const char behind_nul[] = SYNTAX_LIBRARY "\0$";
    struct syntax_source probes[] = {
        {.text = "return [[ [[ ]]", .size = 15},
        {.text = behind_nul, .size = sizeof behind_nul - 1, .library = true}};
    syntax_server_ask(s, probes, 2);
    s->refuses_nested = probes[0].verdict == SYNTAX_REFUSED;
    s->ends_at_nul = probes[1].verdict == SYNTAX_TAKEN;
    return s;
}

void syntax_server_free(struct syntax_server *s)
{
    ts_conn_close(s->conn);
    ts_server_free(s->server);
    free(s);
}

size_t syntax_server_reads(const struct syntax_server *s, const struct syntax_source *source)
{
    const char *nul = source->size ? memchr(source->text, 0, source->size) : NULL;
    return nul && source->library && s->ends_at_nul ? (size_t)(nul - source->text) : source->size;
}

bool syntax_server_refuses_nested(const struct syntax_server *s)
{
    return s->refuses_nested;
}
