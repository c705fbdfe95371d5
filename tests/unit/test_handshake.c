/* The handshake, answer by answer: what it sends, when it falls back, what it makes of refusals. */
#include "net/conn.h"
#include "net/handshake.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

/* What is said and answered, in turns. */
struct turn {
    const char *sends;   /* words, a space between, commands ended by ';' */
    const char *answers; /* raw */
};

struct scene {
    const char *name;
    struct greeting greeting;
    struct turn turns[4];
    enum handshake_state state;
    vouch_cause cause;
    bool permanent;
    uint32_t protocol;
    bool may_multi;
    const char *message; /* a part of it */
};

#define INFO    "CLIENT SETINFO LIB-NAME vouch;CLIENT SETINFO LIB-VER " VERSION ";"
#define PROBE   "MULTI;DISCARD;"
#define VERSION "0.1.0"
#define OK4     "+OK\r\n+OK\r\n+OK\r\n+OK\r\n"
#define HELLO   "%1\r\n$5\r\nproto\r\n:3\r\n"

static const struct scene scenes[] = {
    {"RESP3",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", HELLO}, {INFO PROBE, OK4}},
     HANDSHAKE_READY,
     0,
     false,
     3,
     true,
     ""},
    {"RESP3, everything",
     {3, "ann", "pw", "me", 4, true},
     {{"HELLO 3 AUTH ann pw;", HELLO},
      {"SELECT 4;CLIENT SETNAME me;" INFO PROBE, "+OK\r\n+OK\r\n" OK4}},
     HANDSHAKE_READY,
     0,
     false,
     3,
     true,
     ""},
    {"password alone is the default user's",
     {3, NULL, "pw", NULL, 0, false},
     {{"HELLO 3 AUTH default pw;", HELLO}, {INFO, "+OK\r\n+OK\r\n"}},
     HANDSHAKE_READY,
     0,
     false,
     3,
     true,
     ""},
    {"RESP2",
     {2, NULL, NULL, NULL, 0, true},
     {{INFO PROBE, OK4}},
     HANDSHAKE_READY,
     0,
     false,
     2,
     true,
     ""},
    {"RESP2 with user",
     {2, "ann", "pw", NULL, 0, true},
     {{"AUTH ann pw;", "+OK\r\n"}, {INFO PROBE, OK4}},
     HANDSHAKE_READY,
     0,
     false,
     2,
     true,
     ""},
    {"RESP2 with password",
     {2, NULL, "pw", NULL, 0, true},
     {{"AUTH pw;", "+OK\r\n"}, {INFO PROBE, OK4}},
     HANDSHAKE_READY,
     0,
     false,
     2,
     true,
     ""},
    {"falls back on NOPROTO",
     {3, NULL, "pw", NULL, 0, true},
     {{"HELLO 3 AUTH default pw;", "-NOPROTO unsupported protocol version\r\n"},
      {"AUTH pw;", "+OK\r\n"},
      {INFO PROBE, OK4}},
     HANDSHAKE_READY,
     0,
     false,
     2,
     true,
     ""},
    {"falls back where HELLO is denied",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", "-NOPERM this user has no permissions to run the 'hello' command\r\n"},
      {INFO PROBE, OK4}},
     HANDSHAKE_READY,
     0,
     false,
     2,
     true,
     ""},
    {"old servers know no SETINFO",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", HELLO},
      {INFO PROBE, "-ERR Unknown subcommand\r\n-ERR Unknown subcommand\r\n+OK\r\n+OK\r\n"}},
     HANDSHAKE_READY,
     0,
     false,
     3,
     true,
     ""},
    {"MULTI denied is found out",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", HELLO},
      {INFO PROBE, "+OK\r\n+OK\r\n-NOPERM no\r\n-ERR DISCARD without MULTI\r\n"}},
     HANDSHAKE_READY,
     0,
     false,
     3,
     false,
     ""},
    {"MULTI without DISCARD spoils the connection",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", HELLO}, {INFO PROBE, "+OK\r\n+OK\r\n+OK\r\n-NOPERM no\r\n"}},
     HANDSHAKE_NO_PROBE,
     0,
     false,
     3,
     true,
     ""},
    {"wrong password",
     {3, NULL, "pw", NULL, 0, true},
     {{"HELLO 3 AUTH default pw;", "-WRONGPASS invalid username-password pair\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_AUTH,
     true,
     3,
     true,
     "refused user or password: WRONGPASS"},
    {"wrong password, RESP2",
     {2, NULL, "pw", NULL, 0, true},
     {{"AUTH pw;", "-WRONGPASS invalid username-password pair\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_AUTH,
     true,
     2,
     true,
     "refused user or password"},
    {"password missing",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", "-NOAUTH HELLO must be called with the client already authenticated\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_AUTH,
     true,
     3,
     true,
     "wants a password"},
    {"password missing, RESP2",
     {2, NULL, NULL, NULL, 0, true},
     {{INFO PROBE, "-NOAUTH Authentication required.\r\n-NOAUTH x\r\n-NOAUTH x\r\n-NOAUTH x\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_AUTH,
     true,
     2,
     true,
     "wants a password"},
    {"password not wanted",
     {3, NULL, "pw", NULL, 0, true},
     {{"HELLO 3 AUTH default pw;", "-ERR Client sent AUTH, but no password is set\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_AUTH,
     true,
     3,
     true,
     "no password is set"},
    {"no such database",
     {3, NULL, NULL, NULL, 99, false},
     {{"HELLO 3;", HELLO}, {"SELECT 99;" INFO, "-ERR DB index is out of range\r\n+OK\r\n+OK\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_HANDSHAKE,
     true,
     3,
     true,
     "SELECT was refused: ERR DB index"},
    {"too many clients",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", "-ERR max number of clients reached\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_CONNECT,
     false,
     3,
     true,
     "no room for another client"},
    {"protected mode",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", "-DENIED Redis is running in protected mode\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_HANDSHAKE,
     true,
     3,
     true,
     "protected mode"},
    {"loading",
     {3, NULL, NULL, NULL, 1, false},
     {{"HELLO 3;", HELLO}, {"SELECT 1;" INFO, "-LOADING x\r\n+OK\r\n+OK\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_CONNECT,
     false,
     3,
     true,
     "not ready: LOADING"},
    {"a yes that is not Redis'",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", "+OK\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_PROTOCOL,
     false,
     3,
     true,
     "no Redis or Valkey"},
    {"AUTH answered with a number",
     {2, "ann", "pw", NULL, 0, true},
     {{"AUTH ann pw;", ":1\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_PROTOCOL,
     false,
     2,
     true,
     "no Redis or Valkey"},
    {"SELECT answered with a text",
     {2, NULL, NULL, NULL, 1, false},
     {{"SELECT 1;" INFO, "$2\r\nOK\r\n+OK\r\n+OK\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_PROTOCOL,
     false,
     2,
     true,
     "no Redis or Valkey"},
    {"HELLO refused for another reason",
     {3, NULL, NULL, NULL, 0, true},
     {{"HELLO 3;", "-ERR something else\r\n"}},
     HANDSHAKE_FAILED,
     VOUCH_CAUSE_HANDSHAKE,
     true,
     3,
     true,
     "HELLO was refused: ERR something"},
};

/* Turns RESP into words; all bytes of what is given. */
static void decode(const char *bytes, size_t n, char *out)
{
    const char *end = bytes + n;
    while (bytes < end) {
        int words = atoi(bytes + 1); /* NOLINT(cert-err34-c): our own encoding */
        bytes = strchr(bytes, '\n') + 1;
        for (int i = 0; i < words; i++) {
            int size = atoi(bytes + 1); /* NOLINT(cert-err34-c) */
            bytes = strchr(bytes, '\n') + 1;
            if (i)
                *out++ = ' ';
            memcpy(out, bytes, (size_t)size);
            out += size;
            bytes += size + 2;
        }
        *out++ = ';';
    }
    *out = 0;
}

/* What the connection puts out now, all of it handed over. */
static void say(struct conn *c, char *words)
{
    struct span spans[4];
    char bytes[1024] = "";
    size_t n = 0;
    while (conn_output(c, spans, 4) != 0) {
        memcpy(bytes + n, spans[0].bytes, spans[0].size);
        n += spans[0].size;
        conn_taken(c, spans[0].size);
        conn_handed(c, spans[0].size);
    }
    decode(bytes, n, words);
}

/* Answers come in pieces of `split` bytes. */
static void play(const struct scene *s, size_t split)
{
    struct conn c;
    struct handshake h;
    char words[1024];
    struct reader_limits limits = {1000, 100, 8};
    ck_assert(conn_init(&c, limits, 100, 1000));
    ck_assert(handshake_init(&h, &s->greeting));
    conn_offer(&c, &h.x);
    for (int i = 0; i < 4 && s->turns[i].sends; i++) {
        say(&c, words);
        ck_assert_msg(strcmp(words, s->turns[i].sends) == 0, "%s: sent %s, not %s", s->name, words,
                      s->turns[i].sends);
        ck_assert_int_eq(h.state, HANDSHAKE_RUNNING);
        const char *answers = s->turns[i].answers;
        for (size_t at = 0, n = strlen(answers); at < n; at += split)
            ck_assert(conn_received(&c, answers + at, n - at < split ? n - at : split));
        if (h.state == HANDSHAKE_RUNNING)
            conn_offer(&c, &h.x);
    }
    ck_assert_msg(h.state == s->state, "%s: state %d", s->name, (int)h.state);
    ck_assert_msg(h.cause == s->cause, "%s: cause %d", s->name, (int)h.cause);
    ck_assert_msg(h.permanent == s->permanent, "%s: permanent %d", s->name, h.permanent);
    ck_assert_msg(h.protocol == s->protocol, "%s: protocol %u", s->name, h.protocol);
    ck_assert_msg(h.may_multi == s->may_multi, "%s: may_multi", s->name);
    ck_assert_msg(strstr(h.message, s->message), "%s: \"%s\"", s->name, h.message);
    ck_assert_ptr_null(strstr(h.message, "pw"));
    conn_lost(&c, VOUCH_CAUSE_LOST);
    handshake_free(&h);
    conn_free(&c);
}

START_TEST(handshakes_go_as_servers_answer)
{
    play(&scenes[_i], 1000);
}
END_TEST

START_TEST(handshakes_take_answers_byte_by_byte)
{
    play(&scenes[_i], 1);
}
END_TEST

int main(void)
{
    int count = (int)(sizeof scenes / sizeof *scenes);
    Suite *suite = suite_create("handshake");
    TCase *c = tcase_create("all");
    tcase_add_loop_test(c, handshakes_go_as_servers_answer, 0, count);
    tcase_add_loop_test(c, handshakes_take_answers_byte_by_byte, 0, count);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_NOFORK);
}
