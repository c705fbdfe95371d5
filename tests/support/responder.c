/* The default replies of the scripted server: enough for any client's handshake. */
#include "script.h"

static void add_hello(ts_responder_state *state, ts_buffer *reply)
{
    static const char fields[] = "$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n7.4.0\r\n";
    static const char rest[] =
        "$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n$7\r\nmodules\r\n*0\r\n";
    ts_buffer_print(reply, "%s%s", state->resp3 ? "%7\r\n" : "*14\r\n", fields);
    ts_buffer_print(reply, "$5\r\nproto\r\n:%d\r\n$2\r\nid\r\n:%d\r\n", state->resp3 ? 3 : 2,
                    state->connection + 1);
    ts_buffer_print(reply, "%s", rest);
}

static void answer_hello(ts_responder_state *state, const ts_request *request, bool resp2_only,
                         ts_buffer *reply)
{
    bool asks_for_3 = ts_request_is(request, 1, "3");
    bool known = request->count < 2 || asks_for_3 || ts_request_is(request, 1, "2");
    if (!known || (asks_for_3 && resp2_only)) {
        ts_buffer_print(reply, "-NOPROTO unsupported protocol version\r\n");
        return;
    }
    if (request->count >= 2)
        state->resp3 = asks_for_3;
    add_hello(state, reply);
}

static void answer_exec(ts_responder_state *state, ts_buffer *reply)
{
    if (!state->multi) {
        ts_buffer_print(reply, "-ERR EXEC without MULTI\r\n");
        return;
    }
    ts_buffer_print(reply, "*%d\r\n", state->queued);
    for (int i = 0; i < state->queued; i++)
        ts_buffer_print(reply, "+OK\r\n");
    state->multi = false;
}

void ts_default_reply(ts_responder_state *state, const ts_request *request, bool resp2_only,
                      ts_buffer *reply)
{
    if (ts_request_is(request, 0, "EXEC")) {
        answer_exec(state, reply);
    } else if (ts_request_is(request, 0, "DISCARD")) {
        ts_buffer_print(reply, state->multi ? "+OK\r\n" : "-ERR DISCARD without MULTI\r\n");
        state->multi = false;
    } else if (state->multi) {
        state->queued++;
        ts_buffer_print(reply, "+QUEUED\r\n");
    } else if (ts_request_is(request, 0, "MULTI")) {
        state->multi = true;
        state->queued = 0;
        ts_buffer_print(reply, "+OK\r\n");
    } else if (ts_request_is(request, 0, "HELLO")) {
        answer_hello(state, request, resp2_only, reply);
    } else if (ts_request_is(request, 0, "PING")) {
        ts_buffer_print(reply, "+PONG\r\n");
    } else if (ts_request_is(request, 0, "CLIENT") && ts_request_is(request, 1, "ID")) {
        ts_buffer_print(reply, ":%d\r\n", state->connection + 1);
    } else if (ts_request_is(request, 0, "CLIENT") && ts_request_is(request, 1, "GETNAME")) {
        ts_buffer_print(reply, state->resp3 ? "_\r\n" : "$-1\r\n");
    } else {
        ts_buffer_print(reply, "+OK\r\n");
    }
}
